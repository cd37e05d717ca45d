//! What the program makes of a vault file, in the words of the second reader (`tests/reader`).
//!
//! Through the library, from nothing but the bytes: so forged and damaged files can be asked about
//! that no command would go on with.

use secrets::crypto::age_key::AgeKey;
use secrets::crypto::member::MemberKey;
use secrets::crypto::seal;
use secrets::format::{base64, limits, line, plaintext};
use secrets::org::record::Kind;
use secrets::org::roles::Reach;
use secrets::org::secrets::{Origin, Secret, Stamp, Version};
use secrets::org::state::{Member, Place};
use secrets::session::full::{self, Checked};
use secrets::session::scan::{box_at, no_progress};
use serde_json::{Value, json};

/// None: a file that is not read at all.
pub fn told(bytes: &[u8], identity: &str) -> Option<Value> {
    line::check_magic(bytes).ok()?;
    let key = identity.lines().find_map(AgeKey::parse)?;
    let open = |file: &Vec<u8>| seal::open(&key, file, limits::KEYS_BYTES).ok();
    let unlock = |files: &[Vec<u8>]| {
        let opened = files.iter().filter_map(open);
        Ok(opened.filter_map(|opened| MemberKey::decode(opened.plaintext.expose())).collect())
    };
    let checked = full::check(bytes, 0, None, &unlock, &no_progress).ok()?;
    Some(Teller { bytes, checked }.tell())
}

struct Teller<'a> {
    bytes: &'a [u8],
    checked: Checked,
}

impl Teller<'_> {
    fn tell(&self) -> Value {
        let Checked { state, heads, waiting, strangers, missing, scanned, .. } = &self.checked;
        let proposed = state.proposed.iter().map(|it| {
            json!({"secret": it.secret, "name": it.name, "number": it.number, "box": it.value, "author": it.by.author})
        });
        let groups = state.groups.iter().map(|(id, it)| {
            json!({"id": id, "name": it.name, "deleted": it.deleted, "members": it.members})
        });
        let waiting = waiting.iter().map(|(entry, parent)| (entry.to_string(), json!(parent)));
        json!({
            "vault": state.vault,
            "org": state.org,
            "heads": sorted(heads.iter().map(|it| json!(it))),
            "members": sorted(state.members.values().map(member)),
            "projects": sorted(state.projects.iter().map(|(id, it)| place(id.as_str(), it))),
            "environments": sorted(state.environments.iter().map(|(id, it)| self.environment(id.as_str(), it))),
            "groups": sorted(groups),
            "grants": sorted(state.grants.iter().map(|((to, on, at), rights)| json!([to, on, at, rights]))),
            "proposed": sorted(proposed),
            "refused": sorted(state.refused.iter().map(|it| json!(it.entry))),
            "locked": sorted(state.locked.iter().map(|it| json!(it))),
            "waiting": waiting.collect::<serde_json::Map<_, _>>(),
            "strangers": sorted(strangers.iter().map(|it| json!(it))),
            "bad_lines": scanned.bad.len(),
            "missing_boxes": sorted(missing.iter().map(|(id, _)| json!(id))),
            "newer": state.newer,
        })
    }

    fn environment(&self, id: &str, it: &Place) -> Value {
        let secrets = self.checked.state.secrets.values();
        let inside = secrets.filter(|secret| secret.environment.as_str() == id);
        let mut told = place(id, it);
        told["secrets"] = sorted(inside.map(|secret| self.secret(secret)));
        told
    }

    fn secret(&self, it: &Secret) -> Value {
        json!({
            "id": it.id, "name": it.name, "type": it.kind.as_str(), "scope": it.scope, "projects": it.projects,
            "rotate_days": it.rotate_days, "etag": it.etag, "conflict": it.in_conflict(),
            "created": stamp(&it.created), "updated": stamp(&it.updated),
            "deleted": it.deleted.as_ref().map(|deletion| stamp(&deletion.by)), "note": it.note,
            "versions": it.versions.iter().map(|version| self.version(it, version)).collect::<Vec<_>>(),
        })
    }

    fn version(&self, secret: &Secret, it: &Version) -> Value {
        let restores = match it.origin {
            Origin::Restored(number) => Some(number),
            _ => None,
        };
        json!({
            "number": it.number, "label": secret.label(it), "box": it.value,
            "current": secret.current().is_some_and(|current| current.value == it.value),
            "head": secret.heads.contains(&it.value), "restores": restores,
            "author": it.by.author, "time": it.by.time, "entry": it.by.entry, "value": self.value(secret, it),
        })
    }

    /// The value in base64, if it can be opened and is what it says.
    fn value(&self, secret: &Secret, version: &Version) -> Option<String> {
        let Checked { boxes, scanned, rings, .. } = &self.checked;
        if boxes.dead.contains(&version.value) {
            return None;
        }
        let place = scanned.boxes.get(&version.value)?.clone();
        let file = box_at(&self.bytes[place], version.value)?;
        let opened =
            seal::open(rings.any(&version.to).next()?, &file, 2 * limits::VALUE_BYTES).ok()?;
        let (label, value) = plaintext::decode_value(&opened.plaintext)?;
        let said = (&label.secret, &label.environment, label.number);
        let is_its_own = said == (&secret.id, &secret.environment, version.number);
        is_its_own.then(|| base64::encode(value.expose()))
    }
}

fn stamp(it: &Stamp) -> Value {
    json!({"entry": it.entry, "author": it.author, "time": it.time})
}

fn place(id: &str, it: &Place) -> Value {
    json!({"id": id, "name": it.name, "deleted": it.deleted})
}

fn member(it: &Member) -> Value {
    let (kind, expires) = match it.kind {
        Kind::Person => ("person", None),
        Kind::Provisional => ("provisional", None),
        Kind::Machine { expires } => ("machine", expires),
    };
    let reach = |reach: &Reach| match reach {
        Reach::Org => "org".to_owned(),
        Reach::Environment(id) => id.to_string(),
    };
    json!({
        "id": it.id, "name": it.name, "kind": kind, "expires": expires, "key": it.key, "recipient": it.recipient,
        "status": if it.is_active() { "active" } else { "removed" }, "depth": it.owner_depth,
        "identities": it.identities,
        "roles": sorted(it.roles.iter().map(|(role, at)| json!([role.as_str(), reach(at)]))),
    })
}

/// In an order that depends on nothing but what is listed.
pub fn sorted(values: impl Iterator<Item = Value>) -> Value {
    let mut values: Vec<Value> = values.collect();
    values.sort_by_key(ToString::to_string);
    Value::Array(values)
}
