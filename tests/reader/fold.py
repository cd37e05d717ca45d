"""The fold: sections 10, 12, 14 and 16."""

from dataclasses import dataclass, field

import effects
from policy import Judge, standing
from spelling import raw

OTHER = (2, 0)


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
    claimed: set = field(default_factory=set)  # boxes that any entry claimed as a value's or a note's
    key_boxes: set = field(default_factory=set)  # boxes that accepted entries, not knowing of such a claim, call keys
    stated: set = field(default_factory=set)  # recipients that any entry called generations
    generations: list = field(default_factory=list)
    held: dict = field(default_factory=dict)
    proposed: dict = field(default_factory=dict)  # by (secret, box, author)
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


@dataclass
class Judged:
    """What became of an entry: why it is refused, and what each of its records does."""
    why: str
    author: str
    standing: tuple
    beside: set
    effects: list
    keys: set = field(default_factory=set)


@dataclass
class Effect:
    idle: bool = False
    by_grant: bool = False
    takes: list = field(default_factory=list)


class Fold:
    def __init__(self, vault, in_order, graph):
        self.vault, self.in_order, self.graph = vault, in_order, graph
        self.applied, self.spent, self.barred = {}, set(), set()  # takings are (entry, index of record)

    def run(self):
        while True:
            state, judged = self.one_pass()
            if not self.settle_next(judged):
                return state

    def one_pass(self):
        state, judged = State(self.vault), {}
        for entry in self.in_order:
            beside = {taken for at, takes in self.applied.items() if self.graph.beside(at[0], entry.id)
                      for taken in takes}
            outcome = judge(self.view(entry, state, judged), entry, beside)
            if entry.id in self.barred:
                outcome.why, outcome.effects = "raised beside", []
            for index, effect in enumerate(outcome.effects):
                effect.takes = self.applied.get((entry.id, index), effect.takes)
            take_effect(state, entry, outcome)
            judged[entry.id] = outcome
        return state, judged

    def view(self, entry, running, judged):
        """The state of the entry's own past; the running one, if that is all there is."""
        past = self.graph.pasts[entry.id]
        if len(past) == len(judged):
            return running
        view = State(self.vault)
        for other in self.in_order:
            if other.id in past:
                take_effect(view, other, judged[other.id])
        return view

    def settle_next(self, judged):
        fallen = [at for at in self.applied if judged[at[0]].why]
        for at in fallen:
            del self.applied[at]
            self.spent.add(at)
        if fallen:
            return True
        raises = self.raises(judged)
        candidates = list(self.candidates(judged, raises))
        if not candidates:
            return False
        level = min(candidate[0] for candidate in candidates)
        now = [candidate for candidate in candidates if candidate[0] == level]
        if level[1] == 0 or level[0] == OTHER:  # own takings, and those of neither owners nor admins: one entry at a time
            first = self.first(now)[1][0]
            now = [candidate for candidate in now if candidate[1][0] == first]
        for candidate in now:
            self.settle(raises, *candidate)
        return True

    def first(self, candidates):
        entries = {other[1][0] for other in candidates}
        foremost = [c for c in candidates if not entries & self.graph.pasts[c[1][0]]]
        return min(foremost, key=lambda c: (raw(c[1][0]), c[1][1]))

    def candidates(self, judged, raises):
        for entry in self.in_order:
            outcome = judged[entry.id]
            if not self.graph.accompanied(entry.id):
                continue
            for index, (record, effect) in enumerate(zip(entry.known(), outcome.effects)):
                at = entry.id, index
                if effect.takes and at not in self.applied and at not in self.spent:
                    yield self.level(raises, entry, outcome, record), at, effect.takes

    def level(self, raises, entry, outcome, record):
        if not from_self(record, outcome.author):
            return outcome.standing, 1
        beside = [high for id, member, high in raises if member == outcome.author and self.graph.beside(id, entry.id)]
        return min([outcome.standing, *beside]), 0

    def settle(self, raises, level, at, takes):
        def too_high(taken):
            return level[1] == 1 and taken[0] in ("member", "role") and any(
                member == taken[1] and high <= level[0] and self.graph.beside(id, at[0]) for id, member, high in raises)
        if too_high(takes[0]):
            self.spent.add(at)
            self.barred.add(at[0])
        else:
            self.applied[at] = [taken for taken in takes if not too_high(taken)]

    def raises(self, judged):
        """(entry, member, standing) of every raise in effect that gives standing."""
        found = []
        for entry in self.in_order:
            outcome = judged[entry.id]
            for record, effect in zip(entry.known(), outcome.effects):
                if record["do"] == "raise" and record["role"] in ("owner", "admin") and not effect.idle:
                    high = below(outcome.standing) if record["role"] == "owner" else (1, 0)
                    found.append((entry.id, record["member"], high))
        return found


def below(high):
    return (0, high[1] + 1) if high[0] == 0 else high


def judge(view, entry, beside):
    why = verdict(view, entry, beside)
    author = view.member_with_key(entry.header["author"])
    keys = called_keys(entry.header) - view.claimed
    outcome = Judged(why, effects.author_of(view, entry), OTHER, beside, [], keys)
    if author is not None:
        judge = Judge(view, author, beside)
        outcome.standing = judge.standing()
        if why is None:
            known = entry.known()
            outcome.effects = [effect(judge, entry, record, known[:at]) for at, record in enumerate(known)]
    return outcome


def others_key(view, ring, recipient):
    rings = {g["ring"] for g in view.generations if g["recipient"] == recipient}
    return bool(rings - {ring}) or recipient in {came for _, came in view.keys.values()}


def called_keys(header):
    previous = {old["box"] for ring in header["rings"] for old in ring["previous"]}
    members = {claim["id"] for claim in header["boxes"] if not claim["to"]}
    return previous | members | {wrap["box"] for wrap in header["wraps"]}


def effect(judge, entry, record, before):
    idle = judge.is_idle(record, entry.header["author"], before)
    by_grant = record["do"] == "create" and not judge.role("writer", record["environment"])
    return Effect(idle, by_grant, [] if idle else taken_by(judge.state, judge.author, record))


def verdict(view, entry, beside):
    """None, or the class of the reason."""
    if entry.id == view.vault:
        if entry.records is None or entry.garbled:
            return "garbled" if entry.garbled else None
        first, *others = entry.known() or [{"do": None}]
        founds = first["do"] == "found" and first["card"]["key"] == entry.header["author"]
        return None if founds and all(record["do"] == "ring" for record in others) else "first entry"
    author = view.member_with_key(entry.header["author"])
    if author is None:
        return "not a member"
    if ("member", author["id"]) in beside or ("key", author["key"]) in beside:
        return "taken beside"
    if author["kind"] == "machine" and author["expires"] and entry.header["time"] > author["expires"]:
        return "expired"
    if entry.header["members"] not in view.stated | {new["recipient"] for new in entry.header["rings"]}:
        return "no generation"
    if entry.records is None or entry.garbled:
        return "garbled" if entry.garbled else None
    judge = Judge(view, author, beside)
    for record in entry.records:
        if record.get("unknown"):
            if record["do"] not in view.formats:
                return "unknown record"
        elif record["do"] == "update" and not 1 <= record["number"] <= view.entries:
            return "number"
        elif not judge.allows(record):
            return "not allowed"
    for new in entry.header["rings"]:
        ring = ring_of(view, entry, new)
        if ring is not None and (not judge.may_hold(ring) or others_key(view, ring, new["recipient"])):
            return "not allowed"
    return None


def take_effect(state, entry, outcome):
    state.entries += 1
    state.stated |= {new["recipient"] for new in entry.header["rings"]}
    state.claimed |= {claim["id"] for claim in entry.header["boxes"] if claim["to"]}
    if entry.records is None and outcome.why is None:
        state.locked.append(entry.id)
        return
    if outcome.why is None:
        for index, record in enumerate(entry.known()):
            does = outcome.effects[index] if index < len(outcome.effects) else Effect()
            effects.apply(state, entry, outcome, does, record)
        unknown = [record["do"] for record in entry.records if record.get("unknown")]
        state.newer = state.newer or next(iter(unknown), None)
        add_generations(state, entry)
        state.key_boxes |= outcome.keys
    else:
        effects.propose_all(state, entry, outcome.author)
        state.refused[entry.id] = outcome.why
    count_wraps(state, entry)


def from_self(record, author):
    if record["do"] == "revoke":
        return record["to"] == {"member": author}
    return record["do"] in ("remove", "change-key", "lower", "leave-group") and record["member"] == author


def taken_by(view, author, record):
    """Section 12, as tuples that the policy looks for."""
    do = record["do"]
    if do == "remove":
        return [("member", id) for id in removed_with(view, author, record)]
    if do == "change-key":
        member = view.members.get(record["member"])
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


def removed_with(view, author, record):
    own, gone = author["id"] == record["member"], [record["member"]]
    for ended in gone:  # grows
        for member in view.members.values():
            reached = standing(member) >= standing(author) if own else standing(member) > standing(author)
            kept = member["kind"] == "machine" and member["id"] in record["keep"]
            known = not member["removed"] and ended in member["seen_by"]
            if known and reached and not kept and member["id"] not in gone:
                gone.append(member["id"])
    return gone


def ring_of(state, entry, new):
    own = [record["name"] for record in entry.known() if record["do"] == "ring" and record["ring"] == new["ring"]]
    return state.ring_names.get(new["ring"], own[0] if own else None)


def add_generations(state, entry):
    maker = state.members[state.keys[entry.header["author"]][0]]["recipient"]
    for new in entry.header["rings"]:
        ring = ring_of(state, entry, new)
        earlier = {g["recipient"] for g in state.generations if g["ring"] == ring}
        if ring is None or new["recipient"] in earlier:
            continue
        previous = [old["recipient"] for old in new["previous"] if old["recipient"] in earlier]
        state.held.setdefault((ring, new["recipient"]), set()).add(maker)
        state.generations.append({"ring": ring, "recipient": new["recipient"], "previous": previous, "entry": entry.id})


def count_wraps(state, entry):
    owner = state.keys.get(entry.header["author"])
    if owner is None:
        return
    mine = held_by(state, owner[1]) | {(g["ring"], g["recipient"]) for g in state.generations if g["entry"] == entry.id}
    for wrap in entry.header["wraps"]:
        for given in mine:
            if given[1] in wrap["opens"]:
                state.held.setdefault(given, set()).add(wrap["to"])


def held_by(state, key):
    found, open_ones = set(), [r for r, to in state.held.items() if key in to]
    while open_ones:
        one = open_ones.pop()
        if one not in found:
            found.add(one)
            open_ones += [(one[0], p) for g in state.generations if (g["ring"], g["recipient"]) == one
                          for p in g["previous"]]
    return found


def boxes(state, in_order):
    """(owed, dead): section 16."""
    active = [member for member in state.members.values() if not member["removed"]]
    recipients = {member["recipient"] for member in active}
    member_boxes = {member["member_box"] for member in active}
    live = [secret for secret in state.secrets.values() if not secret["deleted"]]
    used = {box for _, box, _ in state.proposed} | {box for secret in live for box in effects.boxes_of(secret)}
    owed, living, named = set(), set(), set()
    lost = state.erased - state.key_boxes
    for entry in in_order:
        header = entry.header
        uses = [(claim["id"], claim["id"] in used or claim["id"] not in state.erased if claim["to"]
                 else claim["id"] in member_boxes - lost) for claim in header["boxes"]]
        uses += [(old["box"], old["box"] not in lost) for ring in header["rings"] for old in ring["previous"]]
        uses += [(wrap["box"], wrap["to"] in recipients and wrap["box"] not in lost) for wrap in header["wraps"]]
        named |= {box for box, _ in uses}
        living |= {box for box, lives in uses if lives}
        if entry.id not in state.refused:
            owed |= {box for box, lives in uses if lives}
    return owed, set() if state.locked else named - living
