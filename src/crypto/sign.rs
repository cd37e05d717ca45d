//! Ed25519 signatures over a context and a message.
//!
//! Invariants: strict verification only, and one at a time (batch verification can disagree on
//! crafted points); keys and signatures have one spelling, base64url without padding.

use super::random::random;
use crate::points;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer, VerifyingKey};
use std::sync::OnceLock;
use zeroize::Zeroizing;

/// Room for the longest text decoded here: base64 wants whole groups of three bytes.
const DECODED_ROOM_BYTES: usize = 72;
const SIGN_BIT: u8 = 0x80;

/// A secret Ed25519 key; wiped on drop.
pub struct SigningKey {
    seed: Zeroizing<[u8; 32]>,
    /// Made when first needed: reading alone needs no public half, which costs a multiplication.
    pair: OnceLock<ed25519_dalek::SigningKey>,
}

impl SigningKey {
    pub fn generate() -> Self {
        Self::from_seed(Zeroizing::new(random()))
    }

    pub fn from_seed(seed: Zeroizing<[u8; 32]>) -> Self {
        Self { seed, pair: OnceLock::new() }
    }

    pub fn expose_seed(&self) -> &[u8; 32] {
        &self.seed
    }

    fn pair(&self) -> &ed25519_dalek::SigningKey {
        self.pair.get_or_init(|| ed25519_dalek::SigningKey::from_bytes(&self.seed))
    }

    /// The public half: 43 characters.
    pub fn public(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.pair().verifying_key().as_bytes())
    }

    /// The signature over `context` followed by `message`: 86 characters.
    pub fn sign(&self, context: &str, message: &[u8]) -> String {
        let signature = self.pair().sign(&signed_bytes(context, message));
        URL_SAFE_NO_PAD.encode(signature.to_bytes())
    }
}

pub fn verify(public: &str, context: &str, message: &[u8], signature: &str) -> bool {
    let (Some(key), Some(signature)) = (verifying_key(public), decode(signature)) else {
        return false;
    };
    let signature = Signature::from_bytes(&signature);
    key.verify_strict(&signed_bytes(context, message), &signature).is_ok()
}

/// Whether the text is the one spelling of a key that signatures can be checked against.
pub fn is_public_key(text: &str) -> bool {
    verifying_key(text).is_some()
}

fn verifying_key(text: &str) -> Option<VerifyingKey> {
    let bytes: [u8; 32] = *decode(text)?;
    let mut y = bytes;
    if let Some(last) = y.last_mut() {
        *last &= !SIGN_BIT;
    }
    let key = VerifyingKey::from_bytes(&bytes).ok()?;
    (points::is_canonical(&y) && !key.is_weak()).then_some(key)
}

fn signed_bytes(context: &str, message: &[u8]) -> Vec<u8> {
    [context.as_bytes(), message].concat()
}

/// Exactly `N` bytes, in the one spelling; wiped, for a seed comes through here too.
pub(super) fn decode<const N: usize>(text: &str) -> Option<Zeroizing<[u8; N]>> {
    if text.len() != (N * 4).div_ceil(3) {
        return None;
    }
    let mut room = Zeroizing::new([0; DECODED_ROOM_BYTES]);
    let bytes = URL_SAFE_NO_PAD.decode_slice(text, room.as_mut_slice()).ok()?;
    room.get(..bytes)?.try_into().ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTEXT: &str = "secrets-vault 1 entry\n";

    #[test]
    fn a_signature_holds_for_its_message_context_and_key_only() {
        let key = SigningKey::generate();
        let signature = key.sign(CONTEXT, b"message");
        assert_eq!((key.public().len(), signature.len()), (43, 86));
        assert!(verify(&key.public(), CONTEXT, b"message", &signature));
        assert!(!verify(&key.public(), CONTEXT, b"massage", &signature));
        assert!(!verify(&key.public(), "secrets-vault 1 request\n", b"message", &signature));
        assert!(!verify(&SigningKey::generate().public(), CONTEXT, b"message", &signature));
    }

    /// RFC 8032, section 7.1, test 2.
    #[test]
    fn the_published_answer() {
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        let seed = [
            0x4c, 0xcd, 0x08, 0x9b, 0x28, 0xff, 0x96, 0xda, 0x9d, 0xb6, 0xc3, 0x46, 0xec, 0x11,
            0x4e, 0x0f, 0x5b, 0x8a, 0x31, 0x9f, 0x35, 0xab, 0xa6, 0x24, 0xda, 0x8c, 0xf6, 0xed,
            0x4f, 0xb8, 0xa6, 0xfb,
        ];
        let key = SigningKey::from_seed(Zeroizing::new(seed));
        let public = decode::<32>(&key.public()).unwrap();
        let signature = decode::<64>(&key.sign("r", b"")).unwrap();
        assert_eq!(
            hex(public.as_slice()),
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
        );
        assert_eq!(
            hex(signature.as_slice()),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        );
    }

    #[test]
    fn other_spellings_are_refused() {
        let key = SigningKey::generate();
        let (public, signature) = (key.public(), key.sign(CONTEXT, b""));
        for bad in [format!("{public}="), format!("{public}A"), public[..42].to_owned()] {
            assert!(!is_public_key(&bad));
            assert!(!verify(&bad, CONTEXT, b"", &signature));
        }
        assert!(!verify(&public, CONTEXT, b"", &format!("{signature}==")));
        let last = |text: &str| text.as_bytes()[text.len() - 1];
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        for &other in alphabet.iter().filter(|&&other| other != last(&signature)) {
            let bad = format!("{}{}", &signature[..85], char::from(other));
            assert!(!verify(&public, CONTEXT, b"", &bad), "{}", char::from(other));
        }
    }

    #[test]
    fn weak_and_non_canonical_points_are_no_keys() {
        let mut one = [0; 32];
        one[0] = 1;
        let mut negative_zero = one;
        negative_zero[31] |= SIGN_BIT;
        let mut p_plus_one = [0xff; 32];
        (p_plus_one[0], p_plus_one[31]) = (0xee, 0x7f);
        for weak in [one, negative_zero, p_plus_one, [0; 32], [0xff; 32]] {
            assert!(!is_public_key(&URL_SAFE_NO_PAD.encode(weak)), "{weak:x?}");
        }
        // y = p + 3 decodes to the point with y = 3, which is on the curve and not weak.
        let (mut three, mut p_plus_three) = ([0; 32], p_plus_one);
        (three[0], p_plus_three[0]) = (3, 0xf0);
        assert_eq!(
            is_public_key(&URL_SAFE_NO_PAD.encode(three)),
            VerifyingKey::from_bytes(&three).is_ok()
        );
        assert!(!is_public_key(&URL_SAFE_NO_PAD.encode(p_plus_three)));
    }
}
