//! Where the unlocked member key waits for the next command: the system's own key store.
//!
//! Nothing is written to a disk of ours. What is put there is gone after its time, after `remove`,
//! or when the system restarts. Every process of the same user can read it: that is its purpose.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use crate::secret::SecretBytes;

/// No key is larger; a larger one was not put there by us.
const KEY_MAX_BYTES: usize = 16 * 1024;

pub trait KeyStore: Send + Sync {
    /// Keeps the key for that many seconds; one of the same name is replaced.
    fn put(&self, name: &str, key: &SecretBytes, keep_s: u32) -> Result<(), KeyringError>;
    /// None if it was never put, or its time is over.
    fn get(&self, name: &str) -> Result<Option<SecretBytes>, KeyringError>;
    /// Afterwards there is none.
    fn remove(&self, name: &str) -> Result<(), KeyringError>;
}

/// Why the system's key store cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub struct KeyringError {
    pub because: String,
}

impl fmt::Display for KeyringError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.because)
    }
}

impl std::error::Error for KeyringError {}

/// The key store of this system. `now_s` is for those that keep no time themselves.
#[cfg(target_os = "linux")]
pub fn system_key_store(_now_s: i64) -> Box<dyn KeyStore> {
    Box::new(linux::UserKeyring)
}

#[cfg(target_os = "macos")]
pub fn system_key_store(now_s: i64) -> Box<dyn KeyStore> {
    Box::new(macos::Keychain { now_s })
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub fn system_key_store(_now_s: i64) -> Box<dyn KeyStore> {
    Box::new(NoKeyStore)
}

/// For systems without one.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
struct NoKeyStore;

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
impl KeyStore for NoKeyStore {
    fn put(&self, _: &str, _: &SecretBytes, _: u32) -> Result<(), KeyringError> {
        Err(KeyringError { because: "this system has no key store that is known here".into() })
    }

    fn get(&self, _: &str) -> Result<Option<SecretBytes>, KeyringError> {
        Ok(None)
    }

    fn remove(&self, _: &str) -> Result<(), KeyringError> {
        Ok(())
    }
}

/// Within this process alone and without time: for tests.
#[derive(Default)]
pub struct ProcessKeyStore(Mutex<BTreeMap<String, SecretBytes>>);

impl KeyStore for ProcessKeyStore {
    fn put(&self, name: &str, key: &SecretBytes, _: u32) -> Result<(), KeyringError> {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.insert(name.to_owned(), SecretBytes::copy_of(key.expose()));
        Ok(())
    }

    fn get(&self, name: &str) -> Result<Option<SecretBytes>, KeyringError> {
        let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(keys.get(name).map(|key| SecretBytes::copy_of(key.expose())))
    }

    fn remove(&self, name: &str) -> Result<(), KeyringError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What every key store has to do. Skipped where the system has none to offer.
    fn behaves(store: &dyn KeyStore, name: &str) {
        let key = |bytes: &[u8]| SecretBytes::copy_of(bytes);
        let found = || store.get(name).unwrap().map(|key| key.expose().to_vec());
        if let Err(error) = store.put(name, &key(b"one"), 60) {
            assert!(error.because.contains("key store"), "{error}");
            return;
        }
        assert_eq!(found().as_deref(), Some(&b"one"[..]));
        store.put(name, &key(b"\0two\xff"), 60).unwrap();
        assert_eq!(found().as_deref(), Some(&b"\0two\xff"[..]));
        assert!(store.get(&format!("{name}-other")).unwrap().is_none());
        store.remove(name).unwrap();
        assert_eq!(found(), None);
        store.remove(name).unwrap();
    }

    #[test]
    fn the_process_key_store_behaves() {
        behaves(&ProcessKeyStore::default(), "secrets-test");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_kernel_key_store_behaves() {
        behaves(&*system_key_store(0), &format!("secrets-test-{}", std::process::id()));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_key_is_gone_after_its_time() {
        let (store, name) = (system_key_store(0), format!("secrets-time-{}", std::process::id()));
        if store.put(&name, &SecretBytes::copy_of(b"x"), 1).is_ok() {
            assert!(store.get(&name).unwrap().is_some());
            std::thread::sleep(std::time::Duration::from_millis(2100));
            assert!(store.get(&name).unwrap().is_none());
        }
    }
}
