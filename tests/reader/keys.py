"""Keys and opening: section 8. Every decryption is the stock `age` program's."""

import os
import re
import subprocess
import tempfile

import records
from spelling import Malformed, need

STANZAS = 64


class Keys:
    def __init__(self, identity):
        self.folder = tempfile.TemporaryDirectory()
        self.identity = identity
        self.paths = {}  # recipient → file that holds its key
        self.members = []  # recipients of mine

    def open(self, box, path):
        """What the box holds, or Malformed: not sealed to this key, or damaged."""
        need(box is not None and box.startswith(b"age-encryption.org/v1\n"))
        header = box[: box.find(b"\n--- ") + 1]
        need(header and header.count(b"\n-> ") <= STANZAS)
        opened = subprocess.run(["age", "--decrypt", "--identity", path], input=box, capture_output=True)
        need(opened.returncode == 0, "does not open")
        return opened.stdout

    def open_any(self, box, recipients):
        for one in recipients:
            if one in self.paths:
                return self.open(box, self.paths[one])
        raise Malformed("no key")

    def keep(self, secret):
        """Writes the key where age can read it; the recipient by age-keygen."""
        asked = subprocess.run(["age-keygen", "-y"], input=secret.encode(), capture_output=True)
        need(asked.returncode == 0)
        recipient = asked.stdout.decode().strip()
        path = os.path.join(self.folder.name, recipient)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(secret + "\n")
        return recipient, path

    def collect(self, file):
        headers = [entry.header for entry in file.entries.values()]
        boxes = file.boxes
        for claim in (claim for header in headers for claim in header["boxes"] if not claim["to"]):
            try:
                stated, secret = member_key(self.open(boxes.get(claim["id"]), self.identity))
                recipient, path = self.keep(secret)
                need(recipient == stated)
            except Malformed:
                continue
            self.members.append((recipient, path))
        for recipient, path in dict(self.members).items():
            for wrap in (wrap for header in headers for wrap in header["wraps"] if wrap["to"] == recipient):
                self.add(boxes.get(wrap["box"]), path, wrap["opens"])
        before = -1
        while before != len(self.paths):
            before = len(self.paths)
            for ring in (ring for header in headers for ring in header["rings"] if ring["recipient"] in self.paths):
                for old in ring["previous"]:
                    if old["recipient"] not in self.paths:
                        self.add(boxes.get(old["box"]), self.paths[ring["recipient"]], [old["recipient"]])

    def add(self, box, path, stated):
        """Takes the keys in a wrap or previous box that it is said to hold."""
        try:
            lines = self.open(box, path).decode().removesuffix("\n").split("\n")
            need(lines and len(lines) % 2 == 0 and all(line.startswith("# ring ") for line in lines[::2]))
            for secret in lines[1::2]:
                recipient, path_of = self.keep(secret)
                if recipient in stated:
                    self.paths[recipient] = path_of
        except (Malformed, UnicodeDecodeError):
            pass

    def open_body(self, entry, vault):
        path = self.paths.get(entry.header["members"])
        if path is None:
            return
        try:
            bound = "" if entry.id == vault else vault
            entry.records = records.decode_body(self.open(entry.body, path), bound)
        except Malformed:
            entry.records, entry.garbled = [], True


def member_key(plaintext):
    shape = rb"# secrets member key of [^\n]*\n# signing key: [\w-]{43}\n# recipient: (age1\w+)\n(AGE-SECRET-KEY-1\w+)\n"
    match = re.fullmatch(shape, plaintext)
    need(match)
    return match[1].decode(), match[2].decode()
