//! From a draft to the lines of a signed entry.
//!
//! Records first; then what rights need: new generations where none is fresh, wraps where one is
//! missing; then boxes, body, signature. Nothing here touches the disk.

use std::collections::BTreeMap;

use crate::crypto::age_key::AgeKey;
use crate::crypto::member::{MemberKey, encode_ring_keys};
use crate::crypto::random::random;
use crate::crypto::seal;
use crate::error::{Error, Explain, Kind, Result};
use crate::format::line::Line;
use crate::format::{body, header};
use crate::org::access::{holders, is_clean, sealing_generation};
use crate::org::apply::author_of;
use crate::org::entry::{Body, BoxClaim, Entry, Header, NewGeneration, Previous, Wrap};
use crate::org::fold::fold_on;
use crate::org::ids::{BoxId, EntryId, Id, PublicKey, Recipient};
use crate::org::plan::{NotFresh, Plan, plan_with, renew_lost};
use crate::org::record::{Change, Record};
use crate::org::rings::RingName;
use crate::org::state::State;
use crate::org::time::Time;

use super::draft::{Pending, settle};
use super::keys::RingKeys;
use super::scan::ENTRY_CONTEXT;

/// What an entry is written with.
pub struct Pen<'a> {
    pub vault: Option<EntryId>,
    pub parents: Vec<EntryId>,
    pub member: &'a MemberKey,
    pub rings: &'a RingKeys,
    pub time: Time,
    pub agent: String,
    pub host: String,
}

/// A signed entry with its boxes, as lines.
pub struct Written {
    pub entry: Entry,
    pub lines: Vec<u8>,
    /// Where each box stands within the lines.
    pub boxes: BTreeMap<BoxId, std::ops::Range<usize>>,
    pub new_rings: Vec<AgeKey>,
}

/// What a command asks to be written.
pub struct Content {
    pub records: Vec<Record>,
    pub pending: Vec<Pending>,
    pub sealed: Vec<(BoxId, Vec<u8>)>,
}

/// Everything that is made on the way.
struct Work<'a> {
    pen: &'a Pen<'a>,
    after: State,
    made: Vec<(RingName, AgeKey, Id)>,
    header: Header,
    files: Vec<(BoxId, Vec<u8>)>,
}

/// Writes an entry on top of `state`.
pub fn write(pen: &Pen<'_>, state: &State, content: Content) -> Result<Written> {
    let Content { mut records, pending, sealed } = content;
    let author = PublicKey::parse(&pen.member.signing.public())
        .ok_or_else(|| Error::failed("no signing key"))?;
    let own = Recipient::parse(pen.member.age.recipient())
        .ok_or_else(|| Error::failed("no member key"))?;
    let mut work = Work {
        pen,
        after: state.clone(),
        made: vec![],
        header: pen.header(author, own),
        files: vec![],
    };
    for (id, file) in sealed {
        work.header.boxes.push(BoxClaim { id, to: vec![] });
        work.files.push((id, file));
    }
    work.foresee(&records)?;
    let planned = work.plan(state, author, &pending)?;
    work.make_generations(&planned, state, &mut records)?;
    work.wrap(&planned)?;
    work.seal_pending(pending, &mut records)?;
    work.finish(records)
}

impl Pen<'_> {
    /// `members` is set when it is known which generation the body is sealed to.
    fn header(&self, author: PublicKey, members: Recipient) -> Header {
        Header {
            vault: self.vault,
            time: self.time,
            parents: self.parents.clone(),
            author,
            members,
            boxes: vec![],
            rings: vec![],
            wraps: vec![],
        }
    }
}

impl Work<'_> {
    /// The state as it will be, so that rings are planned for whoever will hold them.
    fn foresee(&mut self, records: &[Record]) -> Result<()> {
        let changes = records.iter().cloned().map(Change::Known).collect();
        let entry = Entry {
            id: EntryId::new(random()),
            header: self.header.clone(),
            body: Body::Opened(changes),
        };
        fold_on(&mut self.after, &entry);
        match self.after.refused.last() {
            Some(refusal) if refusal.entry == entry.id => {
                Err(Error::denied("not allowed").because(&refusal.why))
            }
            _ => Ok(()),
        }
    }

    fn plan(&self, before: &State, author: PublicKey, pending: &[Pending]) -> Result<Plan> {
        let mut sealed: Vec<RingName> =
            pending.iter().flat_map(|pending| pending.rings.clone()).collect();
        sealed.push(RingName::Members);
        let me = author_of(&self.after, &author);
        let Some(me) = self.after.members.get(&me).filter(|me| me.is_active()) else {
            return Ok(Plan::default()); // who leaves seals with what there is
        };
        let has = |ring: &Recipient| self.pen.rings.get(ring).is_some();
        let mut plan = plan_with(&self.after, me, &sealed, &has).map_err(not_fresh)?;
        renew_lost(&mut plan, before, &self.after, me, &has);
        Ok(plan)
    }

    /// New keys for the planned rings, the earlier ones sealed to them.
    fn make_generations(
        &mut self,
        planned: &Plan,
        before: &State,
        records: &mut Vec<Record>,
    ) -> Result<()> {
        for name in &planned.generations {
            let key = AgeKey::generate();
            let recipient = recipient_of(&key)?;
            let ring = match before.rings.id_of(name) {
                Some(id) => id.clone(),
                None => {
                    let nonce = crate::org::ids::Nonce(random());
                    let id = Id::derive(&self.header.author, &nonce);
                    records.push(Record::Ring { ring: id.clone(), name: name.clone() });
                    id
                }
            };
            let roots: Vec<Recipient> = before
                .rings
                .roots_among(name, &|root| self.pen.rings.get(root).is_some())
                .iter()
                .map(|root| root.recipient.clone())
                .collect();
            let previous =
                roots.iter().filter_map(|root| self.hand_on(root, &recipient).transpose());
            let previous = previous.collect::<Result<Vec<_>>>()?;
            self.header.rings.push(NewGeneration {
                ring: ring.clone(),
                recipient,
                previous: vec![],
            });
            let boxes: Vec<Previous> =
                previous.iter().map(|(previous, ..)| previous.clone()).collect();
            if let Some(new) = self.header.rings.last_mut() {
                new.previous = boxes;
            }
            self.files
                .extend(previous.into_iter().map(|(previous, file)| (previous.key_box, file)));
            self.made.push((name.clone(), key, ring));
        }
        Ok(())
    }

    fn hand_on(&self, root: &Recipient, to: &Recipient) -> Result<Option<(Previous, Vec<u8>)>> {
        let Some(key) = self.pen.rings.get(root) else { return Ok(None) };
        let plaintext = encode_ring_keys(&[("earlier", key)]);
        let sealed = seal::seal(&[to.as_str()], plaintext.expose())
            .or_failed(|| "cannot seal a key".into())?;
        let key_box = BoxId::of(&sealed.file);
        Ok(Some((Previous { recipient: root.clone(), key_box }, sealed.file)))
    }

    /// One box a holder: the new generations they may hold, and what they lacked.
    fn wrap(&mut self, planned: &Plan) -> Result<()> {
        let mut gifts: BTreeMap<Recipient, Vec<Recipient>> = BTreeMap::new();
        for wrap in &planned.wraps {
            gifts.entry(wrap.to.clone()).or_default().extend(wrap.opens.iter().cloned());
        }
        for (name, key, _) in &self.made {
            for member in holders(&self.after, name).filter(|member| is_clean(&self.after, member))
            {
                gifts.entry(member.recipient.clone()).or_default().push(recipient_of(key)?);
            }
        }
        for (to, opens) in gifts {
            let keys: Vec<(&str, &AgeKey)> = opens
                .iter()
                .filter_map(|recipient| Some((recipient.as_str(), self.key(recipient)?)))
                .collect();
            if keys.len() != opens.len() {
                continue; // by the log we hold it, in truth we do not: somebody else must wrap it
            }
            let plaintext = encode_ring_keys(&keys);
            let sealed = seal::seal(&[to.as_str()], plaintext.expose())
                .or_failed(|| "cannot seal a key".into())?;
            let key_box = BoxId::of(&sealed.file);
            self.header.wraps.push(Wrap { to, opens, key_box });
            self.files.push((key_box, sealed.file));
        }
        Ok(())
    }

    fn key(&self, recipient: &Recipient) -> Option<&AgeKey> {
        let made = self
            .made
            .iter()
            .map(|(_, key, _)| key)
            .find(|key| key.recipient() == recipient.as_str());
        made.or_else(|| self.pen.rings.get(recipient))
    }

    /// The recipient to seal with: this entry's own generation, else the latest fresh one.
    fn seals_to(&self, ring: &RingName) -> Result<Recipient> {
        if let Some((_, key, _)) = self.made.iter().find(|(name, ..)| name == ring) {
            return recipient_of(key);
        }
        let generation = sealing_generation(&self.after, ring);
        let generation = generation
            .ok_or_else(|| not_fresh(NotFresh { ring: ring.clone(), helpers: vec![] }))?;
        Ok(generation.recipient.clone())
    }

    fn seal_pending(&mut self, pending: Vec<Pending>, records: &mut [Record]) -> Result<()> {
        let mut real: BTreeMap<BoxId, BoxId> = BTreeMap::new();
        for box_to_seal in pending {
            let to = box_to_seal
                .rings
                .iter()
                .map(|ring| self.seals_to(ring))
                .collect::<Result<Vec<_>>>()?;
            let recipients: Vec<&str> = to.iter().map(Recipient::as_str).collect();
            let sealed = seal::seal(&recipients, box_to_seal.plaintext.expose())
                .or_failed(|| "cannot seal a value".into())?;
            let id = BoxId::of(&sealed.file);
            real.insert(box_to_seal.stands_for, id);
            self.header.boxes.push(BoxClaim { id, to });
            self.files.push((id, sealed.file));
        }
        let settled = |id: BoxId| real.get(&id).copied().unwrap_or(id);
        records.iter_mut().for_each(|record| settle(record, &settled));
        Ok(())
    }

    fn finish(mut self, records: Vec<Record>) -> Result<Written> {
        let members = self.seals_to(&RingName::Members)?;
        self.header.members = members.clone();
        let plaintext = body::encode(&self.pen.agent, &self.pen.host, &records);
        let sealed = seal::seal(&[members.as_str()], plaintext.expose())
            .or_failed(|| "cannot seal the entry".into())?;
        let text = header::encode(&self.header, &sealed.file);
        header::decode(&text).map_err(|why| {
            Error::new(Kind::Usage, "the change is too large for one entry").because(why)
        })?;
        let signature = self.pen.member.signing.sign(ENTRY_CONTEXT, text.as_bytes());
        let mut lines = vec![];
        let mut boxes = BTreeMap::new();
        for (id, file) in self.files {
            let start = lines.len();
            lines.extend_from_slice(Line::for_box(id, &file).as_bytes());
            boxes.insert(id, start..lines.len());
        }
        lines.extend_from_slice(Line::for_entry(&signature, &text).as_bytes());
        let changes = records.into_iter().map(Change::Known).collect();
        let id = EntryId::of(text.as_bytes());
        let entry = Entry { id, header: self.header, body: Body::Opened(changes) };
        let new_rings = self.made.into_iter().map(|(_, key, _)| key).collect();
        Ok(Written { entry, lines, boxes, new_rings })
    }
}

fn recipient_of(key: &AgeKey) -> Result<Recipient> {
    Recipient::parse(key.recipient()).ok_or_else(|| Error::failed("a new key has no recipient"))
}

fn not_fresh(cause: NotFresh) -> Error {
    let error = Error::conflict("nobody may seal to this ring now").because(format!(
        "the ring {} was held by somebody who may not hold it any more",
        cause.ring
    ));
    if cause.helpers.is_empty() {
        return error;
    }
    error.hint(format!("{} can renew it: any change they write does", cause.helpers.join(", ")))
}
