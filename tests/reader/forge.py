#!/usr/bin/env python3
"""Writes vaults from docs/format.md alone, honest and not: what no command writes yet, or ever should.

    forge.py random SEED FOLDER       a random history of several people on several copies, merged
    forge.py NAME FOLDER              one of the scenarios at the end

Each leaves FOLDER/acme.vault and FOLDER/<person>.txt, an age identity."""

import base64
import json
import os
import random
import subprocess
import sys

import spelling as sp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat


def age(data, *recipients):
    arguments = [word for one in recipients for word in ("-r", one)]
    return subprocess.run(["age", *arguments], input=data, capture_output=True, check=True).stdout


class Key:
    """An age key pair."""

    def __init__(self):
        text = subprocess.run(["age-keygen"], capture_output=True, check=True).stdout.decode()
        self.secret = text.strip().split("\n")[-1]
        self.recipient = text.split("# public key: ")[1].split("\n")[0]


def bucket(used):
    if used <= 1024:
        return max(64, 1 << (used - 1).bit_length())
    step = 1 << used.bit_length() - 1 - 4
    return -(-used // step) * step


def ordered(value):
    """With the members of every object sorted, as bodies are spelled."""
    if isinstance(value, list):
        return [ordered(inner) for inner in value]
    return {key: ordered(value[key]) for key in sorted(value)} if isinstance(value, dict) else value


def padded(line, content=b""):
    data = sp.canonical(line).encode() + b"\n" + content
    return data + bytes(bucket(len(data)) - len(data))


class Person:
    """A member: identity on disk, member key, signing key."""

    def __init__(self, name, folder):
        self.name, self.identity, self.key = name, Key(), Key()
        self.signing = Ed25519PrivateKey.generate()
        with open(os.path.join(folder, f"{name}.txt"), "w") as file:
            file.write(self.identity.secret + "\n")

    @property
    def id(self):
        return sp.url64(self.signing.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    def sign(self, context, data):
        return sp.url64(self.signing.sign(context.encode() + data))

    def seed(self):
        return sp.url64(self.signing.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))

    def member_box(self):
        text = (f"# secrets member key of {self.name}\n# signing key: {self.seed()}\n"
                f"# recipient: {self.key.recipient}\n{self.key.secret}\n")
        return age(text.encode(), self.identity.recipient)

    def card(self, vault, box, verb="admit", member=""):
        card = {"name": self.name, "key": self.id, "recipient": self.key.recipient, "box": box,
                "identities": [self.identity.recipient]}
        signed = {"vault": vault, "for": verb, "member": member} | card
        return card | {"proof": self.sign("secrets-vault 1 card\n", sp.canonical(signed).encode())}


def nonce():
    return sp.url64(os.urandom(16))


def ring_keys(*pairs):
    return "".join(f"# ring {name}\n{key.secret}\n" for name, key in pairs).encode()


class Vault:
    """Lines, and what a writer must remember."""

    def __init__(self, folder):
        self.folder, self.lines, self.id, self.heads, self.clock = folder, ["secrets-vault 1"], "", [], 0
        self.rings = {}  # name → (ring id, newest key)

    def now(self):
        self.clock += 1
        return f"2026-11-20T08:{self.clock // 60 % 60:02}:{self.clock % 60:02}.000Z"

    def box(self, file):
        id = sp.url64(sp.sha(file))
        self.lines.append(f"box {id} {base64.b64encode(file).decode()}")
        return id

    def entry(self, author, records, parents=None, time=None, boxes=(), rings=(), wraps=(), members=None):
        members = members or self.rings["members"][1].recipient
        body = padded(ordered({"agent": "forge", "host": "ci", "records": records}))
        parents = self.heads if parents is None else parents
        header = sp.canonical({
            "v": 1, "vault": self.id, "time": time or self.now(), "parents": parents, "author": author.id,
            "members": members, "body": base64.b64encode(age(body, members)).decode(),
            "boxes": list(boxes), "rings": list(rings), "wraps": list(wraps)})
        self.lines.append(f"entry {author.sign('secrets-vault 1 entry' + chr(10), header.encode())} {header}")
        id = sp.url64(sp.sha(header.encode()))
        self.id = self.id or id
        self.heads = [head for head in self.heads if head not in parents] + [id]
        return id

    def found(self, founder, environments=("development", "staging", "production")):
        places = [{"nonce": nonce(), "name": name} for name in environments]
        self.environments = [sp.derived_id(founder.id, place["nonce"]) for place in places]
        member_box = self.box(founder.member_box())
        records = [{"do": "found", "org": "acme", "card": founder.card("", member_box, "found"), "environments": places}]
        rings, opens, pairs = [], [], []
        for name in ["members", "reads"] + [f"env/{id}" for id in self.environments]:
            ring, key = "".join(random.choices(sp.ALPHABET, k=20)), Key()
            self.rings[name] = (ring, key)
            records.append({"do": "ring", "ring": ring, "name": name})
            rings.append({"ring": ring, "recipient": key.recipient, "previous": []})
            opens.append(key.recipient)
            pairs.append((name, key))
        wrap = self.box(age(ring_keys(*pairs), founder.key.recipient))
        return self.entry(founder, records, boxes=[{"id": member_box, "to": []}], rings=rings,
                          wraps=[{"to": founder.key.recipient, "opens": opens, "box": wrap}])

    def wrap(self, to, *names):
        keys = [(name, self.rings[name][1]) for name in names]
        box = self.box(age(ring_keys(*keys), to.key.recipient))
        return {"to": to.key.recipient, "opens": [key.recipient for _, key in keys], "box": box}

    def admit(self, author, person, role=None, reach="org", rings=("members",), kind="person", **more):
        box = self.box(person.member_box())
        records = [{"do": "admit", "card": person.card(self.id, box), "kind": kind}]
        id = self.entry(author, records, boxes=[{"id": box, "to": []}], wraps=[self.wrap(person, *rings)], **more)
        if role:  # an entry of its own: a record about what its entry's past lacks does nothing
            id = self.entry(author, [{"do": "raise", "member": person.id, "role": role, "reach": reach}])
        return id

    def value(self, secret, environment, number, content):
        """A value box and its claim."""
        to = self.rings[f"env/{environment}"][1].recipient
        label = {"secret": secret, "environment": environment, "number": number, "length": len(content)}
        box = self.box(age(padded(label, content), to))
        return box, {"id": box, "to": [to]}

    def create(self, author, name, content, environment=None, projects=(), **more):
        environment, fresh = environment or self.environments[0], nonce()
        secret = sp.derived_id(author.id, fresh)
        box, claim = self.value(secret, environment, 1, content)
        self.entry(author, [{"do": "create", "nonce": fresh, "name": name, "type": "value", "environment": environment,
                             "scope": None, "projects": list(projects), "note": None, "rotate_days": None,
                             "box": box}], boxes=[claim], **more)
        return secret, box

    def update(self, author, secret, number, content, after, environment=None, **more):
        box, claim = self.value(secret, environment or self.environments[0], number, content)
        self.entry(author, [{"do": "update", "secret": secret, "number": number, "box": box, "after": list(after),
                             "restores": None, "assign": []}], boxes=[claim], **more)
        return box

    def save(self):
        with open(os.path.join(self.folder, "acme.vault"), "w") as file:
            file.write("\n".join(self.lines) + "\n")


ROLES = ["viewer", "writer", "editor", "admin", "owner"]


class History:
    """Several people on one graph: every entry's parents are a random part of what is there."""

    def __init__(self, seed, folder, entries=60):
        self.random = random.Random(seed)
        self.vault = Vault(folder)
        names = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan"]
        self.people = [Person(name, folder) for name in names]
        self.vault.found(self.people[0])
        self.members, self.secrets, self.boxes, self.graph = self.people[:1], [], [], [self.vault.id]
        self.groups, self.projects, self.proposals = [], [], []
        all_rings = list(self.vault.rings)
        for person in self.people[1:5]:
            role = self.random.choice(ROLES)
            self.graph.append(self.vault.admit(self.people[0], person, role, rings=all_rings))
            self.members.append(person)
        for _ in range(entries):
            self.one()
        self.random.shuffle(self.vault.lines)
        self.vault.save()

    def one(self):
        author, rng = self.random.choice(self.people), self.random
        parents = rng.sample(self.graph, min(len(self.graph), rng.choice([1, 1, 1, 2, 3])))
        if rng.random() < 0.6:
            parents = self.graph[-1:]
        before = list(self.vault.heads)
        time = None if rng.random() < 0.8 else f"20{rng.randrange(20, 40)}-01-01T00:00:00.000Z"
        claims = []
        records = [self.record(author, claims) for _ in range(rng.choice([1, 1, 1, 2, 3]))]
        id = self.vault.entry(author, records, parents=parents, time=time, boxes=claims, wraps=self.wraps(),
                              rings=self.rings())
        self.graph.append(id)
        self.vault.heads = before

    def wraps(self):
        if self.random.random() < 0.85:
            return []
        return [self.vault.wrap(self.random.choice(self.people), self.random.choice(list(self.vault.rings)))]

    def rings(self):
        if self.random.random() < 0.9:
            return []
        name = self.random.choice(list(self.vault.rings))
        ring, old = self.vault.rings[name]
        return [{"ring": ring, "recipient": Key().recipient,
                 "previous": [{"recipient": old.recipient, "box": self.any_box()}]}]

    def any_box(self):
        return self.random.choice(self.boxes) if self.boxes else sp.url64(os.urandom(32))

    def some(self, things):
        return self.random.sample(things, min(len(things), self.random.randrange(3)))

    def any(self, things):
        return self.random.choice(things) if things else "a" * 20

    def record(self, author, claims):
        rng, vault = self.random, self.vault
        member, environment = rng.choice(self.people).id, rng.choice(vault.environments)
        reach = rng.choice(["org", {"environment": environment}])
        grant = {"to": rng.choice([{"member": member}, {"group": self.any(self.groups)}]),
                 "on": rng.choice([{"project": self.any(self.projects)}, {"secret": self.any(self.secrets)}]),
                 "environment": environment, "rights": rng.choice(["read", "read-write"])}
        secret, fresh = self.any(self.secrets), nonce()
        derived = sp.derived_id(author.id, fresh)
        do = rng.choice(["create"] * 8 + ["update"] * 12 + ["admit", "raise", "grant"] * 2 + [
            "raise", "lower", "raise", "lower", "remove", "change-key", "card", "admit", "create-group", "delete-group",
            "join-group", "leave-group", "grant", "grant", "revoke", "create-project", "rename-project",
            "delete-project", "create-environment", "rename-environment", "delete-environment", "reseal", "rename",
            "note", "rotation", "assign", "unassign", "delete", "resolve", "drop", "format", "teleport", "renew"])
        record = {"do": do}
        if do == "create":
            self.secrets.append(derived)
            box = self.content(derived, environment, 1, claims)
            return record | {"nonce": fresh, "name": rng.choice(["DB_URL", "TOKEN", "KEY"]), "type": "value",
                             "environment": environment, "scope": None, "projects": self.some(self.projects),
                             "note": None, "rotate_days": rng.choice([None, 30]), "box": box}
        if do == "update":
            number = rng.randrange(1, 9)
            box = self.content(secret, environment, number, claims) if rng.random() < 0.9 else self.any_box()
            return record | {"secret": secret, "number": number, "box": box, "after": self.some(self.boxes),
                             "restores": rng.choice([None, None, 1]), "assign": self.some(self.projects)[:1]}
        if do in ("raise", "lower"):
            return record | {"member": member, "role": rng.choice(ROLES), "reach": reach}
        if do in ("remove", "renew"):
            keep = [person.id for person in self.some(self.people)]
            more = {"keep": keep} if do == "remove" else {"expires": rng.choice([None, "2030-01-01T00:00:00.000Z"])}
            return record | {"member": member} | more
        if do in ("change-key", "card", "admit"):
            person = author if do == "card" else rng.choice(self.people)
            card = person.card(vault.id, self.any_box(), do, member if do == "change-key" else "")
            machine = {"machine": {"expires": rng.choice([None, "2027-01-01T00:00:00.000Z"])}}
            more = {"member": member} if do == "change-key" else {}
            more = {"kind": rng.choice(["person", "provisional", machine])} if do == "admit" else more
            return record | {"card": card} | more
        if do == "create-group":
            self.groups.append(derived)
            return record | {"nonce": fresh, "name": "team"}
        if do in ("delete-group", "join-group", "leave-group"):
            return record | {"group": self.any(self.groups)} | ({"member": member} if do != "delete-group" else {})
        if do in ("grant", "revoke"):
            return record | grant
        what = do.split("-")[-1]
        if do.startswith("create-"):
            (self.projects if what == "project" else vault.environments[:0]).append(derived)
            return record | {"nonce": fresh, "name": "web"}
        if do in ("rename-project", "delete-project", "rename-environment", "delete-environment"):
            id = self.any(self.projects) if what == "project" else environment
            return record | {what: id} | ({"name": "other"} if do.startswith("rename") else {})
        if do in ("assign", "unassign"):
            return record | {"secret": secret, "projects": self.some(self.projects)}
        return record | {
            "reseal": {"secret": secret, "replaces": self.any_box(), "box": self.any_box()},
            "rename": {"secret": secret, "name": "RENAMED"},
            "note": {"secret": secret, "box": rng.choice([None, self.any_box()])},
            "rotation": {"secret": secret, "days": rng.choice([None, 7])},
            "delete": {"secret": secret, "boxes": self.some(self.boxes)},
            "resolve": {"secret": secret, "take": self.any_box(), "after": self.some(self.boxes)},
            "drop": {"boxes": self.some(self.boxes)},
            "format": {"records": rng.choice([[], ["teleport"]])},
            "teleport": {"far": 1},
        }[do]

    def content(self, secret, environment, number, claims):
        box, claim = self.vault.value(secret, environment, number, os.urandom(self.random.randrange(40)))
        claims.append(claim)
        self.boxes.append(box)
        return box


def attack_drop(folder):
    """A viewer proposes another's box and drops it."""
    vault, (alice, eve) = Vault(folder), people(folder, "alice", "eve")
    vault.found(alice)
    vault.admit(alice, eve, "viewer")
    _, box = vault.create(alice, "DB_URL", b"precious", vault.environments[2])
    nothing = "a" * 20
    vault.entry(eve, [{"do": "update", "secret": nothing, "number": 1, "box": box, "after": [], "restores": None,
                       "assign": []}])
    vault.entry(eve, [{"do": "drop", "boxes": [box]}])
    vault.save()


def attack_backdate(folder):
    """An admin removes, from an old branch and with an old clock, who became an owner since."""
    vault, (alice, bob, carol) = Vault(folder), people(folder, "alice", "bob", "carol")
    vault.found(alice)
    rings = list(vault.rings)
    vault.admit(alice, bob, "admin", rings=rings)
    old = vault.heads
    vault.admit(alice, carol, "owner", rings=rings)
    vault.create(carol, "DB_URL", b"the owner's")
    vault.entry(bob, [{"do": "remove", "member": carol.id, "keep": []}], parents=old, time="2020-01-01T00:00:00.000Z")
    vault.save()


def attack_lock(folder):
    """A removed member writes bodies that nobody can open; so does a present one, to no ring's key."""
    vault, (alice, eve, bob) = Vault(folder), people(folder, "alice", "eve", "bob")
    vault.found(alice)
    vault.admit(alice, eve, "viewer")
    vault.admit(alice, bob, "viewer")
    vault.entry(bob, [], members=Key().recipient)
    vault.entry(alice, [{"do": "remove", "member": eve.id, "keep": []}])
    vault.entry(eve, [], members=Key().recipient)
    vault.entry(eve, [], parents=[sp.url64(os.urandom(32))])
    vault.save()


def attack_flood(folder, records=1000):
    """A viewer lowers themselves a thousand times, beside something: each is a taking of its own."""
    vault, (alice, eve) = Vault(folder), people(folder, "alice", "eve")
    vault.found(alice)
    vault.admit(alice, eve, "viewer")
    for number in range(50):
        vault.create(alice, f"KEY_{number}", b"value")
    old = vault.heads
    vault.create(alice, "DB_URL", b"value")
    lowered = [{"do": "lower", "member": eve.id, "role": role, "reach": "org"} for role in ("writer", "viewer")]
    vault.entry(eve, lowered * (records // 2), parents=old)
    vault.save()


def attack_ring(folder):
    """A viewer makes a generation of the members ring that nobody else is given; then is removed."""
    vault, (alice, eve) = Vault(folder), people(folder, "alice", "eve")
    vault.found(alice)
    vault.admit(alice, eve, "viewer")
    ring, _ = vault.rings["members"]
    vault.entry(eve, [], rings=[{"ring": ring, "recipient": Key().recipient, "previous": []}])
    vault.save()


def attack_other_ring(folder):
    """An editor of development says that production's key is a generation of development."""
    vault, (alice, eve) = Vault(folder), people(folder, "alice", "eve")
    vault.found(alice)
    dev, prod = (f"env/{vault.environments[at]}" for at in (0, 2))
    vault.admit(alice, eve, "editor", {"environment": vault.environments[0]}, rings=("members", dev))
    vault.entry(eve, [], rings=[{"ring": vault.rings[dev][0], "recipient": vault.rings[prod][1].recipient,
                                 "previous": []}])
    vault.save()


def attack_keep(folder):
    """A viewer names another's value as an earlier ring key, so that a delete cannot erase it."""
    vault, (alice, eve) = Vault(folder), people(folder, "alice", "eve")
    vault.found(alice)
    vault.admit(alice, eve, "viewer")
    secret, box = vault.create(alice, "DB_URL", b"to be erased")
    vault.entry(eve, [], rings=[{"ring": "a" * 20, "recipient": Key().recipient,
                                 "previous": [{"recipient": Key().recipient, "box": box}]}])
    vault.entry(alice, [{"do": "delete", "secret": secret, "boxes": [box]}])
    vault.save()


def people(folder, *names):
    return [Person(name, folder) for name in names]


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        raise SystemExit(__doc__)
    os.makedirs(sys.argv[-1], exist_ok=True)
    if sys.argv[1] == "random":
        History(int(sys.argv[2]), sys.argv[-1])
    else:
        globals()["attack_" + sys.argv[1]](sys.argv[-1])
