//! Boxes: standard age files, sealed to X25519 recipients, opened by key or by remembered file key.
//!
//! Invariants: sizes are known and checked before anything is allocated; a plaintext is read into
//! one buffer of its exact size; nothing of a file that fails is handed out.
//! (age's own writer keeps the last 64 KiB it sealed in a buffer that it frees unwiped.)

mod error;
mod shape;
#[cfg(test)]
mod tests;

pub use error::{OpenError, SealError};

use super::age_key::{AgeKey, is_recipient};
use crate::secret::SecretBytes;
use age::secrecy::ExposeSecret;
use age::{DecryptError, Decryptor, EncryptError, Encryptor};
use age_core::format::{FILE_KEY_BYTES, FileKey, Stanza};
use std::cell::RefCell;
use std::collections::HashSet;
use std::io::{Read, Write};
use std::iter;
use zeroize::Zeroizing;

/// The key that one age file is encrypted with: enough to open that file and no other.
pub struct FileKeyBytes(Zeroizing<[u8; FILE_KEY_BYTES]>);

impl FileKeyBytes {
    pub fn from_bytes(bytes: [u8; FILE_KEY_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub fn expose(&self) -> &[u8; FILE_KEY_BYTES] {
        &self.0
    }

    fn copy_of(key: &FileKey) -> Self {
        Self(Zeroizing::new(*key.expose_secret()))
    }

    fn to_age(&self) -> FileKey {
        FileKey::init_with_mut(|key| key.copy_from_slice(self.0.as_slice()))
    }
}

pub struct Sealed {
    pub file: Vec<u8>,
    pub file_key: FileKeyBytes,
}

pub struct Opened {
    pub plaintext: SecretBytes,
    pub file_key: FileKeyBytes,
}

/// Seals to every recipient (`age1…`, X25519 only).
pub fn seal(recipients: &[&str], plaintext: &[u8]) -> Result<Sealed, SealError> {
    // One stanza is age's own grease; what is written must be opened again.
    if recipients.len() >= shape::MAX_STANZAS {
        return Err(SealError::Failed(format!(
            "{} rings are too many for one box",
            recipients.len()
        )));
    }
    let recipients = recipients.iter().map(|text| parse(text)).collect::<Result<_, _>>()?;
    let recording = Recording { recipients, file_key: RefCell::new(None) };
    let file = encrypt(iter::once(&recording as &dyn age::Recipient), plaintext)?;
    let file_key = recording.file_key.into_inner().ok_or(SealError::NoRecipient)?;
    Ok(Sealed { file, file_key })
}

fn parse(recipient: &str) -> Result<age::x25519::Recipient, SealError> {
    let bad = || SealError::BadRecipient(recipient.to_owned());
    if !is_recipient(recipient) {
        return Err(bad());
    }
    recipient.parse().map_err(|_| bad())
}

/// Opens with an X25519 key; a plaintext longer than `limit` bytes is refused.
pub fn open(key: &AgeKey, file: &[u8], limit: usize) -> Result<Opened, OpenError> {
    open_capturing(key.identity(), file, limit)
}

/// Opens the file that this key was captured from, without touching its stanzas.
pub fn open_with_file_key(
    key: &FileKeyBytes,
    file: &[u8],
    limit: usize,
) -> Result<SecretBytes, OpenError> {
    decrypt(&Known(key), file, limit)
}

/// Opens with any age identity that can read several stanzas, and keeps the file key.
pub(super) fn open_capturing(
    identity: &dyn age::Identity,
    file: &[u8],
    limit: usize,
) -> Result<Opened, OpenError> {
    let capturing = Capturing { identity, file_key: RefCell::new(None) };
    let plaintext = decrypt(&capturing, file, limit)?;
    let file_key = capturing.file_key.into_inner().ok_or(OpenError::NoMatch)?;
    Ok(Opened { plaintext, file_key })
}

/// Writes an age file; every recipient sees the same file key.
pub(super) fn encrypt<'a>(
    recipients: impl Iterator<Item = &'a dyn age::Recipient>,
    plaintext: &[u8],
) -> Result<Vec<u8>, SealError> {
    let encryptor = Encryptor::with_recipients(recipients)?;
    let write = || {
        let mut writer = encryptor.wrap_output(Vec::new())?;
        writer.write_all(plaintext)?;
        writer.finish()
    };
    write().map_err(|cause| SealError::Failed(cause.to_string()))
}

/// Reads an age file whose identity is any of age's.
pub(super) fn decrypt(
    identity: &dyn age::Identity,
    file: &[u8],
    limit: usize,
) -> Result<SecretBytes, OpenError> {
    let plaintext_bytes = shape::plaintext_bytes(file)?;
    if plaintext_bytes > limit {
        return Err(OpenError::TooLarge);
    }
    let decryptor = Decryptor::new_buffered(file)?;
    read_exactly(decryptor.decrypt(iter::once(identity))?, plaintext_bytes)
}

fn read_exactly(mut reader: impl Read, bytes: usize) -> Result<SecretBytes, OpenError> {
    let mut buffer = Zeroizing::new(vec![0; bytes]);
    let mut read = || {
        reader.read_exact(&mut buffer)?;
        // The last read is what proves that the file was not cut at a chunk's end.
        reader.read(&mut [0; 1])
    };
    match read() {
        Ok(0) => Ok(SecretBytes::new(std::mem::take(&mut buffer))),
        _ => Err(OpenError::damaged("its contents were changed or cut off")),
    }
}

/// Hands the file key to all recipients and keeps a copy.
struct Recording {
    recipients: Vec<age::x25519::Recipient>,
    file_key: RefCell<Option<FileKeyBytes>>,
}

impl age::Recipient for Recording {
    fn wrap_file_key(
        &self,
        file_key: &FileKey,
    ) -> Result<(Vec<Stanza>, HashSet<String>), EncryptError> {
        let mut stanzas = Vec::with_capacity(self.recipients.len());
        for recipient in &self.recipients {
            stanzas.append(&mut recipient.wrap_file_key(file_key)?.0);
        }
        if stanzas.is_empty() {
            return Err(EncryptError::MissingRecipients);
        }
        self.file_key.replace(Some(FileKeyBytes::copy_of(file_key)));
        Ok((stanzas, HashSet::new()))
    }
}

/// Lets another identity find the file key, and keeps a copy.
struct Capturing<'a> {
    identity: &'a dyn age::Identity,
    file_key: RefCell<Option<FileKeyBytes>>,
}

impl age::Identity for Capturing<'_> {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        self.unwrap_stanzas(std::slice::from_ref(stanza))
    }

    fn unwrap_stanzas(&self, stanzas: &[Stanza]) -> Option<Result<FileKey, DecryptError>> {
        if stanzas.iter().any(|stanza| stanza.tag == "scrypt") {
            return Some(Err(DecryptError::InvalidHeader));
        }
        let found = self.identity.unwrap_stanzas(stanzas)?;
        if let Ok(file_key) = &found {
            self.file_key.replace(Some(FileKeyBytes::copy_of(file_key)));
        }
        Some(found)
    }
}

/// Answers with a file key that is known already.
struct Known<'a>(&'a FileKeyBytes);

impl age::Identity for Known<'_> {
    fn unwrap_stanza(&self, _: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        Some(Ok(self.0.to_age()))
    }
}
