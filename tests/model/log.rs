//! A history written by hand, entry by entry: person `n` has key number `n`; the founder is 1.

use std::time::Instant;

use secrets::org::entry::{Body, Entry, Header, NewGeneration};
use secrets::org::fold::fold;
use secrets::org::ids::{EntryId, Id, PublicKey};
use secrets::org::order::order;
use secrets::org::record::{Change, Kind, NewPlace, NewSecret, NewVersion, Record, SecretType};
use secrets::org::roles::{Reach, Role};
use secrets::org::state::State;

use crate::symbols::*;

pub struct Log {
    pub entries: Vec<Entry>,
    pub vault: EntryId,
}

impl Log {
    pub fn new() -> Self {
        let mut log = Self { entries: vec![], vault: entry_id(1) };
        let environments = vec![NewPlace { nonce: nonce(1), name: place_name("development") }];
        let found = Record::Found { org: title("acme"), card: card("founder", 1), environments };
        log.add(1, vec![], vec![found]);
        log
    }

    pub fn add(&mut self, author: u64, parents: Vec<EntryId>, records: Vec<Record>) -> EntryId {
        let first = self.entries.is_empty();
        let id = entry_id(self.entries.len() as u64 + 1);
        let header = Header {
            vault: (!first).then_some(self.vault),
            time: time(self.entries.len() as i64),
            parents,
            author: public_key(author),
            members: recipient(0),
            boxes: vec![],
            rings: if first { vec![unnamed_ring()] } else { vec![] },
            wraps: vec![],
        };
        let body = Body::Opened(records.into_iter().map(Change::Known).collect());
        self.entries.push(Entry { id, header, body });
        id
    }

    pub fn fold(&self) -> State {
        fold(self.vault, &order(self.vault, &self.entries))
    }

    pub fn fold_timed(&self, what: &str) -> State {
        let start = Instant::now();
        let state = fold(self.vault, &order(self.vault, &self.entries));
        println!("{what}: {} entries in {:?}", self.entries.len(), start.elapsed());
        assert!(start.elapsed().as_secs() < 10, "{what} takes {:?}", start.elapsed());
        state
    }
}

/// What every body here is sealed to.
pub fn unnamed_ring() -> NewGeneration {
    let ring = Id::derive(&founder(), &nonce(0));
    NewGeneration { ring, recipient: recipient(0), previous: vec![] }
}

pub fn founder() -> PublicKey {
    public_key(1)
}

pub fn create(n: u64) -> Record {
    Record::Create(NewSecret {
        nonce: nonce(1000 + n),
        name: secret_name(&format!("SECRET_{n}")),
        kind: SecretType::Value,
        environment: Id::derive(&founder(), &nonce(1)),
        scope: None,
        projects: vec![],
        note: None,
        rotate_days: None,
        value: box_id(n * 1000 + 1),
    })
}

pub fn update(n: u64, number: u32) -> Record {
    Record::Update(NewVersion {
        secret: Id::derive(&founder(), &nonce(1000 + n)),
        number,
        value: box_id(n * 1000 + u64::from(number)),
        after: vec![box_id(n * 1000 + u64::from(number) - 1)],
        restores: None,
        assign: vec![],
    })
}

pub fn admit(n: u64) -> Vec<Record> {
    let card = card(&format!("person-{n}"), n);
    let member = card.key;
    vec![
        Record::Admit { card, kind: Kind::Person },
        Record::Raise { member, role: Role::Writer, reach: Reach::Org },
    ]
}
