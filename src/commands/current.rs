//! Current secrets as this machine remembers them: enough for `env` and `reveal` without the folded
//! state.

use crate::error::{Error, Result};
use crate::org::names::SecretName;
use crate::session::memory::Current;
use crate::session::open::Session;

use super::find::not_found;
use super::names::{Typed, marked};
use super::rights::{judge, not_allowed};
use super::secret::Place;

/// Where the index has the secret that was named: by id anywhere, by name in this environment.
pub fn find_current(session: &Session, place: &Place, typed: &str) -> Option<usize> {
    let current = &session.index.current;
    let parsed = Typed::parse(typed);
    let by_id = current.iter().position(|current| parsed.is_id(&current.id));
    let named = |name: &SecretName| {
        current.iter().position(|current| {
            current.environment == place.id
                && current.name == *name
                && (parsed.is_marked() || !current.shadowed)
                && parsed.marks(&current.id)
        })
    };
    by_id.or_else(|| parsed.names.iter().find_map(named))
}

/// The same, or why not.
pub fn require_current(session: &mut Session, place: &Place, typed: &str) -> Result<usize> {
    match find_current(session, place, typed) {
        Some(at) => Ok(at),
        None => Err(not_found(session.state()?, place, typed)),
    }
}

/// Refuses a secret that I may not reveal, and says who can change that.
pub fn require_readable(session: &mut Session, at: usize) -> Result<()> {
    let Some(current) = session.index.current.get(at).filter(|current| !current.readable) else {
        return Ok(());
    };
    let what = format!("reveal {}", current.name);
    let place = Place::at(session, &current.environment);
    let me = session.me;
    Err(not_allowed(&judge(session.state()?, me)?, &what, &place))
}

/// No secret can be read where everything was asked for.
pub fn nothing_readable(session: &mut Session, place: &Place) -> Error {
    let me = session.me;
    match session.state().and_then(|state| judge(state, me)) {
        Ok(judge) => not_allowed(&judge, "reveal anything", place),
        Err(error) => error,
    }
}

/// What a secret is called among those beside it.
pub fn shown_current(current: &Current) -> String {
    if current.shadowed { marked(&current.name, &current.id) } else { current.name.to_string() }
}

/// Other secrets of the same name beside the one that has it.
pub fn namesakes_of<'a>(session: &'a Session, current: &Current) -> Vec<&'a Current> {
    let same = |other: &&Current| {
        other.shadowed
            && other.id != current.id
            && other.environment == current.environment
            && other.name == current.name
    };
    session.index.current.iter().filter(same).collect()
}
