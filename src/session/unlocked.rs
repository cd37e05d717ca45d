//! The member key while unlocked: in the system's keyring, under the vault's id.

use std::time::Duration;

use crate::context::Context;
use crate::crypto::member::MemberKey;
use crate::error::{Explain, Result};
use crate::org::ids::EntryId;
use crate::storage::{KeyStore, system_key_store};

fn store(ctx: &Context) -> Box<dyn KeyStore> {
    system_key_store(ctx.now().timestamp())
}

fn name(vault: EntryId) -> String {
    format!("secrets:{vault}")
}

/// The member key, if `unlock` put it there and its time is not over.
pub fn get(ctx: &Context, vault: EntryId) -> Option<MemberKey> {
    let kept = store(ctx).get(&name(vault)).ok()??;
    MemberKey::decode(kept.expose())
}

pub fn put(ctx: &Context, vault: EntryId, key: &MemberKey, lifetime: Duration) -> Result<()> {
    let keep_s = u32::try_from(lifetime.as_secs()).unwrap_or(u32::MAX);
    store(ctx)
        .put(&name(vault), &key.encode("unlocked"), keep_s)
        .or_failed(|| "the system cannot keep your key".to_owned())
}

pub fn remove(ctx: &Context, vault: EntryId) -> Result<()> {
    store(ctx).remove(&name(vault)).or_failed(|| "the system cannot forget your key".to_owned())
}
