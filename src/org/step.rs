//! One entry: judged by the state that its own past adds up to, then let take effect.
//!
//! Invariant: what a record does to rights is settled by its entry's past and by what was taken
//! beside it, never by what happens to come earlier in order. A record about something its past does
//! not have is idle.

use std::collections::BTreeSet;

use super::apply::{Apply, author_of, propose_all};
use super::entry::{Body, Entry, NewGeneration};
use super::ids::{BoxId, Id, MemberId, Recipient};
use super::policy::{Judge, Own, Verdict};
use super::record::{Change, Kind, Record};
use super::rings::{Generation, RingName, WrapNote};
use super::roles::Standing;
use super::state::{Member, Refusal, State};
use super::takings::{Beside, Taken, taken_by};

/// What became of one entry.
pub struct Judged {
    pub verdict: Verdict,
    pub author: MemberId,
    pub standing: Standing,
    /// Applied takings that it was written beside.
    pub beside: Vec<Taken>,
    /// What each of its records does, if it is accepted.
    pub effects: Vec<Effect>,
    /// Boxes it names as keys and its past does not know as a value's or a note's.
    pub key_boxes: Vec<BoxId>,
}

/// What one record of an accepted entry may do.
#[derive(Default)]
pub struct Effect {
    /// About something its past does not have, or already has.
    pub idle: bool,
    /// A right to create that comes from a grant alone.
    pub by_grant: bool,
    pub taken: Vec<Taken>,
}

/// Judges an entry by the state of its past, less what was taken beside it.
pub fn judge(view: &State, entry: &Entry, beside: Vec<Taken>) -> Judged {
    let verdict = verdict(view, entry, Beside(&beside));
    let member = view.member_with_key(&entry.header.author);
    let judge = member.map(|author| Judge { state: view, author, beside: Beside(&beside) });
    let standing = judge.map_or(Standing::Other, |judge| judge.standing());
    let effects = match (&verdict, judge) {
        (Ok(()), Some(judge)) => effects(&judge, entry),
        _ => vec![],
    };
    let author = author_of(view, &entry.header.author);
    let key_boxes = entry.key_boxes().filter(|id| !view.claimed.contains(id)).collect();
    Judged { verdict, author, standing, beside, effects, key_boxes }
}

impl Judged {
    /// Refuses an entry whose body is sealed to what neither its past nor itself calls a generation:
    /// nobody need ever have had that key. The first entry has no past to ask.
    pub fn judge_seal(&mut self, view: &State, entry: &Entry) {
        let header = &entry.header;
        let own = header.rings.iter().any(|new| new.recipient == header.members);
        let stated = own || view.rings.stated.contains(&header.members);
        if self.verdict.is_ok() && header.vault.is_some() && !stated {
            self.refuse("its body is sealed to no generation of a ring".to_owned());
        }
    }

    /// Makes the entry void.
    pub fn refuse(&mut self, why: String) {
        self.verdict = Err(why);
        self.effects.clear();
    }
}

fn effects(judge: &Judge<'_>, entry: &Entry) -> Vec<Effect> {
    let mut own = Own::default();
    let effect = |record: &Record| {
        let effect = effect(judge, record, &own);
        own.add(&entry.header.author, record);
        effect
    };
    entry.records().map(effect).collect()
}

fn effect(judge: &Judge<'_>, record: &Record, own: &Own) -> Effect {
    let idle = judge.is_idle(record, own);
    let by_grant =
        matches!(record, Record::Create(new) if !judge.creates_by_role(&new.environment));
    let taken = if idle { vec![] } else { taken_by(judge.state, judge.author, record) };
    Effect { idle, by_grant, taken }
}

/// Lets a judged entry take effect on a state whose entries all stand before it in order.
pub fn take_effect(state: &mut State, entry: &Entry, judged: &Judged) {
    state.entries += 1;
    note_stated(state, entry);
    state.claimed.extend(entry.content_boxes());
    if entry.body == Body::Locked && judged.verdict.is_ok() {
        state.locked.push(entry.id);
        return;
    }
    match &judged.verdict {
        Ok(()) => {
            let mut apply = Apply { state, entry, judged };
            entry.records().enumerate().for_each(|(index, record)| apply.record(index, record));
            note_unknown(state, entry);
            add_generations(state, entry);
            state.key_boxes.extend(&judged.key_boxes);
        }
        Err(why) => {
            propose_all(state, entry, judged.author, why);
            state.refused.push(Refusal {
                entry: entry.id,
                author: entry.header.author,
                why: why.clone(),
            });
        }
    }
    count_wraps(state, entry);
}

/// Whether the whole entry is allowed. The header first: a body that cannot be opened stops nobody
/// who can tell that it has no effect.
fn verdict(state: &State, entry: &Entry, beside: Beside<'_>) -> Verdict {
    if entry.header.vault.is_none() {
        return opened(entry).and_then(|changes| match changes {
            Some(_) => judge_first(state, entry),
            None => Ok(()),
        });
    }
    let author = judge_header(state, entry, beside)?;
    let Some(changes) = opened(entry)? else { return Ok(()) };
    let judge = Judge { state, author, beside };
    for change in changes {
        judge_change(&judge, change).map_err(|why| format!("{} {why}", author.name))?;
    }
    for new in &entry.header.rings {
        if let Some(ring) = ring_of(state, entry, new) {
            judge.makes_generation(&ring).map_err(|why| format!("{} {why}", author.name))?;
            if is_others(state, &ring, &new.recipient) {
                return Err(format!("{} calls somebody else's key the ring's {ring}", author.name));
            }
        }
    }
    Ok(())
}

/// Whether this is a member's key, or another ring's.
fn is_others(state: &State, ring: &RingName, recipient: &Recipient) -> bool {
    let rings = &mut state.rings.generations.iter();
    rings.any(|one| one.recipient == *recipient && one.ring != *ring)
        || state.keys.values().any(|owner| owner.recipient == *recipient)
}

/// What the body says. None: locked.
fn opened(entry: &Entry) -> Result<Option<&[Change]>, String> {
    match &entry.body {
        Body::Opened(changes) => Ok(Some(changes)),
        Body::Garbled(why) => Err(why.clone()),
        Body::Locked => Ok(None),
    }
}

/// What can be told without the body. Its author, if there is nothing against them.
fn judge_header<'a>(
    state: &'a State,
    entry: &Entry,
    beside: Beside<'_>,
) -> Result<&'a Member, String> {
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
    Ok(author)
}

fn judge_change(judge: &Judge<'_>, change: &Change) -> Verdict {
    let record = match change {
        Change::Known(record) => record,
        Change::Unknown(name) if judge.state.formats.contains(name) => return Ok(()),
        Change::Unknown(name) => {
            return Err(format!("wrote a record of an undeclared type, {name}"));
        }
    };
    if let Record::Update(version) = record {
        let most = u32::try_from(judge.state.entries).unwrap_or(u32::MAX);
        if !(1..=most).contains(&version.number) {
            return Err("gave a version a number that cannot be".to_owned());
        }
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

/// What void and locked entries say counts here: others may have sealed to it in good faith.
fn note_stated(state: &mut State, entry: &Entry) {
    state.rings.stated.extend(entry.header.rings.iter().map(|new| new.recipient.clone()));
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
        let held = state.rings.held.entry((ring.clone(), new.recipient.clone())).or_default();
        held.insert(maker.clone());
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
    let held = state.rings.held_by(&author.recipient).into_iter();
    let mut held: BTreeSet<(RingName, Recipient)> =
        held.map(|(ring, recipient)| (ring.clone(), recipient.clone())).collect();
    let own = state.rings.generations.iter().filter(|generation| generation.entry == entry.id);
    held.extend(own.map(|generation| (generation.ring.clone(), generation.recipient.clone())));
    for wrap in &entry.header.wraps {
        let ghost = !wrap.opens.iter().all(|one| held.iter().any(|(_, held)| held == one));
        for given in held.iter().filter(|(_, recipient)| wrap.opens.contains(recipient)) {
            state.rings.held.entry(given.clone()).or_default().insert(wrap.to.clone());
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
