//! From entries in order to a state.
//!
//! Each entry is judged by the state of its own past, less what was taken beside it; one refused
//! record makes the whole entry void. Takings are applied from the highest standing to the lowest, at
//! each first what people took from themselves. A taking from somebody who was raised beside it, so
//! that they do not stand lower, is void: rights are taken only from lower standing. So nothing
//! applied at one standing can be undone at a lower one, and the fold ends.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::entry::{Body, Entry};
use super::ids::{EntryId, MemberId};
use super::order::Ordered;
use super::record::Record;
use super::roles::{Role, Standing};
use super::state::State;
use super::step::{Judged, judge, take_effect};
use super::takings::{Taken, takes_from_self};
use super::views::Views;

/// The state that the entries in order add up to.
pub fn fold(vault: EntryId, ordered: &Ordered<'_>) -> State {
    let mut settled = Settled::default();
    loop {
        let (state, judged) = pass(vault, ordered, &settled);
        if !settled.go_on(ordered, &judged) {
            return state;
        }
    }
}

/// Goes on folding where `state` knows the whole past of `entry`, as it does for a new head.
pub fn fold_on(state: &mut State, entry: &Entry) {
    let mut judged = judge(state, entry, vec![]);
    if entry.body == Body::Locked {
        judged.judge_seal(state, entry); // of one that is only foreseen the body is sealed later
    }
    take_effect(state, entry, &judged);
}

/// One run over all entries, with what is settled so far.
fn pass(vault: EntryId, ordered: &Ordered<'_>, settled: &Settled) -> (State, Vec<Judged>) {
    let mut running = State::empty(vault);
    let mut views = Views::new(ordered);
    let mut judged: Vec<Judged> = Vec::with_capacity(ordered.entries.len());
    for (place, entry) in ordered.entries.iter().enumerate() {
        views.pass(place, &running);
        let view = views.of(place, &judged);
        let beside = settled.beside(ordered, place);
        let known = view.as_ref().unwrap_or(&running);
        let mut outcome = judge(known, entry, beside);
        outcome.judge_seal(known, entry);
        settled.correct(&running, place, &mut outcome);
        take_effect(&mut running, entry, &outcome);
        if let Some(view) = view {
            views.keep(place, view, entry, &outcome);
        }
        judged.push(outcome);
    }
    (running, judged)
}

/// A record that takes rights, by the place of its entry and its own.
type At = (usize, usize);

/// What has been decided about takings that something was written beside.
#[derive(Default)]
struct Settled {
    applied: BTreeMap<At, Vec<Taken>>,
    /// Takings that may not be applied (again).
    spent: HashSet<At>,
    /// Entries that take from who was raised beside them.
    barred: HashMap<usize, MemberId>,
}

/// Whose taking comes first. Of the same level, what knows of the other comes later; then the id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Level(Standing, Whose);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    Own,
    Others,
}

struct Candidate<'a> {
    level: Level,
    at: At,
    id: EntryId,
    taken: &'a [Taken],
}

impl Settled {
    /// What was taken beside this place.
    fn beside(&self, ordered: &Ordered<'_>, place: usize) -> Vec<Taken> {
        let beside = self.applied.iter().filter(|((taking, _), _)| ordered.beside(*taking, place));
        let once: BTreeSet<&Taken> = beside.flat_map(|(_, taken)| taken).collect();
        once.into_iter().cloned().collect()
    }

    /// Puts what is settled in the place of what the entry's past alone would say.
    fn correct(&self, state: &State, place: usize, judged: &mut Judged) {
        if let Some(member) = self.barred.get(&place) {
            let (author, member) = (state.name_of(&judged.author), state.name_of(member));
            judged.refuse(format!(
                "{author} may not take rights from {member}, who was raised beside it"
            ));
        }
        for ((_, record), taken) in self.applied.range((place, 0)..(place + 1, 0)) {
            if let Some(effect) = judged.effects.get_mut(*record) {
                effect.taken.clone_from(taken);
            }
        }
    }

    /// Settles what comes next. Whether anything did.
    fn go_on(&mut self, ordered: &Ordered<'_>, judged: &[Judged]) -> bool {
        if self.take_back(judged) {
            return true;
        }
        let candidates = self.candidates(ordered, judged);
        let Some(level) = candidates.iter().map(|candidate| candidate.level).min() else {
            return false;
        };
        let next: Vec<&Candidate<'_>> =
            candidates.iter().filter(|candidate| candidate.level == level).collect();
        let raises = raises(ordered, judged);
        let together: Vec<_> = next.iter().filter(|candidate| candidate.is_apart()).collect();
        if together.is_empty() {
            let first = first(ordered, &next).map(|first| first.at.0);
            let of_one_entry = next.iter().filter(|candidate| Some(candidate.at.0) == first);
            of_one_entry.for_each(|one| self.settle(ordered, &raises, one));
        }
        together.into_iter().for_each(|candidate| self.settle(ordered, &raises, candidate));
        true
    }

    /// What was applied by an entry that turned out void since is no taking.
    fn take_back(&mut self, judged: &[Judged]) -> bool {
        let count = self.applied.len();
        let spent = &mut self.spent;
        self.applied.retain(|at, _| {
            let stands = judged.get(at.0).is_some_and(|judged| judged.verdict.is_ok());
            stands || !spent.insert(*at)
        });
        self.applied.len() < count
    }

    fn candidates<'a>(&self, ordered: &Ordered<'_>, judged: &'a [Judged]) -> Vec<Candidate<'a>> {
        let mut found = vec![];
        let raises = raises(ordered, judged);
        for (place, (entry, judged)) in ordered.entries.iter().zip(judged).enumerate() {
            if judged.effects.iter().all(|effect| effect.taken.is_empty())
                || !ordered.has_beside(place)
            {
                continue;
            }
            for (index, (record, effect)) in entry.records().zip(&judged.effects).enumerate() {
                let at = (place, index);
                let done = self.spent.contains(&at) || self.applied.contains_key(&at);
                if !done && !effect.taken.is_empty() {
                    let level = level(ordered, &raises, place, judged, record);
                    found.push(Candidate { level, at, id: entry.id, taken: &effect.taken });
                }
            }
        }
        found
    }

    /// Applies a taking, or bars its entry; spares who falls with its target but stands too high.
    fn settle(&mut self, ordered: &Ordered<'_>, raises: &[Raise], candidate: &Candidate<'_>) {
        let Candidate { level, at, taken, .. } = candidate;
        let stands_too_high = |taken: &Taken| {
            let member = taken.ended_or_lowered()?;
            let high = |raise: &Raise| {
                raise.member == member
                    && raise.standing <= level.0
                    && ordered.beside(raise.place, at.0)
            };
            (level.1 == Whose::Others && raises.iter().any(high)).then_some(member)
        };
        if let Some(member) = taken.first().and_then(stands_too_high) {
            self.spent.insert(*at);
            self.barred.insert(at.0, member);
        } else {
            let spared = taken.iter().filter(|taken| stands_too_high(taken).is_none());
            self.applied.insert(*at, spared.cloned().collect());
        }
    }
}

impl Candidate<'_> {
    /// What owners and admins take from others leaves no entry of an equal void, so all of it can be
    /// applied together. Only a key can be taken by one of them.
    fn is_apart(&self) -> bool {
        let Level(standing, whose) = self.level;
        let keys = self.taken.iter().any(|taken| matches!(taken, Taken::Key(_)));
        whose == Whose::Others && standing < Standing::Other && !keys
    }
}

/// The standing a taking counts with. One's own counts with the highest one ever had beside it.
fn level(
    ordered: &Ordered<'_>,
    raises: &[Raise],
    place: usize,
    judged: &Judged,
    record: &Record,
) -> Level {
    if !takes_from_self(record, judged.author) {
        return Level(judged.standing, Whose::Others);
    }
    let beside = raises
        .iter()
        .filter(|raise| raise.member == judged.author && ordered.beside(raise.place, place));
    Level(beside.map(|raise| raise.standing).fold(judged.standing, Standing::min), Whose::Own)
}

/// Of one level: what has no other in its past; then the least id, which no clock decides.
fn first<'c, 'a>(ordered: &Ordered<'_>, level: &[&'c Candidate<'a>]) -> Option<&'c Candidate<'a>> {
    let places: BTreeSet<usize> = level.iter().map(|one| one.at.0).collect();
    let foremost =
        |one: &&&Candidate<'_>| !places.iter().any(|other| ordered.knows(one.at.0, *other));
    level.iter().filter(foremost).min_by_key(|candidate| (candidate.id, candidate.at.1)).copied()
}

/// Somebody made owner or admin.
struct Raise {
    place: usize,
    member: MemberId,
    standing: Standing,
}

/// Every raise in effect that gives standing.
fn raises(ordered: &Ordered<'_>, judged: &[Judged]) -> Vec<Raise> {
    let mut found = vec![];
    for (place, (entry, judged)) in ordered.entries.iter().zip(judged).enumerate() {
        for (record, effect) in entry.records().zip(&judged.effects) {
            let Record::Raise { member, role, .. } = record else { continue };
            if *role >= Role::Admin && !effect.idle {
                let standing =
                    if *role == Role::Owner { judged.standing.below() } else { Standing::Admin };
                found.push(Raise { place, member: *member, standing });
            }
        }
    }
    found
}
