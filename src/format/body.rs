//! An entry's body: who wrote with what, and the records; padded like a value.
//!
//! Compact JSON with the keys of every object in order, each once; every member of a record is there,
//! `null` too. What does not encode to the bytes it was decoded from is no body.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::limits::BODY_BYTES;
use super::plaintext::bucket;
use crate::org::record::{Change, Record};
use crate::secret::SecretBytes;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// The program and its version.
    agent: String,
    host: String,
    records: Vec<Value>,
}

/// What a body says.
pub struct Said {
    pub agent: String,
    pub host: String,
    pub changes: Vec<Change>,
}

/// Longest agent or host that a reader takes.
const LABEL_BYTES: usize = 256;

/// A body's plaintext.
pub fn encode(agent: &str, host: &str, records: &[Record]) -> SecretBytes {
    let records = records.iter().filter_map(|record| serde_json::to_value(record).ok()).collect();
    let written = Written { agent: agent.to_owned(), host: host.to_owned(), records };
    let json = serde_json::to_string(&written).unwrap_or_default(); // plain data: cannot fail
    let used = json.len() + 1;
    SecretBytes::join(&[json.as_bytes(), b"\n", &vec![0; bucket(used) - used]])
}

/// The records, or why the body is garbled. A record of an unknown type keeps its name only.
pub fn decode(plaintext: &SecretBytes) -> Result<Said, String> {
    let bytes = plaintext.expose();
    let end = bytes.iter().position(|byte| *byte == b'\n').ok_or("its body has no end")?;
    let (json, padding) = bytes.split_at(end);
    if bytes.len() > BODY_BYTES || padding.iter().skip(1).any(|byte| *byte != 0) {
        return Err("its body is malformed".to_owned());
    }
    let written: Written = serde_json::from_slice(json).map_err(|_| "its body is malformed")?;
    if serde_json::to_vec(&written).is_ok_and(|again| again != json) {
        return Err("its body is not spelled canonically".to_owned());
    }
    if written.agent.len() > LABEL_BYTES || written.host.len() > LABEL_BYTES {
        return Err("its body is malformed".to_owned());
    }
    let changes = written.records.into_iter().map(decode_record).collect::<Result<_, _>>()?;
    Ok(Said { agent: written.agent, host: written.host, changes })
}

fn decode_record(value: Value) -> Result<Change, String> {
    let verb =
        value.get("do").and_then(Value::as_str).ok_or("a record says not what it does")?.to_owned();
    match serde_json::from_value::<Record>(value.clone()) {
        Ok(record) if serde_json::to_value(&record).is_ok_and(|again| again == value) => {
            Ok(Change::Known(record))
        }
        Err(_) if !Record::VERBS.contains(&verb.as_str()) => Ok(Change::Unknown(verb)),
        _ => Err(format!("its record {verb} is malformed")),
    }
}
