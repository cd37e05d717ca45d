//! Large histories: folding them must stay far from quadratic.

use std::time::Instant;

use secrets::org::entry::{Body, Entry, Header};
use secrets::org::fold::fold;
use secrets::org::ids::{EntryId, Id, PublicKey};
use secrets::org::order::order;
use secrets::org::record::{Change, Kind, NewPlace, NewSecret, NewVersion, Record, SecretType};
use secrets::org::roles::{Reach, Role};

use crate::symbols::*;

struct Log {
    entries: Vec<Entry>,
    vault: EntryId,
}

impl Log {
    fn new() -> Self {
        let mut log = Self { entries: vec![], vault: entry_id(1) };
        let environments = vec![NewPlace { nonce: nonce(1), name: place_name("development") }];
        let found = Record::Found { org: title("acme"), card: card("founder", 1), environments };
        log.add(1, vec![], vec![found]);
        log
    }

    fn add(&mut self, author: u64, parents: Vec<EntryId>, records: Vec<Record>) -> EntryId {
        let first = self.entries.is_empty();
        let id = entry_id(self.entries.len() as u64 + 1);
        let header = Header {
            vault: (!first).then_some(self.vault),
            time: time(self.entries.len() as i64),
            parents,
            author: public_key(author),
            members: recipient(0),
            boxes: vec![],
            rings: vec![],
            wraps: vec![],
        };
        let body = Body::Opened(records.into_iter().map(Change::Known).collect());
        self.entries.push(Entry { id, header, body });
        id
    }

    fn fold(&self, what: &str) -> secrets::org::state::State {
        let start = Instant::now();
        let state = fold(self.vault, &order(self.vault, &self.entries));
        println!("{what}: {} entries in {:?}", self.entries.len(), start.elapsed());
        assert!(start.elapsed().as_secs() < 10, "{what} takes {:?}", start.elapsed());
        state
    }
}

fn founder() -> PublicKey {
    public_key(1)
}

fn create(n: u64) -> Record {
    Record::Create(NewSecret {
        nonce: nonce(1000 + n),
        name: secret_name(&format!("SECRET_{n}")),
        kind: SecretType::Value,
        environment: Id::derive(&founder(), &nonce(1)),
        scope: None,
        projects: vec![],
        note: None,
        rotate_days: None,
        value: box_id(n * 1000),
    })
}

fn update(n: u64, number: u32) -> Record {
    Record::Update(NewVersion {
        secret: Id::derive(&founder(), &nonce(1000 + n)),
        number,
        value: box_id(n * 1000 + u64::from(number)),
        after: vec![box_id(n * 1000 + u64::from(number) - 1)],
        restores: None,
        assign: vec![],
    })
}

fn admit(n: u64) -> Vec<Record> {
    let card = card(&format!("person-{n}"), n);
    let member = card.key;
    vec![
        Record::Admit { card, kind: Kind::Person },
        Record::Raise { member, role: Role::Writer, reach: Reach::Org },
    ]
}

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
    let state = log.fold("in a row");
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
    assert_eq!(log.fold("one secret").secrets.values().next().unwrap().versions.len(), 9_999);
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
    let state = log.fold("a hundred removals");
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
    assert_eq!(log.fold("two long branches").refused.len(), 2_000);
}
