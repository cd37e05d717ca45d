//! The file that is written beside another before it takes its place.
//!
//! Invariants: only its owner can read it until it is told otherwise; it is gone when it did not
//! take the place, and what killed processes left is gone after the next replacement.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use super::file::facts_at;
use super::system::{Facts, System, Use};
use super::write::Durability;
use super::{After, Permissions, Stamp, WriteError};

/// Leftovers younger than this may belong to a writer that works without a lock.
const STALE_AFTER_NS: i64 = 600 * 1_000_000_000;

/// A private file beside its target that becomes the target, or goes away again.
pub(super) struct Temporary<'a, S: System> {
    system: &'a S,
    handle: S::Handle,
    path: PathBuf,
    folder: PathBuf,
    prefix: OsString,
    is_placed: bool,
}

impl<'a, S: System> Temporary<'a, S> {
    pub(super) fn create(system: &'a S, target: &Path) -> io::Result<Self> {
        let Some(name) = target.file_name() else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"));
        };
        let folder = folder_of(target);
        let prefix = prefix_for(name);
        let mut own_name = prefix.clone();
        own_name.push(random_suffix()?);
        let path = folder.join(own_name);
        let handle = system.open(&path, Use::Create)?;
        Ok(Self { system, handle, path, folder, prefix, is_placed: false })
    }

    pub(super) fn fill(&self, mut rest: &[u8], durability: Durability) -> Result<(), WriteError> {
        let writing = |cause| WriteError::unchanged("writing", cause);
        while !rest.is_empty() {
            match self.system.write(&self.handle, rest) {
                Ok(0) => return Err(writing(io::ErrorKind::WriteZero.into())),
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(writing(error)),
            }
        }
        match durability {
            Durability::Synced => self
                .system
                .sync_all(&self.handle)
                .map_err(|cause| WriteError::unchanged("syncing", cause)),
            Durability::Unsynced => Ok(()),
        }
    }

    /// The mode must be as asked; owner and group are kept where the system lets us (root may).
    pub(super) fn permit(
        &self,
        permissions: Permissions,
        before: Option<&Facts>,
    ) -> Result<(), WriteError> {
        let mode = match (permissions, before) {
            (Permissions::Private, _) | (Permissions::Kept, None) => return Ok(()),
            (Permissions::Public, _) => 0o644,
            (Permissions::Kept, Some(before)) => {
                let _ = self.system.set_owner(&self.handle, before.owner, before.group);
                before.mode
            }
        };
        self.system
            .set_mode(&self.handle, mode)
            .map_err(|cause| WriteError::unchanged("setting the mode", cause))
    }

    pub(super) fn put(
        mut self,
        durability: Durability,
        rename: impl FnOnce(&Path) -> io::Result<()>,
    ) -> Result<Stamp, WriteError> {
        rename(&self.path).map_err(|cause| WriteError::unchanged("renaming", cause))?;
        self.is_placed = true;
        let after_rename =
            |doing| move |cause| WriteError::Failed { doing, cause, after: After::NotDurable };
        if durability == Durability::Synced {
            self.system.sync_folder(&self.folder).map_err(after_rename("syncing the folder"))?;
        }
        let facts = self.system.facts(&self.handle).map_err(after_rename("reading the size"))?;
        Ok(facts.stamp)
    }

    /// Removes what killed processes left. Whoever syncs holds the lock, so all others are dead;
    /// caches are written without one, so only old leftovers are. Failing here harms nothing.
    pub(super) fn sweep(&self, durability: Durability) {
        let Ok(names) = self.system.list(&self.folder) else { return };
        for name in names.iter().filter(|name| self.is_sibling(name)) {
            let path = self.folder.join(name);
            if path != self.path && (durability == Durability::Synced || self.is_stale(&path)) {
                let _ = self.system.remove(&path);
            }
        }
    }

    fn is_sibling(&self, name: &OsStr) -> bool {
        name.as_encoded_bytes().starts_with(self.prefix.as_encoded_bytes())
    }

    /// By the clock of the disk that both files are on.
    fn is_stale(&self, path: &Path) -> bool {
        let (Ok(own), Ok(Some(other))) =
            (self.system.facts(&self.handle), facts_at(self.system, path))
        else {
            return false;
        };
        own.stamp.modified_ns.saturating_sub(other.stamp.modified_ns) > STALE_AFTER_NS
    }
}

impl<S: System> Drop for Temporary<'_, S> {
    fn drop(&mut self) {
        if !self.is_placed {
            let _ = self.system.remove(&self.path);
        }
    }
}

pub(super) fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

fn prefix_for(name: &OsStr) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(".tmp-");
    prefix
}

fn random_suffix() -> io::Result<String> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(format!("{:016x}", u64::from_le_bytes(bytes)))
}
