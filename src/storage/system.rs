//! The system calls that storage makes, as one small trait: tests put a lying disk underneath.
//!
//! Everything that is opened is close-on-exec, opening never waits (a pipe in a vault's place),
//! and what is created is readable by its owner alone from the first byte.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Gid, Mode, OFlags, RenameFlags, Uid};
use rustix::io::Errno;

use super::Stamp;

/// What a handle is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    Read,
    Append,
    /// Like `Append`; the file is made, private, if it is not there.
    AppendOrCreate,
    /// A new private file; fails if the name is taken.
    Create,
}

/// What the system says about an open file.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    pub stamp: Stamp,
    pub is_regular: bool,
    pub mode: u32,
    pub owner: u32,
    pub group: u32,
}

pub trait System {
    type Handle;
    fn open(&self, path: &Path, purpose: Use) -> io::Result<Self::Handle>;
    fn facts(&self, handle: &Self::Handle) -> io::Result<Facts>;
    fn read_at(&self, handle: &Self::Handle, into: &mut [u8], offset: u64) -> io::Result<usize>;
    /// One write; it may be short.
    fn write(&self, handle: &Self::Handle, bytes: &[u8]) -> io::Result<usize>;
    fn truncate(&self, handle: &Self::Handle, size: u64) -> io::Result<()>;
    fn sync_data(&self, handle: &Self::Handle) -> io::Result<()>;
    fn sync_all(&self, handle: &Self::Handle) -> io::Result<()>;
    fn set_mode(&self, handle: &Self::Handle, mode: u32) -> io::Result<()>;
    fn set_owner(&self, handle: &Self::Handle, owner: u32, group: u32) -> io::Result<()>;
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Renames unless the new name is taken.
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>>;
    /// The file that a path leads to, links followed; a name that is free stays as it is.
    fn resolve(&self, path: &Path) -> io::Result<PathBuf>;
}

/// The real system.
pub struct Os;

impl System for Os {
    type Handle = File;

    fn open(&self, path: &Path, purpose: Use) -> io::Result<File> {
        let mut options = OpenOptions::new();
        match purpose {
            Use::Read => options.read(true),
            Use::Append => options.append(true),
            Use::AppendOrCreate => options.append(true).create(true),
            Use::Create => options.write(true).create_new(true),
        };
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        options.mode(0o600).custom_flags(flags.bits().cast_signed()).open(path)
    }

    fn facts(&self, handle: &File) -> io::Result<Facts> {
        let metadata = handle.metadata()?;
        Ok(Facts {
            stamp: Stamp::from(&metadata),
            is_regular: metadata.is_file(),
            mode: metadata.mode(),
            owner: metadata.uid(),
            group: metadata.gid(),
        })
    }

    fn read_at(&self, handle: &File, into: &mut [u8], offset: u64) -> io::Result<usize> {
        handle.read_at(into, offset)
    }

    fn write(&self, mut handle: &File, bytes: &[u8]) -> io::Result<usize> {
        handle.write(bytes)
    }

    fn truncate(&self, handle: &File, size: u64) -> io::Result<()> {
        handle.set_len(size)
    }

    fn sync_data(&self, handle: &File) -> io::Result<()> {
        handle.sync_data()
    }

    fn sync_all(&self, handle: &File) -> io::Result<()> {
        handle.sync_all()
    }

    fn set_mode(&self, handle: &File, mode: u32) -> io::Result<()> {
        Ok(rustix::fs::fchmod(handle, Mode::from_raw_mode((mode & 0o777) as _))?)
    }

    fn set_owner(&self, handle: &File, owner: u32, group: u32) -> io::Result<()> {
        let (owner, group) = (Uid::from_raw(owner), Gid::from_raw(group));
        Ok(rustix::fs::fchown(handle, Some(owner), Some(group))?)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Ok(rustix::fs::renameat(CWD, from, CWD, to)?)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            // network disks know no such flag; a hard link does not overwrite either
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                rustix::fs::linkat(CWD, from, CWD, to, AtFlags::empty())?;
                self.remove(from)
            }
            result => Ok(result?),
        }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(CWD, path, AtFlags::empty())?)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.file_name())).collect()
    }

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        match std::fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_symlink() => std::fs::canonicalize(path),
            Ok(_) => Ok(path.to_path_buf()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(path.to_path_buf()),
            Err(error) => Err(error),
        }
    }
}
