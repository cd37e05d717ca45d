//! Appending to a file, and putting a whole file in place: both are durable once acknowledged.
//!
//! Invariants: whatever fails, at whatever moment, a file holds its old contents or its new ones
//! (an append may leave an unfinished tail, which was never acknowledged). A failed sync is
//! reported and never tried again: the system may have forgotten what it failed to write.
//! Taking the lock first is up to the caller.

use std::io;
use std::path::Path;

use super::file::{facts_at, require_regular};
use super::system::{System, Use};
use super::temporary::Temporary;
use super::{After, Stamp, WriteError};

/// Who may read a file that is put in place of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permissions {
    /// Its owner alone.
    Private,
    /// Whoever could read the file before; its owner alone if there was none.
    Kept,
    /// Everybody: for files that hold nothing secret, like `.gitattributes`.
    Public,
}

/// What must be in place for a replacement to go ahead.
#[derive(Debug, Clone, Copy)]
pub enum Expected<'a> {
    Anything,
    /// The very contents that the caller read.
    Unchanged(&'a Stamp),
}

/// Whether an acknowledged write survives a power failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    Synced,
    /// For caches, which can be made again.
    Unsynced,
}

pub(super) fn append<S: System>(
    system: &S,
    path: &Path,
    expected: &Stamp,
    bytes: &[u8],
) -> Result<Stamp, WriteError> {
    let opening = |cause| WriteError::unchanged("opening", cause);
    let handle = match system.open(path, Use::Append) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(WriteError::Moved),
        result => result.map_err(opening)?,
    };
    let facts = system.facts(&handle).map_err(opening)?;
    require_regular(&facts).map_err(opening)?;
    if !facts.stamp.is_same_file(expected) || facts.stamp.size != expected.size {
        return Err(WriteError::Moved);
    }
    add(system, &handle, bytes)
        .map_err(|(doing, cause)| cut_back(system, &handle, expected.size, doing, cause))
}

/// Adds to the end, without a promise that it survives a power failure.
pub(super) fn append_unsynced<S: System>(
    system: &S,
    path: &Path,
    bytes: &[u8],
) -> Result<Stamp, WriteError> {
    let opening = |cause| WriteError::unchanged("opening", cause);
    let handle = system.open(path, Use::AppendOrCreate).map_err(opening)?;
    let facts = system.facts(&handle).map_err(opening)?;
    require_regular(&facts).map_err(opening)?;
    write_once(system, &handle, bytes).and_then(|()| system.facts(&handle)).map_or_else(
        |cause| Err(cut_back(system, &handle, facts.stamp.size, "writing", cause)),
        |facts| Ok(facts.stamp),
    )
}

fn add<S: System>(
    system: &S,
    handle: &S::Handle,
    bytes: &[u8],
) -> Result<Stamp, (&'static str, io::Error)> {
    write_once(system, handle, bytes).map_err(|cause| ("writing", cause))?;
    system.sync_data(handle).map_err(|cause| ("syncing", cause))?;
    system.facts(handle).map(|facts| facts.stamp).map_err(|cause| ("reading the size", cause))
}

/// All in one system call: no reader finds half a transaction that later becomes whole.
fn write_once<S: System>(system: &S, handle: &S::Handle, bytes: &[u8]) -> io::Result<()> {
    loop {
        match system.write(handle, bytes) {
            Ok(count) if count == bytes.len() => return Ok(()),
            Ok(count) => {
                let message = format!("{count} of {} bytes fitted on the disk", bytes.len());
                return Err(io::Error::new(io::ErrorKind::StorageFull, message));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Takes an unacknowledged tail away again. After a failed sync as well: the system may never
/// write those bytes, and what is appended behind them later would have lost its past.
fn cut_back<S: System>(
    system: &S,
    handle: &S::Handle,
    size: u64,
    doing: &'static str,
    cause: io::Error,
) -> WriteError {
    let after = match system.truncate(handle, size) {
        Ok(()) => After::Unchanged,
        Err(second) => After::Torn(second),
    };
    WriteError::Failed { doing, cause, after }
}

/// A whole new file in place of `path` (or of the file that a link at `path` leads to).
pub(super) fn replace<S: System>(
    system: &S,
    path: &Path,
    expected: Expected<'_>,
    bytes: &[u8],
    permissions: Permissions,
    durability: Durability,
) -> Result<Stamp, WriteError> {
    let opening = |cause| WriteError::unchanged("opening", cause);
    let target = system.resolve(path).map_err(opening)?;
    let before = facts_at(system, &target).map_err(opening)?;
    let temporary = Temporary::create(system, &target).map_err(opening)?;
    temporary.sweep(durability);
    temporary.permit(permissions, before.as_ref())?;
    temporary.fill(bytes, durability)?;
    if !is_expected(system, &target, expected).map_err(opening)? {
        return Err(WriteError::Moved);
    }
    temporary.put(durability, |from| system.rename(from, &target))
}

/// A new file that was not there before; a taken name is an error of kind `AlreadyExists`.
pub(super) fn create_new<S: System>(
    system: &S,
    path: &Path,
    bytes: &[u8],
    permissions: Permissions,
) -> Result<Stamp, WriteError> {
    let opening = |cause| WriteError::unchanged("opening", cause);
    let temporary = Temporary::create(system, path).map_err(opening)?;
    temporary.permit(permissions, None)?;
    temporary.fill(bytes, Durability::Synced)?;
    temporary.put(Durability::Synced, |from| system.rename_new(from, path))
}

fn is_expected<S: System>(system: &S, path: &Path, expected: Expected<'_>) -> io::Result<bool> {
    match expected {
        Expected::Anything => Ok(true),
        Expected::Unchanged(stamp) => {
            Ok(facts_at(system, path)?.is_some_and(|facts| facts.stamp == *stamp))
        }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test lays out its files itself")]
mod tests {
    use super::*;
    use crate::storage::{Expected, Permissions, append, append_unsynced, create_new};
    use crate::storage::{read, replace, write_memory};
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::PathBuf;

    const ANY: Expected<'static> = Expected::Anything;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn vault(&self) -> PathBuf {
            self.0.path().join("acme.vault")
        }

        fn names(&self) -> Vec<String> {
            let name =
                |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
            let mut names: Vec<_> = fs::read_dir(self.0.path()).unwrap().map(name).collect();
            names.sort();
            names
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_stamp_of_a_write_is_that_of_the_next_read() {
        let folder = Folder::new();
        let vault = folder.vault();
        let created = create_new(&vault, b"one\n", Permissions::Private).unwrap();
        assert_eq!(read(&vault).unwrap(), (b"one\n".to_vec(), created));
        let appended = append(&vault, &created, b"two\n").unwrap();
        assert_eq!(read(&vault).unwrap(), (b"one\ntwo\n".to_vec(), appended));
        let unchanged = Expected::Unchanged(&appended);
        let replaced = replace(&vault, unchanged, b"three\n", Permissions::Kept).unwrap();
        assert_eq!(read(&vault).unwrap(), (b"three\n".to_vec(), replaced));
        assert!(!replaced.is_same_file(&appended));
        assert_eq!(folder.names(), ["acme.vault"]);
    }

    #[test]
    fn a_replaced_file_is_noticed() {
        let folder = Folder::new();
        let vault = folder.vault();
        let stamp = create_new(&vault, b"one\n", Permissions::Private).unwrap();
        write_memory(&vault, b"two\n").unwrap();
        assert!(matches!(append(&vault, &stamp, b"x"), Err(WriteError::Moved)));
        let result = replace(&vault, Expected::Unchanged(&stamp), b"x", Permissions::Kept);
        assert!(matches!(result, Err(WriteError::Moved)));
        assert_eq!(fs::read(&vault).unwrap(), b"two\n");
        assert_eq!(folder.names(), ["acme.vault"]);
    }

    #[test]
    fn new_files_are_private_and_old_modes_are_kept() {
        let folder = Folder::new();
        let vault = folder.vault();
        create_new(&vault, b"1", Permissions::Private).unwrap();
        assert_eq!(mode(&vault), 0o600);
        fs::set_permissions(&vault, fs::Permissions::from_mode(0o664)).unwrap();
        replace(&vault, ANY, b"2", Permissions::Kept).unwrap();
        assert_eq!(mode(&vault), 0o664);
        replace(&vault, ANY, b"3", Permissions::Private).unwrap();
        assert_eq!(mode(&vault), 0o600);
        create_new(&folder.0.path().join("public"), b"", Permissions::Public).unwrap();
        assert_eq!(mode(&folder.0.path().join("public")), 0o644);
        append_unsynced(&folder.0.path().join("log"), b"x").unwrap();
        assert_eq!(mode(&folder.0.path().join("log")), 0o600);
    }

    #[test]
    fn a_link_stays_a_link_and_its_target_is_replaced() {
        let folder = Folder::new();
        let elsewhere = Folder::new();
        fs::write(elsewhere.vault(), b"old").unwrap();
        symlink(elsewhere.vault(), folder.vault()).unwrap();
        replace(&folder.vault(), ANY, b"new", Permissions::Kept).unwrap();
        assert!(fs::symlink_metadata(folder.vault()).unwrap().is_symlink());
        assert_eq!(fs::read(elsewhere.vault()).unwrap(), b"new");
        assert_eq!((folder.names(), elsewhere.names()), (one_name(), one_name()));
        fs::remove_file(elsewhere.vault()).unwrap();
        assert!(replace(&folder.vault(), ANY, b"new", Permissions::Kept).is_err());
        assert!(create_new(&folder.vault(), b"new", Permissions::Kept).is_err());
    }

    fn one_name() -> Vec<String> {
        vec!["acme.vault".to_owned()]
    }

    #[test]
    fn leftovers_of_the_killed_go_with_the_next_replacement() {
        let folder = Folder::new();
        let other = folder.0.path().join(".other.vault.tmp-0");
        fs::write(folder.0.path().join(".acme.vault.tmp-0"), b"half").unwrap();
        fs::write(&other, b"half").unwrap();
        write_memory(&folder.vault(), b"cache").unwrap();
        assert_eq!(folder.names().len(), 3, "a cache's writer holds no lock: it may be alive");
        replace(&folder.vault(), ANY, b"new", Permissions::Kept).unwrap();
        assert_eq!(folder.names(), [".other.vault.tmp-0", "acme.vault"]);
    }

    #[test]
    fn a_cache_clears_leftovers_that_are_old() {
        let folder = Folder::new();
        let leftover = folder.0.path().join(".acme.vault.tmp-0");
        fs::write(&leftover, b"half").unwrap();
        let file = fs::File::options().write(true).open(&leftover).unwrap();
        let written = file.metadata().unwrap().modified().unwrap();
        file.set_modified(written - std::time::Duration::from_secs(700)).unwrap();
        write_memory(&folder.vault(), b"cache").unwrap();
        assert_eq!(folder.names(), ["acme.vault"]);
    }

    #[test]
    fn a_folder_in_the_way_is_refused() {
        let folder = Folder::new();
        fs::create_dir(folder.vault()).unwrap();
        assert!(replace(&folder.vault(), ANY, b"new", Permissions::Kept).is_err());
        assert!(create_new(&folder.vault(), b"new", Permissions::Private).is_err());
        assert!(append_unsynced(&folder.vault(), b"new").is_err());
        assert_eq!(folder.names(), ["acme.vault"]);
    }

    #[test]
    fn a_pipe_in_the_way_is_never_waited_for() {
        let folder = Folder::new();
        let pipe = folder.vault();
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(replace(&pipe, ANY, b"new", Permissions::Kept).is_err());
        assert!(append_unsynced(&pipe, b"new").is_err());
    }

    #[test]
    fn a_full_disk_is_reported() {
        let Ok(full) = fs::File::options().append(true).open("/dev/full") else { return };
        let error = write_once(&crate::storage::system::Os, &full, b"x").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
