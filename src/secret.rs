//! Bytes that must not be seen: no `Debug`, no `Display`, no `Clone`; wiped when dropped.
//!
//! Invariant: the buffer never grows, so no copy is left behind by a reallocation.

use zeroize::Zeroizing;

/// Secret bytes. Looking at them is spelled out: [`SecretBytes::expose`].
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A second copy, made on purpose.
    pub fn copy_of(bytes: &[u8]) -> Self {
        Self::new(bytes.to_vec())
    }

    /// One value out of several pieces, in a buffer that is large enough from the start.
    pub fn join(pieces: &[&[u8]]) -> Self {
        let mut joined = Vec::with_capacity(pieces.iter().map(|piece| piece.len()).sum());
        pieces.iter().for_each(|piece| joined.extend_from_slice(piece));
        Self::new(joined)
    }

    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets everything past `len`; the bytes behind it are wiped at once.
    pub fn truncate(&mut self, len: usize) {
        if let Some(tail) = self.0.get_mut(len..) {
            zeroize::Zeroize::zeroize(tail);
        }
        self.0.truncate(len);
    }
}

impl From<String> for SecretBytes {
    fn from(text: String) -> Self {
        Self::new(text.into_bytes())
    }
}
