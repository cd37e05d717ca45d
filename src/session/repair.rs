//! Putting back what a vault file lost, from this machine's mirror and from other copies.
//!
//! A plan first, then the work: nothing is written before the person has seen the plan. What is replaced
//! is kept beside the vault. Works where opening the vault does not.

mod plan;

use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::config::Settings;
use crate::context::Context;
use crate::error::{Error, Explain, Result};
use crate::format::line::{self, NotAVault};
use crate::org::ids::EntryId;
use crate::storage::{self, Expected, Permissions, Stamp};

use super::copies::{Copy, clean, is_of, sound};
use super::full::{self, Checked};
use super::identity::Source;
use super::memory::{Folder, Pins};
use super::open::{Session, not_a_vault};
use super::scan::{Scanned, no_progress, scan};
use super::unlocker::Unlocker;
use super::write::lock_vault;
use super::{heads, mirror};

pub use plan::{Found, Plan};

/// A vault file that may be missing or damaged, and what is known of it.
pub struct Patient {
    settings: Rc<Settings>,
    folder: Rc<Folder>,
    /// None: there is no file.
    file: Option<(Vec<u8>, Stamp)>,
    pins: Option<Pins>,
    mirror: Vec<u8>,
    copies: Vec<Copy>,
    remembers: bool,
    /// The name of the identity that opens it.
    identity: String,
}

/// A plan, and everything that carrying it out needs.
pub struct Diagnosis {
    pub plan: Plan,
    patient: Patient,
    cure: Cure,
}

/// What the file will hold, checked.
struct Cure {
    bytes: Vec<u8>,
    checked: Checked,
    /// Entries left out because their past is nowhere.
    left_waiting: Vec<EntryId>,
}

/// What was done.
pub struct Repaired {
    /// Where the file that was replaced is kept.
    pub kept: Option<PathBuf>,
    pub session: Session,
}

/// What is wrong, what can be put back, and what stays lost. Nothing is changed.
pub fn examine(settings: Settings, copies: Vec<Copy>, ctx: &Context) -> Result<Diagnosis> {
    let folder = Folder::of(&ctx.paths()?.state, &settings.vault);
    let source = Source::find(&settings, ctx)?;
    let remembers = source.remembers();
    let file = read_file(&settings.vault)?;
    let patient = Patient {
        pins: folder.pins().filter(|_| remembers),
        mirror: if remembers { mirror::read(&folder) } else { vec![] },
        settings: Rc::new(settings),
        folder: Rc::new(folder),
        file,
        copies,
        remembers,
        identity: source.name(),
    };
    patient.refuse_what_is_no_vault()?;
    let here = scan(patient.bytes(), 0, &no_progress);
    let cure = patient.cure(&here, &Unlocker::new(source, ctx))?;
    Ok(Diagnosis { plan: Plan::new(&patient, &here, &cure), patient, cure })
}

impl Diagnosis {
    /// Does what the plan says, if the file is still the one that was examined.
    pub fn repair(self, ctx: &mut Context) -> Result<(Plan, Repaired)> {
        let Self { plan, patient, cure: Cure { bytes, checked, .. } } = self;
        let path = patient.settings.vault.clone();
        let now = ctx.now().format("%Y%m%dT%H%M%SZ").to_string();
        let _lock = lock_vault(&path, ctx)?;
        let kept = patient.keep_old(&path, &now)?;
        let stamp = patient.put(&path, &bytes)?;
        if patient.remembers {
            patient.folder.forget();
        }
        let Patient { settings, folder, remembers, identity, .. } = patient;
        let session = Session::from_checked(
            settings,
            folder,
            checked,
            &bytes,
            stamp,
            &[],
            remembers,
            &identity,
        )?;
        Ok((plan, Repaired { kept, session }))
    }
}

impl Patient {
    fn bytes(&self) -> &[u8] {
        self.file.as_ref().map(|(bytes, _)| bytes.as_slice()).unwrap_or_default()
    }

    /// Nothing known of this place, and nothing to take from.
    fn refuse_what_is_no_vault(&self) -> Result<()> {
        let path = &self.settings.vault;
        let helped = self.pins.is_some() || !self.copies.is_empty();
        if self.file.is_none() && !helped {
            return Err(Error::not_found(format!("there is no vault at {}", path.display()))
                .because("this machine has never seen one there")
                .hint("`secrets repair --from FILE` takes it from another copy"));
        }
        match line::check_magic(self.bytes()) {
            Err(why @ NotAVault::Newer(_)) if !self.holds_ours() => Err(not_a_vault(path, why)),
            Err(why @ NotAVault::Other) if !helped => Err(not_a_vault(path, why)),
            _ => Ok(()),
        }
    }

    /// Whether entries of the vault that was seen here stand in the file, whatever its first line says.
    fn holds_ours(&self) -> bool {
        let Some(pins) = &self.pins else { return false };
        let scanned = scan(self.bytes(), 0, &no_progress);
        // The first line alone may be hit; more that is unknown is a newer program's.
        scanned.bad.len() == 1 && scanned.entries.values().any(|entry| is_of(entry, pins.vault))
    }

    fn cure(&self, here: &Scanned, keys: &Unlocker<'_>) -> Result<Cure> {
        let vault = self.vault(here)?;
        let mut parts = vec![sound(self.bytes(), vault).lines, sound(&self.mirror, vault).lines];
        for copy in &self.copies {
            parts.push(copy.sound_of(vault)?.lines);
        }
        let joined = mirror::union(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let checked = keys.check(&joined, Some(vault), self.remembers)?;
        let left_waiting: Vec<EntryId> = checked.waiting.iter().map(|(id, _)| *id).collect();
        let (bytes, _) = clean(&joined, &checked, &std::collections::BTreeSet::new());
        let checked = keys.check(&bytes, Some(vault), self.remembers)?;
        if checked.member.is_none() && !left_waiting.is_empty() {
            return Err(Error::damaged("no key here opens what is left of this vault")
                .because(heads::waiting(left_waiting.len()))
                .hint("`secrets repair --from FILE` takes them from another copy"));
        }
        if checked.member.is_none() {
            return Err(Error::denied("no key here opens this vault")
                .because(format!("{} opens no member's box in it", keys.name()))
                .because("without one nobody can tell what belongs in the file")
                .hint("name another identity with `-i`"));
        }
        if !checked.state.locked.is_empty() {
            return Err(Error::denied("you are behind: you cannot repair this vault")
                .because("a key that entries are sealed to has not been given to you yet")
                .hint("somebody who reads all of it can: `secrets repair` there"));
        }
        Ok(Cure { bytes, checked, left_waiting })
    }

    fn vault(&self, here: &Scanned) -> Result<EntryId> {
        if let Some(wanted) = self.settings.vault_id.or(self.pins.as_ref().map(|pins| pins.vault)) {
            return Ok(wanted);
        }
        if full::the_vault(here, None).is_ok() || self.copies.is_empty() {
            return full::the_vault(here, None);
        }
        let all: Vec<&[u8]> = self.copies.iter().map(|copy| copy.bytes.as_slice()).collect();
        full::the_vault(&scan(&mirror::union(&all), 0, &no_progress), None)
    }

    fn keep_old(&self, path: &Path, now: &str) -> Result<Option<PathBuf>> {
        let Some((bytes, _)) = &self.file else { return Ok(None) };
        let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        for again in 0..100 {
            let mut name = real.clone().into_os_string();
            name.push(format!(".before-repair-{now}"));
            if again > 0 {
                name.push(format!("-{again}"));
            }
            let kept = PathBuf::from(name);
            match storage::create_new(&kept, bytes, Permissions::Private) {
                Err(error) if error.io_kind() == Some(std::io::ErrorKind::AlreadyExists) => {}
                done => {
                    done.or_failed(|| format!("cannot keep the old file as {}", kept.display()))?;
                    return Ok(Some(kept));
                }
            }
        }
        Err(Error::failed("cannot keep the old file: too many are kept already"))
    }

    fn put(&self, path: &Path, bytes: &[u8]) -> Result<Stamp> {
        let put = match &self.file {
            None => storage::create_new(path, bytes, Permissions::Private),
            Some((_, stamp)) => {
                storage::replace(path, Expected::Unchanged(stamp), bytes, Permissions::Kept)
            }
        };
        match put {
            Err(cause) if is_another(&cause) => Err(Error::conflict(format!(
                "{} was changed by somebody else meanwhile",
                path.display()
            ))
            .hint("run `secrets repair` again")),
            put => put.or_failed(|| format!("cannot write {}", path.display())),
        }
    }
}

/// Whether the file in place is not the one that was examined.
fn is_another(cause: &storage::WriteError) -> bool {
    matches!(cause, storage::WriteError::Moved)
        || cause.io_kind() == Some(std::io::ErrorKind::AlreadyExists)
}

fn read_file(path: &Path) -> Result<Option<(Vec<u8>, Stamp)>> {
    match storage::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some).or_failed(|| format!("cannot read {}", path.display())),
    }
}
