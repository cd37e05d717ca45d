//! The order of entries: parents first, then time, then id. A function of the set alone.
//!
//! Entries of strangers (whose author no card in the vault names) are not part of the vault, and
//! whatever stands on a missing parent waits. Order decides which of two concurrent values is
//! current, never who has rights.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, HashSet};

use super::entry::Entry;
use super::ids::{EntryId, PublicKey};
use super::past::{Past, branched, pasts};
use super::time::Time;

/// Entries in order, and those that stay outside.
pub struct Ordered<'a> {
    pub entries: Vec<&'a Entry>,
    /// Parents as positions in `entries`.
    pub parents: Vec<Vec<usize>>,
    /// The first entry, if any, whose only parent this one is.
    pub only_children: Vec<Option<usize>>,
    pasts: Vec<Past>,
    /// Whether anything was written beside an entry.
    branched: Vec<bool>,
    /// Entries whose past is not whole, with one parent that is missing.
    pub waiting: Vec<(&'a Entry, EntryId)>,
    pub strangers: Vec<&'a Entry>,
}

/// Puts the entries of one vault in order.
pub fn order<'a>(vault: EntryId, all: &'a [Entry]) -> Ordered<'a> {
    let ours: HashMap<EntryId, &Entry> =
        all.iter().filter(|entry| belongs(entry, vault)).map(|entry| (entry.id, entry)).collect();
    let named = named_keys(vault, &ours);
    let (known, strangers): (Vec<&Entry>, Vec<&Entry>) =
        ours.values().partition(|entry| named.contains(&entry.header.author));
    let mut ordered = Ordered {
        entries: vec![],
        parents: vec![],
        only_children: vec![],
        pasts: vec![],
        branched: vec![],
        waiting: vec![],
        strangers,
    };
    ordered.strangers.sort_by_key(|entry| entry.id);
    ordered.sort(&known);
    ordered
}

/// The first entry is the only one without a vault or without parents.
fn belongs(entry: &Entry, vault: EntryId) -> bool {
    let first = entry.id == vault;
    entry.header.vault == (!first).then_some(vault) && entry.header.parents.is_empty() == first
}

/// Every key that a card names, in entries whose authors are so named, from the founder on.
fn named_keys(vault: EntryId, ours: &HashMap<EntryId, &Entry>) -> HashSet<PublicKey> {
    let mut by_author: HashMap<PublicKey, Vec<&Entry>> = HashMap::new();
    for entry in ours.values() {
        by_author.entry(entry.header.author).or_default().push(entry);
    }
    let mut fresh: Vec<PublicKey> =
        ours.get(&vault).map(|first| first.header.author).into_iter().collect();
    let mut named: HashSet<PublicKey> = fresh.iter().copied().collect();
    while let Some(key) = fresh.pop() {
        let records = by_author.get(&key).into_iter().flatten().flat_map(|entry| entry.records());
        let cards = records.filter_map(|record| record.card());
        fresh.extend(cards.map(|card| card.key).filter(|key| named.insert(*key)));
    }
    named
}

impl<'a> Ordered<'a> {
    /// Kahn's algorithm with a heap: of what may come next, the earliest time, then the least id.
    fn sort(&mut self, known: &[&'a Entry]) {
        let ids: HashSet<EntryId> = known.iter().map(|entry| entry.id).collect();
        let mut left: HashMap<EntryId, usize> = HashMap::new();
        let mut children: HashMap<EntryId, Vec<&'a Entry>> = HashMap::new();
        let mut ready = BinaryHeap::new();
        for &entry in known {
            let parents: BTreeSet<EntryId> = entry.header.parents.iter().copied().collect();
            if parents.is_empty() {
                ready.push(Reverse((entry.header.time, entry.id, ByIdOnly(entry))));
            }
            left.insert(entry.id, parents.len());
            parents.into_iter().for_each(|parent| children.entry(parent).or_default().push(entry));
        }
        let mut places: HashMap<EntryId, (usize, Time)> = HashMap::new();
        while let Some(Reverse((time, id, ByIdOnly(entry)))) = ready.pop() {
            places.insert(id, (self.entries.len(), time));
            self.entries.push(entry);
            for &child in children.get(&id).into_iter().flatten() {
                let Some(count) = left.get_mut(&child.id) else { continue };
                *count -= 1;
                if *count == 0 {
                    ready.push(Reverse((counted_time(child, &places), child.id, ByIdOnly(child))));
                }
            }
        }
        self.parents = self.entries.iter().map(|entry| positions(entry, &places)).collect();
        self.only_children = only_children(&self.parents);
        self.pasts = pasts(&self.parents);
        self.branched = branched(&self.pasts);
        self.waiting = known
            .iter()
            .filter(|entry| !places.contains_key(&entry.id))
            .filter_map(|entry| Some((*entry, missing_parent(entry, &ids, &places)?)))
            .collect();
        self.waiting.sort_by_key(|(entry, _)| entry.id);
    }

    /// Entries that no entry in order has as a parent.
    pub fn heads(&self) -> Vec<EntryId> {
        let inner: HashSet<usize> = self.parents.iter().flatten().copied().collect();
        let outer = self.entries.iter().enumerate().filter(|(place, _)| !inner.contains(place));
        let mut heads: Vec<EntryId> = outer.map(|(_, entry)| entry.id).collect();
        heads.sort();
        heads
    }

    /// Whether the entry at `place` was written knowing of the one at `other`.
    pub fn knows(&self, place: usize, other: usize) -> bool {
        other < place && self.pasts.get(place).is_some_and(|past| past.contains(other))
    }

    /// Whether two entries were written without knowing of each other.
    pub fn beside(&self, one: usize, other: usize) -> bool {
        one != other && !self.knows(one.max(other), one.min(other))
    }

    pub fn has_beside(&self, place: usize) -> bool {
        self.branched.get(place).copied().unwrap_or(false)
    }

    /// The first entry before `place` in order that is not in its past. None: all are.
    pub fn first_unknown(&self, place: usize) -> Option<usize> {
        self.pasts.get(place)?.first_missing(place)
    }
}

fn only_children(parents: &[Vec<usize>]) -> Vec<Option<usize>> {
    let mut children = vec![None; parents.len()];
    for (place, known) in parents.iter().enumerate() {
        if let [parent] = known.as_slice()
            && let Some(child) = children.get_mut(*parent)
        {
            child.get_or_insert(place);
        }
    }
    children
}

/// An entry's time, never counted earlier than a parent's.
fn counted_time(entry: &Entry, places: &HashMap<EntryId, (usize, Time)>) -> Time {
    let parents =
        entry.header.parents.iter().filter_map(|id| places.get(id)).map(|(_, time)| *time);
    parents.fold(entry.header.time, Time::max)
}

fn positions(entry: &Entry, places: &HashMap<EntryId, (usize, Time)>) -> Vec<usize> {
    let parents =
        entry.header.parents.iter().filter_map(|id| places.get(id)).map(|(place, _)| *place);
    parents.collect::<BTreeSet<usize>>().into_iter().collect()
}

/// A parent that is not there; or, of an entry that stands on a waiting one, that one.
fn missing_parent(
    entry: &Entry,
    ids: &HashSet<EntryId>,
    places: &HashMap<EntryId, (usize, Time)>,
) -> Option<EntryId> {
    let parents = &entry.header.parents;
    let absent = parents.iter().find(|id| !ids.contains(id));
    absent.or_else(|| parents.iter().find(|id| !places.contains_key(id))).copied()
}

/// Rides along in the heap without taking part in comparisons.
struct ByIdOnly<'a>(&'a Entry);

impl PartialEq for ByIdOnly<'_> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl Eq for ByIdOnly<'_> {}
impl PartialOrd for ByIdOnly<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for ByIdOnly<'_> {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}
