//! The vault file's format 1: bytes to `org`'s types and back, strictly.
//!
//! Invariant: what decodes encodes to the same bytes; everything else is refused. Not here: whether a
//! signature or a hash is right (`session` asks `crypto`), and what entries mean (`org`).

pub mod base64;
pub mod body;
pub mod card;
pub mod header;
pub mod limits;
pub mod line;
pub mod plaintext;
pub mod request;
