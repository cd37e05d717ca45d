//! A change in the making: records and the plaintexts of their boxes, sealed only at the end.
//!
//! Until it is known which generations will be sealed to, a box stands under a made-up id.

use std::collections::BTreeSet;

use crate::crypto::member::MemberKey;
use crate::crypto::random::random;
use crate::error::{Error, Result};
use crate::format::limits::{NOTE_BYTES, VALUE_BYTES};
use crate::format::plaintext;
use crate::org::ids::{BoxId, Id, Nonce, PublicKey};
use crate::org::names::SecretName;
use crate::org::policy::Judge;
use crate::org::record::{Card, NewSecret, NewVersion, Record, SecretType};
use crate::org::rings::RingName;
use crate::org::secrets::Secret;
use crate::org::state::{Member, State};
use crate::org::time::Time;
use crate::secret::SecretBytes;

/// The longest note, for commands that refuse before they ask.
pub const NOTE_MAX_BYTES: usize = NOTE_BYTES;

/// A box to be sealed when the change is committed.
pub struct Pending {
    pub stands_for: BoxId,
    pub plaintext: SecretBytes,
    pub rings: Vec<RingName>,
}

/// What a command wants to change.
pub struct Draft<'a> {
    pub state: &'a State,
    pub me: &'a Member,
    pub now: Time,
    pub(super) records: Vec<Record>,
    pub(super) pending: Vec<Pending>,
    /// Boxes sealed already, to identities.
    pub(super) sealed: Vec<(BoxId, Vec<u8>)>,
    /// My member key from this change on.
    pub(super) next_member: Option<MemberKey>,
}

/// A new secret, as a command asks for it.
pub struct Wanted<'a> {
    pub name: SecretName,
    pub kind: SecretType,
    pub environment: &'a Id,
    pub projects: Vec<Id>,
    pub scope: Option<Id>,
    pub note: Option<&'a SecretBytes>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(state: &'a State, me: &'a Member, now: Time) -> Self {
        Self { state, me, now, records: vec![], pending: vec![], sealed: vec![], next_member: None }
    }

    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    pub fn author(&self) -> PublicKey {
        self.me.key
    }

    /// Adds a record, if policy allows it.
    pub fn record(&mut self, record: Record) -> Result<()> {
        let judge = Judge::new(self.state, self.me);
        judge.allows(&record).map_err(|why| {
            Error::denied(format!("not allowed: {} {why}", self.me.name))
                .hint("`secrets identity show` tells who you are here")
        })?;
        self.records.push(record);
        Ok(())
    }

    pub fn create(&mut self, wanted: Wanted<'_>, value: &SecretBytes) -> Result<Id> {
        let nonce = Nonce(random());
        let id = Id::derive(&self.author(), &nonce);
        let projects: BTreeSet<Id> = wanted.projects.iter().cloned().collect();
        let rings = self.state.rings_of(wanted.environment, &projects, &id);
        let boxed = self.value(&id, wanted.environment, 1, value, rings)?;
        let note = wanted.note.map(|note| self.note_box(&id, note)).transpose()?;
        self.record(Record::Create(NewSecret {
            nonce,
            name: wanted.name,
            kind: wanted.kind,
            environment: wanted.environment.clone(),
            scope: wanted.scope,
            projects: wanted.projects,
            note,
            rotate_days: None,
            value: boxed,
        }))?;
        Ok(id)
    }

    /// A new version; `restores` names the number of the one whose value it is.
    pub fn update(
        &mut self,
        secret: &Secret,
        value: &SecretBytes,
        restores: Option<u32>,
    ) -> Result<u32> {
        let number = secret.next_number();
        let rings = self.state.rings_of(&secret.environment, &secret.projects, &secret.id);
        let boxed = self.value(&secret.id, &secret.environment, number, value, rings)?;
        let after = secret.heads.clone();
        let id = secret.id.clone();
        self.record(Record::Update(NewVersion {
            secret: id,
            number,
            value: boxed,
            after,
            restores,
            assign: vec![],
        }))?;
        Ok(number)
    }

    /// A new note; an empty one removes it.
    pub fn note(&mut self, secret: &Secret, note: &SecretBytes) -> Result<()> {
        let boxed = if note.is_empty() { None } else { Some(self.note_box(&secret.id, note)?) };
        self.record(Record::Note { secret: secret.id.clone(), note: boxed })
    }

    pub fn delete(&mut self, secret: &Secret) -> Result<()> {
        let proposed = self.state.proposed.iter().filter(|proposed| proposed.secret == secret.id);
        let boxes =
            secret.boxes().into_iter().chain(proposed.map(|proposed| proposed.value)).collect();
        self.record(Record::Delete { secret: secret.id.clone(), boxes })
    }

    /// A box that is sealed to identities already: a member's.
    pub fn member_box(&mut self, file: Vec<u8>) -> BoxId {
        let id = BoxId::of(&file);
        self.sealed.push((id, file));
        id
    }

    /// A new member key of mine, in a box sealed to my identities; the old one holds nothing then.
    pub fn change_key(&mut self, card: Card, member: MemberKey, file: Vec<u8>) -> Result<()> {
        self.member_box(file);
        self.next_member = Some(member);
        self.record(Record::ChangeKey { member: self.me.id, card })
    }

    fn value(
        &mut self,
        secret: &Id,
        environment: &Id,
        number: u32,
        value: &SecretBytes,
        rings: Vec<RingName>,
    ) -> Result<BoxId> {
        if value.len() > VALUE_BYTES {
            return Err(Error::usage("the value is too large").because("a value is at most 1 MiB"));
        }
        Ok(self.pend(plaintext::encode_value(secret, environment, number, value), rings))
    }

    fn note_box(&mut self, secret: &Id, note: &SecretBytes) -> Result<BoxId> {
        if note.len() > NOTE_BYTES {
            return Err(Error::usage("the note is too long").because("a note is at most 16 KiB"));
        }
        Ok(self.pend(plaintext::encode_note(secret, note), vec![RingName::Members]))
    }

    fn pend(&mut self, plaintext: SecretBytes, rings: Vec<RingName>) -> BoxId {
        let stands_for = BoxId::new(random());
        self.pending.push(Pending { stands_for, plaintext, rings });
        stands_for
    }

    /// Whether boxes die with it, so that the file must be written anew.
    pub(super) fn kills(&self) -> bool {
        self.records.iter().any(|record| {
            matches!(
                record,
                Record::Delete { .. }
                    | Record::Drop { .. }
                    | Record::Remove { .. }
                    | Record::ChangeKey { .. }
                    | Record::Card { .. }
            )
        })
    }
}

/// Puts the real ids of boxes in the place of made-up ones.
pub(super) fn settle(record: &mut Record, real: &dyn Fn(BoxId) -> BoxId) {
    match record {
        Record::Create(new) => {
            new.value = real(new.value);
            new.note = new.note.map(real);
        }
        Record::Update(new) => new.value = real(new.value),
        Record::Reseal { value, .. } => *value = real(*value),
        Record::Note { note, .. } => *note = note.map(real),
        _ => {}
    }
}
