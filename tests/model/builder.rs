//! A history in the making: people, and copies of one vault that drift apart and merge.

use std::collections::BTreeSet;

use secrets::org::entry::{Body, BoxClaim, Entry, Header, NewGeneration, Wrap};
use secrets::org::fold::{fold, fold_on};
use secrets::org::ids::{BoxId, EntryId, Id, MemberId, PublicKey, Recipient};
use secrets::org::order::order;
use secrets::org::record::{Change, NewPlace, Record};
use secrets::org::rings::RingName;
use secrets::org::state::State;

use crate::symbols::*;

/// Somebody with keys: a member, one who was, or nobody.
pub struct Person {
    pub member: MemberId,
    pub name: String,
    /// Numbers of every key they ever had; the last is the current one.
    pub keys: Vec<u64>,
    pub first: u64,
    pub cheat: bool,
}

impl Person {
    pub fn key(&self) -> PublicKey {
        public_key(*self.keys.last().unwrap())
    }
}

/// One copy of the vault.
#[derive(Clone)]
pub struct Copy {
    pub known: BTreeSet<usize>,
    pub state: State,
    pub heads: Vec<EntryId>,
}

/// An entry's place in the making.
pub struct Draft {
    pub author: PublicKey,
    pub parents: Vec<EntryId>,
    pub time: i64,
    pub members: Recipient,
    pub changes: Vec<Change>,
    pub boxes: Vec<BoxClaim>,
    pub rings: Vec<NewGeneration>,
    pub wraps: Vec<Wrap>,
}

pub struct World {
    pub rng: Rng,
    pub vault: EntryId,
    pub entries: Vec<Entry>,
    pub honest: Vec<bool>,
    pub copies: Vec<Copy>,
    pub people: Vec<Person>,
    /// Values that an honest program acknowledged.
    pub acknowledged: Vec<(BoxId, usize)>,
    pub pool: Pool,
    pub clock: i64,
    /// Every ring that somebody was ever entitled to, on whatever copy.
    pub entitled: BTreeSet<(MemberId, RingName)>,
    /// Keys that somebody knows because they made them for another.
    pub made: Vec<(MemberId, u64)>,
    counter: u64,
}

/// Everything that records can name.
#[derive(Default)]
pub struct Pool {
    pub secrets: Vec<Id>,
    pub projects: Vec<Id>,
    pub environments: Vec<Id>,
    pub groups: Vec<Id>,
    pub rings: Vec<Id>,
    pub boxes: Vec<BoxId>,
    pub recipients: Vec<Recipient>,
    pub nonces: Vec<u64>,
}

impl World {
    /// A founder, three environments, and the first copies.
    pub fn new(seed: u64, copies: usize) -> Self {
        let mut world = Self {
            rng: Rng(seed),
            vault: entry_id(seed),
            entries: vec![],
            honest: vec![],
            copies: vec![],
            people: vec![],
            acknowledged: vec![],
            pool: Pool::default(),
            clock: 0,
            entitled: BTreeSet::new(),
            made: vec![],
            counter: 1,
        };
        world.found();
        let first = world.refolded((0..world.entries.len()).collect());
        world.copies = vec![first; copies];
        world
    }

    pub fn fresh(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    pub fn person(&mut self, name: &str) -> usize {
        let key = self.fresh();
        let member = public_key(key);
        self.people.push(Person {
            member,
            name: name.to_owned(),
            keys: vec![key],
            first: key,
            cheat: false,
        });
        self.people.len() - 1
    }

    fn found(&mut self) {
        let founder = self.person("founder");
        let key = self.people[founder].keys[0];
        let author = self.people[founder].key();
        let names = ["development", "staging", "production"];
        let environments: Vec<NewPlace> = names
            .iter()
            .map(|name| NewPlace { nonce: nonce(self.fresh()), name: place_name(name) })
            .collect();
        let places: Vec<Id> =
            environments.iter().map(|new| Id::derive(&author, &new.nonce)).collect();
        let founded =
            Record::Found { org: title("acme"), card: card("founder", key), environments };
        let mut changes = vec![Change::Known(founded)];
        let mut rings = vec![];
        let mut names = vec![RingName::Members, RingName::Reads];
        names.extend(places.iter().cloned().map(RingName::Environment));
        for name in names {
            let ring = Id::derive(&author, &nonce(self.fresh()));
            let new = recipient(self.fresh());
            self.pool.rings.push(ring.clone());
            self.pool.recipients.push(new.clone());
            rings.push(NewGeneration { ring: ring.clone(), recipient: new, previous: vec![] });
            changes.push(Change::Known(Record::Ring { ring, name }));
        }
        let opens = rings.iter().map(|new| new.recipient.clone()).collect();
        let wrap = Wrap { to: recipient(key), opens, key_box: box_id(self.fresh()) };
        let members = rings[0].recipient.clone();
        let boxes = vec![BoxClaim { id: card("founder", key).member_box, to: vec![] }];
        let draft = Draft {
            author,
            parents: vec![],
            time: 0,
            members,
            changes,
            boxes,
            rings,
            wraps: vec![wrap],
        };
        self.pool.environments = places;
        self.push(draft, true);
    }

    /// Makes an entry of a draft. Who knows it is another matter.
    pub fn push(&mut self, draft: Draft, honest: bool) -> usize {
        let first = self.entries.is_empty();
        let id = if first { self.vault } else { entry_id(self.rng.next()) };
        let header = Header {
            vault: (!first).then_some(self.vault),
            time: time(draft.time),
            parents: draft.parents,
            author: draft.author,
            members: draft.members,
            boxes: draft.boxes,
            rings: draft.rings,
            wraps: draft.wraps,
        };
        self.entries.push(Entry { id, header, body: Body::Opened(draft.changes) });
        self.honest.push(honest);
        self.entries.len() - 1
    }

    /// An entry on top of everything a copy knows.
    pub fn append(&mut self, copy: usize, draft: Draft) -> usize {
        let place = self.push(draft, true);
        let entry = self.entries[place].clone();
        let copy = &mut self.copies[copy];
        copy.known.insert(place);
        fold_on(&mut copy.state, &entry);
        copy.heads = vec![entry.id];
        place
    }

    /// An entry that stands wherever its author put it.
    pub fn smuggle(&mut self, copy: usize, draft: Draft) -> usize {
        let place = self.push(draft, false);
        let mut known = self.copies[copy].known.clone();
        known.insert(place);
        self.copies[copy] = self.refolded(known);
        place
    }

    pub fn merge(&mut self, into: usize, from: usize) {
        let theirs = &self.copies[from].known;
        if theirs.is_subset(&self.copies[into].known) {
            return;
        }
        let known = self.copies[into].known.union(theirs).copied().collect();
        self.copies[into] = self.refolded(known);
    }

    pub fn refolded(&self, known: BTreeSet<usize>) -> Copy {
        let entries: Vec<Entry> = known.iter().map(|place| self.entries[*place].clone()).collect();
        let ordered = order(self.vault, &entries);
        let heads = ordered.heads();
        Copy { known, state: fold(self.vault, &ordered), heads }
    }

    /// What everybody together knows.
    pub fn union(&self) -> Copy {
        let known = self.copies.iter().flat_map(|copy| copy.known.iter().copied()).collect();
        self.refolded(known)
    }
}
