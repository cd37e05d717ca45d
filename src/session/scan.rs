//! From the bytes of a vault file to signed entries and boxes whose hashes are right.
//!
//! Lines are judged one by one, on both cores; what fails its own checks is not part of the vault.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::crypto::sign;
use crate::format::line::{self, Line};
use crate::format::{base64, header, request};
use crate::org::entry::{Body, Entry, Header};
use crate::org::ids::{BoxId, EntryId};

/// An entry whose signature is right, its body still sealed.
pub struct SignedEntry {
    pub id: EntryId,
    pub header: Header,
    pub body: Vec<u8>,
    pub place: Range<usize>,
}

/// A line that is not part of the vault.
#[derive(Debug, PartialEq, Clone)]
pub struct BadLine {
    pub place: Range<usize>,
    pub why: String,
}

/// Everything in a file that passes its own checks.
#[derive(Default)]
pub struct Scanned {
    pub entries: BTreeMap<EntryId, SignedEntry>,
    /// Where each box stands, the whole line.
    pub boxes: BTreeMap<BoxId, Range<usize>>,
    pub requests: Vec<(request::Request, Range<usize>)>,
    pub bad: Vec<BadLine>,
    /// Bytes of whole lines; what follows is torn.
    pub whole: usize,
}

/// How far a scan has come, for a progress bar: lines done of lines in all.
pub type Progress<'a> = &'a (dyn Fn(usize, usize) + Sync);

pub fn no_progress(_: usize, _: usize) {}

const THREADS: usize = 2;
/// Below this a second thread costs more than it gains.
const WORTH_A_THREAD: usize = 64;

/// Checks every line of `bytes`; `trusted` bytes at the start were checked by this machine before.
pub fn scan(bytes: &[u8], trusted: usize, progress: Progress<'_>) -> Scanned {
    let lines: Vec<(Range<usize>, Line<'_>)> = line::lines(bytes).collect();
    let done = std::sync::atomic::AtomicUsize::new(0);
    let total = lines.len();
    let judge = |lines: &[(Range<usize>, Line<'_>)]| {
        let mut found = Scanned::default();
        for (place, line) in lines {
            found.add(place.clone(), line, place.end <= trusted);
            progress(done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1, total);
        }
        found
    };
    let mut scanned = Scanned::default();
    if lines.len() < WORTH_A_THREAD {
        scanned.join(judge(&lines));
    } else {
        let size = lines.len().div_ceil(THREADS);
        std::thread::scope(|scope| {
            let parts: Vec<_> =
                lines.chunks(size).map(|part| scope.spawn(|| judge(part))).collect();
            parts
                .into_iter()
                .filter_map(|part| part.join().ok())
                .for_each(|part| scanned.join(part));
        });
    }
    scanned.whole = line::whole_bytes(bytes);
    scanned
}

impl Scanned {
    fn join(&mut self, other: Self) {
        self.entries.extend(other.entries);
        self.boxes.extend(other.boxes);
        self.requests.extend(other.requests);
        self.bad.extend(other.bad);
    }

    fn add(&mut self, place: Range<usize>, line: &Line<'_>, trusted: bool) {
        let judged = match line {
            Line::Magic => Ok(()),
            Line::Box { id, file } => self.add_box(place.clone(), *id, file),
            Line::Entry { signature, header } => {
                self.add_entry(place.clone(), signature, header, trusted)
            }
            Line::Request { signature, json } => self.add_request(place.clone(), signature, json),
            Line::Bad(why) => Err(*why),
        };
        if let Err(why) = judged {
            self.bad.push(BadLine { place, why: why.to_owned() });
        }
    }

    fn add_box(&mut self, place: Range<usize>, id: BoxId, file: &str) -> Result<(), &'static str> {
        let file = base64::decode(file).ok_or("the box is not base64")?;
        if BoxId::of(&file) != id {
            return Err("the box does not have the hash it says");
        }
        self.boxes.entry(id).or_insert(place);
        Ok(())
    }

    fn add_entry(
        &mut self,
        place: Range<usize>,
        signature: &str,
        text: &str,
        trusted: bool,
    ) -> Result<(), &'static str> {
        let entry = signed_entry(place, signature, text, trusted)?;
        self.entries.entry(entry.id).or_insert(entry);
        Ok(())
    }

    fn add_request(
        &mut self,
        place: Range<usize>,
        signature: &str,
        json: &str,
    ) -> Result<(), &'static str> {
        let request = request::decode(json).ok_or("the request is malformed")?;
        let key = request.card.key.to_string();
        if !sign::verify(&key, request::CONTEXT, json.as_bytes(), signature) {
            return Err("the request's signature is wrong");
        }
        self.requests.push((request, place));
        Ok(())
    }
}

/// The context of an entry's signature, in front of the header.
pub const ENTRY_CONTEXT: &str = "secrets-vault 1 entry\n";

fn signed_entry(
    place: Range<usize>,
    signature: &str,
    text: &str,
    trusted: bool,
) -> Result<SignedEntry, &'static str> {
    let (header, body) = header::decode(text)?;
    let author = header.author.to_string();
    if !trusted && !sign::verify(&author, ENTRY_CONTEXT, text.as_bytes(), signature) {
        return Err("the entry's signature is wrong");
    }
    Ok(SignedEntry { id: EntryId::of(text.as_bytes()), header, body, place })
}

impl SignedEntry {
    pub fn with_body(&self, body: Body) -> Entry {
        Entry { id: self.id, header: self.header.clone(), body }
    }
}

/// The line of a box, wherever it stands, hash checked.
pub fn find_box(bytes: &[u8], id: BoxId) -> Option<(Range<usize>, Vec<u8>)> {
    let start = format!("box {id} ");
    line::lines(bytes)
        .filter(|(place, _)| {
            bytes.get(place.clone()).is_some_and(|line| line.starts_with(start.as_bytes()))
        })
        .find_map(|(place, _)| Some((place.clone(), box_at(bytes.get(place)?, id)?)))
}

/// The file in one box line, if it is the box of that id.
pub fn box_at(line: &[u8], id: BoxId) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    match Line::parse(text) {
        Line::Box { id: stated, file } if stated == id => {
            base64::decode(file).filter(|file| BoxId::of(file) == id)
        }
        _ => None,
    }
}
