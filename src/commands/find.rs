//! Finding a secret by what was typed, and what to say when there is none.

use crate::error::{Error, Result};
use crate::org::names::SecretName;
use crate::org::secrets::Secret;
use crate::org::state::State;

use super::names::{Typed, marked, no_name};
use super::secret::{Place, when};

/// The live secrets that were named, the one with the bare name first.
fn live<'a>(state: &'a State, place: &Place, typed: &Typed<'_>) -> Vec<&'a Secret> {
    if let Some(secret) =
        state.secrets.values().find(|secret| secret.is_live() && typed.is_id(&secret.id))
    {
        return vec![secret];
    }
    let named = |name| {
        let mut found = state.namesakes(&place.id, name);
        found.retain(|secret| typed.marks(&secret.id));
        (!found.is_empty()).then_some(found)
    };
    typed.names.iter().find_map(named).unwrap_or_default()
}

/// The deleted secrets that were named, the latest deleted first.
pub fn deleted<'a>(state: &'a State, place: &Place, typed: &Typed<'_>) -> Vec<&'a Secret> {
    let fits = |secret: &&Secret| {
        let named = secret.environment == place.id && typed.names.contains(&secret.name);
        !secret.is_live() && (typed.is_id(&secret.id) || named && typed.marks(&secret.id))
    };
    let mut found: Vec<&Secret> = state.secrets.values().filter(fits).collect();
    let end = |secret: &&Secret| secret.deleted.as_ref().map(|deletion| deletion.by.time);
    found.sort_by_key(|secret| (std::cmp::Reverse(end(secret)), secret.id.clone()));
    found
}

/// The live secret that was named. Of several with one name, the first has it.
pub fn find<'a>(state: &'a State, place: &Place, typed: &str) -> Result<&'a Secret> {
    let parsed = Typed::parse(typed);
    match live(state, place, &parsed).as_slice() {
        [] => Err(not_found(state, place, typed)),
        [one] => Ok(one),
        [_, _, ..] if parsed.is_marked() => Err(several(state, place, typed, &parsed)),
        [first, ..] => Ok(first),
    }
}

/// The same where a slip cannot be undone: a name that several have is none.
pub fn find_only<'a>(state: &'a State, place: &Place, typed: &str) -> Result<&'a Secret> {
    let parsed = Typed::parse(typed);
    match live(state, place, &parsed).as_slice() {
        [_, _, ..] => Err(several(state, place, typed, &parsed)),
        _ => find(state, place, typed),
    }
}

fn several(state: &State, place: &Place, typed: &str, parsed: &Typed<'_>) -> Error {
    let found = live(state, place, parsed);
    let names: Vec<String> = found.iter().map(|secret| marked(&secret.name, &secret.id)).collect();
    Error::conflict(format!("{} secrets are named {typed} in {place}", found.len()))
        .hint(format!("say which: {}", names.join(" or ")))
}

/// What a secret is called among those beside it: `NAME~<id4>` if another has the bare name.
pub fn shown_name(state: &State, secret: &Secret) -> String {
    let first = state.namesakes(&secret.environment, &secret.name).first().map(|first| &first.id);
    if first.is_none_or(|first| *first == secret.id) {
        secret.name.to_string()
    } else {
        marked(&secret.name, &secret.id)
    }
}

/// There is no such secret: it was deleted, or another was meant.
pub fn not_found(state: &State, place: &Place, typed: &str) -> Error {
    let parsed = Typed::parse(typed);
    if parsed.is_no_name() {
        return no_name();
    }
    let error = Error::not_found(format!("no secret named {typed} in {place}"));
    if let Some(secret) = deleted(state, place, &parsed).first() {
        return error
            .because(was_deleted(state, secret))
            .hint(format!("`secrets history {typed} -e {}` still lists its versions", place.name));
    }
    let here: Vec<&Secret> =
        state.live_secrets().filter(|secret| secret.environment == place.id).collect();
    let list = format!("`secrets list -e {}` shows all {}", place.name, here.len());
    match closest(typed, here.iter().map(|secret| &secret.name)) {
        Some(name) => error.hint(format!("did you mean {name}? {list}")),
        None if here.is_empty() => {
            error.hint(format!("`secrets create {typed} -e {}` makes it", place.name))
        }
        None => error.hint(list),
    }
}

/// `alice deleted it on …`.
pub fn was_deleted(state: &State, secret: &Secret) -> String {
    match &secret.deleted {
        Some(deletion) => {
            let by = &deletion.by;
            format!("{} deleted it on {}", state.name_of(&by.author), when(by.time))
        }
        None => "it is not deleted".to_owned(),
    }
}

/// The name that was probably meant.
fn closest<'a>(typed: &str, names: impl Iterator<Item = &'a SecretName>) -> Option<&'a SecretName> {
    let wanted = typed.to_ascii_uppercase();
    let by_distance = names.map(|name| (strsim::osa_distance(name.as_str(), &wanted), name));
    let (distance, name) = by_distance.min_by_key(|(distance, _)| *distance)?;
    (distance <= wanted.len() / 3 + 1 && distance < wanted.len()).then_some(name)
}
