//! Sentences of the design, each as a small history.

use secrets::org::entry::Body;
use secrets::org::ids::{EntryId, Id};
use secrets::org::order::order;
use secrets::org::record::{Change, Kind, Record};
use secrets::org::roles::{Reach, Role, Standing};
use secrets::org::secrets::Secret;
use secrets::org::state::State;

use crate::log::{Log, admit, create, founder, update};
use crate::symbols::*;

fn remove(n: u64) -> Record {
    Record::Remove { member: public_key(n), keep: vec![] }
}

fn raise(n: u64, role: Role) -> Record {
    Record::Raise { member: public_key(n), role, reach: Reach::Org }
}

fn lower(n: u64, role: Role) -> Record {
    Record::Lower { member: public_key(n), role, reach: Reach::Org }
}

fn machine(n: u64) -> Record {
    Record::Admit { card: card("ci", n), kind: Kind::Machine { expires: None } }
}

fn active(state: &State, n: u64) -> bool {
    state.members.get(&public_key(n)).is_some_and(|member| member.is_active())
}

fn refused(state: &State, entry: EntryId) -> bool {
    state.refused.iter().any(|refusal| refusal.entry == entry)
}

fn secret(state: &State, n: u64) -> &Secret {
    &state.secrets[&Id::derive(&founder(), &nonce(1000 + n))]
}

/// The founder, and people with these roles, in a row.
fn org(roles: &[(u64, Role)]) -> (Log, EntryId) {
    let mut log = Log::new();
    let mut head = log.vault;
    for (n, role) in roles {
        head = log.add(1, vec![head], admit(*n));
        head = log.add(1, vec![head], vec![raise(*n, *role)]);
    }
    (log, head)
}

/// Every history below means the same whatever the clocks say.
fn at_any_time(log: &mut Log, check: impl Fn(&State)) {
    check(&log.fold());
    let mut rng = Rng(7);
    for _ in 0..20 {
        for entry in &mut log.entries {
            entry.header.time = time(rng.below(1000) as i64);
        }
        check(&log.fold());
    }
}

#[test]
fn of_two_who_remove_each_other_the_higher_stays() {
    let (mut log, head) = org(&[(2, Role::Owner), (3, Role::Admin)]);
    log.add(2, vec![head], vec![remove(3)]);
    let lower = log.add(3, vec![head], vec![remove(2)]);
    at_any_time(&mut log, |state| {
        assert!(active(state, 2) && !active(state, 3));
        assert!(refused(state, lower));
    });
}

#[test]
fn peers_cannot_remove_each_other_even_if_each_was_raised_where_the_other_does_not_see_it() {
    let (mut log, head) = org(&[(2, Role::Writer), (3, Role::Writer)]);
    let here = log.add(1, vec![head], vec![raise(2, Role::Admin)]);
    let there = log.add(1, vec![head], vec![raise(3, Role::Admin)]);
    let (one, other) =
        (log.add(2, vec![here], vec![remove(3)]), log.add(3, vec![there], vec![remove(2)]));
    at_any_time(&mut log, |state| {
        assert!(active(state, 2) && active(state, 3));
        assert!(refused(state, one) && refused(state, other));
    });
}

#[test]
fn nobody_takes_from_above_by_standing_on_a_past_in_which_it_was_below() {
    let (mut log, head) = org(&[(2, Role::Admin), (3, Role::Viewer)]);
    let raised = log.add(1, vec![head], vec![raise(3, Role::Owner)]);
    let theirs = log.add(3, vec![raised], vec![create(0)]);
    let void = log.add(2, vec![head], vec![remove(3)]);
    at_any_time(&mut log, |state| {
        assert!(active(state, 3) && refused(state, void) && !refused(state, theirs));
    });
}

#[test]
fn the_founder_removes_only_themselves() {
    let (mut log, head) = org(&[(2, Role::Owner)]);
    let void = log.add(2, vec![head], vec![remove(1)]);
    let state = log.fold();
    assert!(active(&state, 1) && refused(&state, void));
    log.add(1, vec![void], vec![remove(1)]);
    assert!(!active(&log.fold(), 1));
}

#[test]
fn what_is_slipped_in_beside_a_removal_is_void_and_its_values_are_proposed() {
    let (mut log, head) = org(&[(2, Role::Admin)]);
    let made = log.add(1, vec![head], vec![create(0)]);
    log.add(1, vec![made], vec![remove(2)]);
    let mut beside = log.add(2, vec![made], admit(9));
    beside = log.add(2, vec![beside], vec![update(0, 2)]);
    at_any_time(&mut log, |state| {
        assert!(!active(state, 2) && !active(state, 9) && refused(state, beside));
        assert_eq!(secret(state, 0).versions.len(), 1);
        assert_eq!(state.proposed.len(), 1);
        assert_eq!((state.proposed[0].value, state.proposed[0].number), (box_id(2), 2));
    });
}

#[test]
fn who_comes_back_brings_a_new_key() {
    let (mut log, mut head) = org(&[(2, Role::Writer)]);
    head = log.add(1, vec![head], vec![remove(2)]);
    head = log.add(1, vec![head], admit(2));
    head = log.add(1, vec![head], vec![raise(2, Role::Admin)]);
    assert!(!active(&log.fold(), 2));
    log.add(1, vec![head], admit(9));
    assert!(active(&log.fold(), 9));
}

#[test]
fn a_given_up_key_signs_nothing_beside_or_after() {
    let (mut log, head) = org(&[(2, Role::Editor)]);
    let change = Record::ChangeKey { member: public_key(2), card: card("two", 12) };
    let changed = log.add(2, vec![head], vec![change]);
    let beside = log.add(2, vec![head], vec![create(5)]);
    let after = log.add(2, vec![changed], vec![create(6)]);
    let new = log.add(12, vec![changed], vec![create(7)]);
    at_any_time(&mut log, |state| {
        assert!(refused(state, beside) && refused(state, after) && !refused(state, new));
        assert_eq!(state.members[&public_key(2)].key, public_key(12));
        assert_eq!(state.keys[&public_key(12)].member, public_key(2));
    });
}

#[test]
fn an_owner_stands_one_below_whoever_made_them_owner() {
    let (mut log, mut head) = org(&[(2, Role::Owner), (3, Role::Writer), (4, Role::Writer)]);
    head = log.add(2, vec![head], vec![raise(3, Role::Owner)]);
    head = log.add(3, vec![head], vec![raise(4, Role::Owner)]);
    let state = log.fold();
    for (n, depth) in [(1, 0), (2, 1), (3, 2), (4, 3)] {
        assert_eq!(state.standing(&state.members[&public_key(n)]), Standing::Owner(depth));
    }
    let up = log.add(3, vec![head], vec![lower(2, Role::Owner)]);
    let down = log.add(3, vec![up], vec![lower(4, Role::Owner)]);
    let state = log.fold();
    assert!(refused(&state, up) && !refused(&state, down));
    assert_eq!(state.standing(&state.members[&public_key(4)]), Standing::Other);
}

#[test]
fn a_right_cannot_be_given_back_beside_its_taking() {
    let (mut log, head) = org(&[(2, Role::Admin), (3, Role::Writer)]);
    log.add(1, vec![head], vec![lower(3, Role::Writer)]);
    log.add(2, vec![head], vec![raise(3, Role::Writer)]);
    at_any_time(&mut log, |state| assert!(state.members[&public_key(3)].roles.is_empty()));
    let (mut log, head) = org(&[(2, Role::Admin), (3, Role::Admin)]);
    log.add(1, vec![head], vec![lower(3, Role::Admin)]);
    let reach = Reach::Environment(Id::derive(&founder(), &nonce(1)));
    log.add(2, vec![head], vec![Record::Raise { member: public_key(3), role: Role::Admin, reach }]);
    at_any_time(&mut log, |state| assert!(!state.members[&public_key(3)].has(Role::Admin)));
}

#[test]
fn two_values_at_once_are_a_conflict_until_somebody_settles_it() {
    let (mut log, mut head) = org(&[]);
    head = log.add(1, vec![head], vec![create(0)]);
    let mut other = update(0, 2);
    if let Record::Update(version) = &mut other {
        version.value = box_id(77);
    }
    let (one, two) =
        (log.add(1, vec![head], vec![update(0, 2)]), log.add(1, vec![head], vec![other]));
    let state = log.fold();
    let torn = secret(&state, 0);
    assert!(torn.in_conflict());
    assert_eq!(torn.current().map(|version| version.value), Some(box_id(77)), "the later in order");
    assert_eq!(torn.label(torn.current().unwrap()), format!("2~{}", box_id(77).short()));
    let resolve =
        Record::Resolve { secret: torn.id.clone(), take: box_id(2), after: torn.heads.clone() };
    log.add(1, vec![one, two], vec![resolve]);
    let state = log.fold();
    assert!(!secret(&state, 0).in_conflict());
    assert_eq!(secret(&state, 0).current().map(|version| version.value), Some(box_id(2)));
    assert_eq!(secret(&state, 0).next_number(), 3);
}

#[test]
fn a_reseal_beside_an_update_is_no_conflict() {
    let (mut log, mut head) = org(&[]);
    head = log.add(1, vec![head], vec![create(0)]);
    let id = Id::derive(&founder(), &nonce(1000));
    log.add(
        1,
        vec![head],
        vec![Record::Reseal { secret: id, replaces: box_id(1), value: box_id(55) }],
    );
    log.add(1, vec![head], vec![update(0, 2)]);
    at_any_time(&mut log, |state| {
        assert_eq!(secret(state, 0).heads, vec![box_id(2)]);
        let first = secret(state, 0).version_of(box_id(1)).unwrap();
        assert_eq!((first.number, first.value), (1, box_id(55)));
    });
}

#[test]
fn two_with_one_name_both_stay() {
    let (mut log, head) = org(&[]);
    for n in [0, 1] {
        let mut record = create(n);
        if let Record::Create(new) = &mut record {
            new.name = secret_name("TOKEN");
        }
        log.add(1, vec![head], vec![record]);
    }
    let state = log.fold();
    let environment = Id::derive(&founder(), &nonce(1));
    let namesakes = state.namesakes(&environment, &secret_name("TOKEN"));
    assert_eq!(namesakes.len(), 2);
    assert_eq!(
        namesakes[0].id,
        Id::derive(&founder(), &nonce(1000)),
        "the first keeps the bare name"
    );
}

#[test]
fn a_delete_wins_and_what_it_did_not_know_is_proposed() {
    let (mut log, mut head) = org(&[]);
    head = log.add(1, vec![head], vec![create(0)]);
    let id = Id::derive(&founder(), &nonce(1000));
    log.add(1, vec![head], vec![Record::Delete { secret: id, boxes: vec![box_id(1)] }]);
    log.add(1, vec![head], vec![update(0, 2)]);
    at_any_time(&mut log, |state| {
        assert!(!secret(state, 0).is_live());
        assert!(state.erased.contains(&box_id(1)) && !state.erased.contains(&box_id(2)));
        assert_eq!(state.proposed.iter().map(|p| p.value).collect::<Vec<_>>(), vec![box_id(2)]);
    });
}

#[test]
fn an_unknown_record_counts_only_after_an_owner_declared_it() {
    let (mut log, mut head) = org(&[(2, Role::Admin)]);
    let declare = || Record::Format { records: vec!["marvel".to_owned()] };
    let unknown = |log: &mut Log, head| {
        let id = log.add(1, vec![head], vec![]);
        log.entries.last_mut().unwrap().body =
            Body::Opened(vec![Change::Unknown("marvel".to_owned())]);
        id
    };
    let early = unknown(&mut log, head);
    head = log.add(2, vec![early], vec![declare()]);
    let state = log.fold();
    assert!(refused(&state, early) && refused(&state, head));
    assert_eq!(state.newer, None, "nonsense stops nobody");
    head = log.add(1, vec![head], vec![declare()]);
    let late = unknown(&mut log, head);
    let state = log.fold();
    assert!(!refused(&state, late));
    assert_eq!(state.newer.as_deref(), Some("marvel"));
}

#[test]
fn machines_end_with_their_maker_unless_kept_by_name() {
    let (mut log, mut head) = org(&[(2, Role::Admin)]);
    for n in [20, 21, 22] {
        head = log.add(2, vec![head], vec![machine(n)]);
    }
    // Another admin gave the third a new key: its first maker does not know that one.
    let new = Record::ChangeKey { member: public_key(22), card: card("ci", 32) };
    head = log.add(1, vec![head], vec![new]);
    log.add(
        1,
        vec![head],
        vec![Record::Remove { member: public_key(2), keep: vec![public_key(20)] }],
    );
    let state = log.fold();
    assert!(active(&state, 20) && !active(&state, 21) && active(&state, 22));
    let kept = &state.members[&public_key(20)];
    assert!(
        secrets::org::access::is_clean(&state, kept),
        "who keeps a machine answers for its key"
    );
}

#[test]
fn what_the_fallen_made_falls_with_them() {
    let (mut log, mut head) = org(&[(2, Role::Admin)]);
    let person = Record::Admit { card: card("bob", 3), kind: Kind::Provisional };
    head = log.add(2, vec![head], vec![person]);
    head = log.add(2, vec![head], vec![raise(3, Role::Admin)]);
    head = log.add(3, vec![head], vec![machine(20)]);
    log.add(1, vec![head], vec![remove(2)]);
    let state = log.fold();
    assert!(!active(&state, 3) && !active(&state, 20));
}

#[test]
fn a_version_has_a_number_from_1() {
    let mut log = Log::new();
    let head = log.add(1, vec![log.vault], vec![create(1)]);
    let void = log.add(1, vec![head], vec![update(1, 1), zero(1)]);
    assert!(refused(&log.fold(), void));
}

fn zero(n: u64) -> Record {
    let Record::Update(mut version) = update(n, 1) else { panic!("an update") };
    version.number = 0;
    Record::Update(version)
}

/// The generation that one writes with, of the ring of all members.
fn members_ring(state: &State) -> Option<secrets::org::ids::Recipient> {
    let members = secrets::org::rings::RingName::Members;
    secrets::org::access::sealing_generation(state, &members).map(|one| one.recipient.clone())
}

#[test]
fn a_generation_kept_to_oneself_draws_nobody_in_and_stops_no_renewal() {
    let mut log = Log::new();
    let (ring, whole, own) = (Id::derive(&founder(), &nonce(5)), recipient(900), recipient(901));
    let new = |of: &secrets::org::ids::Recipient| secrets::org::entry::NewGeneration {
        ring: ring.clone(),
        recipient: of.clone(),
        previous: vec![],
    };
    let name = secrets::org::rings::RingName::Members;
    let mut head = log.add(
        1,
        vec![log.vault],
        [admit(2), admit(3), vec![Record::Ring { ring: ring.clone(), name: name.clone() }]]
            .concat(),
    );
    let last = log.entries.last_mut().unwrap();
    last.header.rings = vec![new(&whole)];
    last.header.wraps = [2, 3]
        .map(|n| secrets::org::entry::Wrap {
            to: recipient(n),
            opens: vec![whole.clone()],
            key_box: box_id(n),
        })
        .to_vec();
    head = log.add(2, vec![head], vec![]);
    log.entries.last_mut().unwrap().header.rings = vec![new(&own)];
    assert_eq!(members_ring(&log.fold()), Some(whole));
    // Another is removed while its maker is there: the ring is renewed without it.
    log.add(1, vec![head], vec![remove(3)]);
    let state = log.fold();
    let plan =
        secrets::org::plan::plan(&state, &state.members[&founder()], std::slice::from_ref(&name));
    assert!(plan.unwrap().generations.contains(&name));
}

#[test]
fn a_machine_has_only_grants() {
    let (mut log, mut head) = org(&[]);
    head = log.add(1, vec![head], vec![machine(20)]);
    let void = log.add(1, vec![head], vec![raise(20, Role::Admin)]);
    assert!(refused(&log.fold(), void));
}

#[test]
fn invented_parents_wait_and_strangers_are_no_part() {
    let (mut log, head) = org(&[(2, Role::Admin)]);
    let waiting = log.add(2, vec![head, entry_id(999_999)], vec![create(0)]);
    let on_top = log.add(1, vec![waiting], vec![create(1)]);
    let stranger = log.add(66, vec![head], vec![remove(2)]);
    let ordered = order(log.vault, &log.entries);
    let mut waits: Vec<EntryId> = ordered.waiting.iter().map(|(entry, _)| entry.id).collect();
    waits.sort();
    let mut expected = vec![waiting, on_top];
    expected.sort();
    assert_eq!(waits, expected);
    assert_eq!(ordered.strangers.iter().map(|entry| entry.id).collect::<Vec<_>>(), vec![stranger]);
    let state = log.fold();
    assert!(state.secrets.is_empty() && active(&state, 2) && state.refused.is_empty());
}

#[test]
fn one_refused_record_voids_the_whole_entry() {
    let (mut log, head) = org(&[(2, Role::Writer)]);
    let both = log.add(2, vec![head], vec![create(0), remove(1)]);
    let state = log.fold();
    assert!(refused(&state, both) && state.secrets.is_empty());
    assert_eq!(state.proposed.len(), 1);
}
