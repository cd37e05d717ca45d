//! The machine's memory: an age file whose one real stanza is our own.
//!
//! The file key is wrapped with ChaCha20-Poly1305 under a key derived from the member key, so that
//! nobody who can merely write the folder can forge it, and it opens in microseconds. Only for
//! files on this machine: what is in a vault is sealed by `seal`.

use super::member::MemberKey;
use super::random::random;
use super::seal::{self, OpenError, SealError};
use crate::secret::SecretBytes;
use age::secrecy::ExposeSecret;
use age::{DecryptError, EncryptError};
use age_core::format::{FILE_KEY_BYTES, FileKey, Stanza};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit, Nonce};
use hkdf::Hkdf;
use sha2::Sha256;
use std::collections::HashSet;
use std::iter;
use zeroize::Zeroizing;

/// Names the stanza, and is authenticated with the file key.
const TAG: &str = "secrets-memory";
const KEY_INFO: &[u8] = b"secrets-memory 1";
const NONCE_BYTES: usize = 12;

/// Opens and seals one vault's memory; wiped on drop.
pub struct MemoryKey(Zeroizing<[u8; 32]>);

/// The key for what this member remembers of that vault.
pub fn memory_key(member: &MemberKey, vault_id: &str) -> MemoryKey {
    let secret = member.age.secret_text();
    let mut key = Zeroizing::new([0; 32]);
    let derived = Hkdf::<Sha256>::new(Some(vault_id.as_bytes()), secret.expose());
    expand(&derived, &mut key);
    MemoryKey(key)
}

#[allow(clippy::expect_used, reason = "HKDF-SHA256 refuses only more than 8160 bytes")]
fn expand(derived: &Hkdf<Sha256>, key: &mut [u8; 32]) {
    derived.expand(KEY_INFO, key).expect("32 bytes are not too many");
}

pub fn seal_local(key: &MemoryKey, plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
    seal::encrypt(iter::once(key as &dyn age::Recipient), plaintext)
}

/// The plaintext is never longer than the file, so there is no limit to give.
pub fn open_local(key: &MemoryKey, file: &[u8]) -> Result<SecretBytes, OpenError> {
    seal::decrypt(key, file, file.len())
}

impl MemoryKey {
    fn cipher(&self) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new(self.0.as_slice().into())
    }

    /// `None` where the stanza is malformed or was not written under this key.
    fn unwrap(&self, stanza: &Stanza) -> Option<FileKey> {
        let (nonce, wrapped) = stanza.body.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload { msg: wrapped, aad: TAG.as_bytes() };
        let plain = self.cipher().decrypt(Nonce::from_slice(nonce), payload).ok()?;
        let plain = Zeroizing::new(plain);
        let file_key: &[u8; FILE_KEY_BYTES] = plain.as_slice().try_into().ok()?;
        Some(FileKey::init_with_mut(|key| key.copy_from_slice(file_key)))
    }
}

impl age::Recipient for MemoryKey {
    fn wrap_file_key(
        &self,
        file_key: &FileKey,
    ) -> Result<(Vec<Stanza>, HashSet<String>), EncryptError> {
        let nonce = random::<NONCE_BYTES>();
        let payload = Payload { msg: file_key.expose_secret(), aad: TAG.as_bytes() };
        let wrapped = self
            .cipher()
            .encrypt(Nonce::from_slice(&nonce), payload)
            .map_err(|_| EncryptError::Io(std::io::ErrorKind::InvalidInput.into()))?;
        let body = [nonce.as_slice(), &wrapped].concat();
        Ok((vec![Stanza { tag: TAG.to_owned(), args: Vec::new(), body }], HashSet::new()))
    }
}

impl age::Identity for MemoryKey {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        let ours = stanza.tag == TAG && stanza.args.is_empty();
        ours.then(|| self.unwrap(stanza).map(Ok)).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_member_and_vault_open_it() {
        let (alice, bob) = (MemberKey::generate(), MemberKey::generate());
        let file = seal_local(&memory_key(&alice, "acme"), b"what I know").unwrap();
        let again = MemberKey::decode(alice.encode("alice").expose()).unwrap();
        let opened = open_local(&memory_key(&again, "acme"), &file).unwrap();
        assert_eq!(opened.expose(), b"what I know");
        for other in [memory_key(&alice, "acme2"), memory_key(&bob, "acme")] {
            assert_eq!(open_local(&other, &file).err(), Some(OpenError::NoMatch));
        }
    }

    #[test]
    fn what_is_sealed_to_the_public_half_is_no_memory() {
        let alice = MemberKey::generate();
        let forged = seal::seal(&[alice.age.recipient()], b"forged").unwrap().file;
        let opened = open_local(&memory_key(&alice, "acme"), &forged);
        assert_eq!(opened.err(), Some(OpenError::NoMatch));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let key = memory_key(&MemberKey::generate(), "acme");
        let file = seal_local(&key, b"what I know").unwrap();
        for at in 0..file.len() * 8 {
            let mut flipped = file.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            assert!(open_local(&key, &flipped).is_err(), "bit {at}");
        }
    }

    #[test]
    fn large_memories_survive() {
        let key = memory_key(&MemberKey::generate(), "acme");
        for bytes in [0, 1, 65_535, 65_536, 65_537, 300_000] {
            let plaintext = vec![7; bytes];
            let file = seal_local(&key, &plaintext).unwrap();
            assert!(open_local(&key, &file).unwrap().expose() == plaintext);
        }
    }
}
