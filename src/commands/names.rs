//! Secrets as people name them: new names, and what was typed for one that is there.

use crate::error::{Error, Result};
use crate::org::ids::Id;
use crate::org::names::{SecretName, is_variable, to_variable};
use crate::org::record::SecretType;

/// A variable's name out of what was typed.
pub fn new_name(typed: &str) -> Result<SecretName> {
    to_variable(typed).ok_or_else(no_name)
}

/// The same for a secret of this type: only a variable's name is converted.
pub fn new_name_of(kind: SecretType, typed: &str) -> Result<SecretName> {
    match kind {
        SecretType::Value => new_name(typed),
        _ => {
            SecretName::parse(typed).filter(|name| !is_variable(name.as_str())).ok_or_else(no_name)
        }
    }
}

/// Not repeated: what is no name may be a value that was typed in its place.
pub fn no_name() -> Error {
    Error::usage("that is no secret's name").because(SecretName::RULE)
}

/// What was typed for a secret: its id, its name, or `NAME~<start of its id>`.
pub struct Typed<'t> {
    id: Option<Id>,
    /// As it stands, then as a variable's name.
    pub names: Vec<SecretName>,
    mark: Option<&'t str>,
}

/// Shorter marks would soon fit several.
const MARK_CHARACTERS: usize = 4;

impl<'t> Typed<'t> {
    pub fn parse(typed: &'t str) -> Self {
        let (name, mark) =
            typed.split_once('~').map_or((typed, None), |(name, mark)| (name, Some(mark)));
        let mut names: Vec<SecretName> = SecretName::parse(name).into_iter().collect();
        names.extend(to_variable(name).filter(|variable| !names.contains(variable)));
        Self { id: Id::parse(typed), names, mark }
    }

    /// Whether nothing can be called that.
    pub fn is_no_name(&self) -> bool {
        self.id.is_none() && self.names.is_empty()
    }

    pub fn is_id(&self, id: &Id) -> bool {
        self.id.as_ref() == Some(id)
    }

    pub fn is_marked(&self) -> bool {
        self.mark.is_some()
    }

    /// Whether the mark, if there is one, is this id's.
    pub fn marks(&self, id: &Id) -> bool {
        self.mark.is_none_or(|mark| mark.len() >= MARK_CHARACTERS && id.as_str().starts_with(mark))
    }
}

/// `NAME~<id4>`.
pub fn marked(name: &SecretName, id: &Id) -> String {
    format!("{name}~{}", id.short())
}
