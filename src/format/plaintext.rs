//! What stands inside value and note boxes: one JSON line, the exact bytes, padding.
//!
//!     {"secret":"<id>","environment":"<id>","number":4,"length":17}\n<17 bytes><zeros>
//!     {"note":"<id>","length":17}\n<17 bytes><zeros>
//!
//! A value states what it is the value of, so that it cannot pass for another's.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::limits::{NOTE_BYTES, VALUE_BYTES};
use crate::org::ids::Id;
use crate::secret::SecretBytes;

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueLabel {
    pub secret: Id,
    pub environment: Id,
    pub number: u32,
    length: usize,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoteLabel {
    note: Id,
    length: usize,
}

/// Longest label: three ids, two numbers, punctuation.
const LABEL_BYTES: usize = 256;

/// A value box's plaintext.
pub fn encode_value(
    secret: &Id,
    environment: &Id,
    number: u32,
    value: &SecretBytes,
) -> SecretBytes {
    let label = ValueLabel {
        secret: secret.clone(),
        environment: environment.clone(),
        number,
        length: value.len(),
    };
    encode(&label, value)
}

/// What a value box says it is, and the value.
pub fn decode_value(plaintext: &SecretBytes) -> Option<(ValueLabel, SecretBytes)> {
    let (label, rest): (ValueLabel, &[u8]) = decode(plaintext)?;
    let value = cut(rest, label.length, VALUE_BYTES)?;
    Some((label, value))
}

/// A note box's plaintext.
pub fn encode_note(secret: &Id, note: &SecretBytes) -> SecretBytes {
    encode(&NoteLabel { note: secret.clone(), length: note.len() }, note)
}

pub fn decode_note(plaintext: &SecretBytes) -> Option<(Id, SecretBytes)> {
    let (label, rest): (NoteLabel, &[u8]) = decode(plaintext)?;
    let note = cut(rest, label.length, NOTE_BYTES)?;
    Some((label.note, note))
}

fn encode(label: &impl Serialize, content: &SecretBytes) -> SecretBytes {
    let label = serde_json::to_string(label).unwrap_or_default(); // ids and numbers: cannot fail
    let used = label.len() + 1 + content.len();
    let padding = vec![0; bucket(used) - used];
    SecretBytes::join(&[label.as_bytes(), b"\n", content.expose(), &padding])
}

fn decode<T: DeserializeOwned + Serialize>(plaintext: &SecretBytes) -> Option<(T, &[u8])> {
    let bytes = plaintext.expose();
    let end = bytes.iter().take(LABEL_BYTES).position(|byte| *byte == b'\n')?;
    let text = bytes.get(..end)?;
    let label: T = serde_json::from_slice(text).ok()?;
    let canonical = serde_json::to_vec(&label).is_ok_and(|again| again == text);
    canonical.then_some((label, bytes.get(end + 1..)?))
}

/// The content; behind it there must be nothing but zeros.
fn cut(rest: &[u8], length: usize, limit: usize) -> Option<SecretBytes> {
    if length > limit || rest.get(length..)?.iter().any(|byte| *byte != 0) {
        return None;
    }
    rest.get(..length).map(SecretBytes::copy_of)
}

/// The padded size: 64, 128, 256, 512, 1024, then steps of a sixteenth of the power of two below.
pub fn bucket(used: usize) -> usize {
    if used <= 1024 {
        return used.next_power_of_two().max(64);
    }
    let step = (used.ilog2() - 4).min(usize::BITS - 2);
    used.next_multiple_of(1 << step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hide_sizes_and_cost_little() {
        for used in 1..200_000usize {
            let size = bucket(used);
            assert!(size >= used);
            if used > 1024 {
                assert!((size - used) * 100 <= used * 12, "{used} -> {size}");
            }
        }
        assert_eq!([1, 64, 65, 1000].map(bucket), [64, 64, 128, 1024]);
    }
}
