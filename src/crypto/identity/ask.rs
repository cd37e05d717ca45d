//! How an identity reaches the person: passphrases, plugin messages, confirmations.
//!
//! What a plugin says is passed on as it is; whoever prints it escapes it.

use crate::secret::SecretBytes;
use age::secrecy::SecretString;
use std::sync::Arc;

/// Somebody who can be asked, or who answers `None` because nobody is there.
pub trait Asker: Send + Sync + 'static {
    fn passphrase(&self, prompt: &str) -> Option<SecretBytes>;

    fn message(&self, text: &str);

    /// `yes` and `no` are the words for the two answers; without `no` there is one answer.
    fn confirm(&self, question: &str, yes: &str, no: Option<&str>) -> Option<bool>;

    /// How often a wrong passphrase may be tried again: once where no person types it.
    fn attempts(&self) -> usize {
        3
    }

    /// Whether they left at a question instead of answering it.
    fn has_left(&self) -> bool {
        false
    }

    /// An answer that is no secret, for plugins that ask for one.
    fn text(&self, _prompt: &str) -> Option<String> {
        None
    }
}

/// An asker in the form that age wants.
#[derive(Clone)]
pub(super) struct Ask(pub Arc<dyn Asker>);

impl Ask {
    pub fn passphrase(&self, prompt: &str) -> Option<SecretString> {
        let passphrase = self.0.passphrase(prompt)?;
        // A copy of the exact size; the first is wiped here, the second by age.
        std::str::from_utf8(passphrase.expose()).ok().map(SecretString::from)
    }

    pub fn attempts(&self) -> usize {
        self.0.attempts().max(1)
    }
}

impl age::Callbacks for Ask {
    fn display_message(&self, message: &str) {
        self.0.message(message);
    }

    fn confirm(&self, message: &str, yes: &str, no: Option<&str>) -> Option<bool> {
        self.0.confirm(message, yes, no)
    }

    fn request_public_string(&self, description: &str) -> Option<String> {
        self.0.text(description)
    }

    fn request_passphrase(&self, description: &str) -> Option<SecretString> {
        self.passphrase(description)
    }
}
