//! Which boxes are dead, which must be there, and what is damaged.
//!
//! By the log alone: boxes that a delete or drop lists, and wraps and member boxes of keys that hold
//! nothing now. Dead boxes are never opened, and every writer drops them wherever found. Nothing is
//! judged dead by somebody who is behind.

use std::collections::{BTreeMap, BTreeSet};

use super::entry::Entry;
use super::ids::{BoxId, EntryId, PublicKey, Recipient};
use super::secrets::Secret;
use super::state::State;

/// Who names a box.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    pub entry: EntryId,
    pub author: PublicKey,
}

/// Boxes by what becomes of them.
#[derive(Default, Debug, PartialEq)]
pub struct Boxes {
    /// Kept wherever found.
    pub living: BTreeSet<BoxId>,
    /// Those of the living that accepted entries name: one missing is damage.
    pub owed: BTreeMap<BoxId, Named>,
    pub dead: BTreeSet<BoxId>,
}

impl Boxes {
    /// Sorts every box that the entries name. A box that any entry has a living use for lives, so
    /// nobody can kill another's box by naming it.
    pub fn sort<'a>(state: &State, entries: impl Iterator<Item = &'a Entry>) -> Self {
        let sorter = Sorter::new(state);
        let mut boxes = Self::default();
        entries.for_each(|entry| sorter.sort(entry, &mut boxes));
        if state.locked.is_empty() {
            boxes.dead.retain(|id| !boxes.living.contains(id));
        } else {
            boxes.dead.clear(); // who is behind cannot tell
        }
        boxes
    }

    /// Boxes that accepted entries name and that are not there.
    pub fn missing(&self, present: impl Fn(&BoxId) -> bool) -> Vec<(BoxId, Named)> {
        let gone = self.owed.iter().filter(|(id, _)| !present(id));
        gone.map(|(id, named)| (*id, named.clone())).collect()
    }
}

struct Sorter<'a> {
    /// Boxes that the state has a use for: nobody erases them by naming them elsewhere.
    used: BTreeSet<BoxId>,
    erased: &'a BTreeSet<BoxId>,
    key_boxes: &'a BTreeSet<BoxId>,
    recipients: BTreeSet<&'a Recipient>,
    member_boxes: BTreeSet<BoxId>,
    refused: BTreeSet<EntryId>,
}

impl<'a> Sorter<'a> {
    fn new(state: &'a State) -> Self {
        Self {
            used: used(state),
            erased: &state.erased,
            key_boxes: &state.key_boxes,
            recipients: state.active().map(|member| &member.recipient).collect(),
            member_boxes: state.active().map(|member| member.member_box).collect(),
            refused: state.refused.iter().map(|refusal| refusal.entry).collect(),
        }
    }

    fn sort(&self, entry: &Entry, boxes: &mut Boxes) {
        let header = &entry.header;
        for claim in &header.boxes {
            let lives = if claim.to.is_empty() {
                self.member_boxes.contains(&claim.id) && self.is_key(claim.id)
            } else {
                self.used.contains(&claim.id) || !self.erased.contains(&claim.id)
            };
            self.put(claim.id, lives, entry, boxes);
        }
        for previous in header.rings.iter().flat_map(|ring| &ring.previous) {
            self.put(previous.key_box, self.is_key(previous.key_box), entry, boxes);
        }
        for wrap in &header.wraps {
            let lives = self.recipients.contains(&wrap.to) && self.is_key(wrap.key_box);
            self.put(wrap.key_box, lives, entry, boxes);
        }
    }

    /// Whoever calls a value a key after it was claimed as a value does not keep it from being erased;
    /// whoever claims a key as a value after it was called a key does not get it erased.
    fn is_key(&self, id: BoxId) -> bool {
        !self.erased.contains(&id) || self.key_boxes.contains(&id)
    }

    fn put(&self, id: BoxId, lives: bool, entry: &Entry, boxes: &mut Boxes) {
        if !lives {
            boxes.dead.insert(id);
            return;
        }
        boxes.living.insert(id);
        if !self.refused.contains(&entry.id) {
            let named = Named { entry: entry.id, author: entry.header.author };
            boxes.owed.entry(id).or_insert(named);
        }
    }
}

/// Values and notes of living secrets, and proposed values.
fn used(state: &State) -> BTreeSet<BoxId> {
    let secrets = state.secrets.values().filter(|secret| secret.is_live());
    let proposed = state.proposed.iter().map(|proposed| proposed.value);
    secrets.flat_map(Secret::boxes).chain(proposed).collect()
}
