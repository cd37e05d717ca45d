//! Random values.

use crate::crypto::random::random;
use crate::error::{Error, Result};
use crate::format::limits::VALUE_BYTES;
use crate::secret::SecretBytes;

const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// The largest multiple of 62 a byte can be below: what is above would favour some letters.
const FAIR: u8 = 248;

/// So many letters and digits, each as likely as every other.
pub fn letters_and_digits(length: usize) -> Result<SecretBytes> {
    if length > VALUE_BYTES {
        return Err(
            Error::usage("that is too long for a value").because("a value is at most 1 MiB")
        );
    }
    let mut value = zeroize::Zeroizing::new(Vec::with_capacity(length));
    while value.len() < length {
        let block = zeroize::Zeroizing::new(random::<64>());
        let fair = block.iter().filter(|byte| **byte < FAIR);
        let missing = length - value.len();
        let letters = fair.filter_map(|byte| ALPHABET.get(usize::from(byte % 62)).copied());
        value.extend(letters.take(missing));
    }
    Ok(SecretBytes::new(std::mem::take(&mut *value)))
}
