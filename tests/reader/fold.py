"""The fold: sections 10, 12, 14 and 16."""

from dataclasses import dataclass, field

import effects
from policy import Judge


@dataclass
class State:
    vault: str
    org: str = None
    members: dict = field(default_factory=dict)
    keys: dict = field(default_factory=dict)  # signing key → (member, recipient)
    groups: dict = field(default_factory=dict)
    projects: dict = field(default_factory=dict)
    environments: dict = field(default_factory=dict)
    grants: dict = field(default_factory=dict)  # (to, on, environment) → rights
    secrets: dict = field(default_factory=dict)
    ring_names: dict = field(default_factory=dict)
    generations: list = field(default_factory=list)
    held: dict = field(default_factory=dict)
    proposed: dict = field(default_factory=dict)  # by box
    erased: set = field(default_factory=set)
    formats: set = field(default_factory=set)
    newer: str = None
    refused: dict = field(default_factory=dict)  # entry → class of reason
    locked: list = field(default_factory=list)
    entries: int = 0

    def member_with_key(self, key):
        owner = self.keys.get(key)
        member = self.members[owner[0]] if owner else None
        return member if member and not member["removed"] and member["key"] == key else None


def fold(vault, in_order, graph):
    applied = []
    accompanied = {e.id for e in in_order if any(graph.beside(e.id, other.id) for other in in_order)}
    while True:
        state, takings = one_pass(vault, in_order, graph, applied)
        done = {(t["place"], t["record"]) for t in applied}
        new = [t for t in takings if (t["place"], t["record"]) not in done and t["entry"] in accompanied]
        if not new:
            return state
        applied.append(min(new, key=lambda t: (t["standing"], 0 if t["own"] else 1, t["place"], t["record"])))


def one_pass(vault, in_order, graph, applied):
    state, takings = State(vault), []
    for place, entry in enumerate(in_order):
        beside = {taken for t in applied if graph.beside(t["entry"], entry.id) for taken in t["takes"]}
        step(state, entry, beside, place, takings)
    return state, takings


def step(state, entry, beside, place, takings):
    state.entries += 1
    if entry.records is None:
        state.locked.append(entry.id)
        return
    why = judge(state, entry, beside)
    if why is None:
        takings += takings_of(state, entry, beside, place)
        for record in entry.known():
            effects.apply(state, entry, beside, record)
        unknown = [record["do"] for record in entry.records if record.get("unknown")]
        state.newer = state.newer or next(iter(unknown), None)
        add_generations(state, entry)
    else:
        effects.propose_all(state, entry)
        state.refused[entry.id] = why
    count_wraps(state, entry)


def judge(state, entry, beside):
    """None, or the class of the reason."""
    if entry.garbled:
        return "garbled"
    if entry.id == state.vault:
        first, *others = entry.known() or [{"do": None}]
        founds = first["do"] == "found" and first["card"]["key"] == entry.header["author"]
        return None if founds and all(record["do"] == "ring" for record in others) else "first entry"
    author = state.member_with_key(entry.header["author"])
    if author is None:
        return "not a member"
    if ("member", author["id"]) in beside or ("key", author["key"]) in beside:
        return "taken beside"
    if author["kind"] == "machine" and author["expires"] and entry.header["time"] > author["expires"]:
        return "expired"
    judge = Judge(state, author, beside)
    for record in entry.records:
        if record.get("unknown"):
            if record["do"] not in state.formats:
                return "unknown record"
        elif record["do"] == "update" and record["number"] > state.entries:
            return "number"
        elif not judge.allows(record):
            return "not allowed"
    for new in entry.header["rings"]:
        ring = ring_of(state, entry, new)
        if ring is not None and not judge.may_hold(ring):
            return "not allowed"
    return None


def takings_of(state, entry, beside, place):
    author = state.member_with_key(entry.header["author"])
    if author is None:
        return []
    standing, found = Judge(state, author, beside).standing(), []
    for at, record in enumerate(entry.known()):
        own = record["do"] in ("remove", "change-key", "lower", "leave-group") and record["member"] == author["id"]
        takes = taken_by(state, record)
        if takes:
            found.append({"entry": entry.id, "place": place, "record": at, "takes": takes,
                          "own": own, "standing": standing})
    return found


def taken_by(state, record):
    """Section 12, as tuples that the policy looks for."""
    do = record["do"]
    if do == "remove":
        return [("member", id) for id in removed_with(state, record)]
    if do == "change-key":
        member = state.members.get(record["member"])
        return [("key", member["key"])] if member else []
    if do == "lower":
        return [("role", record["member"], record["role"], effects.reach(record))]
    if do == "revoke":
        return [("grant", *effects.grant_key(record), record["rights"])]
    if do == "leave-group":
        return [("in group", record["group"], record["member"])]
    if do == "delete-group":
        return [("in group", record["group"], None)]
    if do == "unassign":
        return [("assigned", record["secret"], project) for project in record["projects"]]
    if do == "delete-project":
        return [("assigned", None, record["project"])]
    return []


def removed_with(state, record):
    gone = [record["member"]]
    for member in state.members.values():
        kept = member["kind"] == "machine" and member["id"] in record["keep"]
        if not member["removed"] and record["member"] in member["seen_by"] and not kept:
            gone.append(member["id"])
    return gone


effects.removed_with = removed_with


def ring_of(state, entry, new):
    own = [record["name"] for record in entry.known() if record["do"] == "ring" and record["ring"] == new["ring"]]
    return state.ring_names.get(new["ring"], own[0] if own else None)


def add_generations(state, entry):
    _, maker = state.keys[entry.header["author"]]
    for new in entry.header["rings"]:
        ring = ring_of(state, entry, new)
        earlier = {g["recipient"] for g in state.generations if g["ring"] == ring}
        if ring is None or new["recipient"] in earlier:
            continue
        previous = [old["recipient"] for old in new["previous"] if old["recipient"] in earlier]
        state.held.setdefault(new["recipient"], set()).add(maker)
        state.generations.append({"ring": ring, "recipient": new["recipient"], "previous": previous})


def count_wraps(state, entry):
    owner = state.keys.get(entry.header["author"])
    if owner is None:
        return
    mine = held_by(state, owner[1])
    for wrap in entry.header["wraps"]:
        for recipient in wrap["opens"]:
            if recipient in mine:
                state.held.setdefault(recipient, set()).add(wrap["to"])


def held_by(state, key):
    found, open_ones = set(), [r for r, to in state.held.items() if key in to]
    while open_ones:
        recipient = open_ones.pop()
        if recipient not in found:
            found.add(recipient)
            open_ones += [p for g in state.generations if g["recipient"] == recipient for p in g["previous"]]
    return found


def missing_boxes(state, in_order, present):
    """Owed boxes that are not there."""
    active = [member for member in state.members.values() if not member["removed"]]
    recipients = {member["recipient"] for member in active}
    member_boxes = {member["member_box"] for member in active}
    owed = set()
    for entry in in_order:
        header = entry.header
        living = [claim["id"] for claim in header["boxes"]
                  if (claim["id"] not in state.erased if claim["to"] else claim["id"] in member_boxes)]
        living += [old["box"] for ring in header["rings"] for old in ring["previous"]]
        living += [wrap["box"] for wrap in header["wraps"] if wrap["to"] in recipients]
        if entry.id not in state.refused:
            owed |= set(living)
    return sorted(owed - set(present))
