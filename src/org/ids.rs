//! What things are addressed by: digests of entries and boxes, public keys, recipients, and ids.
//!
//! Every id has one spelling: what parses prints the same again. An [`Id`] is derived from its
//! author's key, so nobody can take another's.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::points;

/// 32 bytes that are written as 43 characters of base64url.
macro_rules! token {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            pub const fn new(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            pub fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }

            pub fn parse(text: &str) -> Option<Self> {
                let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
                Some(Self(bytes.try_into().ok()?))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    self.0.serialize(serializer)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                    Self::parse(&text).ok_or_else(|| D::Error::custom("not 43 characters of base64url"))
                } else {
                    Ok(Self(<[u8; 32]>::deserialize(deserializer)?))
                }
            }
        }
    };
}

token! {
    /// The SHA-256 of an entry's header. The first entry's is the vault's id.
    EntryId
}
token! {
    /// The SHA-256 of a box's bytes.
    BoxId
}
token! {
    /// An Ed25519 public key. A member is known by the first one they ever had.
    PublicKey
}

impl EntryId {
    pub fn of(header: &[u8]) -> Self {
        Self::new(Sha256::digest(header).into())
    }
}

impl BoxId {
    pub fn of(file: &[u8]) -> Self {
        Self::new(Sha256::digest(file).into())
    }

    /// Four characters that tell concurrent versions apart: `4~9f3c`.
    pub fn short(&self) -> String {
        let [a, b, ..] = self.0;
        format!("{a:02x}{b:02x}")
    }
}

/// A member is addressed by the first signing key they ever had.
pub type MemberId = PublicKey;

/// An age X25519 recipient, `age1…`: a member's, or one generation of a ring.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Recipient(String);

impl Recipient {
    /// One spelling only: lower case, 32 bytes below p, checksum right, not of low order.
    pub fn parse(text: &str) -> Option<Self> {
        let (prefix, data) = bech32::decode(text).ok()?;
        let point: [u8; 32] = data.try_into().ok()?;
        let spelled = bech32::encode::<bech32::Bech32>(prefix, &point).ok()?;
        let sealable = points::is_canonical(&point) && !points::is_low_order(&point);
        let sound = prefix.as_str() == "age" && spelled == text && sealable;
        sound.then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Recipient {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let readable = deserializer.is_human_readable();
        let text = String::deserialize(deserializer)?;
        if !readable {
            return Ok(Self(text)); // this machine's own memory: checked when it was first read
        }
        Self::parse(&text).ok_or_else(|| D::Error::custom("not an age X25519 recipient"))
    }
}

/// The id of a secret, project, environment, group or ring: 20 characters of base32.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Id(String);

const ID_CHARACTERS: usize = 20;
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

impl Id {
    /// The id of what `author` makes with this nonce. Nobody else can make the same.
    pub fn derive(author: &PublicKey, nonce: &Nonce) -> Self {
        let digest = Sha256::new()
            .chain_update(b"secrets-vault 1 id\n")
            .chain_update(author.as_bytes())
            .chain_update(nonce.0)
            .finalize();
        Self(digest.iter().take(ID_CHARACTERS).map(|byte| base32(*byte)).collect())
    }

    pub fn parse(text: &str) -> Option<Self> {
        let sound = text.len() == ID_CHARACTERS && text.bytes().all(|byte| BASE32.contains(&byte));
        sound.then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The four characters behind `NAME~`.
    pub fn short(&self) -> &str {
        self.0.get(..4).unwrap_or_default()
    }
}

fn base32(byte: u8) -> char {
    BASE32.get(usize::from(byte & 31)).copied().map_or('a', char::from)
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let readable = deserializer.is_human_readable();
        let text = String::deserialize(deserializer)?;
        if !readable {
            return Ok(Self(text)); // this machine's own memory: checked when it was first read
        }
        Self::parse(&text).ok_or_else(|| D::Error::custom("not an id"))
    }
}

/// The random half of an [`Id`]: 16 bytes, 22 characters of base64url.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Nonce(pub [u8; 16]);

impl Serialize for Nonce {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl<'de> Deserialize<'de> for Nonce {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(D::Error::custom)?;
        Ok(Self(bytes.try_into().map_err(|_| D::Error::custom("a nonce is 16 bytes"))?))
    }
}
