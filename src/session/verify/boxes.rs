//! Opening every box that the keys here open, and comparing it with what the log says it is.
//!
//! Dead boxes are never opened. What is opened is dropped at once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Serialize;

use crate::crypto::age_key::AgeKey;
use crate::org::entry::Header;
use crate::org::ids::{BoxId, Id, PublicKey, Recipient};
use crate::org::state::State;
use crate::session::full::Checked;
use crate::session::keys::open_keys;
use crate::session::naming;
use crate::session::scan::{Progress, SignedEntry, box_at};
use crate::session::values::{self, Expected};

/// A box that is not what the log says.
#[derive(Serialize, PartialEq, Debug)]
pub struct WrongBox {
    pub r#box: String,
    pub what: String,
    pub entry: String,
    pub author: String,
    pub why: String,
}

/// What opening everything brought to light.
#[derive(Default)]
pub struct Findings {
    pub values: usize,
    pub notes: usize,
    pub keys: usize,
    /// Values and notes that no key here opens.
    pub closed: usize,
    pub wrong_values: Vec<WrongBox>,
    pub wrong_wraps: Vec<WrongBox>,
}

enum Meaning<'a> {
    Value { secret: &'a Id, environment: &'a Id, number: u32 },
    Note(&'a Id),
}

/// One box to open, with the keys it says it is sealed to.
enum Task<'a> {
    Content { id: BoxId, to: &'a [Recipient], meaning: Meaning<'a>, entry: &'a SignedEntry },
    Wrap { id: BoxId, key: &'a AgeKey, opens: Vec<&'a Recipient>, entry: &'a SignedEntry },
}

const THREADS: usize = 2;

pub fn open_all(bytes: &[u8], checked: &Checked, progress: Progress<'_>) -> Findings {
    let tasks = tasks(checked);
    let done = AtomicUsize::new(0);
    let open = |part: &[Task<'_>]| {
        let mut findings = Findings::default();
        for task in part {
            findings.open(bytes, checked, task);
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, tasks.len());
        }
        findings
    };
    let size = tasks.len().div_ceil(THREADS).max(1);
    std::thread::scope(|scope| {
        let parts: Vec<_> = tasks.chunks(size).map(|part| scope.spawn(|| open(part))).collect();
        let parts = parts.into_iter().filter_map(|part| part.join().ok());
        parts.fold(Findings::default(), Findings::and)
    })
}

fn tasks(checked: &Checked) -> Vec<Task<'_>> {
    let present =
        |id: &BoxId| checked.scanned.boxes.contains_key(id) && !checked.boxes.dead.contains(id);
    let contents = contents(checked).into_iter();
    let wraps = checked.scanned.entries.values().flat_map(|entry| wraps(checked, entry));
    contents.chain(wraps).filter(|task| present(&task.id())).collect()
}

/// Every value and note, with what its own author said of it: another's claim of the same box is
/// no fault of theirs.
fn contents(checked: &Checked) -> Vec<Task<'_>> {
    let claims = claims(checked);
    let claimed = |id: &BoxId| claims.get(id).copied();
    let mut tasks = vec![];
    for secret in checked.state.secrets.values() {
        for version in &secret.versions {
            let Expected { secret, environment, number } = Expected::of(secret, version);
            let meaning = || Meaning::Value { secret, environment, number };
            let own = checked.scanned.entries.get(&version.by.entry);
            let entry = match claimed(&version.value) {
                Some((_, resealer)) if !version.replaced.is_empty() => Some(resealer),
                _ => own,
            };
            tasks.extend(entry.map(|entry| Task::Content {
                id: version.value,
                to: &version.to,
                meaning: meaning(),
                entry,
            }));
            let replaced = version.replaced.iter();
            tasks.extend(
                replaced.filter_map(|id| Some((id, claimed(id)?))).map(|(id, (to, entry))| {
                    Task::Content { id: *id, to, meaning: meaning(), entry }
                }),
            );
        }
        let notes = secret.notes.iter().filter_map(|id| Some((id, claimed(id)?)));
        tasks.extend(notes.map(|(id, (to, entry))| {
            let meaning = Meaning::Note(&secret.id);
            Task::Content { id: *id, to, meaning, entry }
        }));
    }
    tasks
}

type Claims<'a> = BTreeMap<BoxId, (&'a [Recipient], &'a SignedEntry)>;

fn claims(checked: &Checked) -> Claims<'_> {
    let mut claims = BTreeMap::new();
    for entry in checked.scanned.entries.values() {
        for claim in &entry.header.boxes {
            claims.entry(claim.id).or_insert((claim.to.as_slice(), entry));
        }
    }
    claims
}

/// Keys given to me, and earlier keys sealed to one that I hold.
fn wraps<'a>(checked: &'a Checked, entry: &'a SignedEntry) -> impl Iterator<Item = Task<'a>> {
    let Header { wraps, rings, .. } = &entry.header;
    let mine = wraps.iter().filter_map(move |wrap| {
        let key = checked.member.as_ref().map(|member| &member.age)?;
        let to_me = key.recipient() == wrap.to.as_str();
        let opens = wrap.opens.iter().collect();
        to_me.then_some(Task::Wrap { id: wrap.key_box, key, opens, entry })
    });
    let earlier = rings.iter().flat_map(move |ring| {
        let key = checked.rings.get(&ring.recipient);
        ring.previous.iter().filter_map(move |previous| {
            let opens = vec![&previous.recipient];
            Some(Task::Wrap { id: previous.key_box, key: key?, opens, entry })
        })
    });
    mine.chain(earlier)
}

impl Task<'_> {
    fn id(&self) -> BoxId {
        match self {
            Self::Content { id, .. } | Self::Wrap { id, .. } => *id,
        }
    }

    fn author(&self) -> (&SignedEntry, &PublicKey) {
        match self {
            Self::Content { entry, .. } | Self::Wrap { entry, .. } => (entry, &entry.header.author),
        }
    }
}

impl Findings {
    fn and(mut self, other: Self) -> Self {
        self.values += other.values;
        self.notes += other.notes;
        self.keys += other.keys;
        self.closed += other.closed;
        self.wrong_values.extend(other.wrong_values);
        self.wrong_wraps.extend(other.wrong_wraps);
        self
    }

    fn open(&mut self, bytes: &[u8], checked: &Checked, task: &Task<'_>) {
        let place = checked.scanned.boxes.get(&task.id()).cloned();
        let line = place.and_then(|place| bytes.get(place)).unwrap_or_default();
        let Some(file) = box_at(line, task.id()) else { return };
        match task {
            Task::Content { to, meaning, .. } => {
                self.open_content(&file, to, meaning, checked, task);
            }
            Task::Wrap { key, opens, .. } => match wrong_keys(key, &file, opens) {
                None => self.keys += 1,
                Some(why) => self.wrong_wraps.push(wrong(&checked.state, task, why.to_owned())),
            },
        }
    }

    /// Each recipient whose key is here must open it, for that is what its author signed.
    fn open_content(
        &mut self,
        file: &[u8],
        to: &[Recipient],
        meaning: &Meaning<'_>,
        checked: &Checked,
        task: &Task<'_>,
    ) {
        if to.is_empty() {
            let why = "its entry does not say what it is sealed to".to_owned();
            self.wrong_values.push(wrong(&checked.state, task, why));
            return;
        }
        let held: Vec<&Recipient> =
            to.iter().filter(|recipient| checked.rings.get(recipient).is_some()).collect();
        if held.is_empty() {
            self.closed += 1;
            return;
        }
        match meaning {
            Meaning::Value { .. } => self.values += 1,
            Meaning::Note(_) => self.notes += 1,
        }
        let failure = held.into_iter().find_map(|to| opens_as(file, to, meaning, checked));
        if let Some(why) = failure {
            self.wrong_values.push(wrong(&checked.state, task, why));
        }
    }
}

/// None: it is what it should be.
fn opens_as(
    file: &[u8],
    to: &Recipient,
    meaning: &Meaning<'_>,
    checked: &Checked,
) -> Option<String> {
    let to = std::slice::from_ref(to);
    let opened = match meaning {
        Meaning::Value { secret, environment, number } => {
            let expected = Expected { secret, environment, number: *number };
            values::open(file, to, &checked.rings, &expected).map(drop)
        }
        Meaning::Note(id) => values::open_note(file, to, &checked.rings, id).map(drop),
    };
    opened.err().map(|error| error.what)
}

fn wrong_keys(key: &AgeKey, file: &[u8], opens: &[&Recipient]) -> Option<&'static str> {
    let Some(keys) = open_keys(key, file) else { return Some("it does not open") };
    let stated = |key: &AgeKey| opens.iter().any(|to| to.as_str() == key.recipient());
    let all = keys.len() == opens.len() && keys.iter().all(stated);
    if all { None } else { Some("it opens to another key than it says") }
}

fn wrong(state: &State, task: &Task<'_>, why: String) -> WrongBox {
    let (entry, author) = task.author();
    WrongBox {
        r#box: task.id().to_string(),
        what: naming::boxed(state, task.id()),
        entry: entry.id.to_string(),
        author: naming::author(state, author),
        why,
    }
}
