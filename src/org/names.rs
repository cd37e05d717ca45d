//! Names as people type them: parsed at the edge, trusted inside.
//!
//! A name is shown to people, so none holds a control character or is over-long; what a name may be
//! is judged where it is typed and again where a record is read.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// Long enough for any name in use, short enough to fit a table and a file system.
pub const NAME_BYTES: usize = 256;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $sound:path, $rule:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// What such a name must look like, in words.
            pub const RULE: &'static str = $rule;

            pub fn parse(text: &str) -> Option<Self> {
                let sound = !text.is_empty() && text.len() <= NAME_BYTES && $sound(text);
                sound.then(|| Self(text.to_owned()))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| D::Error::custom(Self::RULE))
            }
        }
    };
}

name! {
    /// A secret's name: a variable's, or a manifest's (DNS-1123).
    SecretName, is_secret_name,
    "a secret's name is capital letters, digits and _, not starting with a digit, at most 256 bytes"
}
name! {
    /// An environment's or a project's name.
    PlaceName, is_dns_label,
    "a name is lower-case letters, digits, - and ., starting and ending with a letter or digit"
}
name! {
    /// A person's, machine's, group's or organisation's name.
    Title, is_title,
    "a name is printable text without control characters, at most 256 bytes"
}

/// A secret as an environment variable can carry it.
pub fn is_variable(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first == b'_' || first.is_ascii_uppercase())
        && bytes.all(|byte| byte == b'_' || byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

fn is_secret_name(text: &str) -> bool {
    is_variable(text) || is_dns_label(text)
}

fn is_dns_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.bytes().all(|byte| inner(byte) || byte == b'-' || byte == b'.')
        && text.bytes().next().is_some_and(inner)
        && text.bytes().next_back().is_some_and(inner)
}

fn is_title(text: &str) -> bool {
    text.trim() == text && !text.chars().any(|c| c.is_control() || is_unseen(c))
}

/// Characters that show as nothing, or reorder what stands around them on a screen: two names that
/// look alike must be alike.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// A variable's name out of what was typed: `db-password` becomes `DB_PASSWORD`.
pub fn to_variable(typed: &str) -> Option<SecretName> {
    let converted: String = typed
        .chars()
        .map(|c| if matches!(c, '-' | '.' | ' ' | '/') { '_' } else { c.to_ascii_uppercase() })
        .collect();
    is_variable(&converted).then(|| SecretName::parse(&converted)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_becomes_a_variable() {
        for (typed, expected) in [
            ("db-password", Some("DB_PASSWORD")),
            ("DB_PASSWORD", Some("DB_PASSWORD")),
            ("api.key", Some("API_KEY")),
            ("9lives", None),
            ("", None),
            ("é", None),
            ("A=B", None),
            ("A\nB", None),
        ] {
            assert_eq!(
                to_variable(typed).map(|name| name.to_string()),
                expected.map(str::to_owned)
            );
        }
    }

    #[test]
    fn names_that_deceive_are_none() {
        for text in [
            "",
            "a\u{202e}b",
            "a\u{61c}b",
            "a\u{200b}",
            "a\u{2060}b",
            "a\u{7}",
            " padded",
            &"x".repeat(257),
        ] {
            assert!(Title::parse(text).is_none(), "{text:?}");
        }
        for text in ["Prod", "-a", "a-", "a_b", "a/b"] {
            assert!(PlaceName::parse(text).is_none(), "{text:?}");
        }
    }
}
