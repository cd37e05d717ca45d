#!/usr/bin/env python3
"""A second reader of vault files: written from docs/format.md alone, with the stock `age` for every decryption.

    reader.py VAULT IDENTITY [VAULT-ID]

prints what the vault holds as one JSON document. Needs python3-cryptography and age."""

import base64
import json
import sys

import fold
import lines
import spelling as sp
from keys import Keys
from order import Graph, heads, order
from records import decode_value
from spelling import Malformed


def main(path, identity, vault=None):
    with open(path, "rb") as file:
        found = lines.read(file.read())
    vault = vault or the_vault(found)
    keys = Keys(identity)
    keys.collect(found)
    for entry in found.entries.values():
        keys.open_body(entry, vault)
    in_order, waiting, strangers = order(vault, found.entries)
    graph = Graph(in_order)
    state = fold.Fold(vault, in_order, graph).run()
    owed, dead = fold.boxes(state, in_order)
    for box in dead & set(found.boxes):
        del found.boxes[box]  # never opened
    json.dump({
        "vault": vault,
        "org": state.org,
        "heads": heads(in_order),
        "members": [member(one) for one in state.members.values()],
        "projects": [place(id, it) for id, it in sorted(state.projects.items())],
        "environments": [place(id, it) | {"secrets": secrets(state, keys, found, id)}
                         for id, it in sorted(state.environments.items())],
        "groups": [{"id": id, **it, "members": sorted(it["members"])} for id, it in sorted(state.groups.items())],
        "grants": [[dict([to]), dict([on]), where, rights]
                   for (to, on, where), rights in sorted(state.grants.items())],
        "proposed": [proposal(one, keys, found, state) for _, one in sorted(state.proposed.items())],
        "refused": dict(sorted(state.refused.items())),
        "locked": sorted(state.locked),
        "waiting": dict(sorted(waiting.items())),
        "strangers": strangers,
        "bad_lines": found.bad,
        "missing_boxes": sorted(owed - set(found.boxes)),
        "newer": state.newer,
    }, sys.stdout, indent=1, sort_keys=True, ensure_ascii=False)
    print()


def the_vault(found):
    first = [e.id for e in found.entries.values() if not e.header["vault"] and not e.header["parents"]]
    if len(first) != 1:
        raise SystemExit(f"{len(first)} first entries: say which vault")
    return first[0]


def member(one):
    return {"id": one["id"], "name": one["name"], "kind": one["kind"], "expires": one["expires"], "key": one["key"],
            "recipient": one["recipient"], "status": "removed" if one["removed"] else "active",
            "depth": one["depth"], "identities": one["identities"],
            "roles": sorted([role, reach] for role, reach in one["roles"])}


def place(id, it):
    return {"id": id, "name": it["name"], "deleted": it["deleted"]}


def secrets(state, keys, found, environment):
    inside = [one for one in state.secrets.values() if one["environment"] == environment]
    shown = names([one for one in inside if not one["deleted"]])
    return [secret(one, shown.get(one["id"], one["name"]), keys, found)
            for one in sorted(inside, key=lambda one: one["id"])]


def names(live):
    """The first of one name has the bare name."""
    found = {}
    for one in sorted(live, key=lambda one: (one["by_grant"], one["created"]["time"], one["id"])):
        taken = one["name"] in found.values()
        found[one["id"]] = f"{one['name']}~{one['id'][:4]}" if taken else one["name"]
    return found


def secret(one, shown, keys, found):
    numbers = [version["number"] for version in one["versions"]]
    return {
        "id": one["id"], "name": one["name"], "shown_as": shown, "type": one["type"], "scope": one["scope"],
        "projects": sorted(one["projects"]), "rotate_days": one["rotate_days"], "etag": one["etag"],
        "conflict": len(one["heads"]) > 1, "created": one["created"], "updated": one["updated"],
        "deleted": one["deleted"], "note": one["note"],
        "versions": [{
            "number": version["number"], "label": label(version, numbers), "box": version["box"],
            "current": version["box"] == one["heads"][-1], "head": version["box"] in one["heads"],
            "restores": version["restores"], "author": version["author"], "time": version["time"],
            "entry": version["entry"], **value(version, one["id"], one["environment"], keys, found),
        } for version in one["versions"]]}


def label(version, numbers):
    same = numbers.count(version["number"]) > 1
    return f"{version['number']}~{sp.raw(version['box'])[:2].hex()}" if same else str(version["number"])


def value(version, secret, environment, keys, found):
    """The value, or why there is none."""
    box = found.boxes.get(version["box"])
    if box is None:
        return {"value": None, "why": "no box"}
    if not any(one in keys.paths for one in version["to"]):
        return {"value": None, "why": "no key"}
    try:
        plaintext = keys.open_any(box, version["to"])
        opened = decode_value(plaintext, secret, environment, version["number"])
    except Malformed as why:
        return {"value": None, "why": str(why)}
    return {"value": base64.b64encode(opened).decode()}


def proposal(one, keys, found, state):
    secret = state.secrets.get(one["secret"])
    where = secret["environment"] if secret else one.get("environment")
    shown = {key: one[key] for key in ("secret", "name", "number", "box", "author", "time", "entry")}
    return shown | value(one, one["secret"], where, keys, found)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
