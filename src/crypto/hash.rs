//! SHA-256: the ids of boxes and entries.

use sha2::{Digest, Sha256};

pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The hash of the pieces laid end to end.
pub fn sha256_of_pieces<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut hash = Sha256::new();
    pieces.into_iter().for_each(|piece| hash.update(piece));
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_answer_for_abc() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let hex: String = sha256(b"abc").iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, expected);
    }

    #[test]
    fn pieces_hash_like_the_whole() {
        assert_eq!(sha256_of_pieces([b"a".as_slice(), b"", b"bc"]), sha256(b"abc"));
        assert_eq!(sha256_of_pieces([]), sha256(b""));
    }
}
