//! Bytes to files and back: lock, read, append, replace; and the key store of the system.
//!
//! The only place that writes files. It knows no vault: what the bytes mean, and which lock is to
//! be held while they are written, is the caller's business. Acknowledged means durable.

mod error;
mod file;
mod folder;
mod keyring;
mod lock;
mod stamp;
mod system;
mod temporary;
mod write;

#[cfg(test)]
mod lying;

use std::io;
use std::path::Path;

pub use error::{After, WriteError};
pub use file::{FILE_MAX_BYTES, Opened};
pub use folder::{private_folder, remove};
pub use keyring::{KeyStore, KeyringError, ProcessKeyStore, system_key_store};
pub use lock::{Holder, Lock, LockError, lock, lock_path};
pub use stamp::Stamp;
pub use write::{Expected, Permissions};

use system::Os;
use write::Durability::{Synced, Unsynced};

/// The whole file, and what it was when it was read.
pub fn read(path: &Path) -> io::Result<(Vec<u8>, Stamp)> {
    let opened = Opened::open(path)?;
    Ok((opened.read_from(0)?, opened.stamp()))
}

/// What was added after `offset`, and what the file was when it was read.
pub fn read_from(path: &Path, offset: u64) -> io::Result<(Vec<u8>, Stamp)> {
    let opened = Opened::open(path)?;
    Ok((opened.read_from(offset)?, opened.stamp()))
}

/// Adds to the end of the file that was read as `expected`. The caller holds the lock.
pub fn append(path: &Path, expected: &Stamp, bytes: &[u8]) -> Result<Stamp, WriteError> {
    write::append(&Os, path, expected, bytes)
}

/// Adds to the end of a file, made if need be, for which a power failure is no loss.
pub fn append_unsynced(path: &Path, bytes: &[u8]) -> Result<Stamp, WriteError> {
    write::append_unsynced(&Os, path, bytes)
}

/// Puts a new file in place of the old one. The caller holds the lock.
pub fn replace(
    path: &Path,
    expected: Expected<'_>,
    bytes: &[u8],
    permissions: Permissions,
) -> Result<Stamp, WriteError> {
    write::replace(&Os, path, expected, bytes, permissions, Synced)
}

/// A new file; a taken name is an error of kind `AlreadyExists`, and stays untouched.
pub fn create_new(
    path: &Path,
    bytes: &[u8],
    permissions: Permissions,
) -> Result<Stamp, WriteError> {
    write::create_new(&Os, path, bytes, permissions)
}

/// Replaces a cache: whole or not at all, private, but not durable; no lock is needed.
pub fn write_memory(path: &Path, bytes: &[u8]) -> Result<Stamp, WriteError> {
    write::replace(&Os, path, Expected::Anything, bytes, Permissions::Private, Unsynced)
}
