//! What a file's outline says before anything is decrypted or allocated.
//!
//! Stricter than the crate in one point: it still reads headers of an old draft, which the `age`
//! program refuses, and every box here must open with that program.

use super::error::OpenError;

/// Opening costs a try for each stanza, and who writes the file chooses their number.
pub(super) const MAX_STANZAS: usize = 64;

/// age's chunks of plaintext, the tag of each, and the nonce before the first.
pub(super) const CHUNK_BYTES: usize = 64 * 1024;
pub(super) const TAG_BYTES: usize = 16;
const NONCE_BYTES: usize = 16;

const MAC_LINE_START: &[u8] = b"\n--- ";
/// What follows of the last header line: 32 bytes in base64, and the line's end.
const MAC_REST_BYTES: usize = 44;
const STANZA_START: &[u8] = b"-> ";
const FULL_LINE_BYTES: usize = 64;

/// How long the plaintext is: the file's length says so.
pub(super) fn plaintext_bytes(file: &[u8]) -> Result<usize, OpenError> {
    let header_bytes = find(file, MAC_LINE_START);
    let header = header_bytes.and_then(|bytes| file.get(..bytes));
    let header = header.ok_or_else(|| OpenError::damaged("it is no age file"))?;
    check_stanzas(header)?;
    let before_payload = header.len() + MAC_LINE_START.len() + MAC_REST_BYTES + NONCE_BYTES;
    let payload = file.len().checked_sub(before_payload);
    let plaintext = payload.and_then(|payload| payload.checked_sub(tags_bytes(payload)));
    plaintext.ok_or_else(|| OpenError::damaged("it is cut off"))
}

/// There is always one chunk, an empty one if need be.
fn tags_bytes(payload: usize) -> usize {
    payload.div_ceil(CHUNK_BYTES + TAG_BYTES).max(1) * TAG_BYTES
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes.windows(pattern.len()).position(|window| window == pattern)
}

/// Every stanza ends in a line of base64 that is not full.
fn check_stanzas(header: &[u8]) -> Result<(), OpenError> {
    let mut lines = header.split(|&byte| byte == b'\n').skip(1).peekable();
    let mut stanzas = 0;
    while let Some(line) = lines.next() {
        let starts = line.starts_with(STANZA_START);
        stanzas += usize::from(starts);
        let ends = lines.peek().is_none_or(|next| next.starts_with(STANZA_START));
        if ends && (starts || line.len() >= FULL_LINE_BYTES) {
            return Err(OpenError::damaged("its header is malformed"));
        }
    }
    if stanzas > MAX_STANZAS {
        return Err(OpenError::damaged("its header has too many stanzas"));
    }
    Ok(())
}
