//! What is known of a secret besides its value, as `list`, `show` and `history` print it.
//!
//! The fields of the documents are stable: scripts read them. A version is always its label, a
//! text, as `--version` and `--if-version` take it.

use serde::Serialize;

use crate::org::access::exposed_to;
use crate::org::ids::{BoxId, Id};
use crate::org::secrets::{Origin, Secret, Stamp, Version};
use crate::org::state::{Place, Proposed, State};
use crate::org::time::Time;

use super::version::proposed_label;

#[derive(Serialize)]
pub struct Described {
    pub id: String,
    pub name: String,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub environment: String,
    /// The one project it belongs to; none: the organisation.
    pub scope: Option<String>,
    pub projects: Vec<String>,
    pub version: String,
    pub number: u32,
    /// ok, conflict, exposed or shadowed.
    pub status: &'static str,
    pub etag: String,
    pub rotate_days: Option<u32>,
    pub created_at: Time,
    pub created_by: String,
    pub updated_at: Time,
    pub updated_by: String,
}

impl Described {
    pub fn of(state: &State, secret: &Secret) -> Self {
        let current = secret.current();
        Self {
            id: secret.id.to_string(),
            name: secret.name.to_string(),
            kind: secret.kind.as_str(),
            environment: place_name(&state.environments, &secret.environment),
            scope: secret.scope.as_ref().map(|id| place_name(&state.projects, id)),
            projects: secret.projects.iter().map(|id| place_name(&state.projects, id)).collect(),
            version: current.map(|version| secret.label(version)).unwrap_or_default(),
            number: current.map(|version| version.number).unwrap_or_default(),
            status: status(state, secret),
            etag: secret.etag.to_string(),
            rotate_days: secret.rotate_days,
            created_at: secret.created.time,
            created_by: state.name_of(&secret.created.author),
            updated_at: secret.updated.time,
            updated_by: state.name_of(&secret.updated.author),
        }
    }
}

fn place_name(places: &std::collections::BTreeMap<Id, Place>, id: &Id) -> String {
    places.get(id).map_or_else(|| id.to_string(), |place| place.name.to_string())
}

/// What asks most for somebody's attention: keys that open it and should not, versions or secrets
/// beside it, another that has its name.
fn status(state: &State, secret: &Secret) -> &'static str {
    let namesakes = state.namesakes(&secret.environment, &secret.name);
    let is_exposed =
        secret.current().is_some_and(|current| !exposed_to(state, secret, current).is_empty());
    let is_first = namesakes.first().is_none_or(|first| first.id == secret.id);
    match (is_exposed, secret.in_conflict() || namesakes.len() > 1) {
        (true, _) => "exposed",
        (false, true) if !is_first && !secret.in_conflict() => "shadowed",
        (false, true) => "conflict",
        (false, false) => "ok",
    }
}

/// One version in a history.
#[derive(Serialize)]
pub struct DescribedVersion {
    pub version: String,
    pub number: u32,
    #[serde(rename = "box")]
    pub value: String,
    pub at: Time,
    pub by: String,
    /// created, updated, restored or proposed.
    pub origin: &'static str,
    /// The number of the version it restored.
    pub restored_from: Option<u32>,
    /// Why a proposed version is not in effect.
    pub why: Option<String>,
    pub current: bool,
    /// It waits, beside the current one, for somebody to decide.
    pub in_conflict: bool,
    /// Keys open it that should not.
    pub exposed: bool,
}

impl DescribedVersion {
    pub fn of(state: &State, secret: &Secret, version: &Version) -> Self {
        let is_current = secret.current().is_some_and(|current| current.value == version.value);
        let (origin, restored_from) = match version.origin {
            Origin::Created => ("created", None),
            Origin::Updated => ("updated", None),
            Origin::Restored(number) => ("restored", Some(number)),
        };
        Self {
            version: secret.label(version),
            current: is_current && secret.is_live(),
            in_conflict: secret.is_live()
                && secret.in_conflict()
                && secret.heads.contains(&version.value),
            exposed: secret.is_live() && !exposed_to(state, secret, version).is_empty(),
            restored_from,
            ..Self::bare(state, version.number, version.value, &version.by, origin)
        }
    }

    pub fn proposed(state: &State, proposed: &Proposed) -> Self {
        Self {
            version: proposed_label(proposed),
            why: Some(proposed.why.clone()),
            ..Self::bare(state, proposed.number, proposed.value, &proposed.by, "proposed")
        }
    }

    fn bare(state: &State, number: u32, value: BoxId, by: &Stamp, origin: &'static str) -> Self {
        Self {
            version: String::new(),
            number,
            value: value.to_string(),
            at: by.time,
            by: state.name_of(&by.author),
            origin,
            restored_from: None,
            why: None,
            current: false,
            in_conflict: false,
            exposed: false,
        }
    }

    /// How it came to be, in words.
    pub fn how(&self) -> String {
        match (&self.why, self.restored_from) {
            (Some(why), _) => format!("proposed: {why}"),
            (None, Some(number)) => format!("restored from {number}"),
            (None, None) => self.origin.to_owned(),
        }
    }

    /// What is to be known of it now; empty for one that is simply old.
    pub fn standing(&self) -> &'static str {
        match (self.exposed && self.current, self.in_conflict, self.current) {
            (true, ..) => "current, exposed",
            (false, true, true) => "current, in conflict",
            (false, true, false) => "in conflict",
            (false, false, true) => "current",
            (false, false, false) => "",
        }
    }
}
