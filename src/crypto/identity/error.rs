//! Why an identity does not unlock. Never with a secret in it.

use crate::crypto::seal::OpenError;
use std::fmt;

#[derive(Debug, PartialEq, Eq)]
pub enum IdentityError {
    /// The file holds no key at all.
    Empty {
        source: String,
    },
    /// This line is neither a key nor a comment.
    NotAnIdentity {
        source: String,
        line: usize,
    },
    /// A kind of key that cannot unlock; the text says why and what could be done.
    Unsupported {
        source: String,
        why: String,
    },
    /// The identity file itself was changed or cut off.
    Corrupted {
        source: String,
        what: String,
    },
    /// A passphrase is needed and nobody gave one.
    NoPassphrase {
        source: String,
    },
    WrongPassphrase {
        source: String,
    },
    /// Its passphrase would take too long to check.
    TooMuchWork {
        source: String,
        factor: u8,
    },
    MissingPlugin {
        name: String,
    },
    /// The plugin ran and refused; its words.
    Plugin {
        name: String,
        said: String,
    },
    /// Everything worked, and the box is sealed to somebody else.
    NoMatch {
        source: String,
    },
    /// The box, not the identity, is at fault.
    Box(OpenError),
}

impl fmt::Display for IdentityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty { source } => write!(f, "{source} holds no key"),
            Self::NotAnIdentity { source, line } => {
                write!(f, "{source}: line {line} is no age key")
            }
            Self::Unsupported { source, why } => write!(f, "{source} cannot be used: {why}"),
            Self::Corrupted { source, what } => write!(f, "{source} is damaged: {what}"),
            Self::NoPassphrase { source } => {
                write!(f, "{source} needs a passphrase and none was given")
            }
            Self::WrongPassphrase { source } => write!(f, "wrong passphrase for {source}"),
            Self::TooMuchWork { source, factor } => {
                write!(f, "{source} asks for a work factor of {factor}: too much to try")
            }
            Self::MissingPlugin { name } => {
                write!(f, "the program age-plugin-{name} is not installed")
            }
            Self::Plugin { name, said } => write!(f, "age-plugin-{name} failed: {said}"),
            Self::NoMatch { source } => write!(f, "it is not sealed to the key in {source}"),
            Self::Box(cause) => cause.fmt(f),
        }
    }
}

impl std::error::Error for IdentityError {}
