//! Which file this is and whether it changed: what is compared before bytes are trusted again.
//!
//! Two equal stamps mean the same file with the same contents, as far as the system can tell.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    pub device: u64,
    pub inode: u64,
    pub size: u64,
    pub modified_ns: i64,
    pub changed_ns: i64,
}

impl Stamp {
    pub fn of(file: &File) -> io::Result<Self> {
        file.metadata().map(|metadata| Self::from(&metadata))
    }

    /// The same file on the same disk, whatever it holds by now.
    pub fn is_same_file(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

impl From<&Metadata> for Stamp {
    fn from(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            changed_ns: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

fn nanoseconds(seconds: i64, rest_ns: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(rest_ns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn writing_changes_the_stamp_but_not_which_file_it_is() {
        let mut file = tempfile::tempfile().unwrap();
        let before = Stamp::of(&file).unwrap();
        assert_eq!(before, Stamp::of(&file).unwrap());
        file.write_all(b"x").unwrap();
        let after = Stamp::of(&file).unwrap();
        assert_ne!(before, after);
        assert!(before.is_same_file(&after));
        assert!(!before.is_same_file(&Stamp::of(&tempfile::tempfile().unwrap()).unwrap()));
    }
}
