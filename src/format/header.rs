//! An entry's header: compact JSON, exactly these keys in this order, no duplicates.
//!
//! What does not encode to the bytes it was decoded from is no header. The body rides along as
//! bytes: it is an age file that `session` opens.

use serde::{Deserialize, Serialize};

use super::{base64, limits};
use crate::org::entry::{BoxClaim, Header, NewGeneration, Wrap};
use crate::org::ids::{EntryId, PublicKey, Recipient};
use crate::org::time::Time;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    v: u8,
    vault: String,
    time: Time,
    parents: Vec<EntryId>,
    author: PublicKey,
    members: Recipient,
    body: String,
    boxes: Vec<BoxClaim>,
    rings: Vec<NewGeneration>,
    wraps: Vec<Wrap>,
}

/// The header's text; its bytes are what is signed, its SHA-256 the entry's id.
pub fn encode(header: &Header, body: &[u8]) -> String {
    let header = header.clone();
    let written = Written {
        v: 1,
        vault: header.vault.map(|vault| vault.to_string()).unwrap_or_default(),
        time: header.time,
        parents: header.parents,
        author: header.author,
        members: header.members,
        body: base64::encode(body),
        boxes: header.boxes,
        rings: header.rings,
        wraps: header.wraps,
    };
    serde_json::to_string(&written).unwrap_or_default() // strings and lists only: cannot fail
}

/// The header and the body's age file, or why it is none.
pub fn decode(text: &str) -> Result<(Header, Vec<u8>), &'static str> {
    let written: Written = serde_json::from_str(text).map_err(|_| "the header is malformed")?;
    check_limits(&written)?;
    let vault = match written.vault.as_str() {
        "" => None,
        id => Some(EntryId::parse(id).ok_or("the header names no well-formed vault")?),
    };
    let body = base64::decode(&written.body).ok_or("the body is not base64")?;
    let header = Header {
        vault,
        time: written.time,
        parents: written.parents,
        author: written.author,
        members: written.members,
        boxes: written.boxes,
        rings: written.rings,
        wraps: written.wraps,
    };
    if encode(&header, &body) != text {
        return Err("the header is not spelled canonically");
    }
    Ok((header, body))
}

fn check_limits(written: &Written) -> Result<(), &'static str> {
    let within = written.v == 1
        && written.parents.len() <= limits::PARENTS
        && written.boxes.len() <= limits::BOXES
        && written.rings.len() <= limits::RINGS
        && written.wraps.len() <= limits::WRAPS;
    if within { Ok(()) } else { Err("the header is over a limit") }
}
