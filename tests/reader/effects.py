"""What accepted records do, and proposed values: sections 13 and 15."""

import spelling as sp
from policy import ORG, Judge, takes_grant, thing

removed_with = None  # section 12's; set by fold.py, which imports this


def reach(record):
    return ORG if record["reach"] == ORG else record["reach"]["environment"]


def grant_key(record):
    return thing(record["to"]), thing(record["on"]), record["environment"]


def author_of(state, entry):
    key = entry.header["author"]
    return state.keys.get(key, (key, None))[0]


def apply(state, entry, beside, record):
    EFFECTS[record["do"]](Effect(state, entry, beside), record)


class Effect:
    def __init__(self, state, entry, beside):
        self.state, self.entry, self.beside = state, entry, beside
        self.author = author_of(state, entry)
        self.stamp = {"entry": entry.id, "author": self.author, "time": entry.header["time"]}

    def id(self, record):
        return sp.derived_id(self.entry.header["author"], record["nonce"])

    def active(self, id):
        member = self.state.members.get(id)
        ended = member is None or member["removed"] or ("member", id) in self.beside
        return None if ended else member

    def found(self, r):
        self.state.org = r["org"]
        self.admit({"card": r["card"], "kind": "person"})
        self.state.members[r["card"]["key"]].update(depth=0, roles={("owner", ORG)})
        for place in r["environments"]:
            self.state.environments[self.id(place)] = self.place(place)

    def place(self, r):
        return {"name": r["name"], "created": self.stamp, "deleted": False}

    def admit(self, r):
        card, kind = r["card"], r["kind"]
        if card["key"] in self.state.keys:
            return
        machine = isinstance(kind, dict)
        member = {"id": card["key"], "kind": "machine" if machine else kind, "roles": set(), "depth": None,
                  "expires": kind["machine"]["expires"] if machine else None, "removed": None,
                  "seen_by": set() if kind == "person" else {self.author}, "admitted": self.stamp}
        self.set_card(member, card)
        self.state.members[card["key"]] = member

    def set_card(self, member, card):
        member.update(name=card["name"], key=card["key"], recipient=card["recipient"],
                      member_box=card["box"], identities=card["identities"])
        self.state.keys.setdefault(card["key"], (member["id"], card["recipient"]))

    def raise_(self, r):
        member = self.active(r["member"])
        if member is None or ("role", r["member"], r["role"], reach(r)) in self.beside:
            return
        if r["role"] == "owner":
            below = self.state.members[self.author]["depth"] + 1
            is_owner = any(role == "owner" for role, _ in member["roles"])
            member["depth"] = min(below, member["depth"]) if is_owner else below
        member["roles"].add((r["role"], ORG if r["role"] in ("admin", "owner") else reach(r)))

    def lower(self, r):
        if r["member"] in self.state.members:
            self.state.members[r["member"]]["roles"].discard((r["role"], reach(r)))

    def remove(self, r):
        for id in removed_with(self.state, r):
            member = self.state.members.get(id)
            if member and not member["removed"]:
                member.update(removed=self.stamp, roles=set())

    def change_key(self, r):
        member = self.active(r["member"])
        if r["card"]["key"] in self.state.keys or member is None:
            return
        self.set_card(member, r["card"])
        if self.author == r["member"]:
            member["seen_by"] = set()
            member["kind"] = "person" if member["kind"] == "provisional" else member["kind"]
        else:
            member["seen_by"].add(self.author)

    def card(self, r):
        member = self.active(self.author)
        if member and member["recipient"] == r["card"]["recipient"]:
            self.set_card(member, r["card"])

    def renew(self, r):
        member = self.active(r["member"])
        if member and member["kind"] == "machine":
            member["expires"] = r["expires"]

    def create_group(self, r):
        self.state.groups.setdefault(self.id(r), {"name": r["name"], "members": set(), "deleted": False})

    def group(self, r):
        group = self.state.groups.get(r["group"])
        taken = {("in group", r["group"], r.get("member")), ("in group", r["group"], None)} & self.beside
        if group is None:
            return
        if r["do"] == "rename-group":
            group["name"] = r["name"]
        elif r["do"] == "delete-group":
            group["deleted"] = True
        elif r["do"] == "leave-group":
            group["members"].discard(r["member"])
        elif not taken:
            group["members"].add(r["member"])

    def grant(self, r):
        key = grant_key(r)
        if not takes_grant(self.beside, key, r["rights"]) and self.state.grants.get(key) != "read-write":
            self.state.grants[key] = r["rights"]

    def revoke(self, r):
        key = grant_key(r)
        if r["rights"] == "read":
            self.state.grants.pop(key, None)
        elif key in self.state.grants:
            self.state.grants[key] = "read"

    def places(self, r):
        what = r["do"].split("-")[1]
        places = self.state.projects if what == "project" else self.state.environments
        if r["do"].startswith("create"):
            places.setdefault(self.id(r), self.place(r))
        elif r[what] in places and r["do"].startswith("rename"):
            places[r[what]]["name"] = r["name"]
        elif r[what] in places:
            places[r[what]]["deleted"] = True

    def ring(self, r):
        self.state.ring_names.setdefault(r["ring"], r["name"])

    def format(self, r):
        self.state.formats |= set(r["records"])

    def version(self, number, box, restores=None):
        return {"number": number, "box": box, "to": claimed(self.entry, box), "restores": restores,
                "replaced": [], **self.stamp}

    def create(self, r):
        id = self.id(r)
        if id in self.state.secrets:
            return
        author = self.state.members.get(self.author)
        by_role = author is not None and Judge(self.state, author, set()).role("writer", r["environment"])
        self.state.secrets[id] = {
            "id": id, "name": r["name"], "type": r["type"], "environment": r["environment"], "scope": r["scope"],
            "projects": set(r["projects"]), "note": r["note"], "notes": {r["note"]} - {None},
            "rotate_days": r["rotate_days"], "versions": [self.version(1, r["box"])], "heads": [r["box"]],
            "by_grant": not by_role, "etag": self.etag(self.state.vault), "created": self.stamp,
            "updated": self.stamp, "deleted": None}

    def etag(self, before):
        return sp.url64(sp.sha(sp.raw(before), sp.raw(self.entry.id)))

    def touch(self, secret):
        secret.update(etag=self.etag(secret["etag"]), updated=self.stamp)

    def live(self, id):
        secret = self.state.secrets.get(id)
        return secret if secret and not secret["deleted"] else None

    def update(self, r):
        secret = self.live(r["secret"])
        version = self.version(r["number"], r["box"], r["restores"])
        if secret is None or has_version(secret, r["box"]):
            propose(self.state, r["secret"], None, version)
            return
        secret["heads"] = [head for head in secret["heads"] if head not in r["after"]] + [r["box"]]
        secret["versions"].append(version)
        secret["projects"] |= set(r["assign"])
        self.touch(secret)

    def reseal(self, r):
        secret = self.live(r["secret"])
        if secret is None or has_version(secret, r["box"]) or not has_version(secret, r["replaces"]):
            return
        version = has_version(secret, r["replaces"])
        version["replaced"].append(version["box"])
        version.update(box=r["box"], to=claimed(self.entry, r["box"]))
        secret["heads"] = [r["box"] if head == r["replaces"] else head for head in secret["heads"]]
        secret["etag"] = self.etag(secret["etag"])

    def change(self, r):
        secret = self.live(r["secret"])
        if secret is None:
            return
        do = r["do"]
        if do == "rename":
            secret["name"] = r["name"]
        elif do == "note":
            secret["note"] = r["box"]
            secret["notes"] |= {r["box"]} - {None}
        elif do == "rotation":
            secret["rotate_days"] = r["days"]
        elif do == "assign":
            secret["projects"] |= {p for p in r["projects"]
                                   if not {("assigned", r["secret"], p), ("assigned", None, p)} & self.beside}
        elif do == "unassign":
            secret["projects"] -= set(r["projects"])
        elif r["take"] in secret["heads"]:
            others = [head for head in secret["heads"] if head not in r["after"] and head != r["take"]]
            secret["heads"] = others + [r["take"]]
        self.touch(secret)

    def delete(self, r):
        secret = self.state.secrets.get(r["secret"])
        if secret is None:
            return
        own = {box for box, one in self.state.proposed.items() if one["secret"] == r["secret"]} | secret["notes"]
        for version in secret["versions"]:
            own |= {version["box"], *version["replaced"]}
        erased = own & set(r["boxes"])
        first = not secret["deleted"]
        secret["deleted"] = secret["deleted"] or self.stamp
        self.touch(secret)
        self.erase(erased)
        for version in secret["versions"]:
            if first and version["box"] not in erased:
                propose(self.state, secret["id"], secret["name"], version)

    def drop(self, r):
        self.erase({box for box in r["boxes"] if box in self.state.proposed})

    def erase(self, boxes):
        self.state.erased |= boxes
        for box in boxes:
            self.state.proposed.pop(box, None)


def has_version(secret, box):
    return next((version for version in secret["versions"] if version["box"] == box), None)


def claimed(entry, box):
    return next((claim["to"] for claim in entry.header["boxes"] if claim["id"] == box), [])


def propose(state, secret, name, version):
    box = version["box"]
    if box in state.proposed or box in state.erased:
        return
    known = state.secrets.get(secret)
    state.proposed[box] = {**version, "secret": secret, "name": name or (known["name"] if known else None)}


def propose_all(state, entry):
    """The values of a void entry."""
    stamp = {"entry": entry.id, "author": author_of(state, entry), "time": entry.header["time"]}
    for r in entry.known():
        if r["do"] == "create":
            id = sp.derived_id(entry.header["author"], r["nonce"])
            propose(state, id, r["name"], {"number": 1, "box": r["box"], "to": claimed(entry, r["box"]),
                                           "environment": r["environment"], **stamp})
        elif r["do"] == "update":
            propose(state, r["secret"], None, {"number": r["number"], "box": r["box"],
                                               "to": claimed(entry, r["box"]), **stamp})


E = Effect
EFFECTS = {
    "found": E.found, "admit": E.admit, "raise": E.raise_, "lower": E.lower, "remove": E.remove,
    "change-key": E.change_key, "card": E.card, "renew": E.renew, "create-group": E.create_group,
    "rename-group": E.group, "delete-group": E.group, "join-group": E.group, "leave-group": E.group,
    "grant": E.grant, "revoke": E.revoke, "create-project": E.places, "rename-project": E.places,
    "delete-project": E.places, "create-environment": E.places, "rename-environment": E.places,
    "delete-environment": E.places, "ring": E.ring, "create": E.create, "update": E.update, "reseal": E.reseal,
    "rename": E.change, "note": E.change, "rotation": E.change, "assign": E.change, "unassign": E.change,
    "resolve": E.change, "delete": E.delete, "drop": E.drop, "format": E.format,
}
