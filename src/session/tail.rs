//! Taking in what was appended since this machine last looked.
//!
//! Only entries that each build on all heads known are taken in one by one; anything else (a merge, a
//! bad line, a key not held) is left to a full check.

use std::collections::BTreeSet;

use crate::crypto::hash::sha256;
use crate::error::Result;
use crate::org::boxes::Boxes;
use crate::org::entry::{Body, Entry};
use crate::org::fold::fold_on;
use crate::org::ids::{BoxId, EntryId};

use super::full::open_body;
use super::memory::Seen;
use super::mirror;
use super::open::{File, Session};
use super::scan::{Scanned, SignedEntry, box_at, no_progress, scan};

impl Session {
    /// Whether memory could be brought up to the file as it is now.
    pub(super) fn take_in_tail(&mut self, file: &File) -> Result<bool> {
        let seen = &self.index.seen;
        let (last, whole) = (seen.last_line, seen.whole);
        let bytes = file.read(last, file.stamp.size)?;
        let Ok(known) = usize::try_from(whole.saturating_sub(last)) else { return Ok(false) };
        let same = bytes.get(..known).is_some_and(|line| sha256(line) == seen.last_hash);
        if !same {
            return Ok(false);
        }
        let tail = bytes.get(known..).unwrap_or_default();
        let scanned = scan(tail, 0, &no_progress);
        if scanned.whole == 0 {
            self.index.seen.stamp = file.stamp;
            return Ok(true); // at most a torn line
        }
        if !self.fold_tail(tail, &scanned)? {
            return Ok(false);
        }
        let places = scanned
            .boxes
            .iter()
            .map(|(id, place)| (*id, (whole + place.start as u64, whole + place.end as u64)));
        self.rebuild_index(&places.collect());
        let end = known + scanned.whole;
        let mut now = Seen::of(file.stamp, bytes.get(..end).unwrap_or_default(), end);
        (now.whole, now.last_line) = (now.whole + last, now.last_line + last);
        self.index.seen = now;
        if self.remembers {
            let _ = mirror::add(&self.folder, tail.get(..scanned.whole).unwrap_or_default());
        }
        let _ = self.remember(); // a cache: the next command reads the tail again
        Ok(true)
    }

    fn fold_tail(&mut self, tail: &[u8], scanned: &Scanned) -> Result<bool> {
        let Some(chain) = chain(scanned, &self.index.heads) else { return Ok(false) };
        if !scanned.bad.is_empty() || !scanned.requests.is_empty() || !self.recall_state() {
            return Ok(false);
        }
        let source = |id: BoxId| box_at(tail.get(scanned.boxes.get(&id)?.clone())?, id);
        let headers = chain.iter().map(|entry| &entry.header);
        self.rings.collect(&self.member, headers, &source);
        let mut state = self.state()?.clone();
        let mut entries: Vec<Entry> = vec![];
        for signed in &chain {
            let (entry, _) = open_body(signed, self.vault, &self.rings);
            let known_author = state.keys.contains_key(&entry.header.author);
            // What the fold asks of a whole graph: folding on takes the seal for granted.
            let members = &entry.header.members;
            let own = entry.header.rings.iter().any(|new| new.recipient == *members);
            let is_stated = own || state.rings.stated.contains(members);
            if entry.body == Body::Locked || !known_author || !is_stated {
                return Ok(false);
            }
            fold_on(&mut state, &entry);
            entries.push(entry);
        }
        let still_member = state
            .members
            .get(&self.me)
            .is_some_and(|me| me.is_active() && me.key.to_string() == self.member.signing.public());
        let boxes = Boxes::sort(&state, entries.iter());
        let whole = boxes.missing(|id| scanned.boxes.contains_key(id)).is_empty();
        if !still_member || !whole {
            return Ok(false);
        }
        let dead_here = scanned.boxes.keys().filter(|id| boxes.dead.contains(id)).count();
        self.index.trouble.rubbish += dead_here;
        self.index.heads =
            chain.last().map(|entry| vec![entry.id]).unwrap_or_else(|| self.index.heads.clone());
        self.state = Some(state);
        Ok(true)
    }
}

/// The new entries, each on top of all heads before it; None if they are not such a chain.
fn chain<'a>(scanned: &'a Scanned, heads: &[EntryId]) -> Option<Vec<&'a SignedEntry>> {
    let mut heads: BTreeSet<EntryId> = heads.iter().copied().collect();
    let mut left: Vec<&SignedEntry> = scanned.entries.values().collect();
    let mut chain = vec![];
    while !left.is_empty() {
        let on_top = |entry: &&SignedEntry| {
            entry.header.parents.iter().copied().collect::<BTreeSet<_>>() == heads
        };
        let place = left.iter().position(on_top)?;
        let next = left.swap_remove(place);
        heads = BTreeSet::from([next.id]);
        chain.push(next);
    }
    Some(chain)
}
