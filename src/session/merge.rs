//! Taking in what other copies of the vault have: the lines of both, checked, less what is dead.
//!
//! Whichever side takes in the other, and however often, the same lines come out.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::format::line;
use crate::org::ids::{BoxId, EntryId};
use crate::org::state::State;

use super::copies::{Copy, Sound, clean, line_set};
use super::full::Checked;
use super::open::{File, Session};
use super::write::{TRIES, Unwritten, lock_vault};
use super::{mirror, naming};

/// What came in.
#[derive(Serialize, Default)]
pub struct Merged {
    pub entries: usize,
    pub boxes: usize,
    pub requests: usize,
    /// New entries by their authors' names.
    pub from: BTreeMap<String, usize>,
    /// Entries that have no effect now and had before, or are new.
    pub refused: Vec<Refused>,
    /// Secrets that were changed on both sides.
    pub conflicts: Vec<String>,
    /// Values that have no effect now: they can be restored.
    pub proposed: Vec<ProposedValue>,
    pub left_out: Vec<LeftOut>,
    /// Entries that stand on entries which neither copy has.
    pub incomplete: usize,
}

#[derive(Serialize)]
pub struct ProposedValue {
    pub name: String,
    pub environment: Option<String>,
    /// As `restore --version` takes it.
    pub version: String,
    pub why: String,
}

#[derive(Serialize)]
pub struct Refused {
    pub author: String,
    pub why: String,
}

/// What was wrong with a copy.
#[derive(Serialize)]
pub struct LeftOut {
    pub file: String,
    pub bad_lines: usize,
    pub torn: bool,
}

impl Merged {
    pub fn is_nothing(&self) -> bool {
        self.entries + self.boxes + self.requests == 0
    }
}

impl Session {
    /// Takes in other copies, under the vault's lock.
    pub fn merge(&mut self, ctx: &mut Context, copies: &[Copy]) -> Result<Merged> {
        let sound: Vec<Sound> =
            copies.iter().map(|copy| copy.sound_of(self.vault)).collect::<Result<_>>()?;
        let left_out = copies.iter().zip(&sound).filter_map(left_out).collect::<Vec<_>>();
        let path = self.path();
        for _ in 0..TRIES {
            let lock = lock_vault(&path, ctx)?;
            let file = self.refresh()?;
            self.refuse_behind()?;
            let done = self.take_in(&file, &sound);
            drop(lock);
            match done {
                Err(Unwritten::Moved) => {}
                Err(Unwritten::Failed(error)) => return Err(error),
                Ok(merged) => return Ok(Merged { left_out, ..merged }),
            }
        }
        Err(Error::conflict("the vault file was replaced again and again while writing")
            .because("another program, git perhaps, keeps changing it"))
    }

    fn take_in(&mut self, file: &File, sound: &[Sound]) -> Result<Merged, Unwritten> {
        let mut base = file.all()?;
        let torn = base.split_off(line::whole_bytes(&base));
        let parts: Vec<&[u8]> = std::iter::once(base.as_slice())
            .chain(sound.iter().map(|sound| sound.lines.as_slice()))
            .collect();
        let joined = mirror::union(&parts);
        let checked = self.check(&joined, 0)?;
        if !checked.state.locked.is_empty() {
            return Err(Error::denied("the other copy holds entries that you cannot read yet")
                .because("a key that they are sealed to has not been given to you")
                .into());
        }
        let before = self.check(&base, 0)?;
        let spared: BTreeSet<EntryId> = before.waiting.iter().map(|(id, _)| *id).collect();
        let (wanted, out) = clean(&joined, &checked, &spared);
        let known = line_set(&base);
        let fresh = wanted.split_inclusive(|byte| *byte == b'\n');
        let fresh: Vec<&[u8]> = fresh.filter(|line| !known.contains(line)).collect();
        let incomplete = out.iter().filter(|line| line.starts_with(b"entry ")).count();
        if fresh.is_empty() {
            return Ok(Merged { incomplete, ..Merged::default() });
        }
        let bytes = [base.as_slice(), &fresh.concat()].concat();
        self.replace_file(file.stamp, &bytes, &torn)?;
        Ok(Merged { incomplete, ..tell(&before, &checked, &fresh) })
    }
}

fn left_out((copy, sound): (&Copy, &Sound)) -> Option<LeftOut> {
    (sound.bad_lines > 0 || sound.torn).then(|| LeftOut {
        file: copy.name.clone(),
        bad_lines: sound.bad_lines,
        torn: sound.torn,
    })
}

fn tell(before: &Checked, after: &Checked, fresh: &[&[u8]]) -> Merged {
    let state = &after.state;
    let count = |kind: &[u8]| fresh.iter().filter(|line| line.starts_with(kind)).count();
    let mut merged = Merged {
        entries: count(b"entry "),
        boxes: count(b"box "),
        requests: count(b"request "),
        refused: newly_refused(&before.state, state),
        conflicts: new_conflicts(&before.state, state),
        proposed: newly_proposed(&before.state, state),
        ..Merged::default()
    };
    let outside: BTreeSet<&EntryId> =
        after.strangers.iter().chain(after.waiting.iter().map(|(id, _)| id)).collect();
    let waited: BTreeSet<&EntryId> = before.waiting.iter().map(|(id, _)| id).collect();
    for (id, entry) in &after.scanned.entries {
        let new = !before.scanned.entries.contains_key(id) || waited.contains(id);
        if new && !outside.contains(id) {
            *merged.from.entry(naming::author(state, &entry.header.author)).or_default() += 1;
        }
    }
    merged
}

fn newly_proposed(before: &State, after: &State) -> Vec<ProposedValue> {
    let known: BTreeSet<BoxId> = before.proposed.iter().map(|proposed| proposed.value).collect();
    let new = after.proposed.iter().filter(|proposed| !known.contains(&proposed.value));
    new.map(|proposed| {
        let secret = after.secrets.get(&proposed.secret);
        let place = secret.and_then(|secret| after.environments.get(&secret.environment));
        let name = proposed.name.as_ref().or(secret.map(|secret| &secret.name));
        ProposedValue {
            name: name.map_or_else(|| proposed.secret.to_string(), ToString::to_string),
            environment: place.map(|place| place.name.to_string()),
            version: format!("{}~{}", proposed.number, proposed.value.short()),
            why: proposed.why.clone(),
        }
    })
    .collect()
}

fn newly_refused(before: &State, after: &State) -> Vec<Refused> {
    let known: BTreeSet<EntryId> = before.refused.iter().map(|refusal| refusal.entry).collect();
    let new = after.refused.iter().filter(|refusal| !known.contains(&refusal.entry));
    new.map(|refusal| Refused {
        author: naming::author(after, &refusal.author),
        why: refusal.why.clone(),
    })
    .collect()
}

fn new_conflicts(before: &State, after: &State) -> Vec<String> {
    let was = |secret: &&crate::org::secrets::Secret| {
        before.secrets.get(&secret.id).is_some_and(|secret| secret.in_conflict())
    };
    let shared = |secret: &crate::org::secrets::Secret, state: &State| {
        state.namesakes(&secret.environment, &secret.name).len() > 1
    };
    let mut names: Vec<String> = after
        .live_secrets()
        .filter(|secret| {
            let conflict = secret.in_conflict() && !was(secret);
            conflict || (shared(secret, after) && !shared(secret, before))
        })
        .map(|secret| naming::secret(after, secret))
        .collect();
    names.sort();
    names.dedup();
    names
}
