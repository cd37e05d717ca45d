//! What a repair would do, in words: the fields are those of `repair --json`.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::format::line;
use crate::org::ids::{BoxId, EntryId};
use crate::session::naming;
use crate::session::scan::{Scanned, no_progress, scan};
use crate::session::verify::line_number;

use super::{Cure, Patient};

#[derive(Serialize)]
pub struct Plan {
    /// What stands in the vault's place.
    pub found: Found,
    /// Lines that fail their checks or are not of the vault: they go.
    pub bad_lines: Vec<Bad>,
    /// Entries of nobody in the vault: they go.
    pub strangers: usize,
    /// Entries whose past is nowhere: they go, so that work goes on.
    pub waiting: Vec<Waiting>,
    pub torn_bytes: usize,
    pub put_back: Vec<PutBack>,
    /// Boxes that are nowhere.
    pub lost: Vec<Lost>,
    /// Entries that this machine has seen last and that are nowhere.
    pub forgotten: Vec<String>,
}

#[derive(Serialize, PartialEq, Eq, Clone, Copy, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum Found {
    Nothing,
    /// An empty file, or one that begins like no vault.
    NoVault,
    Vault,
}

#[derive(Serialize)]
pub struct Bad {
    pub line: usize,
    pub why: String,
}

#[derive(Serialize)]
pub struct Waiting {
    pub entry: String,
    pub author: String,
}

/// What comes back, and from where.
#[derive(Serialize)]
pub struct PutBack {
    pub from: String,
    pub entries: usize,
    pub boxes: usize,
}

#[derive(Serialize)]
pub struct Lost {
    pub what: String,
    pub author: String,
}

impl Plan {
    pub(super) fn new(patient: &Patient, here: &Scanned, cure: &Cure) -> Self {
        let seen = patient.pins.as_ref().map(|pins| pins.heads.as_slice()).unwrap_or_default();
        let kept = &cure.checked.scanned;
        let gone = seen.iter().filter(|id| !kept.entries.contains_key(id));
        Self {
            found: found(patient),
            bad_lines: bad_lines(patient.bytes(), here),
            strangers: strangers(here, cure),
            waiting: waiting(here, cure),
            torn_bytes: patient.bytes().len().saturating_sub(here.whole),
            put_back: put_back(patient, here, kept),
            lost: lost(cure),
            forgotten: gone.map(ToString::to_string).collect(),
        }
    }

    /// Whether a repair would change nothing.
    pub fn is_nothing(&self) -> bool {
        self.found == Found::Vault
            && self.bad_lines.is_empty()
            && self.strangers == 0
            && self.waiting.is_empty()
            && self.torn_bytes == 0
            && self.put_back.is_empty()
            && self.forgotten.is_empty()
    }
}

fn found(patient: &Patient) -> Found {
    match &patient.file {
        None => Found::Nothing,
        Some((bytes, _)) if line::check_magic(bytes).is_err() => Found::NoVault,
        Some(_) => Found::Vault,
    }
}

fn bad_lines(bytes: &[u8], here: &Scanned) -> Vec<Bad> {
    let mut bad: Vec<_> = here.bad.iter().collect();
    bad.sort_by_key(|line| line.place.start);
    bad.into_iter()
        .map(|bad| Bad { line: line_number(bytes, bad.place.start), why: bad.why.clone() })
        .collect()
}

/// Entries of the file that stay out, but for those that wait.
fn strangers(here: &Scanned, cure: &Cure) -> usize {
    let left = |id: &&EntryId| !cure.checked.scanned.entries.contains_key(id);
    let waiting: BTreeSet<EntryId> = cure.left_waiting.iter().copied().collect();
    here.entries.keys().filter(left).filter(|id| !waiting.contains(id)).count()
}

fn waiting(here: &Scanned, cure: &Cure) -> Vec<Waiting> {
    let entries = cure.left_waiting.iter().filter_map(|id| here.entries.get(id));
    entries
        .map(|entry| Waiting {
            entry: entry.id.to_string(),
            author: naming::author(&cure.checked.state, &entry.header.author),
        })
        .collect()
}

/// What is not in the file, from the first source that has it.
fn put_back(patient: &Patient, here: &Scanned, kept: &Scanned) -> Vec<PutBack> {
    let mut entries: BTreeSet<EntryId> =
        kept.entries.keys().filter(|id| !here.entries.contains_key(id)).copied().collect();
    let mut boxes: BTreeSet<BoxId> =
        kept.boxes.keys().filter(|id| !here.boxes.contains_key(id)).copied().collect();
    let mirror = ("this machine's mirror", patient.mirror.as_slice());
    let copies = patient.copies.iter().map(|copy| (copy.name.as_str(), copy.bytes.as_slice()));
    let mut list = vec![];
    for (from, bytes) in std::iter::once(mirror).chain(copies) {
        let scanned = scan(bytes, 0, &no_progress);
        let before = (entries.len(), boxes.len());
        entries.retain(|id| !scanned.entries.contains_key(id));
        boxes.retain(|id| !scanned.boxes.contains_key(id));
        let came = (before.0 - entries.len(), before.1 - boxes.len());
        if came != (0, 0) {
            list.push(PutBack { from: from.to_owned(), entries: came.0, boxes: came.1 });
        }
    }
    list
}

fn lost(cure: &Cure) -> Vec<Lost> {
    let state = &cure.checked.state;
    let missing = cure.checked.missing.iter();
    missing
        .map(|(id, named)| Lost {
            what: naming::boxed(state, *id),
            author: naming::author(state, &named.author),
        })
        .collect()
}
