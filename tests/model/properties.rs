//! What holds in every history.

use std::collections::{BTreeMap, BTreeSet};

use secrets::org::access::holders;
use secrets::org::boxes::Boxes;
use secrets::org::entry::Entry;
use secrets::org::fold::{fold, fold_on};
use secrets::org::ids::{BoxId, EntryId, Id, MemberId};
use secrets::org::order::{Ordered, order};
use secrets::org::plan::all_rings;
use secrets::org::record::{Kind, Record};
use secrets::org::state::State;

use crate::builder::{Copy, World};
use crate::naive::Naive;
use crate::symbols::*;

/// How many histories a test makes: a variable asks for more.
#[expect(clippy::disallowed_methods, reason = "a test's own knob")]
pub fn count(usual: u64) -> u64 {
    let factor = std::env::var("SECRETS_HISTORIES").ok().and_then(|text| text.parse::<u64>().ok());
    factor.unwrap_or(usual)
}

#[expect(clippy::disallowed_methods, reason = "a test's own knob")]
fn first_seed() -> u64 {
    std::env::var("SECRETS_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Runs a check over many seeds on all cores; a failing seed is printed.
pub fn for_seeds(count: u64, check: impl Fn(u64) + Sync) {
    let first = first_seed();
    let cores = std::thread::available_parallelism().map_or(2, |n| n.get() as u64);
    std::thread::scope(|scope| {
        for core in 0..cores {
            let check = &check;
            scope.spawn(move || {
                for seed in (first..first + count).filter(|seed| seed % cores == core) {
                    let run =
                        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(seed)));
                    assert!(run.is_ok(), "failed with SECRETS_SEED={seed} SECRETS_HISTORIES=1");
                }
            });
        }
    });
}

#[derive(Clone, Copy, PartialEq)]
pub enum People {
    Honest,
    SomeCheat,
}

/// A random history of several people on several copies.
pub fn history(seed: u64, people: People) -> World {
    let mut world = World::new(seed.wrapping_mul(0x1000_0001).wrapping_add(7), 3);
    let first = world.admit_wish();
    world.write(0, 0, first);
    let steps = 12 + world.rng.below(22);
    for _ in 0..steps {
        let copy = world.rng.below(3);
        if world.rng.chance(22) {
            let from = world.rng.below(3);
            world.merge(copy, from);
        }
        // The founder and whoever came early act more often, so that there is something to do.
        let among = world.people.len();
        let who = world.rng.below(among).min(world.rng.below(among + 2));
        if people == People::SomeCheat && world.rng.chance(25) {
            let liar = world.rng.below(among);
            world.people[liar].cheat = true;
            world.lie(copy, liar);
        } else {
            world.act(copy, who);
        }
    }
    world
}

#[test]
fn histories_mean_the_same_in_any_order_and_keep_every_promise() {
    for_seeds(count(14_000), |seed| check_all(&history(seed, People::SomeCheat)));
    for_seeds(count(6_000), |seed| check_all(&history(seed, People::Honest)));
}

fn check_all(world: &World) {
    let union = world.union();
    let entries: Vec<Entry> =
        union.known.iter().map(|place| world.entries[*place].clone()).collect();
    let ordered = order(world.vault, &entries);
    Naive::fold(world.vault, &entries).compare(&union.state);
    order_of_lines_is_nothing(world, &entries, &union.state);
    going_on_is_folding(world);
    removed_is_removed(&ordered, &union.state);
    a_false_clock_gains_nothing(world, &union);
    nothing_acknowledged_is_lost(world, &union, &ordered);
    numbers_and_tags_tell_versions_apart(world, &union, &ordered);
    dead_boxes_are_nobodys(world, &union.state, &ordered);
}

/// (a) The state is a function of the set of entries.
fn order_of_lines_is_nothing(world: &World, entries: &[Entry], state: &State) {
    let mut shuffled = entries.to_vec();
    let mut rng = Rng(entries.len() as u64 + 99);
    rng.shuffle(&mut shuffled);
    let twice = shuffled.first().cloned();
    shuffled.extend(twice);
    assert_eq!(fold(world.vault, &order(world.vault, &shuffled)), *state);
}

/// (a) A copy's state, grown entry by entry, is what its entries fold to; and so is the union's, when
/// one more entry knows everything.
fn going_on_is_folding(world: &World) {
    for copy in &world.copies {
        assert_eq!(world.refolded(copy.known.clone()).state, copy.state);
    }
}

/// Who a key belongs to, for good.
fn owner(state: &State, entry: &Entry) -> Option<MemberId> {
    state.keys.get(&entry.header.author).map(|owner| owner.member)
}

/// (b) Nothing that a removed person wrote outside the removal's past has effect.
fn removed_is_removed(ordered: &Ordered<'_>, state: &State) {
    let refused: BTreeSet<EntryId> = state.refused.iter().map(|refusal| refusal.entry).collect();
    let place_of: BTreeMap<EntryId, usize> =
        ordered.entries.iter().enumerate().map(|(place, entry)| (entry.id, place)).collect();
    for member in state.members.values() {
        let Some(removed) = &member.removed else { continue };
        let removal = place_of[&removed.entry];
        assert!(!refused.contains(&removed.entry), "a void entry removed somebody");
        for (place, entry) in ordered.entries.iter().enumerate() {
            let theirs = owner(state, entry) == Some(member.id);
            if theirs && place != removal && !ordered.knows(removal, place) {
                assert!(
                    refused.contains(&entry.id),
                    "{:?} was written outside the past of {:?}",
                    entry.id,
                    removed
                );
            }
        }
    }
}

/// Who has which rights, without what order may decide.
fn rights(state: &State) -> impl PartialEq + std::fmt::Debug + use<> {
    let members: Vec<_> = state
        .members
        .values()
        .map(|member| {
            let ended = member.removed.is_some();
            let depth = member.owner_depth.filter(|_| member.has(secrets::org::roles::Role::Owner));
            (member.id, ended, member.key, member.roles.clone(), depth, member.seen_by.clone())
        })
        .collect();
    let groups: Vec<_> = state
        .groups
        .iter()
        .map(|(id, group)| (id.clone(), group.members.clone(), group.deleted))
        .collect();
    let places: Vec<_> = state
        .projects
        .iter()
        .chain(&state.environments)
        .map(|(id, place)| (id.clone(), place.deleted))
        .collect();
    let rings: Vec<_> = all_rings(state)
        .into_iter()
        .map(|ring| {
            let held: Vec<MemberId> = holders(state, &ring).map(|member| member.id).collect();
            (ring, held)
        })
        .collect();
    let refused: BTreeSet<EntryId> = state.refused.iter().map(|refusal| refusal.entry).collect();
    (members, groups, places, state.grants.clone(), rings, refused)
}

/// (c) Other times on a cheat's entries change nobody's rights.
fn a_false_clock_gains_nothing(world: &World, union: &Copy) {
    let mut rng = Rng(world.entries.len() as u64);
    let mut entries: Vec<Entry> = vec![];
    let mut lied = false;
    for place in &union.known {
        let mut entry = world.entries[*place].clone();
        // An account that ends refuses what is dated past its end: that is what its clock is for.
        let ends = owner(&union.state, &entry)
            .and_then(|id| union.state.members.get(&id))
            .is_some_and(|member| matches!(member.kind, Kind::Machine { .. }));
        if !world.honest[*place] && !ends {
            entry.header.time = time(rng.below(300) as i64 - 100);
            lied = true;
        }
        entries.push(entry);
    }
    if !lied {
        return;
    }
    let state = fold(world.vault, &order(world.vault, &entries));
    assert_eq!(rights(&state), rights(&union.state));
}

/// (d) Every acknowledged value is there: in effect, replaced, proposed, or erased by who listed it.
fn nothing_acknowledged_is_lost(world: &World, union: &Copy, ordered: &Ordered<'_>) {
    let state = &union.state;
    let mut kept: BTreeSet<BoxId> =
        state.secrets.values().flat_map(|secret| secret.boxes()).collect();
    kept.extend(state.proposed.iter().map(|proposed| proposed.value));
    let refused: BTreeSet<EntryId> = state.refused.iter().map(|refusal| refusal.entry).collect();
    let accepted = ordered.entries.iter().filter(|entry| !refused.contains(&entry.id));
    let mut listed: BTreeSet<BoxId> = BTreeSet::new();
    for record in accepted.flat_map(|entry| entry.records()) {
        match record {
            Record::Delete { boxes, .. } | Record::Drop { boxes } => listed.extend(boxes),
            _ => {}
        }
    }
    for (value, place) in &world.acknowledged {
        let known = union.known.contains(place);
        let erased = listed.contains(value) && state.erased.contains(value);
        assert!(!known || kept.contains(value) || erased, "{value} of entry {place} is lost");
    }
}

/// (e) A version keeps its number wherever it is seen; one tag means one state of a secret; and of
/// honest writers only those who did not know of each other give the same number.
fn numbers_and_tags_tell_versions_apart(world: &World, union: &Copy, ordered: &Ordered<'_>) {
    for copy in &world.copies {
        for (id, theirs) in &copy.state.secrets {
            let Some(ours) = union.state.secrets.get(id) else { continue };
            // A deleted project's place in a secret means nothing, and is the project's own affair.
            let (mut one, mut other) = (ours.clone(), theirs.clone());
            let lives = |project: &Id| {
                union.state.projects.get(project).is_some_and(|place| !place.deleted)
            };
            one.projects.retain(lives);
            other.projects.retain(lives);
            assert!(
                one.etag != other.etag || one == other,
                "one tag, two states: {one:#?} {other:#?}"
            );
            for version in &theirs.versions {
                // A box that is shown twice has the number of whichever comes first.
                let seen = ours.version_of(version.value).filter(|ours| ours.by == version.by);
                assert!(seen.is_none_or(|ours| ours.number == version.number), "a number changed");
            }
        }
    }
    let place = |entry: EntryId| ordered.entries.iter().position(|one| one.id == entry).unwrap();
    for secret in union.state.secrets.values().filter(|_| world.honest.iter().all(|honest| *honest))
    {
        for (rank, one) in secret.versions.iter().enumerate() {
            for other in
                secret.versions[rank + 1..].iter().filter(|other| other.number == one.number)
            {
                let beside = ordered.beside(place(one.by.entry), place(other.by.entry));
                assert!(beside, "version {} was written twice", one.number);
            }
        }
    }
}

/// (f) Dead is what nobody who is here needs.
fn dead_boxes_are_nobodys(world: &World, state: &State, ordered: &Ordered<'_>) {
    let boxes = Boxes::sort(state, ordered.entries.iter().copied());
    for secret in state.secrets.values().filter(|secret| secret.is_live()) {
        for needed in secret.boxes() {
            assert!(!boxes.dead.contains(&needed), "a living secret's box is dead");
        }
    }
    for proposed in &state.proposed {
        assert!(!boxes.dead.contains(&proposed.value), "a proposed value is dead");
    }
    let current: BTreeSet<_> = state.active().map(|member| member.recipient.clone()).collect();
    for member in state.active() {
        assert!(!boxes.dead.contains(&member.member_box), "a member's own box is dead");
    }
    let honest = |entry: &&&Entry| {
        world.entries.iter().position(|e| e.id == entry.id).is_some_and(|p| world.honest[p])
    };
    let all_honest = world.honest.iter().all(|honest| *honest);
    for entry in ordered.entries.iter().filter(honest) {
        for wrap in &entry.header.wraps {
            let dead = boxes.dead.contains(&wrap.key_box);
            assert!(!(dead && current.contains(&wrap.to)), "a present member's wrap is dead");
            assert!(
                !all_honest || dead != current.contains(&wrap.to),
                "a wrap of a gone key lives"
            );
        }
        for previous in entry.header.rings.iter().flat_map(|ring| &ring.previous) {
            assert!(!boxes.dead.contains(&previous.key_box), "an earlier generation's key is dead");
        }
    }
}

#[test]
fn an_entry_that_knows_everything_goes_on_from_the_union() {
    for_seeds(count(2_000), |seed| {
        let mut world = history(seed, People::SomeCheat);
        let mut union = world.union();
        let heads = union.heads.clone();
        world.copies[0] = union.clone();
        for _ in 0..3 {
            let who = world.rng.below(world.people.len());
            world.act(0, who);
        }
        for place in world.copies[0].known.difference(&union.known.clone()) {
            fold_on(&mut union.state, &world.entries[*place]);
        }
        assert!(!heads.is_empty());
        assert_eq!(world.refolded(world.copies[0].known.clone()).state, union.state);
    });
}
