//! A disk that lies, for tests: its Nth operation fails, or the power does.
//!
//! After a power failure only what was synced is sure to be there: contents after a sync of the
//! file, names after a sync of the folder. What was not synced may be there, in part, or not: all
//! these images are tried. A failed sync forgets what it should have written and says so once, as
//! Linux does.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::system::{Facts, System, Use};
use super::write::Durability;
use super::{After, Expected, Permissions, Stamp, WriteError, write};

#[derive(Clone, Copy, PartialEq, Debug)]
enum Trouble {
    None,
    /// The operation with this number fails; a write after half of its bytes, or before the first.
    Fails {
        at: usize,
        short: bool,
    },
    /// This operation and all later ones never happen.
    PowerFails {
        at: usize,
    },
}

#[derive(Clone, Default)]
struct Inode {
    bytes: Vec<u8>,
    /// For each byte whether the system still intends to write it.
    dirty: Vec<bool>,
    durable: Vec<u8>,
    mode: u32,
}

#[derive(Clone)]
struct State {
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    count: usize,
    trouble: Trouble,
    log: Vec<&'static str>,
}

struct Lying(RefCell<State>);

impl Lying {
    /// A disk on which `acme.vault` safely holds `old`, and a killed process left something.
    fn holding(old: Option<&[u8]>, trouble: Trouble) -> Self {
        let mut names = BTreeMap::new();
        let mut inodes = vec![Inode::default()];
        names.insert(PathBuf::from("./.acme.vault.tmp-dead"), 0);
        if let Some(old) = old {
            inodes.push(Inode {
                bytes: old.to_vec(),
                dirty: vec![false; old.len()],
                durable: old.to_vec(),
                mode: 0o640,
            });
            names.insert(vault(), 1);
        }
        let durable_names = names.clone();
        let state = State { inodes, names, durable_names, count: 0, trouble, log: Vec::new() };
        Self(RefCell::new(state))
    }

    /// Counts the operation; tells whether and how it goes wrong.
    fn step(&self, name: &'static str) -> io::Result<()> {
        let mut state = self.0.borrow_mut();
        let now = state.count;
        state.count += 1;
        state.log.push(name);
        match state.trouble {
            Trouble::Fails { at, .. } if at == now => {
                Err(io::Error::from_raw_os_error(5 /* EIO */))
            }
            Trouble::PowerFails { at } if now >= at => Err(io::Error::other("the power is off")),
            _ => Ok(()),
        }
    }

    fn power_is_on(&self) -> bool {
        let state = self.0.borrow();
        !matches!(state.trouble, Trouble::PowerFails { at } if state.count > at)
    }

    fn now(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.0.borrow();
        state.names.get(path).map(|&inode| state.inodes[inode].bytes.clone())
    }

    /// What may be found under the name after the power comes back.
    fn images(&self, path: &Path) -> Vec<Option<Vec<u8>>> {
        let state = self.0.borrow();
        let mut images = Vec::new();
        for names in [&state.names, &state.durable_names] {
            match names.get(path) {
                None => images.push(None),
                Some(&inode) => images.extend(state.inodes[inode].images().into_iter().map(Some)),
            }
        }
        images
    }
}

impl Inode {
    fn images(&self) -> Vec<Vec<u8>> {
        let mut images = vec![self.durable.clone(), self.mix(usize::MAX)];
        for written in 0..=self.bytes.len() {
            let mut torn = self.mix(written);
            images.push(torn.clone());
            torn.truncate(written.max(self.durable.len()));
            images.push(torn);
        }
        images
    }

    /// The size has reached the disk, of the dirty bytes only those before `written`.
    fn mix(&self, written: usize) -> Vec<u8> {
        let old = |at: usize| self.durable.get(at).copied().unwrap_or(0);
        let new = |(at, &byte): (usize, &u8)| {
            if self.dirty[at] && at < written { byte } else { old(at) }
        };
        self.bytes.iter().enumerate().map(new).collect()
    }

    fn sync(&mut self) {
        self.durable = self.mix(usize::MAX);
        self.dirty.fill(false);
    }
}

impl System for &Lying {
    type Handle = usize;

    fn open(&self, path: &Path, purpose: Use) -> io::Result<usize> {
        self.step("open")?;
        let mut state = self.0.borrow_mut();
        let found = state.names.get(path).copied();
        match (found, purpose) {
            (Some(_), Use::Create) => Err(io::ErrorKind::AlreadyExists.into()),
            (Some(inode), _) => Ok(inode),
            (None, Use::Create | Use::AppendOrCreate) => {
                let inode = state.inodes.len();
                state.inodes.push(Inode { mode: 0o600, ..Inode::default() });
                state.names.insert(path.to_path_buf(), inode);
                Ok(inode)
            }
            (None, _) => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn facts(&self, &inode: &usize) -> io::Result<Facts> {
        self.step("facts")?;
        let state = self.0.borrow();
        let size = state.inodes[inode].bytes.len() as u64;
        let stamp = Stamp { device: 1, inode: inode as u64, size, modified_ns: 0, changed_ns: 0 };
        let mode = state.inodes[inode].mode;
        Ok(Facts { stamp, is_regular: true, mode, owner: 0, group: 0 })
    }

    fn read_at(&self, _: &usize, _: &mut [u8], _: u64) -> io::Result<usize> {
        unreachable!("no write reads")
    }

    fn write(&self, &inode: &usize, bytes: &[u8]) -> io::Result<usize> {
        let result = self.step("write");
        let mut state = self.0.borrow_mut();
        let count = match (result, state.trouble) {
            (Ok(()), _) => bytes.len(),
            (Err(_), Trouble::Fails { short: true, .. }) => bytes.len() / 2,
            // the power failed during the write: any part of it may be on the disk
            (Err(_), Trouble::PowerFails { at }) if at + 1 == state.count => bytes.len(),
            (Err(error), _) => return Err(error),
        };
        let inode = &mut state.inodes[inode];
        inode.bytes.extend_from_slice(&bytes[..count]);
        inode.dirty.resize(inode.bytes.len(), true);
        Ok(count)
    }

    fn truncate(&self, &inode: &usize, size: u64) -> io::Result<()> {
        self.step("truncate")?;
        let inode = &mut self.0.borrow_mut().inodes[inode];
        inode.bytes.truncate(size as usize);
        inode.dirty.truncate(size as usize);
        Ok(())
    }

    fn sync_data(&self, &inode: &usize) -> io::Result<()> {
        let result = self.step("sync");
        let on = self.power_is_on();
        let inode = &mut self.0.borrow_mut().inodes[inode];
        match result {
            Ok(()) => inode.sync(),
            Err(_) if on => inode.dirty.fill(false),
            Err(_) => {}
        }
        result
    }

    fn sync_all(&self, handle: &usize) -> io::Result<()> {
        self.sync_data(handle)
    }

    fn set_mode(&self, &inode: &usize, mode: u32) -> io::Result<()> {
        self.step("set_mode")?;
        self.0.borrow_mut().inodes[inode].mode = mode;
        Ok(())
    }

    fn set_owner(&self, _: &usize, _: u32, _: u32) -> io::Result<()> {
        self.step("set_owner")
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step("rename")?;
        let mut state = self.0.borrow_mut();
        let inode = state.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        state.names.insert(to.to_path_buf(), inode);
        Ok(())
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        if self.0.borrow().names.contains_key(to) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step("remove")?;
        self.0.borrow_mut().names.remove(path).map(drop).ok_or(io::ErrorKind::NotFound.into())
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        self.step("sync_folder")?;
        let mut state = self.0.borrow_mut();
        state.durable_names = state.names.clone();
        Ok(())
    }

    fn list(&self, _: &Path) -> io::Result<Vec<OsString>> {
        self.step("list")?;
        let state = self.0.borrow();
        Ok(state.names.keys().filter_map(|path| path.file_name().map(Into::into)).collect())
    }

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        self.step("resolve").map(|()| path.to_path_buf())
    }
}

const OLD: &[u8] = b"secrets-vault 1\nbox a\n";
const TAIL: &[u8] = b"box b\nentry c\n";
const NEW: &[u8] = b"secrets-vault 1\nentry d, with more than before\n";

fn vault() -> PathBuf {
    PathBuf::from("./acme.vault")
}

fn with_tail() -> Vec<u8> {
    [OLD, TAIL].concat()
}

fn stamp_of_old() -> Stamp {
    let size = OLD.len() as u64;
    Stamp { device: 1, inode: 1, size, modified_ns: 0, changed_ns: 0 }
}

type Attempt = fn(&Lying) -> Result<Stamp, WriteError>;

fn append(disk: &Lying) -> Result<Stamp, WriteError> {
    write::append(&disk, &vault(), &stamp_of_old(), TAIL)
}

fn replace(disk: &Lying) -> Result<Stamp, WriteError> {
    let (stamp, kept) = (stamp_of_old(), Permissions::Kept);
    let expected = Expected::Unchanged(&stamp);
    write::replace(&disk, &vault(), expected, NEW, kept, Durability::Synced)
}

fn create(disk: &Lying) -> Result<Stamp, WriteError> {
    write::create_new(&disk, &vault(), NEW, Permissions::Private)
}

/// How many operations the attempt takes when nothing goes wrong.
fn operations(old: Option<&[u8]>, attempt: Attempt) -> usize {
    let disk = Lying::holding(old, Trouble::None);
    attempt(&disk).unwrap();
    disk.0.borrow().count
}

fn every_failure(old: Option<&[u8]>, new: &[u8], attempt: Attempt) {
    let (old, new) = (old.map(<[u8]>::to_vec), Some(new.to_vec()));
    let last = operations(old.as_deref(), attempt);
    assert!(last > 2);
    for (at, short) in (0..last).flat_map(|at| [(at, false), (at, true)]) {
        let disk = Lying::holding(old.as_deref(), Trouble::Fails { at, short });
        let result = attempt(&disk);
        let now = disk.now(&vault());
        match result {
            Ok(_) => {
                assert_eq!(now, new, "at {at}");
                assert!(disk.images(&vault()).iter().all(|image| *image == new), "at {at}");
            }
            Err(WriteError::Failed { after: After::NotDurable, .. }) => assert_eq!(now, new),
            Err(WriteError::Failed { after: After::Unchanged, .. }) => assert_eq!(now, old),
            Err(other) => panic!("at {at}: {other}"),
        }
        let state = disk.0.borrow();
        let own = |name: &PathBuf| name.to_string_lossy().contains(".tmp-") && !is_dead(name);
        let cleaning_failed = state.log.get(at) == Some(&"remove");
        assert!(cleaning_failed || !state.names.keys().any(own), "at {at}: {:?}", state.log);
    }
}

fn is_dead(name: &Path) -> bool {
    name.ends_with(".acme.vault.tmp-dead")
}

fn every_power_failure(
    old: Option<&[u8]>,
    attempt: Attempt,
    allowed: fn(&Option<Vec<u8>>) -> bool,
) {
    for at in 0..operations(old, attempt) {
        let disk = Lying::holding(old, Trouble::PowerFails { at });
        let acknowledged = attempt(&disk).is_ok();
        for image in disk.images(&vault()) {
            assert!(allowed(&image), "power failed at {at}: {image:?}");
            assert!(!acknowledged, "acknowledged before the operation {at}");
        }
    }
}

/// The old bytes untouched; behind them the new ones, the same torn, or nothing.
fn is_old_with_a_tail(image: &Option<Vec<u8>>) -> bool {
    let whole = with_tail();
    let torn = |(at, byte): (usize, &u8)| *byte == whole[at] || *byte == 0;
    image.as_ref().is_some_and(|image| {
        image.starts_with(OLD)
            && image.len() <= whole.len()
            && image.iter().enumerate().skip(OLD.len()).all(torn)
    })
}

#[test]
fn append_survives_any_failing_operation() {
    every_failure(Some(OLD), &with_tail(), append);
}

#[test]
fn replace_survives_any_failing_operation() {
    every_failure(Some(OLD), NEW, replace);
}

#[test]
fn create_survives_any_failing_operation() {
    every_failure(None, NEW, create);
}

#[test]
fn append_survives_a_power_failure_at_any_moment() {
    every_power_failure(Some(OLD), append, is_old_with_a_tail);
}

#[test]
fn replace_survives_a_power_failure_at_any_moment() {
    let old_or_new = |image: &Option<Vec<u8>>| matches!(image.as_deref(), Some(OLD | NEW));
    every_power_failure(Some(OLD), replace, old_or_new);
}

#[test]
fn create_survives_a_power_failure_at_any_moment() {
    let none_or_new = |image: &Option<Vec<u8>>| matches!(image.as_deref(), None | Some(NEW));
    every_power_failure(None, create, none_or_new);
}

#[test]
fn what_was_acknowledged_survives_at_once() {
    for (attempt, new) in [(append as Attempt, with_tail()), (replace, NEW.to_vec())] {
        let disk = Lying::holding(Some(OLD), Trouble::None);
        attempt(&disk).unwrap();
        assert!(disk.images(&vault()).iter().all(|image| image.as_deref() == Some(&new[..])));
    }
}

/// After a failed sync the disk may never see those bytes, although the system shows them.
#[test]
fn what_follows_a_failed_sync_does_not_stand_on_lost_bytes() {
    let sync = 3;
    let disk = Lying::holding(Some(OLD), Trouble::Fails { at: sync, short: false });
    let error = append(&disk).unwrap_err();
    assert_eq!(disk.0.borrow().log[sync], "sync");
    assert!(matches!(error, WriteError::Failed { doing: "syncing", .. }));
    append(&disk).unwrap();
    for image in disk.images(&vault()) {
        assert_eq!(image.as_deref(), Some(&with_tail()[..]));
    }
}

#[test]
fn a_tail_that_cannot_be_cut_off_is_told() {
    let disk = Lying::holding(Some(OLD), Trouble::PowerFails { at: 3 });
    let error = append(&disk).unwrap_err();
    assert!(matches!(error, WriteError::Failed { after: After::Torn(_), .. }), "{error}");
    assert!(error.to_string().contains("an unfinished line may be at its end"));
}

#[test]
fn a_file_that_moved_on_is_left_alone() {
    let longer = [OLD, b"x"].concat();
    for old in [Some(longer.as_slice()), None] {
        for attempt in [append as Attempt, replace] {
            let disk = Lying::holding(old, Trouble::None);
            assert!(matches!(attempt(&disk), Err(WriteError::Moved)));
            assert_eq!(disk.now(&vault()).as_deref(), old);
        }
    }
}

#[test]
fn create_overwrites_nothing() {
    let disk = Lying::holding(Some(OLD), Trouble::None);
    let error = create(&disk).unwrap_err();
    assert_eq!(error.io_kind(), Some(io::ErrorKind::AlreadyExists));
    assert_eq!(disk.now(&vault()).as_deref(), Some(OLD));
}
