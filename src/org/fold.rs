//! From entries in order to a state.
//!
//! Each entry is judged by the state before it, less what was taken beside it; one refused record
//! makes the whole entry void. Takings are applied from the highest standing to the lowest, at each
//! first what people took from themselves; nothing applied at one standing can be undone at a lower
//! one, so the fold ends. A void entry's values stay, as proposed versions.

use std::collections::{BTreeSet, HashMap};

use super::apply::{Apply, author_of, propose_all};
use super::entry::{Body, Entry, NewGeneration};
use super::ids::{EntryId, Id, MemberId};
use super::order::Ordered;
use super::policy::{Judge, Verdict};
use super::record::{Change, Kind, Record};
use super::rings::{Generation, RingName, WrapNote};
use super::roles::Standing;
use super::state::{Refusal, State};
use super::takings::{Beside, Taken, taken_by};

/// The state that the entries in order add up to.
pub fn fold(vault: EntryId, ordered: &Ordered<'_>) -> State {
    let mut beside = Neighbours::default();
    let mut applied: Vec<Taking> = vec![];
    loop {
        let (state, mut takings) = pass(vault, ordered, &applied, &mut beside);
        takings.retain(|taking| !applied.iter().any(|done| done.key() == taking.key()));
        takings.retain(|taking| beside.has_any(ordered, taking.place));
        takings.sort_by_key(|taking| taking.level);
        match takings.into_iter().next() {
            Some(highest) => applied.push(highest),
            None => return state,
        }
    }
}

/// Goes on folding where `state` knows the whole past of `entry`, as it does for a new head.
pub fn fold_on(state: &mut State, entry: &Entry) {
    step(state, entry, Beside::NOTHING, 0, &mut vec![]);
}

/// An accepted record that takes rights.
struct Taking {
    /// The standing of its author; own takings before those from others; then order.
    level: (Standing, Whose, usize, usize),
    place: usize,
    record: usize,
    taken: Vec<Taken>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    Own,
    Others,
}

impl Taking {
    fn key(&self) -> (usize, usize) {
        (self.place, self.record)
    }
}

/// One run over all entries with the takings applied so far.
fn pass(
    vault: EntryId,
    ordered: &Ordered<'_>,
    applied: &[Taking],
    neighbours: &mut Neighbours,
) -> (State, Vec<Taking>) {
    let mut state = State::empty(vault);
    let mut takings = vec![];
    for (place, entry) in ordered.entries.iter().enumerate() {
        let mut beside: Vec<(EntryId, Taken)> = vec![];
        for taking in applied.iter().filter(|taking| neighbours.are(ordered, taking.place, place)) {
            let from = ordered.entries.get(taking.place).map_or(vault, |entry| entry.id);
            beside.extend(taking.taken.iter().map(|taken| (from, taken.clone())));
        }
        step(&mut state, entry, Beside(&beside), place, &mut takings);
    }
    (state, takings)
}

/// Judges one entry and lets it take effect, or not.
fn step(
    state: &mut State,
    entry: &Entry,
    beside: Beside<'_>,
    place: usize,
    takings: &mut Vec<Taking>,
) {
    state.entries += 1;
    if entry.body == Body::Locked {
        state.locked.push(entry.id);
        return;
    }
    match judge(state, entry, beside) {
        Ok(()) => {
            takings.extend(takings_of(state, entry, beside, place));
            let author = author_of(state, &entry.header.author);
            for record in entry.records() {
                Apply { state, entry, author, beside }.record(record);
            }
            note_unknown(state, entry);
            add_generations(state, entry);
        }
        Err(why) => {
            let author = author_of(state, &entry.header.author);
            propose_all(state, entry, author, &why);
            state.refused.push(Refusal { entry: entry.id, author: entry.header.author, why });
        }
    }
    count_wraps(state, entry);
}

/// Whether the whole entry is allowed.
fn judge(state: &State, entry: &Entry, beside: Beside<'_>) -> Verdict {
    let changes = match &entry.body {
        Body::Opened(changes) => changes,
        Body::Garbled(why) => return Err(why.clone()),
        Body::Locked => return Ok(()),
    };
    if entry.header.vault.is_none() {
        return judge_first(state, entry);
    }
    let header = &entry.header;
    let Some(author) = state.member_with_key(&header.author) else {
        return Err(why_no_member(state, entry));
    };
    if beside.ends_author(author.id, header.author) {
        return Err(format!("{} was removed, or gave up this key, beside it", author.name));
    }
    if let Kind::Machine { expires: Some(end) } = author.kind
        && header.time > end
    {
        return Err(format!("the machine account {} had expired", author.name));
    }
    let judge = Judge { state, author, beside };
    for change in changes {
        judge_change(&judge, change).map_err(|why| format!("{} {why}", author.name))?;
    }
    for new in &header.rings {
        if let Some(ring) = ring_of(state, entry, new) {
            judge.makes_generation(&ring).map_err(|why| format!("{} {why}", author.name))?;
        }
    }
    Ok(())
}

fn judge_change(judge: &Judge<'_>, change: &Change) -> Verdict {
    let record = match change {
        Change::Known(record) => record,
        Change::Unknown(name) if judge.state.formats.contains(name) => return Ok(()),
        Change::Unknown(name) => {
            return Err(format!("wrote a record of an undeclared type, {name}"));
        }
    };
    if let Record::Update(version) = record
        && usize::try_from(version.number).unwrap_or(usize::MAX) > judge.state.entries
    {
        return Err("gave a version a number larger than can be".to_owned());
    }
    judge.allows(record)
}

/// The first entry founds, and its author is who it says.
fn judge_first(state: &State, entry: &Entry) -> Verdict {
    let mut records = entry.records();
    let founded = match records.next() {
        Some(Record::Found { card, .. }) => card.key == entry.header.author,
        _ => false,
    };
    let only_rings = records.all(|record| matches!(record, Record::Ring { .. }));
    if founded && only_rings && state.members.is_empty() {
        Ok(())
    } else {
        Err("the first entry must found the vault, and do nothing else".to_owned())
    }
}

fn why_no_member(state: &State, entry: &Entry) -> String {
    let owner =
        state.keys.get(&entry.header.author).and_then(|owner| state.members.get(&owner.member));
    match owner {
        Some(member) if !member.is_active() => format!("{} was removed", member.name),
        Some(member) => format!("{} had given up this key", member.name),
        None => "its author was not a member".to_owned(),
    }
}

fn takings_of(state: &State, entry: &Entry, beside: Beside<'_>, place: usize) -> Vec<Taking> {
    let Some(author) = state.member_with_key(&entry.header.author) else { return vec![] };
    let standing = Judge { state, author, beside }.standing();
    let taking = |(record, taking): (usize, &Record)| {
        let taken = taken_by(state, taking);
        let whose = if takes_from_self(taking, author.id) { Whose::Own } else { Whose::Others };
        let level = (standing, whose, place, record);
        (!taken.is_empty()).then_some(Taking { level, place, record, taken })
    };
    entry.records().enumerate().filter_map(taking).collect()
}

fn takes_from_self(record: &Record, author: MemberId) -> bool {
    match record {
        Record::Remove { member, .. }
        | Record::ChangeKey { member, .. }
        | Record::Lower { member, .. }
        | Record::LeaveGroup { member, .. } => *member == author,
        _ => false,
    }
}

fn note_unknown(state: &mut State, entry: &Entry) {
    let Body::Opened(changes) = &entry.body else { return };
    for change in changes {
        if let Change::Unknown(name) = change {
            state.newer.get_or_insert_with(|| name.clone());
        }
    }
}

/// The ring that a new generation is of: by this entry's own word, else by the state's.
fn ring_of(state: &State, entry: &Entry, new: &NewGeneration) -> Option<RingName> {
    let own = entry.records().find_map(|record| match record {
        Record::Ring { ring, name } if *ring == new.ring => Some(name),
        _ => None,
    });
    state.rings.names.get::<Id>(&new.ring).or(own).cloned()
}

/// Only accepted entries make generations that are sealed to. `previous` stays within the ring.
/// The maker has them under the key they have from here on: a key change gives the old one nothing.
fn add_generations(state: &mut State, entry: &Entry) {
    let maker = state.keys.get(&entry.header.author).map(|owner| owner.member);
    let Some(maker) = maker.and_then(|maker| state.members.get(&maker)) else { return };
    let maker = maker.recipient.clone();
    for new in &entry.header.rings {
        let Some(ring) = ring_of(state, entry, new) else { continue };
        let earlier: BTreeSet<_> =
            state.rings.of(&ring).map(|generation| generation.recipient.clone()).collect();
        if earlier.contains(&new.recipient) {
            continue;
        }
        let previous = new
            .previous
            .iter()
            .map(|old| old.recipient.clone())
            .filter(|old| earlier.contains(old));
        let previous = previous.collect();
        state.rings.held.entry(new.recipient.clone()).or_default().insert(maker.clone());
        let recipient = new.recipient.clone();
        state.rings.generations.push(Generation { ring, recipient, previous, entry: entry.id });
    }
}

/// Wraps count whatever became of their entry: the key was given away all the same. But only from
/// those who had it.
fn count_wraps(state: &mut State, entry: &Entry) {
    let Some(author) = state.keys.get(&entry.header.author).cloned() else { return };
    if entry.header.wraps.is_empty() {
        return;
    }
    let mut held: BTreeSet<_> =
        state.rings.held_by(&author.recipient).into_iter().cloned().collect();
    let own = state.rings.generations.iter().filter(|generation| generation.entry == entry.id);
    held.extend(own.map(|generation| generation.recipient.clone()));
    for wrap in &entry.header.wraps {
        let ghost = !wrap.opens.iter().all(|recipient| held.contains(recipient));
        for recipient in wrap.opens.iter().filter(|recipient| held.contains(recipient)) {
            state.rings.held.entry(recipient.clone()).or_default().insert(wrap.to.clone());
        }
        state.rings.wraps.push(WrapNote {
            entry: entry.id,
            author: author.member,
            to: wrap.to.clone(),
            opens: wrap.opens.clone(),
            key_box: wrap.key_box,
            ghost,
        });
    }
}

/// Which entries were written beside which takings; worked out once a taking.
#[derive(Default)]
struct Neighbours(HashMap<usize, Vec<bool>>);

impl Neighbours {
    fn of(&mut self, ordered: &Ordered<'_>, place: usize) -> &[bool] {
        self.0.entry(place).or_insert_with(|| {
            let (past, future) = (ordered.past(place), ordered.future(place));
            let related = past.iter().zip(&future).map(|(before, after)| *before || *after);
            related.enumerate().map(|(other, related)| other != place && !related).collect()
        })
    }

    fn are(&mut self, ordered: &Ordered<'_>, taking: usize, other: usize) -> bool {
        self.of(ordered, taking).get(other).copied().unwrap_or(false)
    }

    fn has_any(&mut self, ordered: &Ordered<'_>, taking: usize) -> bool {
        self.of(ordered, taking).contains(&true)
    }
}
