"""Bodies and their records: section 7. Value labels: section 5."""

import json

import spelling as sp
from lines import check_card, each
from spelling import Malformed, need

BODY, VALUE, NESTED = 8 << 20, 1 << 20, 127
ROLES = ["viewer", "writer", "editor", "admin", "owner"]


def one_of(*words):
    def check(value):
        need(isinstance(value, str) and value in words)
    return check


def optional(check):
    def may_be_null(value):
        if value is not None:
            check(value)
    return may_be_null


def many(check):
    return lambda values: each(values, check)


def one_key(**choices):
    """An object with one of these keys."""
    def check(value):
        need(isinstance(value, dict) and len(value) == 1)
        (key, inner), = value.items()
        need(key in choices)
        choices[key](inner)
    return check


def kind(value):
    if isinstance(value, dict):
        need(list(value) == ["machine"] and isinstance(value["machine"], dict) and list(value["machine"]) == ["expires"])
        optional(sp.time)(value["machine"]["expires"])
    else:
        one_of("person", "provisional")(value)


def reach(value):
    if value != "org":
        one_key(environment=sp.an_id)(value)


def new_place(value):
    need(isinstance(value, dict) and sorted(value) == ["name", "nonce"])
    nonce(value["nonce"])
    sp.label(value["name"])


def nonce(value):
    sp.token(value, 16)


def text(value):
    need(isinstance(value, str))


def card(value):
    check_card(value, None)


ID, BOX, MEMBER = sp.an_id, sp.token, sp.token
GRANT = {"to": one_key(member=MEMBER, group=ID), "on": one_key(project=ID, secret=ID),
         "environment": ID, "rights": one_of("read", "read-write")}
ROLE = {"member": MEMBER, "role": one_of(*ROLES), "reach": reach}
IN_GROUP = {"group": ID, "member": MEMBER}
IN_PROJECTS = {"secret": ID, "projects": many(ID)}

RECORDS = {
    "found": {"org": sp.title, "card": card, "environments": many(new_place)},
    "admit": {"card": card, "kind": kind},
    "raise": ROLE, "lower": ROLE,
    "remove": {"member": MEMBER, "keep": many(MEMBER)},
    "change-key": {"member": MEMBER, "card": card},
    "card": {"card": card},
    "renew": {"member": MEMBER, "expires": optional(sp.time)},
    "create-group": {"nonce": nonce, "name": sp.title},
    "rename-group": {"group": ID, "name": sp.title},
    "delete-group": {"group": ID},
    "join-group": IN_GROUP, "leave-group": IN_GROUP,
    "grant": GRANT, "revoke": GRANT,
    "create-project": {"nonce": nonce, "name": sp.label},
    "rename-project": {"project": ID, "name": sp.label},
    "delete-project": {"project": ID},
    "create-environment": {"nonce": nonce, "name": sp.label},
    "rename-environment": {"environment": ID, "name": sp.label},
    "delete-environment": {"environment": ID},
    "ring": {"ring": ID, "name": sp.ring_name},
    "create": {"nonce": nonce, "name": sp.secret_name,
               "type": one_of("value", "kubernetes-secret", "external-secret"), "environment": ID,
               "scope": optional(ID), "projects": many(ID), "note": optional(BOX),
               "rotate_days": optional(sp.number), "box": BOX},
    "update": {"secret": ID, "number": sp.number, "box": BOX, "after": many(BOX),
               "restores": optional(sp.number), "assign": many(ID)},
    "reseal": {"secret": ID, "replaces": BOX, "box": BOX},
    "rename": {"secret": ID, "name": sp.secret_name},
    "note": {"secret": ID, "box": optional(BOX)},
    "rotation": {"secret": ID, "days": optional(sp.number)},
    "assign": IN_PROJECTS, "unassign": IN_PROJECTS,
    "delete": {"secret": ID, "boxes": many(BOX)},
    "resolve": {"secret": ID, "take": BOX, "after": many(BOX)},
    "drop": {"boxes": many(BOX)},
    "format": {"records": many(text)},
}


def decode_body(plaintext, vault):
    """The records; `vault` is what the cards in them are signed for."""
    need(len(plaintext) <= BODY and b"\n" in plaintext)
    line, padding = plaintext.split(b"\n", 1)
    need(not padding.strip(b"\0"))
    said = loads(line)
    need(sorted(said) == ["agent", "host", "records"])
    need(line == json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode(), "spelling")
    sp.short_text(said["agent"])
    sp.short_text(said["host"])
    records = [decode_record(record) for record in each(said["records"], lambda record: None)]
    for record in records:
        if not record.get("unknown") and "card" in record:
            changed = record["member"] if record["do"] == "change-key" else ""
            check_card(record["card"], vault, record["do"], changed)
    return records


def loads(line):
    def integer(digits):
        return float(digits) if digits.startswith("-") else int(digits)

    def constant(word):
        raise Malformed(word)
    twice = []

    def members(pairs):
        twice.append(len(pairs) != len(dict(pairs)))
        return dict(pairs)
    try:
        value = json.loads(line.decode(), parse_int=integer, parse_constant=constant, object_pairs_hook=members)
    except (ValueError, RecursionError):
        raise Malformed("JSON") from None
    need(isinstance(value, dict) and not twice[-1] and depth(value) <= NESTED)
    return value


def depth(value):
    """Of lists and objects in each other, without recursion."""
    deepest, level = 0, [value]
    while level:
        level = [v for v in level if isinstance(v, (dict, list))]
        deepest += bool(level)
        level = [inner for v in level for inner in (v.values() if isinstance(v, dict) else v)]
    return deepest


def decode_record(record):
    need(isinstance(record, dict) and isinstance(record.get("do"), str))
    members = RECORDS.get(record["do"])
    if members is None:
        return {"do": record["do"], "unknown": True}
    for key, check in members.items():
        need(key in record)
        check(record[key])
    need(len(record) == len(members) + 1)
    return record


def decode_value(plaintext, secret, environment, number):
    """The value, if it says that it is that of this version."""
    head, line, rest = plaintext[:256].partition(b"\n")
    need(line)
    rest = plaintext[len(head) + 1:]
    said = loads(head)
    length = said.pop("length", None)
    need(said == {"secret": secret, "environment": environment, "number": number}, "another's value")
    need(type(length) is int and length <= min(VALUE, len(rest)) and not rest[length:].strip(b"\0"))
    return rest[:length]
