//! Member keys, and the plaintexts that carry keys inside a vault.
//!
//! Invariant: both plaintexts are ordinary age identity files, so that `age` alone opens a vault;
//! what is ours stands in comments. Reading is strict: what we did not write is not read.

use super::age_key::AgeKey;
use super::sign::{self, SigningKey};
use crate::secret::SecretBytes;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

const LABEL: &str = "# secrets member key of ";
const SIGNING: &str = "# signing key: ";
const RECIPIENT: &str = "# recipient: ";
const RING: &str = "# ring ";
const SEED_CHARS: usize = 43;

/// What makes somebody a member: one key to open with, one to sign with.
pub struct MemberKey {
    pub age: AgeKey,
    pub signing: SigningKey,
}

impl MemberKey {
    pub fn generate() -> Self {
        Self { age: AgeKey::generate(), signing: SigningKey::generate() }
    }

    /// The plaintext of a member box; `label` is for whoever reads it by eye.
    pub fn encode(&self, label: &str) -> SecretBytes {
        let secret = self.age.secret_text();
        let recipient = self.age.recipient().as_bytes();
        let mut seed = Zeroizing::new([0; SEED_CHARS]);
        // The seed's 32 bytes fill exactly these 43 characters, so there is no error to see.
        let _ = URL_SAFE_NO_PAD.encode_slice(self.signing.expose_seed(), seed.as_mut_slice());
        SecretBytes::join(&[
            LABEL.as_bytes(),
            on_one_line(label).as_bytes(),
            b"\n",
            SIGNING.as_bytes(),
            seed.as_slice(),
            b"\n",
            RECIPIENT.as_bytes(),
            recipient,
            b"\n",
            secret.expose(),
            b"\n",
        ])
    }

    /// Reads what [`MemberKey::encode`] wrote; the recipient must be the secret's own.
    pub fn decode(plaintext: &[u8]) -> Option<Self> {
        let mut lines = lines(plaintext)?;
        lines.next()?.strip_prefix(LABEL)?;
        let seed = sign::decode(lines.next()?.strip_prefix(SIGNING)?)?;
        let recipient = lines.next()?.strip_prefix(RECIPIENT)?;
        let age = AgeKey::parse(lines.next()?)?;
        let whole = lines.next().is_none() && age.recipient() == recipient;
        whole.then(|| Self { age, signing: SigningKey::from_seed(seed) })
    }
}

/// The plaintext of a wrap box: each key under a comment that names its ring.
pub fn encode_ring_keys(keys: &[(&str, &AgeKey)]) -> SecretBytes {
    let named: Vec<(String, SecretBytes)> =
        keys.iter().map(|(ring, key)| (on_one_line(ring), key.secret_text())).collect();
    let pieces: Vec<&[u8]> = named
        .iter()
        .flat_map(|(ring, key)| [RING.as_bytes(), ring.as_bytes(), b"\n", key.expose(), b"\n"])
        .collect();
    SecretBytes::join(&pieces)
}

/// Reads what [`encode_ring_keys`] wrote: one key or more, in their order.
pub fn decode_ring_keys(plaintext: &[u8]) -> Option<Vec<AgeKey>> {
    let mut lines = lines(plaintext)?;
    let mut keys = Vec::new();
    while let Some(comment) = lines.next() {
        comment.strip_prefix(RING)?;
        keys.push(AgeKey::parse(lines.next()?)?);
    }
    (!keys.is_empty()).then_some(keys)
}

fn lines(plaintext: &[u8]) -> Option<std::str::Split<'_, char>> {
    Some(std::str::from_utf8(plaintext).ok()?.strip_suffix('\n')?.split('\n'))
}

/// A comment ends where its line ends: a label must not be able to add a line of its own.
fn on_one_line(label: &str) -> String {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    label.chars().map(|c| if breaks(c) { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &SecretBytes) -> String {
        String::from_utf8(bytes.expose().to_vec()).unwrap()
    }

    #[test]
    fn a_member_key_survives_its_box() {
        let key = MemberKey::generate();
        let again = MemberKey::decode(key.encode("alice").expose()).unwrap();
        assert_eq!(again.age.recipient(), key.age.recipient());
        assert_eq!(again.signing.expose_seed(), key.signing.expose_seed());
        assert_eq!(again.encode("alice").expose(), key.encode("alice").expose());
    }

    #[test]
    fn a_label_adds_no_line() {
        let key = MemberKey::generate();
        let evil = "bob\nAGE-SECRET-KEY-1EVIL\r\u{85}\u{2028}x\0";
        let encoded = text(&key.encode(evil));
        assert_eq!(encoded.lines().count(), 4);
        assert_eq!(
            encoded.lines().next(),
            Some("# secrets member key of bob?AGE-SECRET-KEY-1EVIL???x?")
        );
        assert!(MemberKey::decode(encoded.as_bytes()).is_some());
        assert_eq!(text(&encode_ring_keys(&[(evil, &key.age)])).lines().count(), 2);
    }

    #[test]
    fn anything_else_is_no_member_key() {
        let good = text(&MemberKey::generate().encode("alice"));
        let other = AgeKey::generate();
        let recipient = good.lines().nth(2).unwrap();
        for bad in [
            good.trim_end().to_owned(),
            format!("{good}\n"),
            format!("\n{good}"),
            good.replace('\n', "\r\n"),
            good.replace(recipient, &format!("{RECIPIENT}{}", other.recipient())),
            good.replace("# signing", "# Signing"),
            good.lines().skip(1).collect::<Vec<_>>().join("\n"),
            good.replace(recipient, &format!("{recipient}\n{recipient}")),
            String::new(),
        ] {
            assert!(MemberKey::decode(bad.as_bytes()).is_none(), "{bad}");
        }
        assert!(MemberKey::decode(&[0xff, b'\n']).is_none());
    }

    #[test]
    fn ring_keys_survive_in_order() {
        let keys: Vec<AgeKey> = (0..3).map(|_| AgeKey::generate()).collect();
        let named = [("members", &keys[0]), ("env/production", &keys[1]), ("reads", &keys[2])];
        let encoded = encode_ring_keys(&named);
        let again = decode_ring_keys(encoded.expose()).unwrap();
        let recipients =
            |keys: &[AgeKey]| keys.iter().map(|key| key.recipient().to_owned()).collect::<Vec<_>>();
        assert_eq!(recipients(&again), recipients(&keys));
        assert!(text(&encoded).starts_with("# ring members\nAGE-SECRET-KEY-1"));
    }

    #[test]
    fn anything_else_is_no_ring_keys() {
        let good = text(&encode_ring_keys(&[("members", &AgeKey::generate())]));
        for bad in ["", "\n", "# ring members\n", good.trim_end(), &format!("{good}# ring x\n")] {
            assert!(decode_ring_keys(bad.as_bytes()).is_none(), "{bad}");
        }
        assert!(decode_ring_keys(good.replace("# ring", "# rings").as_bytes()).is_none());
    }
}
