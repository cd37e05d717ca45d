"""The policy: section 11."""

from records import ROLES
from spelling import derived_id

ORG = "org"


def thing(object):
    """`{"member": …}` as a pair."""
    (key, value), = object.items()
    return key, value


def grant_of(record):
    return thing(record["to"]), thing(record["on"]), record["environment"]


def reach(record):
    """Owner and admin hold everywhere, whatever a record says."""
    everywhere = record["role"] in ("owner", "admin") or record["reach"] == ORG
    return ORG if everywhere else record["reach"]["environment"]


class Judge:
    def __init__(self, state, author, beside):
        self.state, self.author, self.beside = state, author, beside

    def has(self, role, reach):
        taken = ("role", self.author["id"], role, reach) in self.beside
        return (role, reach) in self.author["roles"] and not taken

    def standing(self):
        if self.author["depth"] is not None and self.has("owner", ORG):
            return 0, self.author["depth"]
        return (1, 0) if self.has("admin", ORG) else (2, 0)

    def owner(self):
        return self.standing()[0] == 0

    def admin(self):
        return self.standing()[0] <= 1

    def role(self, least, environment):
        enough = ROLES[ROLES.index(least):ROLES.index("admin")]
        return self.admin() or any(self.has(role, reach) for role in enough for reach in (ORG, environment))

    def grantees(self):
        id = self.author["id"]
        groups = [group for group, it in self.state.groups.items()
                  if not it["deleted"] and id in it["members"]
                  and not {("in group", group, id), ("in group", group, None)} & self.beside]
        return [("member", id)] + [("group", group) for group in groups]

    def granted(self, least, objects, environment):
        return any(self.grant_counts(least, (to, on, environment)) for to in self.grantees() for on in objects)

    def grant_counts(self, least, key):
        rights = self.state.grants.get(key)
        if rights is None or (least == "read-write" and rights == "read"):
            return False
        if takes_grant(self.beside, key, least):
            return False
        kind, id = key[1]
        place = self.state.projects.get(id)
        return kind != "project" or not (place and place["deleted"] or ("assigned", None, id) in self.beside)

    def objects(self, secret):
        return [("secret", secret["id"])] + [
            ("project", project) for project in secret["projects"]
            if not {("assigned", secret["id"], project), ("assigned", None, project)} & self.beside]

    def reveals(self, secret):
        where = secret["environment"]
        return self.role("editor", where) or self.granted("read", self.objects(secret), where)

    def writes(self, secret):
        where = secret["environment"]
        return self.role("writer", where) or self.granted("read-write", self.objects(secret), where)

    def takes(self, member):
        if member == self.author["id"]:
            return True
        target = self.state.members.get(member)
        return self.admin() and (target is None or self.standing() < standing(target))

    def creates(self, new):
        projects, where = new["projects"], new["environment"]
        granted = projects and all(self.granted("read-write", [("project", p)], where) for p in projects)
        return self.role("writer", where) or bool(granted)

    def updates(self, new, secret):
        return (self.writes(secret)
                and (not new["assign"] or self.role("writer", secret["environment"]))
                and (new["restores"] is None or self.reveals(secret)))

    def kind_of(self, member):
        return self.state.members.get(member, {}).get("kind")

    def changes_key(self, member):
        return member == self.author["id"] or self.kind_of(member) == "machine" and self.takes(member)

    def drops(self, boxes):
        return self.admin() or all(by == self.author["id"] for _, box, by in self.state.proposed if box in boxes)

    def is_idle(self, record, key, before=()):
        """Whether the record does nothing, because its past lacks what it is about or has it already."""
        do, state = record["do"], self.state
        active = self.active(record.get("member"))
        made = {derived_id(key, one["nonce"]) for one in before if "nonce" in one}
        here = active or any(one["do"] == "admit" and one["card"]["key"] == record.get("member") for one in before)
        if do == "admit":
            return record["card"]["key"] in state.keys
        if do == "raise":
            taken = ("role", record["member"], record["role"], reach(record)) in self.beside
            return taken or ("member", record["member"]) in self.beside or not here
        if do in ("remove", "renew"):
            return not here
        if do == "lower":
            held = record["role"], reach(record)
            raised = [(one["member"], one["role"], reach(one)) for one in before if one["do"] == "raise"]
            return not (active and held in active["roles"]) and (record["member"], *held) not in raised
        if do == "revoke":
            same = [one["rights"] for one in before if one["do"] == "grant" and grant_of(one) == grant_of(record)]
            given = [state.grants[grant_of(record)]] if grant_of(record) in state.grants else []
            return not any(rights >= record["rights"] for rights in given + same)  # "read" < "read-write"
        if do == "leave-group":
            inside = record["member"] in state.groups.get(record["group"], {}).get("members", ())
            joined = [(one["group"], one["member"]) for one in before if one["do"] == "join-group"]
            return not inside and (record["group"], record["member"]) not in joined
        if do == "change-key":
            return record["card"]["key"] in state.keys or active is None or ("key", active["key"]) in self.beside
        if do == "ring":
            return record["ring"] in state.ring_names
        if do == "create":
            return derived_id(key, record["nonce"]) in state.secrets
        for what, known in (("group", state.groups), ("secret", state.secrets)):
            if what in record:
                return record[what] not in known and record[what] not in made
        if do in ("rename-project", "delete-project"):
            return record["project"] not in state.projects and record["project"] not in made
        if do in ("rename-environment", "delete-environment"):
            return record["environment"] not in state.environments and record["environment"] not in made
        return False

    def active(self, id):
        member = self.state.members.get(id)
        return member if member and not member["removed"] else None

    def allows(self, record):
        do, author = record["do"], self.author
        secret = self.state.secrets.get(record.get("secret"))
        if do == "found":
            return False
        if do == "format":
            return self.owner()
        if do == "raise":
            machine = self.kind_of(record["member"]) == "machine"
            return not machine and (self.owner() if record["role"] == "owner" else self.admin())
        if do == "lower":
            return (record["role"] != "owner" or self.owner()) and self.takes(record["member"])
        if do == "remove":
            return self.takes(record["member"])
        if do == "change-key":
            return self.changes_key(record["member"])
        if do == "card":
            return record["card"]["key"] == author["key"]
        if do == "leave-group" and record["member"] == author["id"]:
            return True
        if do == "revoke" and record["to"] == {"member": author["id"]}:
            return True
        if do == "create":
            return self.creates(record)
        if do == "drop":
            return self.drops(record["boxes"])
        if do == "update":
            return secret is None or self.updates(record, secret)
        if do in ("resolve", "rename", "note", "rotation"):
            return secret is None or self.writes(secret)
        if do in ("reseal", "assign", "unassign"):
            return secret is None or self.role("editor", secret["environment"])
        return self.admin()  # everything else in the table

    def may_hold(self, ring):
        kind, *ids = ring.split("/")
        if kind == "members":
            return True
        if kind == "env":
            return self.role("editor", ids[0])
        if kind == "project":
            return self.admin() or self.granted("read", [("project", ids[0])], ids[1])
        secret = self.state.secrets.get(ids[0]) if kind == "secret" else None
        by_grant = secret and self.granted("read", [("secret", ids[0])], secret["environment"])
        return self.admin() or bool(by_grant)


def takes_grant(beside, key, rights):
    whole, writing = ("grant", *key, "read"), ("grant", *key, "read-write")
    return whole in beside or rights == "read-write" and writing in beside


def standing(member):
    """Of a member as the state has them: any reach counts, which for these roles is the org."""
    roles = {role for role, _ in member["roles"]}
    if member["depth"] is not None and "owner" in roles:
        return 0, member["depth"]
    return (1, 0) if "admin" in roles else (2, 0)
