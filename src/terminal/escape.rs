//! Text that somebody else wrote, made safe to show: it cannot move the cursor, recolour the
//! screen, reverse the reading order or hide itself.

use std::borrow::Cow;
use std::fmt::Write;

/// For one line: a name, a host, a message.
pub fn escape(text: &str) -> Cow<'_, str> {
    escape_where(text, is_dangerous)
}

/// For text of several lines: line ends stay.
pub fn escape_lines(text: &str) -> Cow<'_, str> {
    escape_where(text, |character| character != '\n' && is_dangerous(character))
}

/// For bytes that should be text, like paths: what is none shows as `\xff`.
pub fn escape_bytes(bytes: &[u8]) -> String {
    let mut escaped = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        escaped.push_str(&escape(chunk.valid()));
        for byte in chunk.invalid() {
            let _ = write!(escaped, "\\x{byte:02x}");
        }
    }
    escaped
}

fn escape_where(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_escaped(character) {
            escaped.extend(character.escape_default());
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

pub(super) fn is_dangerous(character: char) -> bool {
    character.is_control()
        || matches!(character,
            // seen by nobody: soft hyphen, zero width space, word joiner, byte order mark, tags
            '\u{ad}' | '\u{180e}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
            // reading order
            | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{206f}'
            // line ends that not everything takes for one
            | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_is_left_alone() {
        for text in ["DB_PASSWORD", "Zoë's größte Notiz", "密钥", "👩‍💻", r"a\b"] {
            assert!(matches!(escape(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn what_acts_on_a_terminal_is_spelled_out() {
        assert_eq!(escape("\u{1b}[2Jx"), "\\u{1b}[2Jx");
        assert_eq!(escape("a\r\n\tb\u{7f}\u{9b}"), "a\\r\\n\\tb\\u{7f}\\u{9b}");
        assert_eq!(escape("safe\u{202e}txt.exe"), "safe\\u{202e}txt.exe");
        assert_eq!(escape("A\u{200b}B\u{feff}"), "A\\u{200b}B\\u{feff}");
        assert_eq!(escape_lines("a\nb\u{1b}"), "a\nb\\u{1b}");
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_numbers() {
        assert_eq!(escape_bytes(b"a\xff\n\xc3\xa9\xe2\x82"), "a\\xff\\né\\xe2\\x82");
    }
}
