//! Finding a value that got away: as it is, and in the encodings it could hide in.
//!
//! Values shorter than [`SHORTEST`] are not looked for: they turn up by accident.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

const SHORTEST: usize = 8;

/// One form of one value, and how to speak of it without repeating it.
struct Needle {
    value: usize,
    bytes: Vec<u8>,
    form: String,
}

/// All forms of many values, found in one pass: by their first bytes.
pub struct Needles {
    by_start: HashMap<Start, Vec<Needle>>,
    /// Which pairs of bytes a needle starts with; most of a haystack is passed over by this alone.
    pairs: Vec<bool>,
}

type Start = [u8; SHORTEST];

impl Needles {
    pub fn of(values: &[Vec<u8>]) -> Self {
        let mut needles = Self { by_start: HashMap::new(), pairs: vec![false; 1 << 16] };
        for (at, value) in values.iter().enumerate().filter(|(_, value)| value.len() >= SHORTEST) {
            for needle in forms(at, value) {
                let start: Start = needle.bytes[..SHORTEST].try_into().unwrap();
                needles.pairs[pair_of(&start)] = true;
                needles.by_start.entry(start).or_default().push(needle);
            }
        }
        needles
    }

    /// The forms that `haystack` holds, one of each value.
    pub fn found_in(&self, haystack: &[u8]) -> Vec<String> {
        let mut found = BTreeMap::new();
        for (at, start) in haystack.windows(SHORTEST).enumerate() {
            if !self.pairs[pair_of(start)] {
                continue;
            }
            let same_start = self.by_start.get(start).into_iter().flatten();
            for needle in same_start.filter(|needle| haystack[at..].starts_with(&needle.bytes)) {
                found.entry(needle.value).or_insert_with(|| needle.form.clone());
            }
        }
        found.into_values().collect()
    }
}

fn pair_of(start: &[u8]) -> usize {
    usize::from(start[0]) << 8 | usize::from(start[1])
}

fn forms(at: usize, value: &[u8]) -> Vec<Needle> {
    let mut forms = vec![
        ("raw".to_owned(), value.to_vec()),
        ("hex".to_owned(), hex(value)),
        ("hex, capitals".to_owned(), hex(value).to_ascii_uppercase()),
        ("escaped for a URL".to_owned(), percent_encoded(value)),
        ("escaped for a form".to_owned(), form_encoded(value)),
        ("reversed".to_owned(), value.iter().rev().copied().collect()),
    ];
    let text = String::from_utf8_lossy(value);
    let json = serde_json::to_string(&text).unwrap();
    forms.push(("escaped for JSON".to_owned(), json.trim_matches('"').as_bytes().to_vec()));
    forms.push(("as a JSON array".to_owned(), decimal_list(value)));
    forms.push(("escaped by Rust".to_owned(), text.escape_debug().to_string().into_bytes()));
    for shift in 0..3 {
        forms.push((format!("base64, shifted by {shift}"), base64_within(&STANDARD, value, shift)));
        forms.push((
            format!("base64url, shifted by {shift}"),
            base64_within(&URL_SAFE, value, shift),
        ));
    }
    let needle = |(form, bytes)| Needle { value: at, bytes, form: format!("value {at} ({form})") };
    forms.into_iter().map(needle).collect()
}

/// The part of a longer text's base64 that depends on `value` alone, `shift` bytes from a border.
fn base64_within(engine: &impl Engine, value: &[u8], shift: usize) -> Vec<u8> {
    let shifted: Vec<u8> = std::iter::repeat_n(0, shift).chain(value.iter().copied()).collect();
    let encoded = engine.encode(&shifted).into_bytes();
    let first = (shift * 8).div_ceil(6);
    let last = shifted.len() * 8 / 6;
    encoded[first..last].to_vec()
}

fn hex(value: &[u8]) -> Vec<u8> {
    value.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
}

fn decimal_list(value: &[u8]) -> Vec<u8> {
    value.iter().map(u8::to_string).collect::<Vec<_>>().join(",").into_bytes()
}

fn percent_encoded(value: &[u8]) -> Vec<u8> {
    let escape = |byte: &u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => vec![*byte],
        byte => format!("%{byte:02X}").into_bytes(),
    };
    value.iter().flat_map(escape).collect()
}

fn form_encoded(value: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(&percent_encoded(value)).replace("%20", "+");
    text.into_bytes()
}

/// All files below a folder; links are not followed.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() => files.push(entry.path()),
                _ => {}
            }
        }
    }
    files.sort();
    files
}

#[test]
fn every_form_of_a_value_is_found_at_every_place() {
    let value = b"p\xc3\xa4ss \"w\\ord\"/\n+\x07end".to_vec();
    let needles = Needles::of(std::slice::from_ref(&value));
    for before in 0..4 {
        let mut text = vec![b'.'; before];
        text.extend_from_slice(&value);
        text.extend_from_slice(b"after");
        for encoded in [text.clone(), STANDARD.encode(&text).into(), URL_SAFE.encode(&text).into()]
        {
            assert!(!needles.found_in(&encoded).is_empty(), "{before} bytes before");
        }
        assert!(!needles.found_in(&hex(&text)).is_empty());
        assert!(!needles.found_in(&serde_json::to_vec(&text).unwrap()).is_empty());
        let json = serde_json::to_vec(&String::from_utf8(text).unwrap()).unwrap();
        assert!(!needles.found_in(&json).is_empty());
    }
    assert!(!needles.found_in(&percent_encoded(&value)).is_empty());
    assert!(needles.found_in(b"p\xc3\xa4ss without the rest").is_empty());
}

#[test]
fn short_values_are_left_alone() {
    let needles = Needles::of(&[b"short".to_vec(), Vec::new()]);
    assert!(needles.found_in(b"short").is_empty());
}
