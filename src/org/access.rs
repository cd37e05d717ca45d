//! Who may hold which ring, which generations are fresh, and who can read a version.
//!
//! A generation is fresh when everyone it was ever wrapped to is a holder now. Only fresh ones are
//! sealed to; of these the one that most holders have, so that nobody draws others into one of their
//! own making.

use std::collections::BTreeSet;

use super::ids::{MemberId, Recipient};
use super::policy::Judge;
use super::record::Kind;
use super::rings::{Generation, RingName};
use super::secrets::{Secret, Version};
use super::state::{Member, State};
use super::takings::Beside;

/// May this member hold the ring?
pub fn holds(state: &State, member: &Member, ring: &RingName, beside: Beside<'_>) -> bool {
    let judge = Judge { state, author: member, beside };
    match ring {
        _ if !member.is_active() => false,
        RingName::Members => true,
        RingName::Reads => judge.is_admin(),
        RingName::Environment(environment) => judge.reveals_all_of(environment),
        RingName::Project { project, environment } => judge.reads_project(project, environment),
        RingName::Secret(id) => state
            .secrets
            .get(id)
            .map_or(judge.is_admin(), |secret| judge.reads_secret_by_grant(secret)),
    }
}

/// Everyone who may hold the ring now.
pub fn holders<'a>(state: &'a State, ring: &'a RingName) -> impl Iterator<Item = &'a Member> {
    state.active().filter(move |member| holds(state, member, ring, Beside::NOTHING))
}

/// Whether nobody who is gone knows the member's key because they made it.
pub fn is_clean(state: &State, member: &Member) -> bool {
    let gone = |id: &MemberId| state.members.get(id).is_none_or(|member| !member.is_active());
    !member.seen_by.iter().any(gone)
}

/// Member keys that only those can have who should: current, and made by nobody who is gone.
fn clean_keys<'a>(
    state: &'a State,
    members: impl Iterator<Item = &'a Member>,
) -> BTreeSet<&'a Recipient> {
    members.filter(|member| is_clean(state, member)).map(|member| &member.recipient).collect()
}

pub fn is_fresh(state: &State, generation: &Generation) -> bool {
    let clean = clean_keys(state, holders(state, &generation.ring));
    state.rings.ever_held(generation).iter().all(|key| clean.contains(key))
}

/// The generation to seal with: the fresh one that most holders have; of several the latest.
pub fn sealing_generation<'a>(state: &'a State, ring: &'a RingName) -> Option<&'a Generation> {
    let clean = clean_keys(state, holders(state, ring));
    let fresh = state.rings.of(ring).filter_map(|generation| {
        let held = state.rings.ever_held(generation);
        held.iter().all(|key| clean.contains(key)).then_some((held.len(), generation))
    });
    fresh.max_by_key(|(held, _)| *held).map(|(_, generation)| generation)
}

/// Generations a member should have and has no wrap for, by the log: what to wrap to them, of those
/// that are `present` with whoever asks.
pub fn missing_wraps<'a>(
    state: &'a State,
    member: &Member,
    ring: &'a RingName,
    present: &BTreeSet<&Recipient>,
) -> Vec<&'a Generation> {
    if !is_clean(state, member) || !holds(state, member, ring, Beside::NOTHING) {
        return vec![]; // a key that somebody gone knows is given nothing
    }
    let has = state.rings.held_by(&member.recipient);
    let roots = state.rings.roots_among(ring, &|recipient| present.contains(recipient));
    roots.into_iter().filter(|root| !has.contains(&(ring, &root.recipient))).collect()
}

/// Generations of a ring that somebody present has, by the log.
pub fn present_generations<'a>(state: &'a State, ring: &'a RingName) -> BTreeSet<&'a Recipient> {
    let holders: BTreeSet<&Recipient> =
        holders(state, ring).map(|member| &member.recipient).collect();
    let present =
        |one: &&Generation| state.rings.ever_held(one).iter().any(|to| holders.contains(to));
    state.rings.of(ring).filter(present).map(|generation| &generation.recipient).collect()
}

/// Whether this member can have the key of some generation of the ring that may be sealed with.
pub fn has_key(state: &State, member: &Member, recipient: &Recipient) -> bool {
    state.rings.held_by(&member.recipient).iter().any(|(_, held)| *held == recipient)
}

/// Everyone who may reveal this secret now.
pub fn readers<'a>(state: &'a State, secret: &'a Secret) -> impl Iterator<Item = &'a Member> {
    state.active().filter(move |member| Judge::new(state, member).reveals(secret))
}

/// Member keys that can open this version and should not be able to: why it is exposed.
pub fn exposed_to(state: &State, secret: &Secret, version: &Version) -> BTreeSet<Recipient> {
    let clean = clean_keys(state, readers(state, secret));
    let sealed = state.rings.generations.iter().filter(|one| version.to.contains(&one.recipient));
    let held = sealed.flat_map(|generation| state.rings.ever_held(generation));
    held.filter(|key| !clean.contains(key)).collect()
}

/// Rings of readers that a version is not sealed to: whoever wrote it did not know of a grant.
pub fn unsealed_rings(state: &State, secret: &Secret, version: &Version) -> Vec<RingName> {
    let reached =
        |ring: &RingName| state.rings.of(ring).any(|one| version.to.contains(&one.recipient));
    let rings = state.rings_of(&secret.environment, &secret.projects, &secret.id);
    let used =
        |ring: &RingName| holders(state, ring).any(|member| !Judge::new(state, member).is_admin());
    rings.into_iter().filter(|ring| !reached(ring) && used(ring)).collect()
}

/// Everyone may act under this name but machines past their end.
pub fn expired(member: &Member, now: super::time::Time) -> bool {
    matches!(member.kind, Kind::Machine { expires: Some(end) } if end < now)
}
