"""Order, past and future: section 9."""

from spelling import raw


def order(vault, entries):
    """(entries in order, waiting with a missing parent, strangers)."""
    ours = {id: e for id, e in entries.items() if belongs(e, vault)}
    named = named_keys(ours, vault)
    known = {id: e for id, e in ours.items() if e.header["author"] in named}
    strangers = sorted(id for id in ours if id not in known)
    in_order, counted = [], {}
    children, left = {}, {}
    for id, e in known.items():
        left[id] = len(set(e.header["parents"]))
        for parent in set(e.header["parents"]):
            children.setdefault(parent, []).append(id)
    ready = {id for id, count in left.items() if count == 0}
    while ready:
        id = min(ready, key=lambda one: (time(known[one], counted), raw(one)))  # ids compare as bytes
        ready.remove(id)
        counted[id] = time(known[id], counted)
        in_order.append(known[id])
        for child in children.get(id, []):
            left[child] -= 1
            if left[child] == 0:
                ready.add(child)
    waiting = {id: next(p for p in absent_first(e, known) if p not in counted)
               for id, e in known.items() if id not in counted}
    return in_order, waiting, strangers


def belongs(entry, vault):
    first = entry.id == vault
    return entry.header["vault"] == ("" if first else vault) and (not entry.header["parents"]) == first


def named_keys(ours, vault):
    by_author = {}
    for entry in ours.values():
        by_author.setdefault(entry.header["author"], []).append(entry)
    fresh = [ours[vault].header["author"]] if vault in ours else []
    named = set(fresh)
    while fresh:
        for entry in by_author.get(fresh.pop(), []):
            for record in entry.known():
                if "card" in record and record["card"]["key"] not in named:
                    named.add(record["card"]["key"])
                    fresh.append(record["card"]["key"])
    return named


def time(entry, counted):
    return max([entry.header["time"]] + [counted[parent] for parent in entry.header["parents"]])


def absent_first(entry, known):
    parents = entry.header["parents"]
    return [p for p in parents if p not in known] + parents


def heads(in_order):
    inner = {parent for entry in in_order for parent in entry.header["parents"]}
    return sorted(entry.id for entry in in_order if entry.id not in inner)


class Graph:
    """Which entries stand beside each other."""

    def __init__(self, in_order):
        self.pasts = {}
        for entry in in_order:
            past = set(entry.header["parents"])
            for parent in entry.header["parents"]:
                past |= self.pasts[parent]
            self.pasts[entry.id] = past

        ids = list(self.pasts)
        self.beside_something = {id for id in ids if any(self.beside(id, other) for other in ids)}

    def accompanied(self, id):
        return id in self.beside_something

    def beside(self, a, b):
        return a != b and a not in self.pasts[b] and b not in self.pasts[a]
