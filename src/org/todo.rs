//! What is left to do: worked out from the state alone.

use super::access::{exposed_to, holders, missing_wraps, present_generations, unsealed_rings};
use super::ids::{BoxId, Id, MemberId, Recipient};
use super::plan::{all_rings, stale_rings};
use super::record::Kind;
use super::rings::RingName;
use super::state::State;

#[derive(Debug, PartialEq, Clone)]
pub enum Todo {
    /// The current value can be read by keys that should not: it must be written again.
    Exposed { secret: Id, to: Vec<Recipient> },
    /// Readers of these rings cannot open the current value: it must be sealed again.
    Unsealed { secret: Id, rings: Vec<RingName> },
    /// Concurrent versions wait for somebody to write or resolve.
    Conflict { secret: Id },
    /// Two live secrets share a name.
    Namesakes { secrets: Vec<Id> },
    /// A value without effect waits to be taken or dropped.
    Proposed { value: BoxId },
    /// A member cannot open a ring that they may hold.
    MissingWrap { member: MemberId, ring: RingName },
    /// A ring that nobody may seal to until a holder renews it.
    Stale { ring: RingName },
    /// A person whose member key somebody else made.
    Provisional { member: MemberId },
}

/// Everything that is left to do.
pub fn todo(state: &State) -> Vec<Todo> {
    let mut list = secrets(state);
    list.extend(state.proposed.iter().map(|proposed| Todo::Proposed { value: proposed.value }));
    for ring in all_rings(state) {
        let present = present_generations(state, &ring);
        let lacking = holders(state, &ring)
            .filter(|member| !missing_wraps(state, member, &ring, &present).is_empty());
        list.extend(
            lacking.map(|member| Todo::MissingWrap { member: member.id, ring: ring.clone() }),
        );
    }
    list.extend(stale_rings(state).into_iter().map(|ring| Todo::Stale { ring }));
    let provisional = state.active().filter(|member| member.kind == Kind::Provisional);
    list.extend(provisional.map(|member| Todo::Provisional { member: member.id }));
    list
}

fn secrets(state: &State) -> Vec<Todo> {
    let mut list = vec![];
    for secret in state.live_secrets() {
        let exposed =
            secret.current().map(|version| exposed_to(state, secret, version)).unwrap_or_default();
        if !exposed.is_empty() {
            list.push(Todo::Exposed {
                secret: secret.id.clone(),
                to: exposed.into_iter().collect(),
            });
        }
        let unsealed = secret.current().map(|version| unsealed_rings(state, secret, version));
        if let Some(rings) = unsealed.filter(|rings| !rings.is_empty()) {
            list.push(Todo::Unsealed { secret: secret.id.clone(), rings });
        }
        if secret.in_conflict() {
            list.push(Todo::Conflict { secret: secret.id.clone() });
        }
        let namesakes = state.namesakes(&secret.environment, &secret.name);
        if namesakes.len() > 1 && namesakes.first().is_some_and(|first| first.id == secret.id) {
            let secrets = namesakes.iter().map(|secret| secret.id.clone()).collect();
            list.push(Todo::Namesakes { secrets });
        }
    }
    list
}
