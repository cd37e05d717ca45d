//! Six words that two people compare by voice before one lets the other in.
//!
//! 66 bits of scrypt over the vault's id and the request: to find another request with the same
//! words, a forger pays the slow hash for every try. The list is the English one of BIP-39.

use sha2::{Digest, Sha256};

const WORDS: &str = include_str!("words.txt");
const WORD_COUNT: usize = 6;
const WORD_BITS: usize = 11;
const HASH_BYTES: usize = 16;
/// About 80 ms and 32 MiB for a person who compares once.
const LOG_N: u8 = 15;
const R: u32 = 8;
const P: u32 = 1;

pub fn six_words(vault_id: &str, request: &[u8]) -> String {
    let hash = slow_hash(vault_id, request);
    let chosen: Vec<&str> =
        (0..WORD_COUNT).filter_map(|at| WORDS.lines().nth(number(hash, at))).collect();
    chosen.join(" ")
}

/// The `at`-th group of eleven bits, from the top.
fn number(hash: u128, at: usize) -> usize {
    let shift = u128::BITS as usize - (at + 1) * WORD_BITS;
    ((hash >> shift) as usize) & ((1 << WORD_BITS) - 1)
}

/// The request is hashed first so that its length cannot slide into the vault's id.
fn slow_hash(vault_id: &str, request: &[u8]) -> u128 {
    let mut output = [0; HASH_BYTES];
    let salt = [b"secrets six words\n".as_slice(), vault_id.as_bytes()].concat();
    scrypt_into(&Sha256::digest(request), &salt, &mut output);
    u128::from_be_bytes(output)
}

#[allow(clippy::expect_used, reason = "all parameters are constants that scrypt accepts")]
fn scrypt_into(password: &[u8], salt: &[u8], output: &mut [u8; HASH_BYTES]) {
    let params = scrypt::Params::new(LOG_N, R, P, HASH_BYTES).expect("constant parameters");
    scrypt::scrypt(password, salt, &params, output).expect("constant output length");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hash of `english.txt` as BIP-39 publishes it.
    #[test]
    fn the_list_is_the_published_one() {
        let hex: String = Sha256::digest(WORDS).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda");
        assert_eq!(WORDS.lines().count(), 1 << WORD_BITS);
    }

    #[test]
    fn the_words_never_change() {
        let words = six_words("acme", b"request");
        assert_eq!(words, "fatal turn three group gold mutual");
    }

    #[test]
    fn vault_and_request_both_count() {
        let words = six_words("acme", b"request");
        assert_eq!(words.split(' ').count(), WORD_COUNT);
        assert_ne!(words, six_words("acme", b"requesu"));
        assert_ne!(words, six_words("acmf", b"request"));
        assert_ne!(words, six_words("acmer", b"equest"));
    }

    #[test]
    fn every_bit_group_is_read_once() {
        let hash = 0b10_u128 << (128 - 22) | 1 << (128 - 66);
        let numbers: Vec<usize> = (0..WORD_COUNT).map(|at| number(hash, at)).collect();
        assert_eq!(numbers, [0, 2, 0, 0, 0, 1]);
        assert_eq!(number(u128::MAX, 5), 2047);
    }
}
