//! Who can open what: everything a person ever held, opened as long as new keys appear.
//!
//! Every line counts, void and erased ones too: what was once given stays given.

use std::collections::{BTreeMap, BTreeSet};

use secrets::org::access::{holders, is_clean, readers};
use secrets::org::entry::Entry;
use secrets::org::ids::{MemberId, Recipient};
use secrets::org::plan::all_rings;
use secrets::org::record::Record;
use secrets::org::rings::RingName;
use secrets::org::state::State;
use secrets::org::todo::{Todo, todo};

use crate::builder::World;
use crate::honest::Wish;
use crate::properties::{count, for_seeds};
use crate::symbols::*;

/// Every ring key that opens, from these keys.
fn reach(keys: BTreeSet<Recipient>, entries: &[&Entry]) -> BTreeSet<Recipient> {
    let mut reached = keys;
    loop {
        let before = reached.len();
        for entry in entries {
            for wrap in &entry.header.wraps {
                if reached.contains(&wrap.to) {
                    reached.extend(wrap.opens.iter().cloned());
                }
            }
            for new in &entry.header.rings {
                if reached.contains(&new.recipient) {
                    reached.extend(new.previous.iter().map(|old| old.recipient.clone()));
                }
            }
        }
        if reached.len() == before {
            return reached;
        }
    }
}

/// An honest history that notes who was entitled to what, after each step.
fn history(seed: u64) -> World {
    let mut world = World::new(seed.wrapping_mul(0x2000_0003).wrapping_add(11), 3);
    let steps = 14 + world.rng.below(22);
    for step in 0..steps {
        let copy = world.rng.below(3);
        if step > 0 && world.rng.chance(25) {
            let from = world.rng.below(3);
            world.merge(copy, from);
        }
        let among = world.people.len();
        let who = world.rng.below(among).min(world.rng.below(among + 1));
        world.act(copy, who);
        note_entitled(&mut world, copy);
    }
    world
}

fn note_entitled(world: &mut World, copy: usize) {
    let state = &world.copies[copy].state;
    let rings = all_rings(state);
    let held =
        rings.iter().flat_map(|ring| holders(state, ring).map(|member| (member.id, ring.clone())));
    world.entitled.extend(held);
}

/// Every key somebody ever knew: their own, and those they made for others.
fn keys_of(world: &World, member: MemberId) -> BTreeSet<u64> {
    let own = world
        .people
        .iter()
        .filter(|person| person.member == member)
        .flat_map(|person| person.keys.clone());
    own.chain(world.made.iter().filter(|(maker, _)| *maker == member).map(|(_, key)| *key))
        .collect()
}

fn as_recipients(keys: BTreeSet<u64>) -> BTreeSet<Recipient> {
    keys.into_iter().map(recipient).collect()
}

#[test]
fn everybody_reaches_exactly_what_they_may() {
    for_seeds(count(3_000), |seed| {
        let world = history(seed);
        nobody_reaches_more_than_they_were_entitled_to(&world);
        what_follows_a_removal_is_out_of_reach(&world);
        readers_reach_everything_once_wraps_are_added(world);
    });
}

/// The ring of each generation, void ones too.
fn ring_names(world: &World) -> BTreeMap<Recipient, RingName> {
    let mut names = BTreeMap::new();
    let rings =
        world.entries.iter().flat_map(|entry| entry.records()).filter_map(|record| match record {
            Record::Ring { ring, name } => Some((ring.clone(), name.clone())),
            _ => None,
        });
    let rings: BTreeMap<_, _> = rings.collect();
    for new in world.entries.iter().flat_map(|entry| &entry.header.rings) {
        names.insert(new.recipient.clone(), rings[&new.ring].clone());
    }
    names
}

fn nobody_reaches_more_than_they_were_entitled_to(world: &World) {
    let entries: Vec<&Entry> = world.entries.iter().collect();
    let names = ring_names(world);
    for person in &world.people {
        let reached = reach(as_recipients(keys_of(world, person.member)), &entries);
        // A maker may have read by the key they made: the one it is of was entitled, or they were.
        let made =
            world.made.iter().filter(|(maker, _)| *maker == person.member).map(|(_, key)| *key);
        let theirs =
            made.filter_map(|key| world.people.iter().find(|other| other.keys.contains(&key)));
        let names_of: BTreeSet<MemberId> =
            theirs.map(|other| other.member).chain([person.member]).collect();
        for ring in reached.iter().filter_map(|key| names.get(key)) {
            let entitled =
                names_of.iter().any(|member| world.entitled.contains(&(*member, ring.clone())));
            assert!(entitled, "{} reaches {ring} and never might", person.name);
        }
    }
}

/// What is written by somebody who knows of a removal opens with no key the removed person ever held.
fn what_follows_a_removal_is_out_of_reach(world: &World) {
    let everything: Vec<&Entry> = world.entries.iter().collect();
    let last = world.union().state;
    let pasts: Vec<BTreeSet<usize>> =
        (0..world.entries.len()).map(|place| past_of(world, place)).collect();
    for (place, entry) in world.entries.iter().enumerate() {
        let known = pasts[place].clone();
        let state = world.refolded(known).state;
        let gone = state.members.values().filter(|member| !member.is_active());
        for member in
            gone.filter(|member| last.members.get(&member.id).is_some_and(|m| !m.is_active()))
        {
            let kept = kept_keys(world, &state, member.id);
            let keys: BTreeSet<u64> =
                keys_of(world, member.id).difference(&kept).copied().collect();
            // Whoever did not know of it may still have given the person an older generation: `todo`
            // lists what that exposes. Nobody who knew did.
            let removal = member.removed.as_ref().map(|by| by.entry);
            let removal = world.entries.iter().position(|entry| Some(entry.id) == removal).unwrap();
            let knowing: Vec<&Entry> = (everything.iter().enumerate())
                .filter(|(other, _)| {
                    pasts[*other].contains(&removal)
                        || pasts[removal].contains(other)
                        || *other == removal
                })
                .map(|(_, entry)| *entry)
                .collect();
            let reached = reach(as_recipients(keys), &knowing);
            for claim in entry.header.boxes.iter().filter(|claim| !claim.to.is_empty()) {
                let open = claim.to.iter().any(|to| reached.contains(to));
                assert!(
                    !open,
                    "{} opens a box of entry {place}, written knowing they were gone",
                    member.name
                );
            }
            let body = !reached.contains(&entry.header.members);
            assert!(body || leaves(entry), "{} opens the body of entry {place}", member.name);
        }
    }
}

/// Who leaves writes that much with the keys there are.
fn leaves(entry: &Entry) -> bool {
    entry.records().any(|record| matches!(record, Record::Remove { .. }))
}

/// Keys of machines that were kept by name, and of whoever is still there.
fn kept_keys(world: &World, state: &State, maker: MemberId) -> BTreeSet<u64> {
    let kept = state.active().filter(|member| member.id != maker && is_clean(state, member));
    let kept: BTreeSet<MemberId> = kept.map(|member| member.id).collect();
    let people = world.people.iter().filter(|person| kept.contains(&person.member));
    people.flat_map(|person| person.keys.clone()).collect()
}

fn past_of(world: &World, place: usize) -> BTreeSet<usize> {
    let mut past = BTreeSet::new();
    let mut open = vec![place];
    while let Some(next) = open.pop() {
        for parent in &world.entries[next].header.parents {
            let parent = world.entries.iter().position(|entry| entry.id == *parent).unwrap();
            if past.insert(parent) {
                open.push(parent);
            }
        }
    }
    past
}

/// Two rounds in which everybody writes, and every present reader opens every current value; but for
/// what `todo` says must be sealed again.
fn readers_reach_everything_once_wraps_are_added(mut world: World) {
    let union = world.union();
    world.copies = vec![union];
    for _ in 0..3 {
        for who in 0..world.people.len() {
            world.write(0, who, Wish::default());
        }
    }
    let state = &world.copies[0].state;
    let left = todo(state);
    let unsealed: BTreeSet<_> = left
        .iter()
        .filter_map(|one| match one {
            Todo::Unsealed { secret, .. } => Some(secret.clone()),
            _ => None,
        })
        .collect();
    let waits = |one: &&Todo| matches!(one, Todo::MissingWrap { .. } | Todo::Stale { .. });
    assert!(left.iter().find(waits).is_none(), "left to do: {:?}", left.iter().find(waits));
    let entries: Vec<&Entry> = world.entries.iter().collect();
    let names = ring_names(&world);
    for secret in state.live_secrets().filter(|secret| !unsealed.contains(&secret.id)) {
        let Some(version) = secret.current() else { continue };
        for member in readers(state, secret).filter(|member| is_clean(state, member)) {
            let reached = reach([member.recipient.clone()].into(), &entries);
            let rings: Vec<_> = version.to.iter().map(|to| names.get(to)).collect();
            assert!(
                version.to.iter().any(|to| reached.contains(to)),
                "{} may read {} and cannot: sealed to {rings:?}",
                member.name,
                secret.name
            );
        }
    }
}
