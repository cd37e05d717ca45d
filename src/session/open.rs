//! Opening a vault: from this machine's memory when the file is the one it remembers, else by a full
//! check; and taking in what others appended since.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::config::Settings;
use crate::context::Context;
use crate::crypto::local::{MemoryKey, memory_key};
use crate::crypto::member::MemberKey;
use crate::error::{Error, Explain, Result};
use crate::format::line::{self, NotAVault};
use crate::org::ids::{BoxId, EntryId, MemberId};
use crate::org::state::{Member, State};
use crate::storage::{self, Stamp};

use super::full::{self, Checked};
use super::identity::Source;
use super::keys::RingKeys;
use super::memory::{Folder, Index, Pins, Place, Seen, Trouble};
use super::unlocker::Unlocker;
use super::{heads, rewrite};

/// An open vault.
pub struct Session {
    pub settings: Rc<Settings>,
    pub vault: EntryId,
    pub member: MemberKey,
    pub me: MemberId,
    pub rings: RingKeys,
    pub index: Index,
    /// Things the user should hear of, said once.
    pub notices: Vec<String>,
    pub(super) state: Option<State>,
    pub(super) folder: Rc<Folder>,
    pub(super) memory: MemoryKey,
    pub(super) remembers: bool,
    pub(super) member_box: Option<Place>,
    /// The key that a change being committed gives me.
    pub(super) next_member: Option<MemberKey>,
}

/// The file as it is now.
pub(super) struct File {
    pub opened: storage::Opened,
    pub stamp: Stamp,
}

impl File {
    pub fn open(path: &Path, folder: &Folder) -> Result<Self> {
        match storage::Opened::open(path) {
            Ok(opened) => Ok(Self { stamp: opened.stamp(), opened }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(gone(path, folder)),
            Err(error) => {
                Err(error).or_failed(|| format!("cannot open the vault {}", path.display()))
            }
        }
    }

    pub fn read(&self, start: u64, end: u64) -> Result<Vec<u8>> {
        self.opened
            .read_at(start, end.saturating_sub(start))
            .or_failed(|| "cannot read the vault".into())
    }

    pub fn all(&self) -> Result<Vec<u8>> {
        self.read(0, self.stamp.size)
    }
}

/// No file: never there, or lost.
fn gone(path: &Path, folder: &Folder) -> Error {
    if folder.pins().is_some() {
        return Error::rolled_back(format!("the vault {} is gone", path.display()))
            .because("this machine has seen it there")
            .hint("`secrets repair` puts it back from this machine's mirror");
    }
    Error::not_found(format!("there is no vault at {}", path.display()))
        .hint("`secrets init ORG` makes one, `--vault FILE` names one")
}

/// It was one when this machine last looked.
fn no_vault_any_more(path: &Path) -> Error {
    Error::damaged(format!("{} is no vault any more", path.display()))
        .because("its first line is not that of a vault; line ends that were changed do that too")
        .hint("`secrets repair` puts it back from this machine's mirror")
}

pub(super) fn not_a_vault(path: &Path, why: NotAVault) -> Error {
    let name = path.display();
    match why {
        NotAVault::Empty => Error::damaged(format!("{name} is empty"))
            .hint("`secrets repair` puts it back from this machine's mirror"),
        NotAVault::Other => Error::failed(format!("{name} is no vault")),
        NotAVault::Newer(version) => {
            Error::failed(format!("{name} is a vault of format {version}"))
                .because("this program knows format 1")
                .hint("install a newer `secrets`")
        }
    }
}

impl Session {
    /// Opens the vault that the settings name.
    pub fn open(settings: Settings, ctx: &Context) -> Result<Self> {
        let settings = Rc::new(settings);
        let folder = Rc::new(Folder::of(&ctx.paths()?.state, &settings.vault));
        let source = Source::find(&settings, ctx)?;
        let remembers = source.remembers();
        // Before the file: what another command remembers after that is not in what is read here.
        let pins = folder.pins().filter(|_| remembers);
        let file = File::open(&settings.vault, &folder)?;
        if let (Some(wanted), Some(pins)) = (settings.vault_id, &pins)
            && wanted != pins.vault
        {
            return Self::open_full(
                settings,
                file,
                folder,
                &Unlocker::new(source, ctx),
                None,
                remembers,
            );
        }
        let keys = Unlocker::new(source, ctx);
        if let Some(pins) = &pins
            && let Some(member) = keys.remembered(pins, &file)?
            && let Some(session) = Self::open_warm(&settings, &file, &folder, pins, member)?
        {
            return Ok(session);
        }
        Self::open_full(settings, file, folder, &keys, pins.as_ref(), remembers)
    }

    /// From memory alone, or from memory and what was appended since; None: a full check is due.
    fn open_warm(
        settings: &Rc<Settings>,
        file: &File,
        folder: &Rc<Folder>,
        pins: &Pins,
        member: MemberKey,
    ) -> Result<Option<Self>> {
        let memory = memory_key(&member, &pins.vault.to_string());
        let Some(index) = folder.index(&memory) else { return Ok(None) };
        let unchanged = index.seen.is_unchanged(&file.stamp);
        if !unchanged && !index.seen.may_have_grown(&file.stamp) {
            return Ok(None);
        }
        let rings = RingKeys::remembered(&index.rings);
        let mut session = Self {
            settings: Rc::clone(settings),
            vault: pins.vault,
            me: index.me,
            member,
            rings,
            index,
            notices: vec![],
            state: None,
            folder: Rc::clone(folder),
            memory,
            remembers: true,
            member_box: pins.member_box,
            next_member: None,
        };
        if unchanged || session.take_in_tail(file)? { Ok(Some(session)) } else { Ok(None) }
    }

    /// Everything anew.
    fn open_full(
        settings: Rc<Settings>,
        file: File,
        folder: Rc<Folder>,
        keys: &Unlocker<'_>,
        pins: Option<&Pins>,
        remembers: bool,
    ) -> Result<Self> {
        let bytes = file.all()?;
        line::check_magic(&bytes).map_err(|why| match (why, pins) {
            (NotAVault::Other, Some(_)) => no_vault_any_more(&settings.vault),
            (why, _) => not_a_vault(&settings.vault, why),
        })?;
        let wanted = settings.vault_id.or(pins.map(|pins| pins.vault));
        let checked = keys.check(&bytes, wanted, remembers)?;
        let seen = pins.map(|pins| pins.heads.clone()).unwrap_or_default();
        heads::refuse_rollback(&checked, &seen)?;
        if let Some(pins) = pins.filter(|_| checked.member.is_none()) {
            return Err(no_member_any_more(&checked, pins, keys.name()));
        }
        let mut notices = vec![];
        if pins.is_none() && remembers {
            notices.extend(heads::behind_elsewhere(&checked, &folder.pins_elsewhere()));
        }
        if remembers && folder.is_damaged() {
            notices.push("what this machine remembered of the vault could not be read".to_owned());
        }
        let mut session = Self::from_checked(
            settings,
            folder,
            checked,
            &bytes,
            file.stamp,
            &seen,
            remembers,
            keys.name(),
        )?;
        session.notices.append(&mut notices);
        Ok(session)
    }

    #[expect(clippy::too_many_arguments, reason = "everything a session is made of, once")]
    pub(super) fn from_checked(
        settings: Rc<Settings>,
        folder: Rc<Folder>,
        mut checked: Checked,
        bytes: &[u8],
        stamp: Stamp,
        seen: &[EntryId],
        remembers: bool,
        identity: &str,
    ) -> Result<Self> {
        let member = checked.member.take().ok_or_else(|| no_member(&checked, identity))?;
        let me = full::member_of(&checked.state, &member).map(|me| (me.id, me.member_box));
        let (me, my_box) = me.ok_or_else(|| no_member(&checked, identity))?;
        let memory = memory_key(&member, &checked.vault.to_string());
        let before = folder.index(&memory).and_then(|index| folder.state(&memory, &index));
        let refused =
            before.map(|state| state.refused.iter().map(|refusal| refusal.entry).collect());
        let notices = heads::announce(
            &checked,
            seen,
            &refused.unwrap_or_else(|| all_refused(&checked.state)),
        );
        let rings = std::mem::take(&mut checked.rings);
        let member_box = place_in(&checked, my_box);
        let index = Index {
            seen: Seen::of(stamp, bytes, checked.scanned.whole),
            heads: checked.heads.clone(),
            org: checked.state.org.as_ref().map(ToString::to_string).unwrap_or_default(),
            me,
            environments: vec![],
            current: vec![],
            rings: vec![],
            trouble: Trouble {
                waiting: checked.waiting.len(),
                missing: checked.missing.len(),
                rubbish: rewrite::rubbish_lines(&checked),
            },
            state: [0; 32],
        };
        let vault = checked.vault;
        let mut session = Self {
            settings,
            vault,
            me,
            member,
            rings,
            index,
            notices,
            folder,
            memory,
            remembers,
            member_box,
            next_member: None,
            state: Some(checked.state),
        };
        let places = checked
            .scanned
            .boxes
            .iter()
            .map(|(id, place)| (*id, (place.start as u64, place.end as u64)));
        session.rebuild_index(&places.collect());
        session.remember_whole(bytes, &checked.boxes.dead);
        Ok(session)
    }

    /// The folded state, read from memory if it has not been needed yet. Where another command has
    /// just replaced that part of the memory, the file is checked again.
    pub fn state(&mut self) -> Result<&State> {
        if !self.recall_state() {
            let file = File::open(&self.settings.vault, &self.folder)?;
            let bytes = file.all()?;
            line::check_magic(&bytes).map_err(|why| not_a_vault(&self.settings.vault, why))?;
            self.take_in_whole(&bytes, 0, file.stamp)?;
        }
        self.state.as_ref().ok_or_else(|| Error::failed("no state"))
    }

    /// Whether the state that goes with the index is at hand. Another one must not be: entries would
    /// count twice, or not at all.
    pub(super) fn recall_state(&mut self) -> bool {
        if self.state.is_none() {
            self.state = self.folder.state(&self.memory, &self.index);
        }
        self.state.is_some()
    }

    /// Whether bytes of an unfinished line stand at the end: a write that was never acknowledged.
    pub fn has_torn_end(&self) -> bool {
        self.index.seen.stamp.size > self.index.seen.whole
    }

    pub fn me<'a>(&self, state: &'a State) -> Result<&'a Member> {
        state
            .members
            .get(&self.me)
            .filter(|me| me.is_active())
            .ok_or_else(|| Error::denied("you are not a member of this vault any more"))
    }

    pub fn path(&self) -> PathBuf {
        self.settings.vault.clone()
    }
}

fn all_refused(state: &State) -> BTreeSet<EntryId> {
    state.refused.iter().map(|refusal| refusal.entry).collect()
}

fn place_in(checked: &Checked, id: BoxId) -> Option<Place> {
    let place = checked.scanned.boxes.get(&id)?;
    Some(Place { id, start: place.start as u64, end: place.end as u64 })
}

/// My key opened it when this machine last looked. Without new entries, only damage can explain that.
fn no_member_any_more(checked: &Checked, pins: &Pins, identity: &str) -> Error {
    let lost = |mine: Place| !checked.scanned.boxes.contains_key(&mine.id);
    if checked.scanned.entries.len() <= pins.entries && pins.member_box.is_some_and(lost) {
        return Error::damaged("the box that holds your member key is missing from the vault")
            .hint("`secrets repair` looks for it in this machine's mirror");
    }
    let mut error = no_member(checked, identity);
    if checked.scanned.entries.len() > pins.entries {
        error
            .because
            .push("it did when this machine last looked: the key was removed since".to_owned());
    }
    error
}

fn no_member(checked: &Checked, identity: &str) -> Error {
    let org =
        checked.state.org.as_ref().map_or_else(|| "this vault".to_owned(), ToString::to_string);
    if !checked.state.locked.is_empty() && checked.member.is_some() {
        return Error::denied(format!("you are behind in {org}"))
            .because("a key that entries are sealed to has not been given to you yet");
    }
    if !checked.waiting.is_empty() {
        return Error::damaged(format!("no key here opens {org} as it stands"))
            .because(heads::waiting(checked.waiting.len()))
            .hint("`secrets repair --from FILE` takes them from another copy");
    }
    Error::denied(format!("no key here opens {org}"))
        .because(format!("{identity} opens no member's box in it"))
        .hint("name another identity with `-i`")
}
