//! What a person unlocks with: age identity files (plain, or sealed with a passphrase), SSH keys,
//! age plugins. It opens one kind of box, their member key's.
//!
//! Invariants: a passphrase or a plugin is asked for only when something is to be opened that no
//! cheaper key opens; a passphrase is asked for once. Reading the file from disk is not here.

mod ask;
mod error;
mod lines;
mod passphrase;
mod recipient;
mod ssh;
#[cfg(test)]
mod tests;
mod unlock;

pub use ask::Asker;
pub use error::IdentityError;
pub use passphrase::{MAX_WORK_FACTOR, seal_with_passphrase};
#[cfg(test)]
pub(super) use passphrase::{dearmor, open_with_passphrase};
pub use recipient::{IdentityRecipient, new_identity, seal_to_identities};

use super::hash::sha256;
use super::seal::{self, Opened};
use crate::secret::SecretBytes;
use ask::Ask;
use lines::Entry;
use passphrase::SealedFile;
use ssh::SshKey;
use std::sync::Arc;
use unlock::Unlocker;

/// One identity file: everything in it that can unlock.
pub struct Identities {
    kind: Kind,
    /// The file's name in messages.
    source: String,
    /// The hash of the file, which tells it from others.
    mark: [u8; 32],
    ask: Ask,
}

enum Kind {
    Lines(Vec<Entry>),
    Sealed(SealedFile),
    Ssh(Box<SshKey>),
}

impl Identities {
    /// Reads a file's contents; `source` names it in messages. Nothing is asked for here.
    pub fn parse(
        contents: SecretBytes,
        source: &str,
        asker: impl Asker,
    ) -> Result<Self, IdentityError> {
        let kind = Kind::parse(&contents, source)?;
        let mark = sha256(contents.expose());
        Ok(Self { kind, source: source.to_owned(), mark, ask: Ask(Arc::new(asker)) })
    }

    pub fn mark(&self) -> &[u8; 32] {
        &self.mark
    }

    /// Opens a box that is sealed to one of these identities.
    pub fn open(&self, file: &[u8], limit: usize) -> Result<Opened, IdentityError> {
        let unlocker = Unlocker::new(self);
        let opened = seal::open_capturing(&unlocker, file, limit);
        opened.map_err(|cause| unlocker.explain(cause))
    }

    /// The public halves that are known without asking anybody.
    pub fn recipients(&self) -> Vec<String> {
        match &self.kind {
            Kind::Lines(entries) => texts(&lines::recipients(entries)),
            Kind::Sealed(file) => {
                file.opened().map_or_else(Vec::new, |entries| texts(&lines::recipients(entries)))
            }
            Kind::Ssh(key) => texts(&[key.recipient()]),
        }
    }

    /// What to seal to so that these identities open it; asks for the passphrase of a sealed file.
    pub fn seal_targets(&self) -> Result<Vec<IdentityRecipient>, IdentityError> {
        match &self.kind {
            Kind::Lines(entries) => Ok(lines::recipients(entries)),
            Kind::Sealed(file) => Ok(lines::recipients(file.unlock(&self.source, &self.ask)?)),
            Kind::Ssh(key) => Ok(vec![key.recipient()]),
        }
    }

    /// Whether the person who was asked for it left instead: Ctrl-C.
    pub fn was_left(&self) -> bool {
        self.ask.0.has_left()
    }

    /// Whether using it may need a person: a passphrase, a plugin.
    pub fn ask_somebody(&self) -> bool {
        match &self.kind {
            Kind::Lines(entries) => {
                entries.iter().any(|entry| matches!(entry, Entry::Plugin { .. }))
            }
            Kind::Sealed(_) => true,
            Kind::Ssh(key) => key.is_sealed(),
        }
    }

    /// For messages: what kind of identity, and where it came from.
    pub fn describe(&self) -> String {
        let source = &self.source;
        match &self.kind {
            Kind::Lines(entries) => format!("{} in {source}", lines::describe(entries)),
            Kind::Sealed(_) => format!("passphrase-sealed identity {source}"),
            Kind::Ssh(_) => format!("SSH key {source}"),
        }
    }
}

impl Kind {
    fn parse(contents: &SecretBytes, source: &str) -> Result<Self, IdentityError> {
        let bytes = contents.expose();
        if passphrase::is_age_file(bytes) {
            return SealedFile::parse(bytes, source).map(Self::Sealed);
        }
        if bytes.trim_ascii_start().starts_with(b"-----BEGIN ") {
            return SshKey::parse(bytes, source).map(|key| Self::Ssh(Box::new(key)));
        }
        lines::parse(bytes, source).map(Self::Lines)
    }
}

fn texts(recipients: &[IdentityRecipient]) -> Vec<String> {
    recipients.iter().filter_map(IdentityRecipient::text).collect()
}
