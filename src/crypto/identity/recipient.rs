//! What can be sealed to for a person, and new identities.
//!
//! Invariant: the name of a plugin is part of the name of a program that is run, so it is a short
//! word of `[a-z0-9-]` and never a path.

use super::ask::{Ask, Asker};
use crate::crypto::age_key::{AgeKey, is_recipient};
use crate::crypto::seal::{self, SealError};
use crate::secret::SecretBytes;
use age::plugin::RecipientPluginV1;
use std::sync::Arc;

const MAX_PLUGIN_NAME_BYTES: usize = 32;

/// The public half of an identity.
#[derive(Clone)]
pub struct IdentityRecipient(Kind);

#[derive(Clone)]
enum Kind {
    Key(age::x25519::Recipient),
    Ssh(age::ssh::Recipient),
    Plugin(age::plugin::Recipient),
    /// Hardware keys that age seals to without a plugin; a plugin opens them.
    Tag(String, age::tag::Recipient),
    TagPq(String, Box<age::tagpq::Recipient>),
    /// No public half is known: the plugin seals to its own identity.
    PluginIdentity(age::plugin::Identity),
}

impl IdentityRecipient {
    /// Reads `age1…`, `age1<plugin>1…`, `ssh-ed25519 …` or `ssh-rsa …`; a comment is dropped.
    pub fn parse(line: &str) -> Option<Self> {
        let line = line.trim();
        if line.starts_with("ssh-") {
            return line.parse().ok().map(Self::of_ssh);
        }
        if is_recipient(line) {
            return line.parse().ok().map(|key| Self(Kind::Key(key)));
        }
        Self::parse_plugin(line)
    }

    fn parse_plugin(line: &str) -> Option<Self> {
        let recipient: age::plugin::Recipient = line.parse().ok()?;
        let text = || line.to_owned();
        Some(Self(match recipient.plugin() {
            "tag" => Kind::Tag(text(), line.parse().ok()?),
            "tagpq" => Kind::TagPq(text(), Box::new(line.parse().ok()?)),
            name if is_plugin_name(name) => Kind::Plugin(recipient),
            _ => return None,
        }))
    }

    pub(super) fn of_ssh(recipient: age::ssh::Recipient) -> Self {
        Self(Kind::Ssh(recipient))
    }

    pub(super) fn of_plugin_identity(identity: age::plugin::Identity) -> Self {
        Self(Kind::PluginIdentity(identity))
    }

    /// The text that [`IdentityRecipient::parse`] reads, where there is one.
    pub fn text(&self) -> Option<String> {
        match &self.0 {
            Kind::Key(key) => Some(key.to_string()),
            Kind::Ssh(key) => Some(key.to_string()),
            Kind::Plugin(recipient) => Some(recipient.to_string()),
            Kind::Tag(text, _) | Kind::TagPq(text, _) => Some(text.clone()),
            Kind::PluginIdentity(_) => None,
        }
    }

    /// Whether an identity of that plugin can be the secret half.
    pub(super) fn is_for_plugin(&self, name: &str) -> bool {
        match &self.0 {
            Kind::Plugin(recipient) => recipient.plugin() == name,
            Kind::Tag(..) | Kind::TagPq(..) => true,
            Kind::PluginIdentity(identity) => identity.plugin() == name,
            Kind::Key(_) | Kind::Ssh(_) => false,
        }
    }

    fn to_age(&self, ask: &Ask) -> Result<Box<dyn age::Recipient + '_>, SealError> {
        Ok(match &self.0 {
            Kind::Key(key) => Box::new(key.clone()),
            Kind::Ssh(key) => Box::new(key.clone()),
            Kind::Tag(_, key) => Box::new(key.clone()),
            Kind::TagPq(_, key) => key.clone(),
            Kind::Plugin(recipient) => {
                plugin(recipient.plugin(), std::slice::from_ref(recipient), &[], ask)?
            }
            Kind::PluginIdentity(identity) => {
                plugin(identity.plugin(), &[], std::slice::from_ref(identity), ask)?
            }
        })
    }
}

fn plugin(
    name: &str,
    recipients: &[age::plugin::Recipient],
    identities: &[age::plugin::Identity],
    ask: &Ask,
) -> Result<Box<dyn age::Recipient>, SealError> {
    let plugin = RecipientPluginV1::new(name, recipients, identities, ask.clone())
        .map_err(|_| SealError::MissingPlugin(name.to_owned()))?;
    Ok(Box::new(plugin))
}

pub(super) fn is_plugin_name(name: &str) -> bool {
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let starts_plainly = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    starts_plainly && name.len() <= MAX_PLUGIN_NAME_BYTES && name.bytes().all(word)
}

/// Seals to everything a person unlocks with.
pub fn seal_to_identities(
    recipients: &[IdentityRecipient],
    plaintext: &[u8],
    asker: impl Asker,
) -> Result<Vec<u8>, SealError> {
    let ask = Ask(Arc::new(asker));
    let recipients: Vec<Box<dyn age::Recipient + '_>> =
        recipients.iter().map(|recipient| recipient.to_age(&ask)).collect::<Result<_, _>>()?;
    seal::encrypt(recipients.iter().map(AsRef::as_ref), plaintext)
}

/// A new age identity and its file's text, as `age-keygen` writes it.
pub fn new_identity(created: &str) -> (AgeKey, SecretBytes) {
    let key = AgeKey::generate();
    let comments = format!("# created: {created}\n# public key: {}\n", key.recipient());
    let secret = key.secret_text();
    let text = SecretBytes::join(&[comments.as_bytes(), secret.expose(), b"\n"]);
    (key, text)
}
