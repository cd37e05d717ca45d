//! Why sealing or opening failed, in our words: age's own are sentences of its command line.

use age::{DecryptError, EncryptError};
use std::fmt;

#[derive(Debug, PartialEq, Eq)]
pub enum SealError {
    NoRecipient,
    /// Not a recipient that can be sealed to; the text names it.
    BadRecipient(String),
    /// The name of a plugin: the program is `age-plugin-<name>`.
    MissingPlugin(String),
    Failed(String),
}

#[derive(Debug, PartialEq, Eq)]
pub enum OpenError {
    /// The key is not among those that the file is sealed to.
    NoMatch,
    Damaged(String),
    TooLarge,
}

impl From<DecryptError> for OpenError {
    fn from(cause: DecryptError) -> Self {
        match cause {
            DecryptError::NoMatchingKeys => Self::NoMatch,
            DecryptError::UnknownFormat => Self::damaged("its version of age is unknown"),
            DecryptError::InvalidMac => Self::damaged("its header was changed"),
            DecryptError::DecryptionFailed => Self::damaged("its wrapped key was changed"),
            _ => Self::damaged("its header is malformed"),
        }
    }
}

impl From<EncryptError> for SealError {
    fn from(cause: EncryptError) -> Self {
        match cause {
            EncryptError::MissingRecipients => Self::NoRecipient,
            other => Self::Failed(other.to_string()),
        }
    }
}

impl OpenError {
    pub(super) fn damaged(what: &str) -> Self {
        Self::Damaged(what.to_owned())
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMatch => f.write_str("it is not sealed to this key"),
            Self::Damaged(what) => f.write_str(what),
            Self::TooLarge => f.write_str("it is larger than allowed"),
        }
    }
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRecipient => f.write_str("there is nobody to seal to"),
            Self::BadRecipient(text) => write!(f, "{text} is no key that can be sealed to"),
            Self::MissingPlugin(name) => {
                write!(f, "the program age-plugin-{name} is not installed")
            }
            Self::Failed(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for OpenError {}
impl std::error::Error for SealError {}
