//! One signed transaction as the fold sees it: the header in the clear, and what its body says.

use serde::{Deserialize, Serialize};

use super::ids::{BoxId, EntryId, Id, PublicKey, Recipient};
use super::record::{Change, Record};
use super::time::Time;

/// A box and the ring recipients its author says it is sealed to. None: a member box.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoxClaim {
    pub id: BoxId,
    pub to: Vec<Recipient>,
}

/// An earlier generation's key, sealed to the new one.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Previous {
    pub recipient: Recipient,
    #[serde(rename = "box")]
    pub key_box: BoxId,
}

/// A new generation of a ring.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewGeneration {
    pub ring: Id,
    pub recipient: Recipient,
    pub previous: Vec<Previous>,
}

/// Ring keys given to one member key, in one box.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wrap {
    pub to: Recipient,
    pub opens: Vec<Recipient>,
    #[serde(rename = "box")]
    pub key_box: BoxId,
}

/// The clear part of an entry, without the body's bytes.
#[derive(Clone, PartialEq, Debug)]
pub struct Header {
    /// None in the first entry: its own id is the vault's.
    pub vault: Option<EntryId>,
    pub time: Time,
    pub parents: Vec<EntryId>,
    pub author: PublicKey,
    /// The generation of the `members` ring that the body is sealed to.
    pub members: Recipient,
    pub boxes: Vec<BoxClaim>,
    pub rings: Vec<NewGeneration>,
    pub wraps: Vec<Wrap>,
}

/// What could be made of an entry's body.
#[derive(Clone, PartialEq, Debug)]
pub enum Body {
    Opened(Vec<Change>),
    /// We lack the generation it is sealed to: we are behind.
    Locked,
    /// It does not open with the generation it names, or does not parse: void for everyone.
    Garbled(String),
}

/// An entry whose signature is right.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    pub id: EntryId,
    pub header: Header,
    pub body: Body,
}

impl Entry {
    /// The records this program knows.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        let changes: &[Change] = match &self.body {
            Body::Opened(changes) => changes,
            Body::Locked | Body::Garbled(_) => &[],
        };
        changes.iter().filter_map(|change| match change {
            Change::Known(record) => Some(record),
            Change::Unknown(_) => None,
        })
    }

    /// Every box the entry names.
    pub fn named_boxes(&self) -> impl Iterator<Item = BoxId> {
        let header = &self.header;
        let claims = header.boxes.iter().map(|claim| claim.id);
        let previous = header.rings.iter().flat_map(|ring| &ring.previous).map(|old| old.key_box);
        claims.chain(previous).chain(header.wraps.iter().map(|wrap| wrap.key_box))
    }

    /// Boxes it says hold a value or a note.
    pub fn content_boxes(&self) -> impl Iterator<Item = BoxId> {
        self.header.boxes.iter().filter(|claim| !claim.to.is_empty()).map(|claim| claim.id)
    }

    /// Boxes it says hold a key.
    pub fn key_boxes(&self) -> impl Iterator<Item = BoxId> {
        let header = &self.header;
        let members = header.boxes.iter().filter(|claim| claim.to.is_empty()).map(|claim| claim.id);
        let previous = header.rings.iter().flat_map(|ring| &ring.previous).map(|old| old.key_box);
        members.chain(previous).chain(header.wraps.iter().map(|wrap| wrap.key_box))
    }

    pub fn claim(&self, id: BoxId) -> Option<&BoxClaim> {
        self.header.boxes.iter().find(|claim| claim.id == id)
    }
}
