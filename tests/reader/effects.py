"""What accepted records do, and proposed values: sections 13 and 15."""

import spelling as sp
from policy import ORG, reach, takes_grant, thing


def grant_key(record):
    return thing(record["to"]), thing(record["on"]), record["environment"]


def author_of(state, entry):
    key = entry.header["author"]
    return state.keys.get(key, (key, None))[0]


def apply(state, entry, outcome, does, record):
    effect = Effect(state, entry, outcome, does)
    if does.idle:
        effect.keep_value(record)
    else:
        EFFECTS[record["do"]](effect, record)


class Effect:
    def __init__(self, state, entry, outcome, does):
        self.state, self.entry, self.does = state, entry, does
        self.author, self.standing, self.beside = outcome.author, outcome.standing, outcome.beside
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
        machine = isinstance(kind, dict)
        known = self.state.members.get(card["key"])
        if known:  # two admissions beside each other: what says less against the key counts
            kinds = [(known["kind"], known["expires"]), ("machine", kind["machine"]["expires"]) if machine else (kind, None)]
            known["kind"], known["expires"] = min(kinds, key=lambda k: (KINDS.index(k[0]), k[1] or ""))
            known["seen_by"] = set() if known["kind"] == "person" else known["seen_by"] | {self.author}
        if card["key"] in self.state.keys:
            return
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
        if member is None:
            return
        if r["role"] == "owner":
            below = self.standing[1] + 1
            is_owner = any(role == "owner" for role, _ in member["roles"])
            member["depth"] = min(below, member["depth"]) if is_owner else below
        member["roles"].add((r["role"], reach(r)))

    def lower(self, r):
        if r["member"] in self.state.members:
            self.state.members[r["member"]]["roles"].discard((r["role"], reach(r)))

    def remove(self, r):
        for _, id in self.does.takes:
            member = self.state.members.get(id)
            if member and not member["removed"]:
                member.update(removed=self.stamp, roles=set())
        for id in r["keep"]:
            if self.state.members.get(id, {}).get("kind") == "machine":
                self.state.members[id]["seen_by"] -= {r["member"], *(ended for _, ended in self.does.takes)}

    def change_key(self, r):
        member = self.active(r["member"])
        if r["card"]["key"] in self.state.keys or member is None:
            return
        self.set_card(member, r["card"])
        member["seen_by"] = set() if self.author == r["member"] else {self.author}
        if self.author == r["member"] and member["kind"] == "provisional":
            member["kind"] = "person"

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
        wanted = ["read-write", "read"] if r["rights"] == "read-write" else ["read"]
        given = [rights for rights in wanted if not takes_grant(self.beside, key, rights)][:1]
        if given and self.state.grants.get(key) != "read-write":
            self.state.grants[key] = given[0]

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
            if self.does.idle:
                propose(self.state, id, r["name"], self.version(1, r["box"]))
            else:
                self.create_beside(self.state.secrets[id], r)
            return
        self.state.secrets[id] = {
            "id": id, "name": r["name"], "type": r["type"], "environment": r["environment"], "scope": r["scope"],
            "projects": self.assigned({"secret": id}, r["projects"]), "note": r["note"], "notes": {r["note"]} - {None},
            "rotate_days": r["rotate_days"], "versions": [self.version(1, r["box"])], "heads": [r["box"]],
            "by_grant": self.does.by_grant, "etag": self.etag(self.state.vault), "created": self.stamp,
            "updated": self.stamp, "deleted": None, "erased": set()}

    def create_beside(self, secret, r):
        """The same nonce twice."""
        if sp.raw(self.entry.id) < sp.raw(secret["created"]["entry"]):
            secret.update(environment=r["environment"], created=self.stamp)
        secret["projects"] |= self.assigned({"secret": secret["id"]}, r["projects"])
        if secret["deleted"]:
            propose(self.state, secret["id"], r["name"], self.version(1, r["box"]))
        elif not has_version(secret, r["box"]):
            secret["heads"].append(r["box"])
            secret["versions"].append(self.version(1, r["box"]))

    def keep_value(self, r):
        """An idle record's value."""
        if r["do"] == "create":
            self.create(r)
        elif r["do"] == "update":
            propose(self.state, r["secret"], None, self.version(r["number"], r["box"]))

    def assigned(self, r, projects):
        return {p for p in projects if not {("assigned", r["secret"], p), ("assigned", None, p)} & self.beside}

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
        if secret is None:
            propose(self.state, r["secret"], None, version)
        elif not has_version(secret, r["box"]):
            comes_after(secret, r["after"])
            secret["heads"].append(r["box"])
            secret["versions"].append(version)
            secret["projects"] |= self.assigned(r, r["assign"])
            self.touch(secret)

    def reseal(self, r):
        secret = self.state.secrets.get(r["secret"])
        if secret is None or has_version(secret, r["box"]) or not has_version(secret, r["replaces"]):
            return
        version = has_version(secret, r["replaces"])
        if secret["deleted"]:
            self.state.erased |= {r["box"]} if set(boxes_of_version(version)) & self.state.erased else set()
            return
        before = version["box"]
        version["replaced"].append(before)
        version.update(box=r["box"], to=claimed(self.entry, r["box"]))
        secret["heads"] = [r["box"] if head == before else head for head in secret["heads"]]
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
            secret["projects"] |= self.assigned(r, r["projects"])
        elif do == "unassign":
            secret["projects"] -= set(r["projects"])
        elif do == "resolve":
            taken = (has_version(secret, r["take"]) or {}).get("box")
            if taken in secret["heads"]:
                comes_after(secret, r["after"])
                secret["heads"] = [head for head in secret["heads"] if head != taken] + [taken]
        self.touch(secret)

    def delete(self, r):
        secret, listed = self.state.secrets.get(r["secret"]), set(r["boxes"])
        if secret is None:
            return
        known = [version for version in secret["versions"] if listed & set(boxes_of_version(version))]
        erased = {box for version in known for box in boxes_of_version(version)} | secret["notes"] & listed
        erased |= {box for id, box, _ in self.state.proposed if id == secret["id"] and box in listed}
        unknown = [version for version in secret["versions"] if not secret["deleted"] and version not in known]
        secret["deleted"] = secret["deleted"] or self.stamp
        secret["erased"] |= erased
        self.touch(secret)
        for key in [key for key in self.state.proposed if key[0] == secret["id"] and key[1] in erased]:
            del self.state.proposed[key]
        self.state.erased |= erased
        for version in unknown:
            propose(self.state, secret["id"], secret["name"], version)

    def drop(self, r):
        for key in list(self.state.proposed):
            if key[1] in r["boxes"] and (self.standing[0] <= 1 or key[2] == self.author):
                del self.state.proposed[key]
                self.state.erased.add(key[1])


def boxes_of_version(version):
    return [version["box"], *version["replaced"]]


def boxes_of(secret):
    return {box for version in secret["versions"] for box in boxes_of_version(version)} | secret["notes"]


def has_version(secret, box):
    """The version that a box holds or, before a reseal, held."""
    return next((version for version in secret["versions"] if box in boxes_of_version(version)), None)


def comes_after(secret, after):
    passed = {version["box"] for version in secret["versions"] if set(boxes_of_version(version)) & set(after)}
    secret["heads"] = [head for head in secret["heads"] if head not in passed]


def claimed(entry, box):
    return next((claim["to"] for claim in entry.header["boxes"] if claim["id"] == box), [])


def propose(state, secret, name, version):
    key, known = (secret, version["box"], version["author"]), state.secrets.get(secret)
    if key in state.proposed or known and version["box"] in known["erased"]:
        return
    state.proposed[key] = {**version, "secret": secret, "name": name or (known["name"] if known else None)}


def propose_all(state, entry, author):
    """The values of a void entry."""
    stamp = {"entry": entry.id, "author": author, "time": entry.header["time"]}
    for r in entry.known():
        if r["do"] == "create":
            id = sp.derived_id(entry.header["author"], r["nonce"])
            propose(state, id, r["name"], {"number": 1, "box": r["box"], "to": claimed(entry, r["box"]),
                                           "environment": r["environment"], **stamp})
        elif r["do"] == "update":
            propose(state, r["secret"], None, {"number": r["number"], "box": r["box"],
                                               "to": claimed(entry, r["box"]), **stamp})


KINDS = ["person", "provisional", "machine"]
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
