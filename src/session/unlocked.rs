//! The member key while unlocked: in the system's keyring, under the vault's id, behind the hash of the
//! identity file that opened it: another identity never gets it.

use std::time::Duration;

use crate::config::Settings;
use crate::context::Context;
use crate::crypto::member::MemberKey;
use crate::error::{Error, Explain, Result};
use crate::org::ids::EntryId;
use crate::secret::SecretBytes;
use crate::storage::{KeyStore, system_key_store};

use super::identity::Source;
use super::memory::Folder;
use super::open::Session;

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

/// What `unlock` came to.
pub enum Unlocking {
    Unlocked,
    /// The identity opens without anybody being asked.
    NothingToDo,
}

/// Asks for what the identity needs, and keeps the member key for a while.
pub fn unlock(settings: Settings, lifetime: Duration, ctx: &Context) -> Result<Unlocking> {
    let source = Source::find(&settings, ctx)?;
    let remembers = source.remembers();
    let identities = source.load(ctx)?;
    if !identities.ask_somebody() {
        return Ok(Unlocking::NothingToDo);
    }
    if !remembers {
        return Err(Error::usage("a key in SECRETS_IDENTITY cannot be unlocked")
            .because("nothing of it is kept on this machine")
            .hint("put it into a file and name that with `-i`"));
    }
    let folder = Folder::of(&ctx.paths()?.state, &settings.vault);
    if let Some(pins) = folder.pins() {
        // Whoever is at the keyboard shows that they have the identity, each time.
        refuse_without_store(pins.vault, ctx)?;
        remove(ctx, pins.vault)?;
    }
    let session = Session::open(settings, ctx)?;
    put(ctx, session.vault, identities.mark(), &session.member, lifetime)?;
    Ok(Unlocking::Unlocked)
}

/// Better told before a passphrase is typed.
fn refuse_without_store(vault: EntryId, ctx: &Context) -> Result<()> {
    store(ctx)
        .get(&name(vault))
        .map(drop)
        .or_failed(|| "the system cannot keep your key".to_owned())
}

/// Forgets what `unlock` keeps for the vault at this place. Tells whether there was something.
pub fn lock(settings: &Settings, ctx: &Context) -> Result<bool> {
    let folder = Folder::of(&ctx.paths()?.state, &settings.vault);
    let vault = settings.vault_id.or(folder.pins().map(|pins| pins.vault));
    vault.map_or(Ok(false), |vault| remove(ctx, vault))
}
