//! New identity files: written once, never over another.

use std::path::Path;

use crate::context::Context;
use crate::crypto::identity::{IdentityRecipient, new_identity, seal_with_passphrase};
use crate::error::{Error, Explain, Result};
use crate::secret::SecretBytes;
use crate::storage::{self, Permissions};

/// A new identity's file, sealed if a passphrase is given. Returns its public half.
pub fn make(
    path: &Path,
    passphrase: Option<&SecretBytes>,
    ctx: &Context,
) -> Result<IdentityRecipient> {
    let (recipient, text) = in_memory(ctx)?;
    let contents = match passphrase {
        Some(passphrase) => seal(&text, passphrase, ctx)?,
        None => text,
    };
    let folder = path.parent().unwrap_or(path);
    if !folder.exists() {
        storage::private_folder(folder).or_failed(|| format!("cannot use {}", folder.display()))?;
    }
    match storage::create_new(path, contents.expose(), Permissions::Private) {
        Err(cause) if cause.io_kind() == Some(std::io::ErrorKind::AlreadyExists) => {
            Err(Error::conflict(format!("there is a file at {} already", path.display()))
                .because("a key is never overwritten")
                .hint("name another place with `--out FILE`"))
        }
        made => {
            made.or_failed(|| format!("cannot write the identity {}", path.display()))?;
            Ok(recipient)
        }
    }
}

/// A new identity that is on no disk, and the text of its file.
pub fn in_memory(ctx: &Context) -> Result<(IdentityRecipient, SecretBytes)> {
    let created = ctx.now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let (key, text) = new_identity(&created);
    let recipient = IdentityRecipient::parse(key.recipient())
        .ok_or_else(|| Error::failed("a new key has no recipient"))?;
    Ok((recipient, text))
}

fn seal(text: &SecretBytes, passphrase: &SecretBytes, ctx: &Context) -> Result<SecretBytes> {
    let sealed = seal_with_passphrase(text.expose(), passphrase, ctx.scrypt_work_factor);
    Ok(SecretBytes::new(sealed.or_failed(|| "cannot seal the identity".to_owned())?))
}
