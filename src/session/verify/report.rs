//! What a check found, in words: the fields are those of `verify --json`.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::org::ids::{BoxId, EntryId, PublicKey};
use crate::org::state::State;
use crate::org::todo::{Todo, todo};
use crate::session::full::Checked;
use crate::session::naming;
use crate::session::scan::{Scanned, SignedEntry};

use super::boxes::{Findings, WrongBox};
use super::{Keys, line_number};

#[derive(Serialize, PartialEq, Eq, Clone, Copy, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Whole,
    /// Something that the vault owes is missing or wrong, or a line is no line of it.
    Damaged,
    /// An entry that this machine has seen is gone.
    RolledBack,
    /// What could be checked is right; bodies could not be opened.
    Unopened,
}

#[derive(Serialize)]
pub struct Report {
    pub verdict: Verdict,
    /// The id of its first entry.
    pub id: String,
    pub org: String,
    pub heads: Vec<String>,
    pub entries: usize,
    pub boxes: usize,
    pub secrets: usize,
    pub members: usize,
    pub opened: Opened,
    pub torn_bytes: usize,
    pub dead_boxes: usize,
    pub requests: usize,
    pub bad_lines: Vec<Bad>,
    pub strangers: Vec<Stranger>,
    pub waiting: Vec<Waiting>,
    pub missing_boxes: Vec<Missing>,
    pub wrong_boxes: Vec<WrongBox>,
    pub wrong_wraps: Vec<WrongBox>,
    pub ghost_wraps: Vec<Ghost>,
    pub refused: Vec<Refused>,
    pub proposed: Vec<Proposed>,
    pub conflicts: Vec<String>,
    pub missing_wraps: Vec<MissingWrap>,
    /// Entries whose body no key here opens.
    pub locked: usize,
    /// Entries this machine has seen last that are not there.
    pub forgotten: Vec<String>,
    /// Why no key is here.
    pub no_key: Option<String>,
}

/// How many boxes were opened and compared.
#[derive(Serialize)]
pub struct Opened {
    pub bodies: usize,
    pub values: usize,
    pub notes: usize,
    pub keys: usize,
    pub not_mine: usize,
}

#[derive(Serialize)]
pub struct Bad {
    pub line: usize,
    pub byte: usize,
    pub why: String,
}

#[derive(Serialize)]
pub struct Stranger {
    pub line: usize,
    pub entry: String,
}

#[derive(Serialize)]
pub struct Waiting {
    pub entry: String,
    pub author: String,
    pub missing: String,
}

#[derive(Serialize)]
pub struct Missing {
    pub r#box: String,
    pub what: String,
    pub entry: String,
    pub author: String,
}

#[derive(Serialize)]
pub struct Ghost {
    pub entry: String,
    pub author: String,
    pub to: String,
}

#[derive(Serialize)]
pub struct Refused {
    pub entry: String,
    pub author: String,
    pub why: String,
}

#[derive(Serialize)]
pub struct Proposed {
    pub secret: String,
    pub number: u32,
    pub author: String,
    pub why: String,
}

#[derive(Serialize)]
pub struct MissingWrap {
    pub member: String,
    pub ring: String,
}

impl Report {
    pub(super) fn of(
        bytes: &[u8],
        seen: &[EntryId],
        checked: &Checked,
        keys: &Keys,
        findings: Findings,
    ) -> Self {
        let (scanned, state) = (&checked.scanned, &checked.state);
        let has_key = keys.missing.is_none() && checked.member.is_some();
        let ours = Ours::of(checked, has_key);
        let present = |id: &EntryId| scanned.entries.contains_key(id);
        let mut report = Self {
            verdict: Verdict::Whole,
            id: checked.vault.to_string(),
            org: state.org.as_ref().map(ToString::to_string).unwrap_or_default(),
            heads: ours.heads.iter().map(ToString::to_string).collect(),
            entries: ours.entries,
            boxes: scanned.boxes.len(),
            secrets: state.live_secrets().count(),
            members: state.active().count(),
            opened: Opened {
                bodies: state.entries.saturating_sub(state.locked.len()),
                values: findings.values,
                notes: findings.notes,
                keys: findings.keys,
                not_mine: findings.closed,
            },
            torn_bytes: bytes.len().saturating_sub(scanned.whole),
            dead_boxes: scanned.boxes.keys().filter(|id| checked.boxes.dead.contains(id)).count(),
            requests: scanned.requests.len(),
            bad_lines: bad_lines(bytes, scanned),
            strangers: strangers(bytes, checked, &ours),
            waiting: waiting(checked, &ours),
            missing_boxes: missing_boxes(checked, keys),
            wrong_boxes: findings.wrong_values,
            wrong_wraps: findings.wrong_wraps,
            ghost_wraps: ghosts(state),
            refused: refused(state),
            proposed: proposed(state),
            conflicts: vec![],
            missing_wraps: vec![],
            locked: if has_key { state.locked.len() } else { ours.entries },
            forgotten: seen.iter().filter(|id| !present(id)).map(ToString::to_string).collect(),
            no_key: no_key(checked, keys),
        };
        report.add_todo(state);
        report.verdict = report.judge();
        report
    }

    fn judge(&self) -> Verdict {
        let whole = self.bad_lines.is_empty()
            && self.waiting.is_empty()
            && self.missing_boxes.is_empty()
            && self.wrong_boxes.is_empty();
        match (whole, self.forgotten.is_empty()) {
            (false, _) => Verdict::Damaged,
            (true, false) => Verdict::RolledBack,
            _ if self.no_key.is_some() || self.locked > 0 => Verdict::Unopened,
            _ => Verdict::Whole,
        }
    }

    fn add_todo(&mut self, state: &State) {
        for left in todo(state) {
            match left {
                Todo::Conflict { secret } => {
                    let secret = state.secrets.get(&secret);
                    self.conflicts.extend(secret.map(|secret| naming::secret(state, secret)));
                }
                Todo::Namesakes { secrets } => {
                    let secret = secrets.first().and_then(|id| state.secrets.get(id));
                    let name = secret.map(|secret| naming::secret(state, secret));
                    self.conflicts.extend(name.map(|name| format!("{name} (two of that name)")));
                }
                Todo::MissingWrap { member, ring } => self
                    .missing_wraps
                    .push(MissingWrap { member: state.name_of(&member), ring: ring.to_string() }),
                _ => {}
            }
        }
    }
}

fn no_key(checked: &Checked, keys: &Keys) -> Option<String> {
    if let Some(error) = &keys.missing {
        return Some(error.because.first().unwrap_or(&error.what).clone());
    }
    checked.member.is_none().then(|| "the key here is no present member's".to_owned())
}

/// The graph as far as it can be told: without bodies nobody knows who is a member.
struct Ours {
    heads: Vec<EntryId>,
    waiting: Vec<(EntryId, EntryId)>,
    entries: usize,
    knows_strangers: bool,
}

impl Ours {
    fn of(checked: &Checked, has_key: bool) -> Self {
        if has_key && checked.state.locked.is_empty() {
            return Self {
                heads: checked.heads.clone(),
                waiting: checked.waiting.clone(),
                entries: checked.state.entries + checked.waiting.len(),
                knows_strangers: true,
            };
        }
        let all = &checked.scanned.entries;
        let ours: Vec<&SignedEntry> = all
            .values()
            .filter(|entry| entry.id == checked.vault || entry.header.vault == Some(checked.vault))
            .collect();
        let parents: BTreeSet<EntryId> =
            ours.iter().flat_map(|entry| entry.header.parents.iter().copied()).collect();
        let heads = ours.iter().map(|entry| entry.id).filter(|id| !parents.contains(id)).collect();
        let missing = |entry: &&SignedEntry| {
            let parent = entry.header.parents.iter().find(|id| !all.contains_key(id))?;
            Some((entry.id, *parent))
        };
        let waiting = ours.iter().filter_map(missing).collect();
        Self { heads, waiting, entries: ours.len(), knows_strangers: false }
    }
}

fn bad_lines(bytes: &[u8], scanned: &Scanned) -> Vec<Bad> {
    let mut bad: Vec<Bad> = scanned
        .bad
        .iter()
        .map(|line| Bad {
            line: line_number(bytes, line.place.start),
            byte: line.place.start,
            why: line.why.clone(),
        })
        .collect();
    bad.sort_by_key(|line| line.byte);
    bad
}

fn strangers(bytes: &[u8], checked: &Checked, ours: &Ours) -> Vec<Stranger> {
    let ids = checked.strangers.iter().filter(|_| ours.knows_strangers);
    ids.filter_map(|id| checked.scanned.entries.get(id))
        .map(|entry| Stranger {
            line: line_number(bytes, entry.place.start),
            entry: entry.id.to_string(),
        })
        .collect()
}

fn waiting(checked: &Checked, ours: &Ours) -> Vec<Waiting> {
    ours.waiting
        .iter()
        .filter_map(|(id, parent)| Some((checked.scanned.entries.get(id)?, parent)))
        .map(|(entry, parent)| Waiting {
            entry: entry.id.to_string(),
            author: naming::author(&checked.state, &entry.header.author),
            missing: parent.to_string(),
        })
        .collect()
}

fn missing_boxes(checked: &Checked, keys: &Keys) -> Vec<Missing> {
    let state = &checked.state;
    let missing = |id: BoxId, entry: EntryId, author: &PublicKey| Missing {
        r#box: id.to_string(),
        what: naming::boxed(state, id),
        entry: entry.to_string(),
        author: naming::author(state, author),
    };
    let owed = checked.missing.iter().map(|(id, named)| missing(*id, named.entry, &named.author));
    let mut boxes: Vec<Missing> = owed.collect();
    for entry in checked.scanned.entries.values() {
        let lost = lost_keys(checked, keys, entry).into_iter();
        boxes.extend(lost.map(|id| missing(id, entry.id, &entry.header.author)));
    }
    boxes
}

/// Keys given to me that are not there, when that is why I cannot read what was written.
fn lost_keys(checked: &Checked, keys: &Keys, entry: &SignedEntry) -> Vec<BoxId> {
    if checked.state.locked.is_empty() {
        return vec![];
    }
    let mine = entry.header.wraps.iter().filter(|wrap| keys.recipients.contains(&wrap.to));
    let gone = mine.map(|wrap| wrap.key_box).filter(|id| !checked.scanned.boxes.contains_key(id));
    gone.filter(|id| !checked.missing.iter().any(|(owed, _)| owed == id)).collect()
}

fn ghosts(state: &State) -> Vec<Ghost> {
    let ghosts = state.rings.wraps.iter().filter(|wrap| wrap.ghost);
    ghosts
        .map(|wrap| Ghost {
            entry: wrap.entry.to_string(),
            author: state.name_of(&wrap.author),
            to: wrap.to.to_string(),
        })
        .collect()
}

fn refused(state: &State) -> Vec<Refused> {
    let refused = state.refused.iter();
    refused
        .map(|refusal| Refused {
            entry: refusal.entry.to_string(),
            author: naming::author(state, &refusal.author),
            why: refusal.why.clone(),
        })
        .collect()
}

fn proposed(state: &State) -> Vec<Proposed> {
    let proposed = state.proposed.iter();
    proposed
        .map(|proposed| Proposed {
            secret: proposed
                .name
                .as_ref()
                .map_or_else(|| proposed.secret.to_string(), ToString::to_string),
            number: proposed.number,
            author: state.name_of(&proposed.by.author),
            why: proposed.why.clone(),
        })
        .collect()
}
