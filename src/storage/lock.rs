//! One writer at a time: a lock file beside the vault, held through `std::fs::File::lock`.
//!
//! The holder writes into it who they are, for those who wait. The file is never deleted: whoever
//! opened the deleted one would lock something that nobody else sees. The system lets go of a dead
//! process's lock by itself.

use std::ffi::OsString;
use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

use super::Stamp;
use super::temporary::folder_of;

const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(16);
/// Waiting this long is worth telling.
const QUIET: Duration = Duration::from_millis(500);
/// What a holder says of itself is not read beyond this: anybody could have written it.
const HOLDER_MAX_BYTES: u64 = 1024;

/// The lock of `acme.vault` is `.acme.vault.lock`, beside it.
pub fn lock_path(vault: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(vault.file_name().unwrap_or_default());
    name.push(".lock");
    folder_of(vault).join(name)
}

/// Held until dropped, or until the process ends however it ends.
#[must_use = "the lock is released when this is dropped"]
pub struct Lock {
    _file: File,
}

/// Who has the lock. It comes out of a file: escape it before showing it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holder {
    pub pid: u32,
    pub host: String,
    pub command: String,
}

#[derive(Debug)]
pub enum LockError {
    /// Somebody else had it until the time was up.
    Busy(Holder),
    Io(io::Error),
}

/// Takes the lock, waiting at most `wait`; after half a second `waiting` is told once for whom.
pub fn lock(
    path: &Path,
    me: &Holder,
    wait: Duration,
    waiting: &mut dyn FnMut(&Holder),
) -> Result<Lock, LockError> {
    let start = Instant::now();
    let mut pause = FIRST_PAUSE;
    let mut told = false;
    loop {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) if is_in_place(&file, path) => return Ok(hold(file, me)),
            // somebody deleted or replaced the lock file meanwhile
            Ok(()) => {}
            Err(TryLockError::Error(error)) => return Err(LockError::Io(error)),
            Err(TryLockError::WouldBlock) => {
                let waited = start.elapsed();
                if waited >= wait {
                    return Err(LockError::Busy(Holder::read(&file)));
                }
                if waited >= QUIET && !told {
                    waiting(&Holder::read(&file));
                    told = true;
                }
                std::thread::sleep(pause.min(wait.saturating_sub(waited)));
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

fn open(path: &Path) -> Result<File, LockError> {
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY | OFlags::CLOEXEC;
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .map_err(LockError::Io)
}

fn is_in_place(file: &File, path: &Path) -> bool {
    let (Ok(locked), Ok(there)) = (Stamp::of(file), std::fs::symlink_metadata(path)) else {
        return false;
    };
    locked.is_same_file(&Stamp::from(&there))
}

/// Saying who holds it is a courtesy: the lock is as good without (on a full disk, say).
fn hold(file: File, me: &Holder) -> Lock {
    let text = me.to_text();
    if file.write_all_at(text.as_bytes(), 0).is_ok() {
        let _ = file.set_len(text.len() as u64);
    }
    Lock { _file: file }
}

impl Holder {
    /// This process, running `command`.
    pub fn this_process(command: impl Into<String>) -> Self {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Self { pid: std::process::id(), host, command: command.into() }
    }

    fn to_text(&self) -> String {
        let one_line = |text: &str| text.replace('\n', " ");
        format!("{}\n{}\n{}\n", self.pid, one_line(&self.host), one_line(&self.command))
    }

    fn read(file: &File) -> Self {
        let mut bytes = Vec::new();
        let _ = file.take(HOLDER_MAX_BYTES).read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes);
        let mut lines = text.lines().map(str::to_owned);
        let pid = lines.next().and_then(|line| line.parse().ok()).unwrap_or_default();
        let host = lines.next().unwrap_or_default();
        Self { pid, host, command: lines.next().unwrap_or_default() }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pid == 0 {
            return f.write_str("another process");
        }
        write!(f, "process {} on {} ({})", self.pid, self.host, self.command)
    }
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy(holder) => write!(f, "{holder} is writing and did not finish in time"),
            Self::Io(_) => f.write_str("the lock file cannot be used"),
        }
    }
}

impl std::error::Error for LockError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Busy(_) => None,
            Self::Io(cause) => Some(cause),
        }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test lays out its files itself")]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;
    use std::sync::atomic::{AtomicBool, Ordering};

    const SHORT: Duration = Duration::from_millis(30);

    fn alice() -> Holder {
        Holder { pid: 7, host: "build\n1".into(), command: "secrets create".into() }
    }

    fn never(_: &Holder) {
        panic!("nobody waits this long");
    }

    #[test]
    fn the_lock_file_is_a_hidden_sibling() {
        assert_eq!(lock_path(Path::new("acme.vault")), Path::new("./.acme.vault.lock"));
        assert_eq!(lock_path(Path::new("/a/acme.vault")), Path::new("/a/.acme.vault.lock"));
    }

    #[test]
    fn a_second_writer_learns_who_holds_it_and_gets_it_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".acme.vault.lock");
        let held = lock(&path, &alice(), SHORT, &mut never).ok().unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let Err(LockError::Busy(holder)) = lock(&path, &alice(), SHORT, &mut never) else {
            panic!("two hold the lock")
        };
        assert_eq!(holder.to_string(), "process 7 on build 1 (secrets create)");
        drop(held);
        assert!(lock(&path, &Holder::default(), SHORT, &mut never).is_ok());
        assert!(path.exists());
    }

    #[test]
    fn a_waiter_is_told_once_after_half_a_second() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".acme.vault.lock");
        let held = lock(&path, &alice(), SHORT, &mut never).ok().unwrap();
        let mut told = Vec::new();
        let wait = Duration::from_millis(700);
        let result = lock(&path, &alice(), wait, &mut |holder| told.push(holder.pid));
        assert!(matches!(result, Err(LockError::Busy(_))));
        assert_eq!(told, [7]);
        drop(held);
    }

    #[test]
    fn a_deleted_lock_file_does_not_let_two_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".acme.vault.lock");
        let file = open(&path).ok().unwrap();
        std::fs::remove_file(&path).unwrap();
        file.try_lock().unwrap();
        assert!(!is_in_place(&file, &path));
        assert!(lock(&path, &alice(), SHORT, &mut never).is_ok());
    }

    #[test]
    fn only_one_of_many_is_inside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".acme.vault.lock");
        let inside = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let wait = Duration::from_secs(60);
                        let held = lock(&path, &alice(), wait, &mut |_| ()).ok().unwrap();
                        assert!(!inside.swap(true, Ordering::SeqCst));
                        inside.store(false, Ordering::SeqCst);
                        drop(held);
                    }
                });
            }
        });
    }

    #[test]
    fn a_link_in_the_place_of_the_lock_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".acme.vault.lock");
        std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
        assert!(matches!(lock(&path, &alice(), SHORT, &mut never), Err(LockError::Io(_))));
    }
}
