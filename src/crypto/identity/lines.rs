//! The lines of an age identity file: keys, plugin identities, comments.

use super::error::IdentityError;
use super::recipient::{IdentityRecipient, is_plugin_name};
use crate::crypto::age_key::AgeKey;

/// The words under which identity files note a public half above its secret.
const NOTES: [&str; 2] = ["recipient:", "public key:"];

/// One line that can unlock.
pub(super) enum Entry {
    Key(AgeKey),
    Plugin {
        identity: age::plugin::Identity,
        /// The recipient noted in a comment above it.
        noted: Option<String>,
    },
}

pub(super) fn parse(bytes: &[u8], source: &str) -> Result<Vec<Entry>, IdentityError> {
    let bad = |line| IdentityError::NotAnIdentity { source: source.to_owned(), line };
    let text = std::str::from_utf8(bytes).map_err(|_| bad(1))?;
    let mut entries = Vec::new();
    let mut noted = None;
    for (index, line) in text.lines().map(str::trim).enumerate() {
        if let Some(comment) = line.strip_prefix('#') {
            noted = note(comment).or(noted);
        } else if !line.is_empty() {
            entries.push(Entry::parse(line, noted.take()).ok_or_else(|| bad(index + 1))?);
        }
    }
    if entries.is_empty() {
        return Err(IdentityError::Empty { source: source.to_owned() });
    }
    Ok(entries)
}

/// The recipient in a comment such as `# public key: age1…`, in any case and spacing.
fn note(comment: &str) -> Option<String> {
    let comment = comment.trim();
    let rest = NOTES.iter().find_map(|word| {
        let (start, rest) = comment.split_at_checked(word.len())?;
        start.eq_ignore_ascii_case(word).then_some(rest)
    })?;
    Some(rest.trim().to_owned())
}

impl Entry {
    fn parse(line: &str, noted: Option<String>) -> Option<Self> {
        if let Some(key) = AgeKey::parse(line) {
            return Some(Self::Key(key));
        }
        let identity: age::plugin::Identity = line.parse().ok()?;
        is_plugin_name(identity.plugin()).then_some(Self::Plugin { identity, noted })
    }

    fn recipient(&self) -> Option<IdentityRecipient> {
        match self {
            Self::Key(key) => IdentityRecipient::parse(key.recipient()),
            Self::Plugin { identity, noted } => noted
                .as_deref()
                .and_then(IdentityRecipient::parse)
                .filter(|recipient| recipient.is_for_plugin(identity.plugin()))
                .or_else(|| Some(IdentityRecipient::of_plugin_identity(identity.clone()))),
        }
    }
}

pub(super) fn recipients(entries: &[Entry]) -> Vec<IdentityRecipient> {
    entries.iter().filter_map(Entry::recipient).collect()
}

pub(super) fn describe(entries: &[Entry]) -> String {
    match entries {
        [Entry::Key(key)] => format!("age key {}", key.recipient()),
        [Entry::Plugin { identity, .. }] => format!("age-plugin-{} key", identity.plugin()),
        several => format!("{} age keys", several.len()),
    }
}
