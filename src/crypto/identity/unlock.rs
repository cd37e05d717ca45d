//! Tries identities on a box, cheapest first, and remembers why one of them could not be tried.

use super::error::IdentityError;
use super::lines::Entry;
use super::{Identities, Kind};
use crate::crypto::seal::OpenError;
use age::DecryptError;
use age::plugin::IdentityPluginV1;
use age_core::format::{FileKey, Stanza};
use std::cell::RefCell;

/// Stanzas that no plugin opens: they are age's own.
const OWN_TAGS: [&str; 4] = ["X25519", "scrypt", "ssh-rsa", "ssh-ed25519"];
const GREASE_END: &str = "-grease";

type Found = Option<Result<FileKey, DecryptError>>;

pub(super) struct Unlocker<'a> {
    identities: &'a Identities,
    failure: RefCell<Option<IdentityError>>,
}

impl<'a> Unlocker<'a> {
    pub fn new(identities: &'a Identities) -> Self {
        Self { identities, failure: RefCell::new(None) }
    }

    /// The reason that helps: what stopped an identity, else what the box said.
    pub fn explain(self, cause: OpenError) -> IdentityError {
        let source = || self.identities.source.clone();
        self.failure.into_inner().unwrap_or_else(|| match cause {
            OpenError::NoMatch => IdentityError::NoMatch { source: source() },
            cause => IdentityError::Box(cause),
        })
    }

    fn find(&self, stanzas: &[Stanza]) -> Result<Found, IdentityError> {
        let Identities { kind, source, ask, .. } = self.identities;
        match kind {
            Kind::Ssh(key) => key.unwrap(stanzas, source, ask),
            Kind::Lines(entries) => self.find_in(entries, stanzas),
            Kind::Sealed(file) => self.find_in(file.unlock(source, ask)?, stanzas),
        }
    }

    fn find_in(&self, entries: &[Entry], stanzas: &[Stanza]) -> Result<Found, IdentityError> {
        let own = entries.iter().find_map(|entry| match entry {
            Entry::Key(key) => age::Identity::unwrap_stanzas(key.identity(), stanzas),
            Entry::Plugin { .. } => None,
        });
        if own.is_some() || !stanzas.iter().any(may_be_a_plugins) {
            return Ok(own);
        }
        self.find_by_plugin(entries, stanzas)
    }

    /// Runs one plugin after the other; one that fails does not keep the next from opening.
    fn find_by_plugin(
        &self,
        entries: &[Entry],
        stanzas: &[Stanza],
    ) -> Result<Found, IdentityError> {
        let mut failure = None;
        for entry in entries {
            let Entry::Plugin { identity, .. } = entry else { continue };
            match self.run_plugin(identity, stanzas) {
                Ok(None) => {}
                Ok(found) => return Ok(found.map(Ok)),
                Err(cause) => failure = failure.or(Some(cause)),
            }
        }
        failure.map_or(Ok(None), Err)
    }

    fn run_plugin(
        &self,
        identity: &age::plugin::Identity,
        stanzas: &[Stanza],
    ) -> Result<Option<FileKey>, IdentityError> {
        let name = identity.plugin();
        let identities = std::slice::from_ref(identity);
        let plugin = IdentityPluginV1::new(name, identities, self.identities.ask.clone())
            .map_err(|_| IdentityError::MissingPlugin { name: name.to_owned() })?;
        age::Identity::unwrap_stanzas(&plugin, stanzas)
            .transpose()
            .map_err(|cause| IdentityError::Plugin { name: name.to_owned(), said: words(&cause) })
    }
}

fn may_be_a_plugins(stanza: &Stanza) -> bool {
    !OWN_TAGS.contains(&stanza.tag.as_str()) && !stanza.tag.ends_with(GREASE_END)
}

/// What went wrong, on one line.
fn words(cause: &DecryptError) -> String {
    cause.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

impl age::Identity for Unlocker<'_> {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Found {
        self.unwrap_stanzas(std::slice::from_ref(stanza))
    }

    fn unwrap_stanzas(&self, stanzas: &[Stanza]) -> Found {
        self.find(stanzas).unwrap_or_else(|failure| {
            self.failure.replace(Some(failure));
            None
        })
    }
}
