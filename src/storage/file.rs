//! Reading a file whole or in parts, with the stamp of the very descriptor that was read.
//!
//! A pipe, device or folder in a file's place is refused and never waited for; a size is checked
//! before memory is taken for it.

use std::io;
use std::path::Path;

use super::Stamp;
use super::system::{Facts, Os, System, Use};

/// No file of ours is larger: a vault of a million versions is well below.
pub const FILE_MAX_BYTES: u64 = 1 << 30;

/// An open file and what it was when it was opened; reads see that size and nothing later.
pub struct Opened<S: System = Os> {
    system: S,
    handle: S::Handle,
    facts: Facts,
}

impl Opened {
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::open_on(Os, path)
    }
}

impl<S: System> Opened<S> {
    pub(super) fn open_on(system: S, path: &Path) -> io::Result<Self> {
        let handle = system.open(path, Use::Read)?;
        let facts = system.facts(&handle)?;
        require_regular(&facts)?;
        Ok(Self { system, handle, facts })
    }

    pub fn stamp(&self) -> Stamp {
        self.facts.stamp
    }

    /// Everything from `offset` to the end that the stamp names; nothing if that is past the end.
    pub fn read_from(&self, offset: u64) -> io::Result<Vec<u8>> {
        self.read_at(offset, self.facts.stamp.size.saturating_sub(offset))
    }

    /// Exactly `size` bytes from `offset`.
    pub fn read_at(&self, offset: u64, size: u64) -> io::Result<Vec<u8>> {
        if size > FILE_MAX_BYTES {
            let message = format!("{size} bytes are more than the limit of {FILE_MAX_BYTES}");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        let mut bytes = vec![0; usize::try_from(size).map_err(io::Error::other)?];
        self.fill(&mut bytes, offset)?;
        Ok(bytes)
    }

    fn fill(&self, mut rest: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !rest.is_empty() {
            let count = match self.system.read_at(&self.handle, rest, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => result?,
            };
            if count == 0 {
                let message = "the file became shorter while it was read";
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
            }
            rest = rest.get_mut(count..).unwrap_or_default();
            offset += count as u64;
        }
        Ok(())
    }
}

/// What is at this path, if anything is; it must be a regular file.
pub(super) fn facts_at<S: System>(system: &S, path: &Path) -> io::Result<Option<Facts>> {
    let handle = match system.open(path, Use::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        result => result?,
    };
    let facts = system.facts(&handle)?;
    require_regular(&facts)?;
    Ok(Some(facts))
}

pub(super) fn require_regular(facts: &Facts) -> io::Result<()> {
    if facts.is_regular {
        return Ok(());
    }
    let message = "it is not a regular file but a folder, pipe or device";
    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test lays out its files itself")]
mod tests {
    use super::*;

    #[test]
    fn reads_see_the_size_of_the_stamp() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acme.vault");
        std::fs::write(&path, b"one\ntwo\n").unwrap();
        let opened = Opened::open(&path).unwrap();
        std::fs::write(&path, b"one\ntwo\nthree\n").unwrap();
        assert_eq!(opened.stamp().size, 8);
        assert_eq!(opened.read_from(4).unwrap(), b"two\n");
        assert_eq!(opened.read_from(100).unwrap(), b"");
        assert_eq!(opened.read_at(0, 3).unwrap(), b"one");
    }

    #[test]
    fn a_file_that_shrinks_is_no_silent_short_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acme.vault");
        std::fs::write(&path, b"one\ntwo\n").unwrap();
        let opened = Opened::open(&path).unwrap();
        std::fs::write(&path, b"one\n").unwrap();
        let error = opened.read_from(0).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert!(opened.read_at(0, u64::MAX).is_err());
    }

    #[test]
    fn a_pipe_or_folder_is_refused_without_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for path in [pipe.as_path(), folder.path(), Path::new("/dev/null")] {
            let error = Opened::open(path).err().unwrap();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{}", path.display());
        }
    }
}
