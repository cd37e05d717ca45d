//! Checking a whole vault from no memory: lines, signatures, rights, and every box that I may open.
//!
//! In steps, because some ask the person (unlocking) and the others run beside a progress bar. This
//! machine's memory is used for one thing only: whether the file lacks what was seen here.

mod boxes;
mod report;

use std::cell::RefCell;
use std::rc::Rc;

use crate::config::Settings;
use crate::context::Context;
use crate::crypto::member::MemberKey;
use crate::error::{Error, Result};
use crate::format::line;
use crate::org::ids::{EntryId, Recipient};

use super::full::{self, Checked};
use super::identity::Source;
use super::memory::{Folder, Pins};
use super::open::{File, not_a_vault};
use super::scan::{BadLine, Progress, Scanned, scan};
use super::unlocker::Unlocker;

pub use boxes::Findings;
pub use report::{Report, Verdict};

/// A vault file to be checked, read once.
pub struct Subject {
    settings: Rc<Settings>,
    bytes: Vec<u8>,
    pins: Option<Pins>,
    source: RefCell<Option<Source>>,
}

/// The keys that are here for it, or why there are none.
pub struct Keys {
    vault: EntryId,
    members: Vec<MemberKey>,
    /// What keys for me are sealed to.
    recipients: Vec<Recipient>,
    missing: Option<Error>,
}

impl Subject {
    pub fn read(settings: Settings, ctx: &Context) -> Result<Self> {
        let folder = Folder::of(&ctx.paths()?.state, &settings.vault);
        let source = Source::find(&settings, ctx)?;
        // Before the file: another command may write and remember meanwhile.
        let pins = folder.pins().filter(|_| source.remembers());
        let file = File::open(&settings.vault, &folder)?;
        let bytes = file.all()?;
        line::check_magic(&bytes).map_err(|why| not_a_vault(&settings.vault, why))?;
        Ok(Self { settings: Rc::new(settings), bytes, pins, source: RefCell::new(Some(source)) })
    }

    pub fn lines(&self) -> usize {
        self.bytes.iter().filter(|byte| **byte == b'\n').count()
    }

    /// The parts that need nobody: they can run beside a progress bar.
    pub fn parts(&self) -> Parts<'_> {
        Parts { bytes: &self.bytes, heads: self.pins.as_ref().map(|pins| pins.heads.as_slice()) }
    }

    /// Opens my member key; that none is here is told, not a failure.
    pub fn unlock(&self, scanned: &Scanned, ctx: &Context) -> Result<Keys> {
        let vault = self.vault(scanned)?;
        let mut keys = Keys { vault, members: vec![], recipients: vec![], missing: None };
        match self.members(scanned, vault, ctx) {
            Ok(members) => {
                let recipients = members.iter().map(|member| member.age.recipient());
                keys.recipients = recipients.filter_map(Recipient::parse).collect();
                keys.members = members;
            }
            Err(missing) => keys.missing = Some(missing),
        }
        Ok(keys)
    }

    fn members(&self, scanned: &Scanned, vault: EntryId, ctx: &Context) -> Result<Vec<MemberKey>> {
        let source = self.source.borrow_mut().take();
        let Some(source) = source else { return Ok(vec![]) };
        let remembers = source.remembers();
        let unlocker = Unlocker::new(source, ctx);
        if remembers && let Some(key) = unlocker.unlocked(vault)? {
            return Ok(vec![key]);
        }
        let members = unlocker.all(&full::member_boxes(&self.bytes, scanned, vault))?;
        if members.is_empty() {
            return Err(Error::denied("no key here opens it")
                .because(format!("{} opens no member's box in it", unlocker.name())));
        }
        Ok(members)
    }

    /// The vault to check: the one that was asked for, else the one that is there.
    fn vault(&self, scanned: &Scanned) -> Result<EntryId> {
        let found = full::the_vault(scanned, self.settings.vault_id);
        let pinned = self.pins.as_ref().map(|pins| pins.vault);
        found
            .or_else(|error| match pinned.filter(|pinned| scanned.entries.contains_key(pinned)) {
                Some(pinned) if self.settings.vault_id.is_none() => Ok(pinned),
                _ => Err(error),
            })
            .map_err(|error| with_bad_lines(error, &scanned.bad, &self.bytes))
    }
}

/// A vault without a beginning: what is wrong with its lines says more.
fn with_bad_lines(error: Error, bad: &[BadLine], bytes: &[u8]) -> Error {
    bad.iter().take(3).fold(error, |error, line| {
        let number = line_number(bytes, line.place.start);
        error.because(format!("line {number}: {}", line.why))
    })
}

/// Lines are counted from 1, as editors do.
pub(in crate::session) fn line_number(bytes: &[u8], start: usize) -> usize {
    1 + bytes.get(..start).unwrap_or_default().iter().filter(|byte| **byte == b'\n').count()
}

/// What can be checked without asking anybody.
#[derive(Clone, Copy)]
pub struct Parts<'a> {
    bytes: &'a [u8],
    heads: Option<&'a [EntryId]>,
}

impl Parts<'_> {
    pub fn scan(&self, progress: Progress<'_>) -> Scanned {
        scan(self.bytes, 0, progress)
    }

    pub fn check(&self, scanned: Scanned, keys: &mut Keys, progress: Progress<'_>) -> Checked {
        let members = std::mem::take(&mut keys.members);
        full::check_with(self.bytes, scanned, keys.vault, members, progress)
    }

    pub fn open_boxes(&self, checked: &Checked, progress: Progress<'_>) -> Findings {
        boxes::open_all(self.bytes, checked, progress)
    }

    pub fn report(&self, checked: &Checked, keys: &Keys, findings: Findings) -> Report {
        Report::of(self.bytes, self.heads.unwrap_or_default(), checked, keys, findings)
    }
}
