//! What an honest writer adds to an entry so that rights over values stay arithmetic: new
//! generations where none is fresh, wraps where one is missing.
//!
//! Works on the state as it will be when the entry's records are in effect. Keys are symbols here;
//! `session` makes them real.

use std::collections::BTreeSet;

use super::access::{
    has_key, holders, holds, is_fresh, missing_wraps, present_generations, sealing_generation,
};
use super::ids::Recipient;
use super::rings::RingName;
use super::state::{Member, State};

/// Generations to make and wraps to add.
#[derive(Default, Debug, PartialEq)]
pub struct Plan {
    pub generations: Vec<RingName>,
    pub wraps: Vec<PlannedWrap>,
}

/// A present holder's missing wrap, of generations that exist.
#[derive(Debug, PartialEq)]
pub struct PlannedWrap {
    pub to: Recipient,
    pub opens: Vec<Recipient>,
}

/// A ring that is needed has no fresh generation, and the writer may not make one.
#[derive(Debug, PartialEq)]
pub struct NotFresh {
    pub ring: RingName,
    pub helpers: Vec<String>,
}

/// Whether the writer has a ring key.
pub type Has<'a> = &'a dyn Fn(&Recipient) -> bool;

/// Every ring that somebody may hold: those that exist, and those that must.
pub fn all_rings(state: &State) -> Vec<RingName> {
    let environments = state.environments.iter().filter(|(_, place)| !place.deleted);
    let mut rings = vec![RingName::Members, RingName::Reads];
    rings.extend(environments.map(|(id, _)| RingName::Environment(id.clone())));
    let existing = state.rings.generations.iter().map(|generation| generation.ring.clone());
    rings.extend(existing);
    rings.extend(granted_rings(state));
    rings.sort();
    rings.dedup();
    rings
}

/// A project's ring in an environment, or a secret's, from its first grant on.
fn granted_rings(state: &State) -> Vec<RingName> {
    let ring = |on: &super::roles::Object, environment: &super::ids::Id| match on {
        super::roles::Object::Project(project) => {
            RingName::Project { project: project.clone(), environment: environment.clone() }
        }
        super::roles::Object::Secret(secret) => RingName::Secret(secret.clone()),
    };
    state.grants.keys().map(|(_, on, environment)| ring(on, environment)).collect()
}

/// Plans for `writer`, who is about to seal to `sealed` and holds the keys that the log says.
pub fn plan(state: &State, writer: &Member, sealed: &[RingName]) -> Result<Plan, NotFresh> {
    plan_with(state, writer, sealed, &|recipient| has_key(state, writer, recipient))
}

/// Plans for a writer who holds these keys. Rings that are not fresh, or whose others seal to what
/// the writer lacks, are renewed where the writer holds them.
pub fn plan_with(
    state: &State,
    writer: &Member,
    sealed: &[RingName],
    has: Has<'_>,
) -> Result<Plan, NotFresh> {
    let mut plan = Plan::default();
    for ring in all_rings(state) {
        let holds = holds(state, writer, &ring, super::takings::Beside::NOTHING);
        let sealing = sealing_generation(state, &ring);
        let stale = sealing.is_none();
        let lacks = sealing.is_none_or(|generation| !has(&generation.recipient));
        if lacks && holds && can_renew(state, &ring, has) {
            plan.generations.push(ring);
        } else if stale && sealed.contains(&ring) {
            return Err(not_fresh(state, writer, ring));
        } else if holds {
            plan_wraps(state, &ring, has, &mut plan); // of a stale ring too: so somebody gets all of it
        }
    }
    Ok(plan)
}

/// Whoever makes a generation hands on the earlier ones they have, and others wrap the rest: so nobody
/// stops a renewal by a generation that they keep to themselves. What nobody present has is lost.
fn can_renew(state: &State, ring: &RingName, has: Has<'_>) -> bool {
    state.rings.of(ring).any(|generation| has(&generation.recipient))
        || present_generations(state, ring).is_empty()
}

fn not_fresh(state: &State, writer: &Member, ring: RingName) -> NotFresh {
    let can = |member: &Member| can_renew(state, &ring, &|root| has_key(state, member, root));
    let others = holders(state, &ring).filter(|member| member.id != writer.id && can(member));
    let helpers = others.map(|member| member.name.to_string()).collect();
    NotFresh { ring, helpers }
}

/// Wraps that present holders lack and the writer can give, one box a holder.
fn plan_wraps(state: &State, ring: &RingName, has: Has<'_>, plan: &mut Plan) {
    let own = state.rings.of(ring).map(|generation| &generation.recipient);
    let own: BTreeSet<&Recipient> = own.filter(|recipient| has(recipient)).collect();
    for member in holders(state, ring) {
        let missing = missing_wraps(state, member, ring, &own);
        let opens: Vec<Recipient> =
            missing.into_iter().map(|generation| generation.recipient.clone()).collect();
        if opens.is_empty() {
            continue;
        }
        match plan.wraps.iter_mut().find(|wrap| wrap.to == member.recipient) {
            Some(wrap) => wrap.opens.extend(opens),
            None => plan.wraps.push(PlannedWrap { to: member.recipient.clone(), opens }),
        }
    }
}

/// The recipients to seal a value with, once the plan is carried out.
pub fn seal_to(state: &State, rings: &[RingName]) -> Option<Vec<Recipient>> {
    rings
        .iter()
        .map(|ring| sealing_generation(state, ring).map(|generation| generation.recipient.clone()))
        .collect()
}

/// Generations that are stale although their ring is in use: for `todo`.
pub fn stale_rings(state: &State) -> Vec<RingName> {
    let stale =
        |ring: &RingName| !state.rings.of(ring).any(|generation| is_fresh(state, generation));
    all_rings(state).into_iter().filter(stale).collect()
}

/// Renews, where the writer can, every ring that somebody may not hold any more: also one they never
/// had by this log, for somebody who does not know of it yet may be giving it to them.
pub fn renew_lost(plan: &mut Plan, before: &State, after: &State, writer: &Member, has: Has<'_>) {
    let nothing = super::takings::Beside::NOTHING;
    let may = |state: &State, id, ring: &RingName| {
        state.members.get(id).is_some_and(|member| holds(state, member, ring, nothing))
    };
    let is_lost = |ring: &RingName| {
        before.members.keys().any(|id| may(before, id, ring) && !may(after, id, ring))
    };
    for ring in all_rings(after).into_iter().filter(is_lost) {
        let can = holds(after, writer, &ring, nothing) && can_renew(after, &ring, has);
        if can && !plan.generations.contains(&ring) {
            plan.generations.push(ring);
        }
    }
}
