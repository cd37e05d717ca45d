//! What a machine may not forget: every head it saw must still be in the graph.

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::org::ids::EntryId;

use super::full::Checked;
use super::memory::Pins;

/// Refuses a vault that lacks an entry this machine has seen.
pub fn refuse_rollback(checked: &Checked, seen: &[EntryId]) -> Result<()> {
    refuse_waiting(checked, seen)?;
    let gone = seen.iter().filter(|head| !checked.scanned.entries.contains_key(head)).count();
    if gone == 0 {
        return Ok(());
    }
    Err(Error::rolled_back("the vault went back from what this machine has seen")
        .because(format!("{gone} of the latest entries seen here are not in the file any more"))
        .hint("`secrets repair` puts them back from this machine's mirror"))
}

/// Entries whose past is not whole, in words.
pub fn waiting(count: usize) -> String {
    match count {
        1 => "an entry stands on one that is missing".to_owned(),
        several => format!("{several} entries stand on entries that are missing"),
    }
}

/// An entry that was in effect here and now stands on one that is missing: what is read would be old.
fn refuse_waiting(checked: &Checked, seen: &[EntryId]) -> Result<()> {
    let waits = |head: &&EntryId| checked.waiting.iter().any(|(entry, _)| entry == *head);
    let waiting = seen.iter().filter(waits).count();
    if waiting == 0 {
        return Ok(());
    }
    Err(Error::damaged("the vault is not whole")
        .because(format!(
            "{waiting} of the latest entries seen here stand on entries that are missing"
        ))
        .hint("`secrets repair` looks for them in this machine's mirror and in other copies"))
}

/// A copy in a new place that lacks what this machine has seen of the vault elsewhere. No failure: two
/// clones of one repository are seldom equally far.
pub fn behind_elsewhere(checked: &Checked, others: &[Pins]) -> Option<String> {
    let lacks = |pins: &&Pins| {
        pins.vault == checked.vault
            && pins.heads.iter().any(|head| !checked.scanned.entries.contains_key(head))
    };
    let newer = others.iter().find(lacks)?;
    Some(format!("this copy lacks entries that this machine has seen in {}", newer.path.display()))
}

/// What others' entries changed for this machine since it last looked; empty if nothing surprises.
pub fn announce(
    checked: &Checked,
    seen: &[EntryId],
    refused_before: &BTreeSet<EntryId>,
) -> Vec<String> {
    let mut notices = vec![];
    if !seen.is_empty() && checked.heads.len() > 1 {
        notices.push(format!(
            "{} copies of the vault were changed apart and are merged",
            checked.heads.len()
        ));
    }
    let newly = checked
        .state
        .refused
        .iter()
        .filter(|refusal| !refused_before.contains(&refusal.entry))
        .count();
    if !seen.is_empty() && newly > 0 {
        notices.push(format!("{newly} entries have no effect; `secrets verify` says why"));
    }
    notices
}
