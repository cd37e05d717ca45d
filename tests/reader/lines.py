"""From the bytes of a file to signed entries, boxes and bad lines: sections 1, 4, 5 and 6."""

from dataclasses import dataclass, field

import spelling as sp
from spelling import Malformed, need

LINE, REQUEST = 16 << 20, 4 << 10
MOST = {"parents": 1024, "boxes": 20_000, "rings": 10_000, "wraps": 20_000}
HEADER = ["v", "vault", "time", "parents", "author", "members", "body", "boxes", "rings", "wraps"]
CARD = ["name", "key", "recipient", "box", "identities", "proof"]


@dataclass
class Entry:
    id: str
    header: dict
    body: bytes
    records: list = None  # None: locked
    garbled: bool = False

    def known(self):
        return [record for record in self.records or [] if not record.get("unknown")]


@dataclass
class File:
    entries: dict = field(default_factory=dict)
    boxes: dict = field(default_factory=dict)
    requests: int = 0
    bad: list = field(default_factory=list)


def read(data):
    check_magic(data)
    found = File()
    for at, line in enumerate(data.split(b"\n")[:-1], 1):  # what follows the last LF is torn
        try:
            add(found, line)
        except Malformed as why:
            found.bad.append({"line": at, "why": str(why)})
    return found


def check_magic(data):
    versions = [line for line in data.split(b"\n") if line.startswith(b"secrets-vault ")]
    if not versions or versions[0] != b"secrets-vault 1":
        raise SystemExit("not a vault of format 1")


def add(found, line):
    need(len(line) <= LINE, "too long")
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise Malformed("not UTF-8") from None
    kind, *rest = text.split(" ", 2)
    if text == "secrets-vault 1":
        return
    need(kind in ("box", "entry", "request") and len(rest) == 2, "unknown line")
    if kind == "box":
        file = sp.file64(rest[1])
        need(sp.url64(sp.sha(file)) == sp.token(rest[0]), "wrong hash")
        found.boxes[rest[0]] = file
    elif kind == "entry":
        entry = read_entry(*rest)
        found.entries[entry.id] = entry
    else:
        check_request(*rest)
        found.requests += 1


def read_entry(signature, text):
    header = sp.canonical_object(text, HEADER)
    need(type(header["v"]) is int and header["v"] == 1)
    for part, most in MOST.items():
        need(isinstance(header[part], list) and len(header[part]) <= most, "over a limit")
    if header["vault"] != "":
        sp.token(header["vault"])
    sp.time(header["time"])
    sp.recipient(header["members"])
    for parent in header["parents"]:
        sp.token(parent)
    for claim in header["boxes"]:
        sp.token(sp.keys_of(claim, "id", "to")["id"])
        each(claim["to"], sp.recipient)
    for ring in header["rings"]:
        sp.an_id(sp.keys_of(ring, "ring", "recipient", "previous")["ring"])
        sp.recipient(ring["recipient"])
        for old in each(ring["previous"], lambda old: sp.keys_of(old, "recipient", "box")):
            sp.recipient(old["recipient"])
            sp.token(old["box"])
    for wrap in header["wraps"]:
        sp.recipient(sp.keys_of(wrap, "to", "opens", "box")["to"])
        each(wrap["opens"], sp.recipient)
        sp.token(wrap["box"])
    sp.verify(header["author"], "secrets-vault 1 entry\n", text.encode(), signature)
    return Entry(sp.url64(sp.sha(text.encode())), header, sp.file64(header["body"]))


def each(values, check):
    need(isinstance(values, list))
    for value in values:
        check(value)
    return values


def check_request(signature, text):
    need(len(text.encode()) <= REQUEST, "too long")
    request = sp.canonical_object(text, ["v", "vault", "time", "card", "file"])
    need(request["v"] == 1)
    sp.token(request["vault"])
    sp.time(request["time"])
    sp.file64(request["file"])
    sp.keys_of(request["card"], *CARD)
    check_card(request["card"], None)
    sp.verify(request["card"]["key"], "secrets-vault 1 request\n", text.encode(), signature)


def check_card(card, vault, verb="", member=""):
    """The shape of a card; with a vault's id (empty in the first entry) also its proof for that record."""
    need(isinstance(card, dict) and sorted(card) == sorted(CARD))
    sp.title(card["name"])
    sp.token(card["key"])
    sp.recipient(card["recipient"])
    sp.token(card["box"])
    need(len(each(card["identities"], lambda line: sp.short_text(line, 4096))) <= 32)
    need(isinstance(card["proof"], str))
    if vault is not None:
        signed = {"vault": vault, "for": verb, "member": member} | {key: card[key] for key in CARD[:-1]}
        sp.verify(card["key"], "secrets-vault 1 card\n", sp.canonical(signed).encode(), card["proof"])
