//! Large histories: folding them must stay far from quadratic.

use secrets::org::record::Record;

use crate::log::{Log, admit, create, update};
use crate::symbols::*;

#[test]
fn ten_thousand_entries_in_a_row() {
    let mut log = Log::new();
    let mut head = log.vault;
    for n in 0..500 {
        head = log.add(1, vec![head], vec![create(n)]);
    }
    for n in 0..9_499 {
        head = log.add(1, vec![head], vec![update(n % 500, 2 + (n / 500) as u32)]);
    }
    let state = log.fold_timed("in a row");
    assert_eq!(state.secrets.len(), 500);
    assert!(state.refused.is_empty());
}

#[test]
fn ten_thousand_versions_of_one_secret() {
    let mut log = Log::new();
    let mut head = log.vault;
    head = log.add(1, vec![head], vec![create(0)]);
    for n in 0..9_998 {
        head = log.add(1, vec![head], vec![update(0, 2 + n)]);
    }
    assert_eq!(log.fold_timed("one secret").secrets.values().next().unwrap().versions.len(), 9_999);
}

#[test]
fn a_hundred_removals_on_branches_that_merge() {
    let mut log = Log::new();
    let mut head = log.vault;
    for n in 0..100 {
        head = log.add(1, vec![head], admit(10 + n));
    }
    for n in 0..200 {
        head = log.add(1, vec![head], vec![create(n)]);
    }
    for n in 0..100 {
        // The founder removes somebody, who goes on writing on a branch of their own.
        let (mut here, mut there) = (head, head);
        here = log.add(
            1,
            vec![here],
            vec![Record::Remove { member: public_key(10 + n), keep: vec![] }],
        );
        for step in 0..8 {
            here = log.add(1, vec![here], vec![update(n, 2 + step)]);
            there = log.add(10 + n, vec![there], vec![update(100 + n, 2 + step)]);
        }
        head = log.add(1, vec![here, there], vec![]);
    }
    let state = log.fold_timed("a hundred removals");
    assert_eq!(state.refused.len(), 800);
    assert_eq!(state.proposed.len(), 800);
    assert_eq!(state.active().count(), 1);
}

#[test]
fn two_long_branches() {
    let mut log = Log::new();
    let mut head = log.vault;
    head = log.add(1, vec![head], admit(10));
    for n in 0..200 {
        head = log.add(1, vec![head], vec![create(n)]);
    }
    let (mut here, mut there) = (head, head);
    here = log.add(1, vec![here], vec![Record::Remove { member: public_key(10), keep: vec![] }]);
    for n in 0..2_000u64 {
        here = log.add(1, vec![here], vec![update(n % 100, 2 + (n / 100) as u32)]);
        there = log.add(10, vec![there], vec![update(100 + n % 100, 2 + (n / 100) as u32)]);
    }
    log.add(1, vec![here, there], vec![]);
    assert_eq!(log.fold_timed("two long branches").refused.len(), 2_000);
}
