//! The member key while unlocked: in the system's keyring, under the vault's id, behind the hash of the
//! identity file that opened it: another identity never gets it.

use std::time::Duration;

use crate::context::Context;
use crate::crypto::member::MemberKey;
use crate::error::{Explain, Result};
use crate::org::ids::EntryId;
use crate::secret::SecretBytes;
use crate::storage::{KeyStore, system_key_store};

fn store(ctx: &Context) -> Box<dyn KeyStore> {
    system_key_store(ctx.now().timestamp())
}

fn name(vault: EntryId) -> String {
    format!("secrets:{vault}")
}

/// The member key, if `unlock` put it there for this identity file and its time is not over.
pub fn get(ctx: &Context, vault: EntryId, identity: &[u8; 32]) -> Option<MemberKey> {
    let kept = store(ctx).get(&name(vault)).ok()??;
    MemberKey::decode(kept.expose().strip_prefix(identity.as_slice())?)
}

pub fn put(
    ctx: &Context,
    vault: EntryId,
    identity: &[u8; 32],
    key: &MemberKey,
    lifetime: Duration,
) -> Result<()> {
    let keep_s = u32::try_from(lifetime.as_secs()).unwrap_or(u32::MAX);
    let kept = SecretBytes::join(&[identity.as_slice(), key.encode("unlocked").expose()]);
    store(ctx)
        .put(&name(vault), &kept, keep_s)
        .or_failed(|| "the system cannot keep your key".to_owned())
}

/// Afterwards nothing is unlocked. Tells whether something was.
pub fn remove(ctx: &Context, vault: EntryId) -> Result<bool> {
    let what = || "the system cannot forget your key".to_owned();
    let store = store(ctx);
    let was_there = store.get(&name(vault)).or_failed(what)?.is_some();
    store.remove(&name(vault)).or_failed(what)?;
    Ok(was_there)
}
