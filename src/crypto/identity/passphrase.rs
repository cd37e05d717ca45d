//! Identity files sealed with a passphrase, the way age does it (binary or armored).
//!
//! Invariant: work factors are explicit. age would choose one by timing the machine, and a debug
//! build would then write files that a release build reads a minute over.

use super::ask::Ask;
use super::error::IdentityError;
use super::lines::{self, Entry};
use crate::crypto::seal::{self, SealError};
use crate::secret::SecretBytes;
use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::secrecy::SecretString;
use age::{DecryptError, Decryptor};
use age_core::format::{FileKey, Stanza};
use std::cell::Cell;
use std::io::{Read, Write};
use std::iter;
use std::sync::OnceLock;

/// 2^22 is 4 GiB and some ten seconds: more is an attack, not a file.
pub const MAX_WORK_FACTOR: u8 = 22;
const MAX_IDENTITY_BYTES: usize = 1 << 20;
const BINARY_START: &[u8] = b"age-encryption.org/";
const ARMOR_START: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";

/// Seals an identity file's text; the result is armored, as age's own programs suggest.
pub fn seal_with_passphrase(
    text: &[u8],
    passphrase: &SecretBytes,
    work_factor: u8,
) -> Result<Vec<u8>, SealError> {
    let bad = |what: &str| SealError::Failed(what.to_owned());
    if !(1..=MAX_WORK_FACTOR).contains(&work_factor) {
        return Err(bad("the work factor is out of range"));
    }
    let passphrase =
        std::str::from_utf8(passphrase.expose()).map_err(|_| bad("the passphrase is not UTF-8"))?;
    let mut recipient = age::scrypt::Recipient::new(SecretString::from(passphrase));
    recipient.set_work_factor(work_factor);
    let file = seal::encrypt(iter::once(&recipient as &dyn age::Recipient), text)?;
    armor(&file).map_err(|cause| SealError::Failed(cause.to_string()))
}

fn armor(file: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut writer = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor)?;
    writer.write_all(file)?;
    writer.finish()
}

/// The binary form of an age file in either form.
pub(in crate::crypto) fn dearmor(file: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut binary = Vec::new();
    ArmoredReader::new(file.trim_ascii_start()).read_to_end(&mut binary)?;
    Ok(binary)
}

pub(super) fn is_age_file(bytes: &[u8]) -> bool {
    bytes.starts_with(BINARY_START) || bytes.trim_ascii_start().starts_with(ARMOR_START)
}

/// A sealed identity file, opened when it is first needed.
pub(super) struct SealedFile {
    file: Vec<u8>,
    entries: OnceLock<Vec<Entry>>,
}

impl SealedFile {
    pub fn parse(bytes: &[u8], source: &str) -> Result<Self, IdentityError> {
        let corrupted = |what: &str| corrupted(source, what);
        let file = dearmor(bytes).map_err(|_| corrupted("its armor is malformed"))?;
        let decryptor = Decryptor::new_buffered(file.as_slice())
            .map_err(|_| corrupted("its age header is malformed"))?;
        if !decryptor.is_scrypt() {
            let why = "it is sealed to a key, not with a passphrase".to_owned();
            return Err(IdentityError::Unsupported { source: source.to_owned(), why });
        }
        drop(decryptor);
        Ok(Self { file, entries: OnceLock::new() })
    }

    pub fn opened(&self) -> Option<&[Entry]> {
        self.entries.get().map(Vec::as_slice)
    }

    /// The keys inside; asks for the passphrase unless that is done already.
    pub fn unlock(&self, source: &str, ask: &Ask) -> Result<&[Entry], IdentityError> {
        if let Some(entries) = self.opened() {
            return Ok(entries);
        }
        let text = ask_and_open(&self.file, source, ask)?;
        let entries = lines::parse(text.expose(), source)?;
        Ok(self.entries.get_or_init(|| entries))
    }
}

fn ask_and_open(file: &[u8], source: &str, ask: &Ask) -> Result<SecretBytes, IdentityError> {
    let wrong = || IdentityError::WrongPassphrase { source: source.to_owned() };
    let mut prompt = format!("passphrase for {source}");
    for _ in 0..ask.attempts() {
        let passphrase = ask
            .passphrase(&prompt)
            .ok_or_else(|| IdentityError::NoPassphrase { source: source.to_owned() })?;
        match open_with_passphrase(file, passphrase, source) {
            Err(again) if again == wrong() => prompt = format!("wrong; passphrase for {source}"),
            done => return done,
        }
    }
    Err(wrong())
}

pub(in crate::crypto) fn open_with_passphrase(
    file: &[u8],
    passphrase: SecretString,
    source: &str,
) -> Result<SecretBytes, IdentityError> {
    let mut identity = age::scrypt::Identity::new(passphrase);
    identity.set_max_work_factor(MAX_WORK_FACTOR);
    let attempt = Attempt { identity, outcome: Cell::new(Outcome::Other) };
    let opened = seal::decrypt(&attempt, file, MAX_IDENTITY_BYTES);
    let source_text = || source.to_owned();
    opened.map_err(|cause| match attempt.outcome.get() {
        Outcome::Wrong => IdentityError::WrongPassphrase { source: source_text() },
        Outcome::TooMuchWork(factor) => {
            IdentityError::TooMuchWork { source: source_text(), factor }
        }
        Outcome::Other => corrupted(source, &cause.to_string()),
    })
}

fn corrupted(source: &str, what: &str) -> IdentityError {
    IdentityError::Corrupted { source: source.to_owned(), what: what.to_owned() }
}

/// Tells a wrong passphrase from a changed file, which the crate's end result does not.
struct Attempt {
    identity: age::scrypt::Identity,
    outcome: Cell<Outcome>,
}

#[derive(Clone, Copy)]
enum Outcome {
    Wrong,
    TooMuchWork(u8),
    Other,
}

impl age::Identity for Attempt {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        let found = self.identity.unwrap_stanza(stanza)?;
        self.outcome.set(match &found {
            Err(DecryptError::DecryptionFailed) => Outcome::Wrong,
            Err(DecryptError::ExcessiveWork { required, .. }) => Outcome::TooMuchWork(*required),
            _ => Outcome::Other,
        });
        Some(found)
    }
}
