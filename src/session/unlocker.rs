//! My member key out of its box: by the system's keyring while unlocked, else by an identity.

use std::cell::{OnceCell, RefCell};

use crate::context::Context;
use crate::crypto::identity::Identities;
use crate::crypto::member::MemberKey;
use crate::error::{Error, Result};
use crate::org::ids::EntryId;

use super::full;
use super::identity::{Source, open_member_box};
use super::memory::Pins;
use super::open::File;
use super::scan::{box_at, no_progress};

/// Opens member boxes with the keyring or an identity, whichever is there; loads it once.
pub(super) struct Unlocker<'a> {
    ctx: &'a Context,
    name: String,
    source: RefCell<Option<Source>>,
    identities: OnceCell<Identities>,
}

impl<'a> Unlocker<'a> {
    pub fn new(source: Source, ctx: &'a Context) -> Self {
        let name = source.name();
        Self { ctx, name, source: RefCell::new(Some(source)), identities: OnceCell::new() }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn identities(&self) -> Result<&Identities> {
        if let Some(source) = self.source.borrow_mut().take() {
            let loaded = source.load(self.ctx)?;
            let _ = self.identities.set(loaded);
        }
        self.identities.get().ok_or_else(|| Error::denied(format!("{} cannot be used", self.name)))
    }

    /// The member key in the box that this machine remembers as mine.
    pub fn remembered(&self, pins: &Pins, file: &File) -> Result<Option<MemberKey>> {
        if let Some(key) = self.unlocked(pins.vault)? {
            return Ok(Some(key));
        }
        let Some(place) = pins.member_box.filter(|place| place.end <= file.stamp.size) else {
            return Ok(None);
        };
        let line = file.read(place.start, place.end)?;
        match box_at(&line, place.id) {
            Some(member_box) => open_member_box(self.identities()?, &member_box),
            None => Ok(None),
        }
    }

    /// From the keyring, which is asked only in place of a person.
    pub fn unlocked(&self, vault: EntryId) -> Result<Option<MemberKey>> {
        let identities = self.identities()?;
        let kept = || super::unlocked::get(self.ctx, vault, identities.mark());
        Ok(if identities.ask_somebody() { kept() } else { None })
    }

    /// A full check with the unlocked key; with the identities where there is none, or an old one.
    pub fn check(
        &self,
        bytes: &[u8],
        wanted: Option<EntryId>,
        remembers: bool,
    ) -> Result<full::Checked> {
        if let Some(vault) = wanted.filter(|_| remembers)
            && self.unlocked(vault)?.is_some()
        {
            let unlock = |_: &[Vec<u8>]| Ok(self.unlocked(vault)?.into_iter().collect());
            let checked = full::check(bytes, 0, wanted, &unlock, &no_progress)?;
            if checked.member.is_some() {
                return Ok(checked);
            }
        }
        full::check(bytes, 0, wanted, &|files| self.all(files), &no_progress)
    }

    pub fn all(&self, files: &[Vec<u8>]) -> Result<Vec<MemberKey>> {
        let identities = self.identities()?;
        let mut keys = vec![];
        for file in files {
            keys.extend(open_member_box(identities, file)?);
        }
        Ok(keys)
    }
}
