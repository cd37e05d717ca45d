//! The kernel's keyring of the user, which all of the user's sessions share.
//!
//! A login session usually has it linked, a service or container may not: then its keys are not
//! "possessed", and possession is what the kernel asks for before it lets anybody change a new
//! key. So writers link it to the process first, which ends with the process; and a key is
//! readable by its owner's processes, possessed or not.

use linux_keyutils::{KeyError, KeyPermissionsBuilder, KeyRing, KeyRingIdentifier, Permission};
use zeroize::Zeroizing;

use super::{KEY_MAX_BYTES, KeyStore, KeyringError};
use crate::secret::SecretBytes;

pub(super) struct UserKeyring;

impl KeyStore for UserKeyring {
    fn put(&self, name: &str, key: &SecretBytes, keep_s: u32) -> Result<(), KeyringError> {
        if key.len() > KEY_MAX_BYTES {
            return Err(too_large());
        }
        let ring = possessed_ring().map_err(explain)?;
        let put = ring.add_key(name, key.expose()).map_err(explain)?;
        let limited = put
            .set_timeout(keep_s as usize)
            .and_then(|()| put.set_perms(owner_only()))
            .map_err(explain);
        if limited.is_err() {
            let _ = put.invalidate();
        }
        limited
    }

    fn get(&self, name: &str) -> Result<Option<SecretBytes>, KeyringError> {
        let ring = user_ring().map_err(explain)?;
        let mut buffer = Zeroizing::new(vec![0; KEY_MAX_BYTES]);
        match ring.search(name).and_then(|key| key.read(&mut *buffer)) {
            Ok(size) => match buffer.get(..size) {
                Some(key) => Ok(Some(SecretBytes::copy_of(key))),
                None => Err(too_large()),
            },
            Err(error) if is_gone(error) => Ok(None),
            Err(error) => Err(explain(error)),
        }
    }

    fn remove(&self, name: &str) -> Result<(), KeyringError> {
        let ring = possessed_ring().map_err(explain)?;
        match ring.search(name).and_then(|key| key.invalidate()) {
            Err(error) if !is_gone(error) => Err(explain(error)),
            _ => Ok(()),
        }
    }
}

fn user_ring() -> Result<KeyRing, KeyError> {
    KeyRing::from_special_id(KeyRingIdentifier::User, true)
}

fn possessed_ring() -> Result<KeyRing, KeyError> {
    KeyRing::from_special_id(KeyRingIdentifier::Process, true)?
        .link_keyring_id(KeyRingIdentifier::User)?;
    user_ring()
}

fn owner_only() -> linux_keyutils::KeyPermissions {
    let owner = Permission::VIEW | Permission::READ | Permission::SEARCH | Permission::WRITE;
    KeyPermissionsBuilder::builder().posessor(Permission::ALL).user(owner).build()
}

fn is_gone(error: KeyError) -> bool {
    matches!(error, KeyError::KeyDoesNotExist | KeyError::KeyExpired | KeyError::KeyRevoked)
}

fn too_large() -> KeyringError {
    KeyringError { because: format!("no key is larger than {KEY_MAX_BYTES} bytes") }
}

fn explain(error: KeyError) -> KeyringError {
    let because = match error {
        KeyError::PermissionDenied | KeyError::OperationNotSupported | KeyError::Unknown(38) => {
            "the kernel's key store is not available here; containers often switch it off".into()
        }
        KeyError::QuotaExceeded => "your part of the kernel's key store is full".into(),
        other => format!("the kernel's key store refuses: {other}"),
    };
    KeyringError { because }
}
