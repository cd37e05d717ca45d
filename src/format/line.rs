//! The lines of a vault file.
//!
//!     secrets-vault 1
//!     box <id> <age file, base64>
//!     entry <signature> <header json>
//!     request <signature> <json>
//!
//! Lines are cut here, not judged: an id that does not fit its box is found by whoever opens it or
//! verifies the file. A last line without its newline is torn and not among the lines.

use std::ops::Range;

use super::limits::LINE_BYTES;
use crate::org::ids::BoxId;

/// The first line of every vault.
pub const MAGIC: &str = "secrets-vault 1\n";
const MAGIC_WORD: &str = "secrets-vault ";

#[derive(Debug, PartialEq)]
pub enum Line<'a> {
    Magic,
    Box { id: BoxId, file: &'a str },
    Entry { signature: &'a str, header: &'a str },
    Request { signature: &'a str, json: &'a str },
    Bad(&'static str),
}

/// Why a file is no vault that this program can read.
#[derive(Debug, PartialEq)]
pub enum NotAVault {
    Empty,
    Other,
    Newer(String),
}

impl<'a> Line<'a> {
    pub fn parse(text: &'a str) -> Self {
        if text.len() > LINE_BYTES {
            return Self::Bad("the line is too long");
        }
        let mut words = text.splitn(3, ' ');
        match (words.next(), words.next(), words.next()) {
            (Some("secrets-vault"), Some("1"), None) => Self::Magic,
            (Some("box"), Some(id), Some(file)) => match BoxId::parse(id) {
                Some(id) => Self::Box { id, file },
                None => Self::Bad("the box has no well-formed id"),
            },
            (Some("entry"), Some(signature), Some(header)) => Self::Entry { signature, header },
            (Some("request"), Some(signature), Some(json)) => Self::Request { signature, json },
            _ => Self::Bad("the line is of no known kind"),
        }
    }

    pub fn for_box(id: BoxId, file: &[u8]) -> String {
        format!("box {id} {}\n", super::base64::encode(file))
    }

    pub fn for_entry(signature: &str, header: &str) -> String {
        format!("entry {signature} {header}\n")
    }

    pub fn for_request(signature: &str, json: &str) -> String {
        format!("request {signature} {json}\n")
    }
}

/// The whole lines of some bytes, and where each stands; a line that is not UTF-8 is bad.
pub fn lines(bytes: &[u8]) -> impl Iterator<Item = (Range<usize>, Line<'_>)> {
    let mut start = 0;
    bytes.get(..whole_bytes(bytes)).unwrap_or_default().split_inclusive(|byte| *byte == b'\n').map(
        move |line| {
            let range = start..start + line.len();
            start = range.end;
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            let parsed =
                std::str::from_utf8(text).map_or(Line::Bad("the line is not UTF-8"), Line::parse);
            (range, parsed)
        },
    )
}

/// How many bytes are whole lines. What follows is a torn write: never acknowledged.
#[must_use]
pub fn whole_bytes(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1)
}

/// Whether the bytes are a vault's of this format. Asked before anything else.
pub fn check_magic(bytes: &[u8]) -> Result<(), NotAVault> {
    if bytes.is_empty() {
        return Err(NotAVault::Empty);
    }
    if bytes.starts_with(MAGIC.as_bytes()) {
        return Ok(());
    }
    let mut versions = bytes
        .split(|byte| *byte == b'\n')
        .filter_map(|line| line.strip_prefix(MAGIC_WORD.as_bytes()))
        .map(|version| String::from_utf8_lossy(version.get(..16).unwrap_or(version)).into_owned());
    match versions.next() {
        Some(version) if version == "1" => Ok(()),
        Some(version) if version.parse::<u32>().is_ok() => Err(NotAVault::Newer(version)),
        _ => Err(NotAVault::Other),
    }
}
