//! A newcomer's line: a card and the box it names, signed by the card's key.
//!
//! Outside the graph, erasable, at most 4 KiB. Approval copies the card into an entry.

use serde::{Deserialize, Serialize};

use super::{base64, limits};
use crate::org::ids::EntryId;
use crate::org::record::Card;
use crate::org::time::Time;

/// The context of the signature, in front of the json.
pub const CONTEXT: &str = "secrets-vault 1 request\n";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    v: u8,
    vault: EntryId,
    time: Time,
    card: Card,
    file: String,
}

pub struct Request {
    pub vault: EntryId,
    pub time: Time,
    pub card: Card,
    /// The member box.
    pub file: Vec<u8>,
}

pub fn encode(request: &Request) -> String {
    let written = Written {
        v: 1,
        vault: request.vault,
        time: request.time,
        card: request.card.clone(),
        file: base64::encode(&request.file),
    };
    serde_json::to_string(&written).unwrap_or_default() // plain data: cannot fail
}

pub fn decode(json: &str) -> Option<Request> {
    if json.len() > limits::REQUEST_BYTES {
        return None;
    }
    let written: Written = serde_json::from_str(json).ok()?;
    let file = base64::decode(&written.file)?;
    let request = Request { vault: written.vault, time: written.time, card: written.card, file };
    (written.v == 1 && encode(&request) == json).then_some(request)
}
