//! Committing a change: lock, read what others wrote, check, append in one write, then acknowledge.
//!
//! A file that was replaced under the writer is noticed and the whole is done again. A change that
//! kills boxes writes the file anew without them; so does the next writer after rubbish was found.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::context::Context;
use crate::error::{Error, Explain, Kind, Result};
use crate::org::fold::fold_on;
use crate::org::ids::BoxId;
use crate::org::time::Time;
use crate::storage::{self, Expected, Holder, Lock, LockError, Permissions, Stamp, WriteError};

use super::commit::{Content, Pen, Written, write};
use super::draft::Draft;
use super::memory::{Place, Seen};
use super::open::{File, Session, not_a_vault};
use super::scan::no_progress;
use super::{full, heads, mirror, rewrite};
use crate::crypto::local::memory_key;
use crate::crypto::member::MemberKey;

/// A writer that waits longer than this is told that somebody hangs.
const LOCK_WAIT: Duration = Duration::from_secs(30);
/// How often a file may be replaced under a writer before that is an error.
pub(super) const TRIES: usize = 20;

/// The program and its version, as bodies record it.
pub const AGENT: &str = concat!("secrets ", env!("CARGO_PKG_VERSION"));

/// Takes the vault's lock; says who holds it when that takes a while.
pub fn lock_vault(path: &Path, ctx: &mut Context) -> Result<Lock> {
    let file =
        storage::lock_path(&std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf()));
    let me = Holder::this_process("secrets");
    let mut waiting = |holder: &Holder| {
        let text = format!(
            "waiting for the vault's lock, held by process {} on {}\n",
            holder.pid, holder.host
        );
        let safe: String =
            text.chars().map(|c| if c.is_control() && c != '\n' { '?' } else { c }).collect();
        let _ = ctx.stderr.write_all(safe.as_bytes());
    };
    match storage::lock(&file, &me, LOCK_WAIT, &mut waiting) {
        Ok(lock) => Ok(lock),
        Err(LockError::Busy(holder)) => {
            Err(Error::conflict("the vault's lock was not had in time")
                .because(format!("process {} on {} holds it", holder.pid, holder.host)))
        }
        Err(LockError::Io(cause)) => {
            Err(cause).or_failed(|| format!("cannot lock {}", path.display()))
        }
    }
}

impl Session {
    /// Makes a change and commits it. `change` may run more than once: it must only fill the draft.
    pub fn commit<T>(
        &mut self,
        ctx: &mut Context,
        mut change: impl FnMut(&mut Draft<'_>) -> Result<T>,
    ) -> Result<T> {
        let path = self.path();
        for _ in 0..TRIES {
            let lock = lock_vault(&path, ctx)?;
            let file = self.refresh()?;
            self.refuse_writing()?;
            let now = Time::from_millis(ctx.now().timestamp_millis());
            let host = ctx.host();
            let state = self.state()?.clone();
            let mut draft = Draft::new(&state, self.me(&state)?, now);
            let result = change(&mut draft)?;
            if draft.is_empty() {
                return Ok(result);
            }
            let kills = draft.kills();
            self.next_member = draft.next_member;
            let content =
                Content { records: draft.records, pending: draft.pending, sealed: draft.sealed };
            let pen = Pen {
                vault: Some(self.vault),
                parents: self.index.heads.clone(),
                member: &self.member,
                rings: &self.rings,
                time: now,
                agent: AGENT.to_owned(),
                host,
            };
            let written = write(&pen, &state, content)?;
            let torn = file.stamp.size > self.index.seen.whole;
            let put = if kills || torn || self.index.trouble.rubbish > 0 {
                self.write_anew(&file, &written)
            } else {
                self.append(&file, written)
            };
            drop(lock);
            match put {
                Err(Unwritten::Moved) => {}
                Err(Unwritten::Failed(error)) => return Err(error),
                Ok(()) => {
                    self.tell_notices(ctx);
                    return Ok(result);
                }
            }
        }
        Err(Error::conflict("the vault file was replaced again and again while writing")
            .because("another program, git perhaps, keeps changing it"))
    }

    /// Brings the session up to the file as it is now.
    pub(super) fn refresh(&mut self) -> Result<File> {
        let file = File::open(&self.settings.vault, &self.folder)?;
        if self.index.seen.is_unchanged(&file.stamp) {
            return Ok(file);
        }
        if self.index.seen.may_have_grown(&file.stamp) && self.take_in_tail(&file)? {
            return Ok(file);
        }
        let bytes = file.all()?;
        crate::format::line::check_magic(&bytes)
            .map_err(|why| not_a_vault(&self.settings.vault, why))?;
        self.take_in_whole(&bytes, 0, file.stamp)?;
        Ok(file)
    }

    /// Takes in a whole file, of which `trusted` bytes were checked just before.
    pub(super) fn take_in_whole(
        &mut self,
        bytes: &[u8],
        trusted: usize,
        stamp: Stamp,
    ) -> Result<()> {
        let mut checked = self.check(bytes, trusted)?;
        heads::refuse_rollback(&checked, &self.index.heads)?;
        let me = checked.member.take().and_then(|key| {
            full::member_of(&checked.state, &key).map(|me| (me.id, me.member_box)).zip(Some(key))
        });
        let ((me, my_box), member) =
            me.ok_or_else(|| Error::denied("you are not a member of this vault any more"))?;
        self.me = me;
        self.become_member(member);
        self.member_box = checked.scanned.boxes.get(&my_box).map(|place| Place {
            id: my_box,
            start: place.start as u64,
            end: place.end as u64,
        });
        self.rings = std::mem::take(&mut checked.rings);
        self.index.heads = checked.heads.clone();
        self.index.seen = Seen::of(stamp, bytes, checked.scanned.whole);
        self.index.trouble.waiting = checked.waiting.len();
        self.index.trouble.missing = checked.missing.len();
        self.index.trouble.rubbish = rewrite::rubbish_lines(&checked);
        let places = checked
            .scanned
            .boxes
            .iter()
            .map(|(id, place)| (*id, (place.start as u64, place.end as u64)));
        let places: BTreeMap<BoxId, (u64, u64)> = places.collect();
        self.state = Some(checked.state);
        self.index.current.iter_mut().for_each(|current| current.place = None);
        self.rebuild_index(&places);
        self.remember_whole(bytes, &checked.boxes.dead);
        Ok(())
    }

    /// After a key change nothing remembered opens for the old key.
    fn become_member(&mut self, member: MemberKey) {
        let changed = member.age.recipient() != self.member.age.recipient();
        self.member = member;
        if changed {
            self.memory = memory_key(&self.member, &self.vault.to_string());
            self.folder.forget();
        }
    }

    /// Checks a whole file again with the member key at hand, and the one that replaces it now.
    pub(super) fn check(&self, bytes: &[u8], trusted: usize) -> Result<full::Checked> {
        let keys = || [self.next_member.as_ref(), Some(&self.member)].into_iter().flatten();
        let copies = |_: &[Vec<u8>]| {
            Ok(keys().filter_map(|key| MemberKey::decode(key.encode("").expose())).collect())
        };
        full::check(bytes, trusted, Some(self.vault), &copies, &no_progress)
    }

    /// What stops writing, and the way out.
    fn refuse_writing(&mut self) -> Result<()> {
        let waiting = self.index.trouble.waiting;
        if waiting > 0 {
            return Err(Error::damaged("the vault is not whole, so nothing is written to it")
                .because(heads::waiting(waiting))
                .hint(
                    "`secrets repair` looks for them in this machine's mirror and in other copies",
                ));
        }
        self.refuse_behind()
    }

    /// Who does not know all that was written cannot tell what is dead or a stranger's.
    pub(super) fn refuse_behind(&mut self) -> Result<()> {
        let state = self.state()?;
        if let Some(newer) = &state.newer {
            return Err(Error::failed("this vault needs a newer `secrets` to write")
                .because(format!("an owner declared records of the type {newer}")));
        }
        if !state.locked.is_empty() {
            return Err(Error::denied("you are behind: you may read, not write")
                .because("a key that entries are sealed to has not been given to you yet")
                .hint("any change by somebody who holds it gives it to you"));
        }
        Ok(())
    }

    fn append(&mut self, file: &File, written: Written) -> Result<(), Unwritten> {
        let stamp = storage::append(&self.settings.vault, &file.stamp, &written.lines)?;
        let start = self.index.seen.whole;
        let Some(state) = &mut self.state else { return Ok(()) };
        fold_on(state, &written.entry);
        self.index.heads = vec![written.entry.id];
        let mut seen = Seen::of(stamp, &written.lines, written.lines.len());
        (seen.whole, seen.last_line) = (seen.whole + start, seen.last_line + start);
        self.index.seen = seen;
        written.new_rings.into_iter().for_each(|key| self.rings.insert(key));
        let mut places = BTreeMap::new();
        for (id, place) in written.boxes {
            places.insert(id, (start + place.start as u64, start + place.end as u64));
        }
        self.rebuild_index(&places);
        if self.remembers {
            // The change is acknowledged whatever becomes of a cache.
            let _ = mirror::add(&self.folder, &written.lines);
        }
        let _ = self.remember();
        Ok(())
    }

    /// The file without what is dead or not part of the vault, and with the new lines.
    fn write_anew(&mut self, file: &File, written: &Written) -> Result<(), Unwritten> {
        let mut bytes = file.all()?;
        let torn = bytes.split_off(crate::format::line::whole_bytes(&bytes));
        bytes.extend_from_slice(&written.lines);
        self.replace_file(file.stamp, &bytes, &torn)
    }

    /// Puts the cleaned `bytes` in the file's place; `torn` and what is not part of the vault go aside.
    pub(super) fn replace_file(
        &mut self,
        expected: Stamp,
        bytes: &[u8],
        torn: &[u8],
    ) -> Result<(), Unwritten> {
        let checked = self.check(bytes, 0)?;
        let sorted = rewrite::sort(bytes, &checked);
        let aside = [sorted.aside.as_slice(), torn].concat();
        if !aside.is_empty() {
            self.put_aside(&aside)?;
        }
        let path = self.settings.vault.clone();
        let stamp = storage::replace(
            &path,
            Expected::Unchanged(&expected),
            &sorted.kept,
            Permissions::Kept,
        )?;
        self.take_in_whole(&sorted.kept, sorted.kept.len(), stamp)?;
        Ok(())
    }

    /// Keeps what is not part of the vault, beside this machine's memory.
    fn put_aside(&mut self, bytes: &[u8]) -> Result<()> {
        let path = self.folder.path().join("aside");
        storage::private_folder(self.folder.path())
            .or_failed(|| format!("cannot use {}", self.folder.path().display()))?;
        let mut lines = bytes.to_vec();
        lines.push(b'\n');
        storage::append_unsynced(&path, &lines)
            .or_failed(|| format!("cannot write {}", path.display()))?;
        self.notices
            .push(format!("lines that are not part of the vault were kept in {}", path.display()));
        Ok(())
    }

    /// What came up while writing.
    fn tell_notices(&mut self, ctx: &mut Context) {
        for notice in std::mem::take(&mut self.notices) {
            let _ = ctx.stderr.write_all(format!("secrets: warning: {notice}\n").as_bytes());
        }
    }
}

/// Why a change is not in the file.
pub(super) enum Unwritten {
    /// The file was replaced: read again, then redo.
    Moved,
    Failed(Error),
}

impl From<Error> for Unwritten {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<WriteError> for Unwritten {
    fn from(cause: WriteError) -> Self {
        if matches!(cause, WriteError::Moved) {
            return Self::Moved;
        }
        Self::Failed(
            Err::<(), _>(cause)
                .explain(Kind::Failed, || "nothing was written".to_owned())
                .err()
                .unwrap_or_else(|| Error::failed("nothing was written")),
        )
    }
}
