//! SSH private keys, Ed25519 and RSA, encrypted ones too.
//!
//! Invariant: the passphrase is asked for only when a stanza names this very key, and once; age's
//! own wrapper asks for every stanza of every file.

use super::ask::Ask;
use super::error::IdentityError;
use super::recipient::IdentityRecipient;
use age::DecryptError;
use age::ssh::{EncryptedKey, Identity, Recipient, UnsupportedKey};
use age_core::format::{FileKey, Stanza};
use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use std::fmt;
use std::sync::OnceLock;

const TAG_BYTES: usize = 4;

pub(super) struct SshKey {
    recipient: Recipient,
    locked: Option<EncryptedKey>,
    unlocked: OnceLock<Identity>,
}

impl SshKey {
    pub fn parse(bytes: &[u8], source: &str) -> Result<Self, IdentityError> {
        let unsupported = |why: String| {
            let source = source.to_owned();
            Err(IdentityError::Unsupported { source, why })
        };
        let identity = match Identity::from_buffer(bytes.trim_ascii_start(), None) {
            Ok(Identity::Unsupported(key)) => return unsupported(explain(&key)),
            Ok(identity) => identity,
            Err(_) => {
                let what = "it is no OpenSSH private key that can be read".to_owned();
                return Err(IdentityError::Corrupted { source: source.to_owned(), what });
            }
        };
        let Ok(recipient) = Recipient::try_from(identity.clone()) else {
            return unsupported("this type of SSH key cannot be sealed to".to_owned());
        };
        Ok(match identity {
            Identity::Encrypted(key) => {
                Self { recipient, locked: Some(key), unlocked: OnceLock::new() }
            }
            plain => Self { recipient, locked: None, unlocked: OnceLock::from(plain) },
        })
    }

    /// Whether a passphrase is needed to use it.
    pub fn is_sealed(&self) -> bool {
        self.locked.is_some()
    }

    pub fn recipient(&self) -> IdentityRecipient {
        IdentityRecipient::of_ssh(self.recipient.clone())
    }

    /// `None` where no stanza is for this key.
    pub fn unwrap(
        &self,
        stanzas: &[Stanza],
        source: &str,
        ask: &Ask,
    ) -> Result<Option<Result<FileKey, DecryptError>>, IdentityError> {
        let Some(stanza) = stanzas.iter().find(|stanza| self.is_named_by(stanza)) else {
            return Ok(None);
        };
        let identity = self.unlock(source, ask)?;
        Ok(age::Identity::unwrap_stanza(identity, stanza))
    }

    fn is_named_by(&self, stanza: &Stanza) -> bool {
        let (tag, key) = match &self.recipient {
            Recipient::SshRsa(key, _) => ("ssh-rsa", key),
            Recipient::SshEd25519(key, _) => ("ssh-ed25519", key),
        };
        let hash = crate::crypto::hash::sha256(key);
        let named = hash.first_chunk::<TAG_BYTES>().map(|tag| BASE64_STANDARD_NO_PAD.encode(tag));
        stanza.tag == tag && stanza.args.first() == named.as_ref()
    }

    fn unlock(&self, source: &str, ask: &Ask) -> Result<&Identity, IdentityError> {
        match (self.unlocked.get(), &self.locked) {
            (Some(identity), _) => Ok(identity),
            (None, Some(locked)) => {
                let identity = ask_and_decrypt(locked, source, ask)?;
                Ok(self.unlocked.get_or_init(|| identity))
            }
            (None, None) => Err(IdentityError::Empty { source: source.to_owned() }),
        }
    }
}

fn ask_and_decrypt(
    locked: &EncryptedKey,
    source: &str,
    ask: &Ask,
) -> Result<Identity, IdentityError> {
    let mut prompt = format!("passphrase for {source}");
    for _ in 0..ask.attempts() {
        let passphrase = ask
            .passphrase(&prompt)
            .ok_or_else(|| IdentityError::NoPassphrase { source: source.to_owned() })?;
        if let Ok(key) = locked.decrypt(passphrase) {
            return Ok(Identity::from(key));
        }
        prompt = format!("wrong; passphrase for {source}");
    }
    Err(IdentityError::WrongPassphrase { source: source.to_owned() })
}

/// age's own words on a key that it knows and does not take.
fn explain(key: &UnsupportedKey) -> String {
    struct Words<'a>(&'a UnsupportedKey);
    impl fmt::Display for Words<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.display(f, None)
        }
    }
    Words(key).to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}
