//! The state that each entry's own past adds up to.
//!
//! Invariant: a view is what [`super::fold::fold`] would give for the entry's past alone, given the
//! same verdicts. Where the past is everything before in order, that is the running state itself;
//! beside branches it is taken from a copy made where the branches part.

use std::collections::HashMap;

use super::entry::Entry;
use super::order::Ordered;
use super::state::State;
use super::step::{Judged, take_effect};

/// Copies of the running state that entries on branches start from.
pub struct Views<'a> {
    ordered: &'a Ordered<'a>,
    /// By the first place an entry does not know: how many entries still start there.
    starts: HashMap<usize, usize>,
    copies: HashMap<usize, State>,
    /// The state after an entry on a branch, for the one that goes on from it.
    tips: HashMap<usize, State>,
}

impl<'a> Views<'a> {
    pub fn new(ordered: &'a Ordered<'a>) -> Self {
        let mut starts = HashMap::new();
        for place in 0..ordered.entries.len() {
            if let Some(first) =
                ordered.first_unknown(place).filter(|_| goes_on_from(ordered, place).is_none())
            {
                *starts.entry(first).or_insert(0) += 1;
            }
        }
        Self { ordered, starts, copies: HashMap::new(), tips: HashMap::new() }
    }

    /// Called at every place, before its entry takes effect.
    pub fn pass(&mut self, place: usize, running: &State) {
        if self.starts.contains_key(&place) {
            self.copies.insert(place, running.clone());
        }
    }

    /// The state of an entry's past; none where it is the running one.
    pub fn of(&mut self, place: usize, judged: &[Judged]) -> Option<State> {
        let first = self.ordered.first_unknown(place)?;
        if let Some(tip) = goes_on_from(self.ordered, place) {
            return self.tips.remove(&tip);
        }
        let mut state = self.copy(first)?;
        let stretch = self.ordered.entries.iter().zip(judged).enumerate().take(place).skip(first);
        for (other, (entry, judged)) in stretch {
            if self.ordered.knows(place, other) {
                take_effect(&mut state, entry, judged);
            }
        }
        Some(state)
    }

    /// The last to need a copy gets the copy itself.
    fn copy(&mut self, first: usize) -> Option<State> {
        let left = self.starts.get_mut(&first)?;
        *left -= 1;
        if *left > 0 { self.copies.get(&first).cloned() } else { self.copies.remove(&first) }
    }

    /// Keeps the state after an entry on a branch if the next one there goes on from it.
    pub fn keep(&mut self, place: usize, mut view: State, entry: &Entry, judged: &Judged) {
        if next_of(self.ordered, place).is_some() {
            take_effect(&mut view, entry, judged);
            self.tips.insert(place, view);
        }
    }
}

/// The entry, itself on a branch, whose state this one needs and nobody else has taken.
fn goes_on_from(ordered: &Ordered<'_>, place: usize) -> Option<usize> {
    ordered.first_unknown(place)?;
    let [tip] = ordered.parents.get(place)?.as_slice() else { return None };
    (next_of(ordered, *tip) == Some(place)).then_some(*tip)
}

/// The first child of an entry on a branch that has no other parent and is on a branch too.
fn next_of(ordered: &Ordered<'_>, place: usize) -> Option<usize> {
    ordered.first_unknown(place)?;
    *ordered.only_children.get(place)?
}
