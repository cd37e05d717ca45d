//! What a session leaves in this machine's memory: the index, the state, the mirror.
//!
//! Invariant: a value that is not current any more is in none of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::format::line;
use crate::org::ids::{BoxId, Id};
use crate::org::policy::Judge;

use super::memory::{Current, KeptBytes, Pins, Place};
use super::mirror;
use super::open::Session;

impl Session {
    /// Makes the index say what the state says, and forgets values that are not current any more.
    pub(super) fn rebuild_index(&mut self, places: &BTreeMap<BoxId, (u64, u64)>) {
        let mut known: BTreeMap<BoxId, Place> = BTreeMap::new();
        for current in std::mem::take(&mut self.index.current) {
            current.place.map(|place| known.insert(current.value, place));
        }
        known.extend(
            places
                .iter()
                .map(|(id, (start, end))| (*id, Place { id: *id, start: *start, end: *end })),
        );
        let Some(state) = &self.state else { return };
        let Some(me) = state.members.get(&self.me) else { return };
        let judge = Judge::new(state, me);
        let shadowed = state.shadowed();
        self.index.environments = state
            .environments
            .iter()
            .filter(|(_, place)| !place.deleted)
            .map(|(id, place)| (id.clone(), place.name.to_string()))
            .collect();
        self.index.current = state
            .live_secrets()
            .filter_map(|secret| {
                let version = secret.current()?;
                Some(Current {
                    id: secret.id.clone(),
                    name: secret.name.clone(),
                    kind: secret.kind,
                    environment: secret.environment.clone(),
                    projects: secret.projects.iter().cloned().collect(),
                    number: version.number,
                    value: version.value,
                    to: version.to.clone(),
                    shadowed: shadowed.contains(&secret.id),
                    in_conflict: secret.in_conflict(),
                    readable: judge.reveals(secret),
                    place: known.get(&version.value).copied(),
                })
            })
            .collect();
        self.index.rings = self
            .rings
            .iter()
            .map(|(recipient, key)| (recipient.clone(), KeptBytes::new(key.secret_text().expose())))
            .collect();
        self.forget_old_values();
    }

    fn forget_old_values(&self) {
        let environments: Vec<&Id> = self.index.environments.iter().map(|(id, _)| id).collect();
        let current = self
            .index
            .current
            .iter()
            .filter(|current| current.readable)
            .map(|current| current.value);
        self.folder.forget_values_but(&self.memory, &environments, &current.collect());
    }

    /// Remembers all of a checked file. A memory that cannot be written is told, not a failure.
    pub(super) fn remember_whole(&mut self, bytes: &[u8], dead: &BTreeSet<BoxId>) {
        if let Err(error) = self.mirror_whole(bytes, dead).and_then(|()| self.remember()) {
            let because = error.because.join(": ");
            self.notices
                .push(format!("nothing is remembered on this machine: {}: {because}", error.what));
        }
    }

    /// The mirror gets every line of a file that was checked, and loses dead boxes.
    fn mirror_whole(&self, bytes: &[u8], dead: &BTreeSet<BoxId>) -> Result<()> {
        if !self.remembers {
            return Ok(());
        }
        let before = mirror::read(&self.folder);
        let both = mirror::union(&[&before, bytes]);
        mirror::replace(&self.folder, &without(&both, dead))
    }

    pub(super) fn remember(&mut self) -> Result<()> {
        if !self.remembers {
            return Ok(());
        }
        let Some(state) = &self.state else {
            return self.folder.remember_index(&self.memory, &self.index);
        };
        let pins = Pins {
            vault: self.vault,
            heads: self.index.heads.clone(),
            path: self.settings.vault.clone(),
            entries: state.entries,
            member_box: self.member_box,
        };
        self.folder.remember(&self.memory, &pins, &mut self.index, state)
    }
}

/// The lines of `bytes` but for those boxes.
pub(super) fn without(bytes: &[u8], dead: &BTreeSet<BoxId>) -> Vec<u8> {
    let mut kept = Vec::with_capacity(bytes.len());
    for (place, line) in line::lines(bytes) {
        let is_dead = matches!(line, line::Line::Box { id, .. } if dead.contains(&id));
        if !is_dead {
            kept.extend_from_slice(bytes.get(place).unwrap_or_default());
        }
    }
    kept
}
