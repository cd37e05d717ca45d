//! What this machine remembers of a vault, in the user's state folder, a folder a vault file:
//!
//!     pins     which vault stands here and the heads seen (plain: losing it loses no secret)
//!     index    what a warm start needs: file stamp, ring keys, places of current values
//!     values-  an environment's values that were opened here, together
//!     state    the folded state
//!     mirror   every living line seen
//!
//! Index and state are sealed with a key derived from the member key, so nobody who can merely write
//! the folder can forge them. They are a cache: any doubt means a full check of the vault.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::crypto::hash::sha256;
use crate::crypto::local::{MemoryKey, open_local, seal_local};
use crate::error::{Explain, Result};
use crate::org::ids::{BoxId, EntryId, Id, MemberId, Recipient};
use crate::org::names::SecretName;
use crate::org::record::SecretType;
use crate::org::state::State;
use crate::storage::{self, Stamp};

/// Which vault stands at a path, and what was seen of it.
#[derive(Clone, Serialize, Deserialize, PartialEq, Debug)]
pub struct Pins {
    pub vault: EntryId,
    pub heads: Vec<EntryId>,
    /// Where the vault file stands: shown when another copy of it lacks these heads.
    pub path: PathBuf,
    /// How many entries that is: who knows fewer does not overwrite what another command remembers.
    pub entries: usize,
    /// Where the vault file holds my member box.
    pub member_box: Option<Place>,
}

/// A box's line in the vault file.
#[derive(Clone, Copy, Serialize, Deserialize, PartialEq, Debug)]
pub struct Place {
    pub id: BoxId,
    pub start: u64,
    pub end: u64,
}

/// The file as it was when it was last verified.
#[derive(Clone, Serialize, Deserialize, PartialEq, Debug)]
pub struct Seen {
    pub stamp: Stamp,
    /// Verified up to here: whole lines only.
    pub whole: u64,
    pub last_line: u64,
    pub last_hash: [u8; 32],
}

/// Values of one environment that were opened here before, so that a warm start opens one file.
#[derive(Default, Serialize, Deserialize)]
pub struct Opened(pub BTreeMap<BoxId, KeptBytes>);

/// Bytes of a key or value within the memory; wiped on drop.
#[derive(Serialize, Deserialize)]
pub struct KeptBytes(Zeroizing<Vec<u8>>);

impl KeptBytes {
    pub fn new(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

/// The current value of a secret, as far as I may read it.
#[derive(Serialize, Deserialize)]
pub struct Current {
    pub id: Id,
    pub name: SecretName,
    pub kind: SecretType,
    pub environment: Id,
    pub projects: Vec<Id>,
    pub number: u32,
    pub value: BoxId,
    pub to: Vec<Recipient>,
    /// Another secret has the bare name: this one is not injected.
    pub shadowed: bool,
    /// Others wrote versions beside the current one.
    pub in_conflict: bool,
    pub readable: bool,
    pub place: Option<Place>,
}

#[derive(Serialize, Deserialize)]
pub struct Index {
    pub seen: Seen,
    pub heads: Vec<EntryId>,
    pub org: String,
    pub me: MemberId,
    pub environments: Vec<(Id, String)>,
    pub current: Vec<Current>,
    pub rings: Vec<(Recipient, KeptBytes)>,
    /// What was wrong with the file, so that a warm start does not forget it.
    pub trouble: Trouble,
    /// The hash of the state that goes with it.
    pub state: [u8; 32],
}

/// What keeps a vault from being whole.
#[derive(Clone, Default, Serialize, Deserialize, PartialEq, Debug)]
pub struct Trouble {
    /// Entries that wait for a missing parent.
    pub waiting: usize,
    /// Living boxes that are not there.
    pub missing: usize,
    /// Lines that are dead or bad and go with the next rewrite.
    pub rubbish: usize,
}

/// The folder of one vault file.
pub struct Folder(PathBuf);

/// Tells memories of this layout from others; another layout is no memory.
const LAYOUT: u8 = 2;

impl Folder {
    /// The memory of the vault at a path, all links followed.
    pub fn of(state: &Path, vault: &Path) -> Self {
        let real = std::fs::canonicalize(vault).unwrap_or_else(|_| vault.to_path_buf());
        let digest = sha256(real.as_os_str().as_encoded_bytes());
        let mark: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let stem = real.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Self(state.join(format!("{stem}-{mark}")))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn mirror(&self) -> PathBuf {
        self.0.join("mirror")
    }

    fn prepare(&self) -> Result<()> {
        storage::private_folder(&self.0).or_failed(|| format!("cannot use {}", self.0.display()))
    }

    pub fn pins(&self) -> Option<Pins> {
        let (bytes, _) = storage::read(&self.0.join("pins")).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// What this machine has seen of vaults in other places.
    pub fn pins_elsewhere(&self) -> Vec<Pins> {
        let state = self.0.parent().unwrap_or(&self.0);
        let folders = std::fs::read_dir(state).into_iter().flatten().flatten();
        let others = folders.map(|entry| Self(entry.path())).filter(|other| other.0 != self.0);
        others.filter_map(|other| other.pins()).collect()
    }

    /// A memory whose pins cannot be read: something else wrote there, or the disk was full.
    pub fn is_damaged(&self) -> bool {
        self.0.join("pins").exists() && self.pins().is_none()
    }

    pub fn index(&self, key: &MemoryKey) -> Option<Index> {
        let (file, _) = storage::read(&self.0.join("index")).ok()?;
        decode(key, &file)
    }

    pub fn state(&self, key: &MemoryKey, index: &Index) -> Option<State> {
        let (file, _) = storage::read(&self.0.join("state")).ok()?;
        if sha256(&file) != index.state {
            return None;
        }
        decode(key, &file)
    }

    /// Remembers everything; the state first, so that an index never speaks of one that is not there.
    pub fn remember(
        &self,
        key: &MemoryKey,
        pins: &Pins,
        index: &mut Index,
        state: &State,
    ) -> Result<()> {
        let newer = |known: &Pins| known.vault == pins.vault && known.entries > pins.entries;
        if self.pins().as_ref().is_some_and(newer) {
            return Ok(());
        }
        self.prepare()?;
        let sealed = encode(key, state)?;
        index.state = sha256(&sealed);
        self.write("state", &sealed)?;
        self.write("index", &encode(key, index)?)?;
        self.write_pins(pins)
    }

    pub fn remember_index(&self, key: &MemoryKey, index: &Index) -> Result<()> {
        self.write("index", &encode(key, index)?)
    }

    /// The values of an environment that were opened here before.
    pub fn opened(&self, key: &MemoryKey, environment: &Id) -> Opened {
        let file = storage::read(&self.0.join(values_name(environment))).ok();
        file.and_then(|(file, _)| decode(key, &file)).unwrap_or_default()
    }

    pub fn remember_opened(
        &self,
        key: &MemoryKey,
        environment: &Id,
        opened: &Opened,
    ) -> Result<()> {
        self.write(&values_name(environment), &encode(key, opened)?)
    }

    /// Forgets every opened value that is not current any more.
    pub fn forget_values_but(
        &self,
        key: &MemoryKey,
        environments: &[&Id],
        current: &BTreeSet<BoxId>,
    ) {
        for entry in std::fs::read_dir(&self.0).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(id) = name.strip_prefix(VALUES) else { continue };
            let kept = environments.iter().find(|environment| environment.as_str() == id);
            let kept = kept.map(|id| (*id, self.opened(key, id)));
            let written = match kept {
                Some((_, opened)) if opened.0.keys().all(|value| current.contains(value)) => {
                    continue;
                }
                Some((id, mut opened)) => {
                    opened.0.retain(|value, _| current.contains(value));
                    self.remember_opened(key, id, &opened).is_ok()
                }
                None => false,
            };
            if !written {
                let _ = storage::remove(&entry.path());
            }
        }
    }

    fn write_pins(&self, pins: &Pins) -> Result<()> {
        let text = serde_json::to_vec(pins).or_failed(|| "cannot write pins".to_owned())?;
        self.write("pins", &text)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.0.join(name);
        storage::write_memory(&path, bytes)
            .or_failed(|| format!("cannot write {}", path.display()))?;
        Ok(())
    }

    /// Forgets all but the mirror.
    pub fn forget(&self) {
        for entry in std::fs::read_dir(&self.0).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(VALUES) {
                let _ = storage::remove(&entry.path());
            }
        }
        for name in ["index", "state", "pins"] {
            let _ = storage::remove(&self.0.join(name));
        }
    }
}

fn encode(key: &MemoryKey, value: &impl Serialize) -> Result<Vec<u8>> {
    let what = || "cannot encode this machine's memory".to_owned();
    let size = postcard::experimental::serialized_size(value).or_failed(what)?;
    let mut plain = Zeroizing::new(vec![LAYOUT; size + 1]);
    if let Some(rest) = plain.get_mut(1..) {
        postcard::to_slice(value, rest).or_failed(what)?;
    }
    seal_local(key, &plain).or_failed(what)
}

fn decode<T: DeserializeOwned>(key: &MemoryKey, file: &[u8]) -> Option<T> {
    let plain = open_local(key, file).ok()?;
    let (layout, rest) = plain.expose().split_first()?;
    if *layout != LAYOUT {
        return None;
    }
    postcard::from_bytes(rest).ok()
}

const VALUES: &str = "values-";

fn values_name(environment: &Id) -> String {
    format!("{VALUES}{environment}")
}

impl Seen {
    /// What was seen of a file whose bytes up to `whole` are verified.
    pub fn of(stamp: Stamp, bytes: &[u8], whole: usize) -> Self {
        let before = bytes.get(..whole.saturating_sub(1)).unwrap_or_default();
        let last = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let hash = sha256(bytes.get(last..whole).unwrap_or_default());
        Self { stamp, whole: whole as u64, last_line: last as u64, last_hash: hash }
    }

    pub fn is_unchanged(&self, stamp: &Stamp) -> bool {
        self.stamp == *stamp
    }

    /// The same file, grown; the last line must still be checked.
    pub fn may_have_grown(&self, stamp: &Stamp) -> bool {
        self.stamp.is_same_file(stamp) && stamp.size >= self.whole
    }
}
