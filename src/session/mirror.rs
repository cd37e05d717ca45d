//! Every living line this machine has seen, so that `repair` gets back what the vault file lost.

use std::collections::BTreeSet;

use crate::error::{Explain, Result};
use crate::format::line;
use crate::storage;

use super::memory::Folder;

/// Adds lines; a cache is not synced.
pub fn add(folder: &Folder, lines: &[u8]) -> Result<()> {
    let what = || format!("cannot write {}", folder.mirror().display());
    storage::private_folder(folder.path()).or_failed(what)?;
    storage::append_unsynced(&folder.mirror(), lines).or_failed(what)?;
    Ok(())
}

/// The mirror's bytes; none yet is empty.
pub fn read(folder: &Folder) -> Vec<u8> {
    storage::read(&folder.mirror()).map(|(bytes, _)| bytes).unwrap_or_default()
}

/// Makes the mirror these bytes.
pub fn replace(folder: &Folder, bytes: &[u8]) -> Result<()> {
    let what = || format!("cannot write {}", folder.mirror().display());
    storage::private_folder(folder.path()).or_failed(what)?;
    storage::write_memory(&folder.mirror(), bytes).or_failed(what)?;
    Ok(())
}

/// The lines of both, each once, in the order they are met.
pub fn union(copies: &[&[u8]]) -> Vec<u8> {
    let mut seen = BTreeSet::new();
    let mut joined = line::MAGIC.as_bytes().to_vec();
    seen.insert(line::MAGIC.as_bytes());
    for copy in copies {
        let whole = copy.get(..line::whole_bytes(copy)).unwrap_or_default();
        for text in whole.split_inclusive(|byte| *byte == b'\n') {
            if seen.insert(text) {
                joined.extend_from_slice(text);
            }
        }
    }
    joined
}
