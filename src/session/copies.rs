//! Other copies of a vault: which of their lines can be taken in.
//!
//! A copy may be torn, damaged or hold another vault's lines: only what passes its own checks and is of
//! this vault counts. Who its entries are by, and what has an effect, is judged when all is joined.

use std::collections::BTreeSet;
use std::path::Path;

use crate::error::{Error, Explain, Result};
use crate::format::line::{self, NotAVault};
use crate::org::entry::Body;
use crate::org::ids::{BoxId, EntryId};
use crate::storage;

use super::full::Checked;
use super::rewrite;
use super::scan::{SignedEntry, no_progress, scan};

/// A copy as it was read.
pub struct Copy {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// The lines of a copy that can be taken in.
pub struct Sound {
    pub lines: Vec<u8>,
    /// Lines that fail their own checks.
    pub bad_lines: usize,
    pub torn: bool,
    /// Whether anything in it is of the vault.
    pub is_ours: bool,
}

impl Copy {
    pub fn read(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let (bytes, _) = storage::read(path).or_failed(|| format!("cannot read {name}"))?;
        match line::check_magic(&bytes) {
            Err(NotAVault::Newer(version)) => {
                Err(Error::failed(format!("{name} is a vault of format {version}"))
                    .because("this program knows format 1")
                    .hint("install a newer `secrets`"))
            }
            Err(NotAVault::Empty) => Err(Error::failed(format!("{name} is empty"))),
            Err(NotAVault::Other) => Err(Error::failed(format!("{name} is no vault"))),
            Ok(()) => Ok(Self { name, bytes }),
        }
    }

    pub fn sound(&self, vault: EntryId) -> Sound {
        sound(&self.bytes, vault)
    }

    /// The lines of this vault; another vault's copy is refused.
    pub fn sound_of(&self, vault: EntryId) -> Result<Sound> {
        let sound = self.sound(vault);
        if sound.is_ours {
            return Ok(sound);
        }
        Err(Error::conflict(format!("{} is a copy of another vault", self.name))
            .because(format!("nothing in it belongs to the vault {vault}")))
    }
}

/// The lines that pass their own checks and are of this vault. Boxes name no vault: all are taken.
pub fn sound(bytes: &[u8], vault: EntryId) -> Sound {
    let scanned = scan(bytes, 0, &no_progress);
    let entries = scanned.entries.values().filter(|entry| is_of(entry, vault));
    let requests = scanned.requests.iter().filter(|(request, _)| request.vault == vault);
    let mut places: Vec<_> = entries
        .map(|entry| entry.place.clone())
        .chain(requests.map(|(_, place)| place.clone()))
        .collect();
    let is_ours = !places.is_empty();
    places.extend(scanned.boxes.values().cloned());
    places.sort_by_key(|place| place.start);
    let lines = places.into_iter().filter_map(|place| bytes.get(place)).collect::<Vec<_>>();
    Sound {
        lines: lines.concat(),
        bad_lines: scanned.bad.len(),
        torn: scanned.whole < bytes.len(),
        is_ours,
    }
}

pub fn is_of(entry: &SignedEntry, vault: EntryId) -> bool {
    entry.id == vault || entry.header.vault == Some(vault)
}

/// The set of whole lines of a file.
pub fn line_set(bytes: &[u8]) -> BTreeSet<&[u8]> {
    let whole = bytes.get(..line::whole_bytes(bytes)).unwrap_or_default();
    whole.split_inclusive(|byte| *byte == b'\n').collect()
}

/// What a file should hold, out of `joined` lines that were checked as `checked`: no dead box, nothing
/// that is not part of the vault, no entry that waits (but for those `spared`), no box without an entry.
pub fn clean<'a>(
    joined: &'a [u8],
    checked: &Checked,
    spared: &BTreeSet<EntryId>,
) -> (Vec<u8>, BTreeSet<&'a [u8]>) {
    let waits: BTreeSet<EntryId> =
        checked.waiting.iter().map(|(id, _)| *id).filter(|id| !spared.contains(id)).collect();
    let entries = checked.scanned.entries.values();
    let (left, stay): (Vec<&SignedEntry>, Vec<&SignedEntry>) =
        entries.partition(|entry| waits.contains(&entry.id));
    let named: BTreeSet<BoxId> = stay.into_iter().flat_map(named_boxes).collect();
    let boxes = checked.scanned.boxes.iter().filter(|(id, _)| !named.contains(id));
    let places = left.into_iter().map(|entry| &entry.place).chain(boxes.map(|(_, place)| place));
    let out: BTreeSet<&[u8]> = places.filter_map(|place| joined.get(place.clone())).collect();
    let sorted = rewrite::sort(joined, checked);
    let kept = sorted.kept.split_inclusive(|byte| *byte == b'\n');
    (kept.filter(|line| !out.contains(line)).collect::<Vec<_>>().concat(), out)
}

/// Every box that the header names.
pub fn named_boxes(entry: &SignedEntry) -> Vec<BoxId> {
    entry.with_body(Body::Locked).named_boxes().collect()
}
