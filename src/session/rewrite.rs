//! The vault file written anew: dead boxes dropped, what is not part of the vault moved aside.

use std::collections::BTreeSet;
use std::ops::Range;

use super::full::Checked;

/// A file's lines, sorted by what becomes of them.
pub struct Sorted {
    pub kept: Vec<u8>,
    /// Torn ends, bad lines, strangers' entries: kept elsewhere, for whoever wants to look.
    pub aside: Vec<u8>,
    pub dropped_boxes: usize,
}

/// Newest requests that are kept.
const REQUESTS: usize = 16;

/// Sorts the lines of `bytes` by what the check of the same bytes found.
pub fn sort(bytes: &[u8], checked: &Checked) -> Sorted {
    let scanned = &checked.scanned;
    let rubbish = rubbish(checked);
    let living_places: BTreeSet<usize> = scanned.boxes.values().map(|place| place.start).collect();
    let mut sorted =
        Sorted { kept: Vec::with_capacity(bytes.len()), aside: vec![], dropped_boxes: 0 };
    let mut seen: BTreeSet<&[u8]> = BTreeSet::new();
    for (place, line) in crate::format::line::lines(bytes) {
        let Some(text) = bytes.get(place.clone()) else { continue };
        if rubbish.contains(&place.start) {
            sorted.aside.extend_from_slice(text);
            continue;
        }
        let dead = match line {
            crate::format::line::Line::Box { id, .. } => {
                checked.boxes.dead.contains(&id) || !living_places.contains(&place.start)
            }
            _ => false,
        };
        if dead {
            sorted.dropped_boxes += 1;
        } else if seen.insert(text) {
            sorted.kept.extend_from_slice(text);
        }
    }
    sorted.aside.extend_from_slice(bytes.get(scanned.whole..).unwrap_or_default());
    sorted
}

/// Where lines begin that are not part of the vault.
fn rubbish(checked: &Checked) -> BTreeSet<usize> {
    let scanned = &checked.scanned;
    let bad = scanned.bad.iter().map(|line| line.place.start);
    // Who is behind cannot read which keys are members'.
    let told: &[_] = if checked.state.locked.is_empty() { &checked.strangers } else { &[] };
    let strangers =
        told.iter().filter_map(|id| scanned.entries.get(id)).map(|entry| entry.place.start);
    bad.chain(strangers).chain(old_requests(checked).into_iter().map(|place| place.start)).collect()
}

/// Requests beyond the newest, and those whose key is a member's already.
fn old_requests(checked: &Checked) -> Vec<Range<usize>> {
    let mut requests: Vec<_> = checked.scanned.requests.iter().collect();
    requests.sort_by_key(|(request, _)| std::cmp::Reverse(request.time));
    let known = |key| checked.state.keys.contains_key(key);
    let mut kept = 0;
    let old = requests.into_iter().filter(|(request, _)| {
        kept += usize::from(!known(&request.card.key));
        known(&request.card.key) || kept > REQUESTS
    });
    old.map(|(_, place)| place.clone()).collect()
}

/// Lines that the next rewrite will not keep: dead boxes, rubbish.
pub fn rubbish_lines(checked: &Checked) -> usize {
    let dead = checked.scanned.boxes.keys().filter(|id| checked.boxes.dead.contains(id)).count();
    dead + rubbish(checked).len()
}
