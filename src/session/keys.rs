//! The keys a session holds: the member key, and every ring key that wraps and `previous` boxes give.
//!
//! A key that opens to another than its wrap says is never used for what the wrap says; it is
//! reported with the wrap's author.

use std::collections::BTreeMap;

use crate::crypto::age_key::AgeKey;
use crate::crypto::member::{MemberKey, decode_ring_keys};
use crate::crypto::seal;
use crate::format::limits::KEYS_BYTES;
use crate::org::entry::Header;
use crate::org::ids::{BoxId, Recipient};

use super::memory::KeptBytes;

/// Gives a box's file by its id, hash checked.
pub type BoxSource<'a> = &'a dyn Fn(BoxId) -> Option<Vec<u8>>;

/// Ring keys by the recipient they open for.
#[derive(Default)]
pub struct RingKeys(BTreeMap<Recipient, AgeKey>);

impl RingKeys {
    pub fn get(&self, recipient: &Recipient) -> Option<&AgeKey> {
        self.0.get(recipient)
    }

    pub fn insert(&mut self, key: AgeKey) {
        if let Some(recipient) = Recipient::parse(key.recipient()) {
            self.0.insert(recipient, key);
        }
    }

    /// Keys out of this machine's memory, under the recipients that were checked when they came.
    pub fn remembered(kept: &[(Recipient, KeptBytes)]) -> Self {
        let parse = |(recipient, key): &(Recipient, KeptBytes)| {
            let text = std::str::from_utf8(key.expose()).ok()?;
            Some((recipient.clone(), AgeKey::parse(text)?))
        };
        Self(kept.iter().filter_map(parse).collect())
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Recipient, &AgeKey)> {
        self.0.iter()
    }

    /// Any of these recipients whose key is here.
    pub fn any<'a>(&'a self, recipients: &'a [Recipient]) -> impl Iterator<Item = &'a AgeKey> {
        recipients.iter().filter_map(|recipient| self.get(recipient))
    }

    /// Takes in every key that `headers` give to `member` or to keys already here. Returns wraps
    /// that opened to something else than they say.
    pub fn collect<'a>(
        &mut self,
        member: &MemberKey,
        headers: impl Iterator<Item = &'a Header> + Clone,
        boxes: BoxSource<'_>,
    ) -> Vec<BoxId> {
        let mut wrong = vec![];
        for wrap in headers.clone().flat_map(|header| &header.wraps) {
            if wrap.to.as_str() != member.age.recipient()
                || wrap.opens.iter().all(|r| self.0.contains_key(r))
            {
                continue;
            }
            let Some(keys) = boxes(wrap.key_box).and_then(|file| open_keys(&member.age, &file))
            else {
                continue;
            };
            let as_stated = |key: &AgeKey| wrap.opens.iter().any(|r| r.as_str() == key.recipient());
            if !keys.iter().all(as_stated) || keys.len() != wrap.opens.len() {
                wrong.push(wrap.key_box);
            }
            keys.into_iter().filter(as_stated).for_each(|key| self.insert(key));
        }
        self.follow_previous(headers, boxes);
        wrong
    }

    /// From each generation's key to those of the earlier ones, until nothing new opens.
    fn follow_previous<'a>(
        &mut self,
        headers: impl Iterator<Item = &'a Header> + Clone,
        boxes: BoxSource<'_>,
    ) {
        loop {
            let before = self.0.len();
            for ring in headers.clone().flat_map(|header| &header.rings) {
                for previous in &ring.previous {
                    if self.0.contains_key(&previous.recipient) {
                        continue;
                    }
                    let Some(newer) = self.0.get(&ring.recipient) else { break };
                    let opened = boxes(previous.key_box).and_then(|file| open_keys(newer, &file));
                    let stated = |key: &AgeKey| key.recipient() == previous.recipient.as_str();
                    opened.into_iter().flatten().filter(stated).for_each(|key| self.insert(key));
                }
            }
            if self.0.len() == before {
                return;
            }
        }
    }
}

pub(super) fn open_keys(key: &AgeKey, file: &[u8]) -> Option<Vec<AgeKey>> {
    let opened = seal::open(key, file, KEYS_BYTES).ok()?;
    decode_ring_keys(opened.plaintext.expose())
}
