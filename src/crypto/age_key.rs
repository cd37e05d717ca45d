//! age X25519 keys: members, rings and machines are named by their public half (`age1…`).
//!
//! Invariant: a recipient has one spelling here, so equal keys are equal text. SSH keys and
//! plugins are `identity`'s: only people unlock with those.

use crate::points;
use crate::secret::SecretBytes;
use age::secrecy::ExposeSecret;
use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32, Hrp};
use std::sync::OnceLock;

const HRP: Hrp = Hrp::parse_unchecked("age");
const RECIPIENT_CHARS: usize = 62;
const SECRET_PREFIX: &str = "AGE-SECRET-KEY-1";

/// A secret X25519 key; wiped on drop by age.
pub struct AgeKey {
    identity: age::x25519::Identity,
    /// Made when first asked for: it costs a multiplication on the curve.
    recipient: OnceLock<String>,
}

impl AgeKey {
    pub fn generate() -> Self {
        Self::from(age::x25519::Identity::generate())
    }

    /// Reads `AGE-SECRET-KEY-1…`, upper case as every age program writes it.
    pub fn parse(text: &str) -> Option<Self> {
        if !text.starts_with(SECRET_PREFIX) {
            return None;
        }
        text.parse().ok().map(|identity: age::x25519::Identity| Self::from(identity))
    }

    /// The public half, `age1…`.
    pub fn recipient(&self) -> &str {
        self.recipient.get_or_init(|| self.identity.to_public().to_string())
    }

    /// `AGE-SECRET-KEY-1…`, without a line end.
    pub fn secret_text(&self) -> SecretBytes {
        SecretBytes::copy_of(self.identity.to_string().expose_secret().as_bytes())
    }

    pub(crate) fn identity(&self) -> &age::x25519::Identity {
        &self.identity
    }
}

impl From<age::x25519::Identity> for AgeKey {
    fn from(identity: age::x25519::Identity) -> Self {
        Self { identity, recipient: OnceLock::new() }
    }
}

/// Whether the text is the one spelling of an X25519 recipient that is safe to seal to.
pub fn is_recipient(text: &str) -> bool {
    let Some(point) = point(text) else { return false };
    points::is_canonical(&point) && !points::is_low_order(&point)
}

fn point(text: &str) -> Option<[u8; 32]> {
    if text.len() != RECIPIENT_CHARS {
        return None;
    }
    let decoded = CheckedHrpstring::new::<Bech32>(text).ok()?;
    let bytes: Vec<u8> = decoded.byte_iter().collect();
    // Encoding again refuses upper case, other prefixes and stray padding bits in one comparison.
    let canonical = bech32::encode::<Bech32>(HRP, &bytes).ok()? == text;
    canonical.then(|| bytes.try_into().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipient_of(point: [u8; 32]) -> String {
        bech32::encode::<Bech32>(HRP, &point).unwrap()
    }

    #[test]
    fn a_key_survives_its_text() {
        let key = AgeKey::generate();
        let text = key.secret_text();
        let again = AgeKey::parse(std::str::from_utf8(text.expose()).unwrap()).unwrap();
        assert_eq!(again.recipient(), key.recipient());
        assert_eq!(again.secret_text().expose(), text.expose());
        assert_eq!(text.len(), 74);
        assert!(is_recipient(key.recipient()));
    }

    #[test]
    fn only_the_written_form_of_a_secret_is_read() {
        let text = String::from_utf8(AgeKey::generate().secret_text().expose().to_vec()).unwrap();
        assert!(AgeKey::parse(&text.to_lowercase()).is_none());
        assert!(AgeKey::parse(&format!("{text}\n")).is_none());
        assert!(AgeKey::parse(&text[..73]).is_none());
        assert!(AgeKey::parse("").is_none());
    }

    #[test]
    fn a_recipient_has_one_spelling() {
        let text = AgeKey::generate().recipient().to_owned();
        assert!(!is_recipient(&text.to_uppercase()));
        assert!(!is_recipient(&format!("{text} ")));
        assert!(!is_recipient(&format!(" {}", &text[..61])));
        assert!(!is_recipient(""));
        for at in 0..text.len() {
            let mut typo = text.clone().into_bytes();
            typo[at] = if typo[at] == b'q' { b'p' } else { b'q' };
            assert!(!is_recipient(std::str::from_utf8(&typo).unwrap()), "typo at {at}");
        }
    }

    #[test]
    fn padding_bits_are_no_second_spelling() {
        use bech32::primitives::iter::{ByteIterExt, Fe32IterExt};
        let mut fives: Vec<bech32::Fe32> = [9u8; 32].into_iter().bytes_to_fes().collect();
        let last = fives.pop().unwrap();
        fives.push(bech32::Fe32::try_from(last.to_u8() | 1).unwrap());
        let text: String = fives.into_iter().with_checksum::<Bech32>(&HRP).chars().collect();
        assert_eq!(text.len(), RECIPIENT_CHARS);
        assert!(CheckedHrpstring::new::<Bech32>(&text).is_ok());
        assert!(!is_recipient(&text));
        assert!(is_recipient(&recipient_of([9; 32])));
    }

    #[test]
    fn points_that_seal_to_everybody_are_refused() {
        let mut top_bit = [9; 32];
        top_bit[31] |= 0x80;
        for point in [[0; 32], [0xff; 32], top_bit] {
            assert!(!is_recipient(&recipient_of(point)));
        }
    }
}
