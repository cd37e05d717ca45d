//! Opening values and notes: hash, box, label; what states to be something else is damage.

use crate::crypto::age_key::AgeKey;
use crate::crypto::seal::{self, OpenError};
use crate::error::{Error, Result};
use crate::format::limits::{BOX_OVERHEAD_BYTES, NOTE_BYTES, VALUE_BYTES};
use crate::format::plaintext;
use crate::org::ids::{BoxId, Id, Recipient};
use crate::org::secrets::{Secret, Version};
use crate::secret::SecretBytes;

use super::keys::RingKeys;

/// What a value box must say it is the value of.
pub struct Expected<'a> {
    pub secret: &'a Id,
    pub environment: &'a Id,
    pub number: u32,
}

impl<'a> Expected<'a> {
    pub fn of(secret: &'a Secret, version: &Version) -> Self {
        Self { secret: &secret.id, environment: &secret.environment, number: version.number }
    }
}

const PLAINTEXT_BYTES: usize = VALUE_BYTES + VALUE_BYTES / 8 + BOX_OVERHEAD_BYTES;

/// The value in a box.
pub fn open(
    file: &[u8],
    to: &[Recipient],
    rings: &RingKeys,
    expected: &Expected<'_>,
) -> Result<SecretBytes> {
    let opened = open_with_any(rings.any(to), file, PLAINTEXT_BYTES)?;
    checked(&opened.plaintext, expected)
}

pub fn open_note(
    file: &[u8],
    to: &[Recipient],
    rings: &RingKeys,
    secret: &Id,
) -> Result<SecretBytes> {
    let opened = open_with_any(rings.any(to), file, NOTE_BYTES * 2)?;
    match plaintext::decode_note(&opened.plaintext) {
        Some((id, note)) if id == *secret => Ok(note),
        _ => Err(Error::damaged("a note's box holds something else")),
    }
}

fn open_with_any<'a>(
    keys: impl Iterator<Item = &'a AgeKey>,
    file: &[u8],
    limit: usize,
) -> Result<seal::Opened> {
    let mut failure = OpenError::NoMatch;
    for key in keys {
        match seal::open(key, file, limit) {
            Ok(opened) => return Ok(opened),
            Err(cause) => failure = cause,
        }
    }
    Err(unopened(failure))
}

fn unopened(cause: OpenError) -> Error {
    match cause {
        OpenError::NoMatch => Error::denied("no key here opens it"),
        other => Error::damaged("its box is damaged").because(other),
    }
}

fn checked(plain: &SecretBytes, expected: &Expected<'_>) -> Result<SecretBytes> {
    let (label, value) =
        plaintext::decode_value(plain).ok_or_else(|| Error::damaged("its box holds no value"))?;
    let as_expected = label.secret == *expected.secret
        && label.environment == *expected.environment
        && label.number == expected.number;
    if as_expected {
        Ok(value)
    } else {
        Err(Error::damaged("its box holds the value of something else"))
    }
}

/// A box that should be there and is not.
pub fn missing(id: BoxId) -> Error {
    Error::damaged("its box is missing from the vault")
        .because(format!("box {id}"))
        .hint("`secrets repair` looks for it in this machine's mirror")
}
