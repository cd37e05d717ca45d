"""Spellings and signatures: sections 2 and 3 of docs/format.md. Everything here raises Malformed or returns."""

import base64
import datetime
import hashlib
import json
import re
import unicodedata

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
P = 2**255 - 19
TOP_BIT = 2**255


class Malformed(Exception):
    """What is not spelled as the document says."""


def need(fact, why="malformed"):
    if not fact:
        raise Malformed(why)


def of_hex(text):
    return int.from_bytes(bytes.fromhex(text), "little")


SMALL_U = {0, 1, P - 1, P, P + 1,
           of_hex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
           of_hex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157")}
SMALL_Y = {0, 1, P - 1,
           of_hex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
           of_hex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")}


def url64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def token(text, size=32):
    """Base64url without padding, of so many bytes."""
    need(isinstance(text, str) and re.fullmatch(r"[A-Za-z0-9_-]*", text))
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise Malformed("base64url") from None
    need(len(data) == size and url64(data) == text)
    return text


def raw(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def file64(text):
    """Base64 with padding."""
    need(isinstance(text, str))
    try:
        data = base64.b64decode(text.encode(), validate=True)
    except ValueError:
        raise Malformed("base64") from None
    need(base64.b64encode(data).decode() == text)
    return data


def sha(*pieces):
    return hashlib.sha256(b"".join(pieces)).digest()


def checksum(values):
    c = 1
    for value in values:
        top = c >> 25
        c = (c & 0x1FFFFFF) << 5 ^ value
        for bit, polynomial in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            c ^= polynomial if top >> bit & 1 else 0
    return c


def recipient(text):
    """An age X25519 recipient, one spelling, not of low order."""
    need(isinstance(text, str) and re.fullmatch(f"age1[{BECH32}]{{58}}", text))
    fives = [BECH32.index(c) for c in text[4:]]
    prefix = [ord(c) >> 5 for c in "age"] + [0] + [ord(c) & 31 for c in "age"]
    need(checksum(prefix + fives) == 1)
    number = 0
    for five in fives[:-6]:
        number = number << 5 | five
    need(number & 0xF == 0)  # 52 × 5 bits hold 256 and four of padding
    point = int.from_bytes((number >> 4).to_bytes(32, "big"), "little")
    need(point < P and point not in SMALL_U)
    return text


def time(text):
    need(isinstance(text, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text, re.ASCII))
    # Python knows no year 0; like 2000 it is a leap year.
    year = text[:4] if text[:4] != "0000" else "2000"
    try:
        datetime.datetime.fromisoformat(year + text[4:-1])
    except ValueError:
        raise Malformed("time") from None
    return text


def an_id(text):
    need(isinstance(text, str) and len(text) == 20 and all(c in ALPHABET for c in text))
    return text


def derived_id(author, nonce):
    digest = sha(b"secrets-vault 1 id\n", raw(author), raw(nonce))
    return "".join(ALPHABET[byte & 31] for byte in digest[:20])


def short_text(text, limit=256):
    need(isinstance(text, str))
    try:
        need(len(text.encode()) <= limit)
    except UnicodeEncodeError:
        raise Malformed("lone surrogate") from None
    return text


def label(text):
    need(short_text(text) and re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", text))
    return text


def secret_name(text):
    if short_text(text) and re.fullmatch(r"[A-Z_][A-Z0-9_]*", text):
        return text
    return label(text)


UNSEEN = [(0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
          (0x200B, 0x200F), (0x2028, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
          (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF)]


def title(text):
    need(short_text(text) and text.strip() == text)
    need(not any(unicodedata.category(c) == "Cc" or any(a <= ord(c) <= b for a, b in UNSEEN) for c in text))
    return text


def ring_name(text):
    need(isinstance(text, str))
    kind, *ids = text.split("/")
    need(len(ids) == {"members": 0, "reads": 0, "env": 1, "project": 2, "secret": 1}.get(kind))
    for one in ids:
        an_id(one)
    return text


def number(value):
    need(type(value) is int and 0 <= value < 2**32)
    return value


def canonical(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def canonical_object(text, keys):
    """JSON with exactly these keys in this order, in its one spelling."""
    try:
        value = json.loads(text)
        need(isinstance(value, dict) and list(value) == keys and canonical(value) == text, "not canonical")
    except (ValueError, RecursionError):
        raise Malformed("JSON") from None
    return value


def keys_of(value, *keys):
    need(isinstance(value, dict) and list(value) == list(keys))
    return value


def verify(key, context, data, signature):
    """Strict: OpenSSL checks S and the encoding of R without a cofactor; canonical and small points are ours."""
    y = int.from_bytes(raw(token(key)), "little") % TOP_BIT
    r = int.from_bytes(raw(token(signature, 64))[:32], "little") % TOP_BIT
    need(y < P and y not in SMALL_Y and r not in SMALL_Y, "weak key or signature")
    try:
        Ed25519PublicKey.from_public_bytes(raw(key)).verify(raw(signature), context.encode() + data)
    except (InvalidSignature, ValueError):
        raise Malformed("signature") from None
