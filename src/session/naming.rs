//! What a box or key is called in a message: by the names of what it belongs to, never by its id alone.

use crate::org::ids::{BoxId, EntryId, PublicKey};
use crate::org::secrets::Secret;
use crate::org::state::State;

/// Whose a signing key is, or was.
pub fn author(state: &State, key: &PublicKey) -> String {
    match state.keys.get(key) {
        Some(owner) => state.name_of(&owner.member),
        None => format!("the key {key}"),
    }
}

/// Where a secret is and how it is called.
pub fn secret(state: &State, secret: &Secret) -> String {
    let place = state.environments.get(&secret.environment);
    let place = place.map_or_else(|| secret.environment.to_string(), |p| p.name.to_string());
    format!("{} in {place}", secret.name)
}

/// What stands in a box.
pub fn boxed(state: &State, id: BoxId) -> String {
    let found = state.secrets.values().find_map(|secret| within(state, secret, id));
    found
        .or_else(|| proposed(state, id))
        .or_else(|| member_box(state, id))
        .or_else(|| wrap(state, id))
        .unwrap_or_else(|| format!("the box {id}"))
}

fn within(state: &State, of: &Secret, id: BoxId) -> Option<String> {
    if of.notes.contains(&id) {
        return Some(format!("a note of {}", secret(state, of)));
    }
    let version =
        of.versions.iter().find(|version| version.value == id || version.replaced.contains(&id))?;
    Some(format!("version {} of {}", of.label(version), secret(state, of)))
}

fn proposed(state: &State, id: BoxId) -> Option<String> {
    let proposed = state.proposed.iter().find(|proposed| proposed.value == id)?;
    let name =
        proposed.name.as_ref().map_or_else(|| proposed.secret.to_string(), ToString::to_string);
    Some(format!("a proposed version of {name}"))
}

fn member_box(state: &State, id: BoxId) -> Option<String> {
    let member = state.members.values().find(|member| member.member_box == id)?;
    Some(format!("the member key of {}", member.name))
}

fn wrap(state: &State, id: BoxId) -> Option<String> {
    let wrap = state.rings.wraps.iter().find(|wrap| wrap.key_box == id)?;
    let holder = state.members.values().find(|member| member.recipient == wrap.to);
    let holder = holder.map_or_else(|| wrap.to.to_string(), |member| member.name.to_string());
    Some(format!("keys for {holder}"))
}

/// The first characters of an entry's id, for people.
pub fn short(id: EntryId) -> String {
    id.to_string().chars().take(8).collect()
}
