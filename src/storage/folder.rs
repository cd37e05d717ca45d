//! Folders for what belongs to one user alone, and removing files.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode};

/// Makes the folder and those above it as needed, for its owner alone. One that somebody else
/// owns is refused: they could swap what we put there.
pub fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let folder = File::open(path)?;
    let metadata = folder.metadata()?;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        let message = format!("the folder belongs to another user (uid {})", metadata.uid());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    if metadata.mode() & 0o077 != 0 {
        rustix::fs::fchmod(&folder, Mode::RWXU)?;
    }
    Ok(())
}

/// Afterwards there is no file at this path; none there before is fine.
pub fn remove(path: &Path) -> io::Result<()> {
    match rustix::fs::unlinkat(CWD, path, AtFlags::empty()) {
        Err(rustix::io::Errno::NOENT) => Ok(()),
        result => Ok(result?),
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test lays out its files itself")]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn folders_are_private_even_if_they_were_not() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("state").join("secrets");
        private_folder(&deep).unwrap();
        assert_eq!((mode(&deep), mode(deep.parent().unwrap())), (0o700, 0o700));
        std::fs::set_permissions(&deep, std::fs::Permissions::from_mode(0o755)).unwrap();
        private_folder(&deep).unwrap();
        assert_eq!(mode(&deep), 0o700);
    }

    #[test]
    fn a_folder_of_somebody_else_is_refused() {
        if rustix::process::geteuid().is_root() {
            let root = tempfile::tempdir().unwrap();
            std::os::unix::fs::chown(root.path(), Some(12_345), None).unwrap();
            let error = private_folder(root.path()).unwrap_err();
            assert_eq!(error.to_string(), "the folder belongs to another user (uid 12345)");
        } else {
            assert!(private_folder(Path::new("/")).is_err());
        }
    }

    #[test]
    fn removing_what_is_not_there_is_fine() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("x");
        std::fs::write(&path, b"x").unwrap();
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert!(!path.exists());
        assert!(remove(root.path()).is_err());
    }
}
