//! The login keychain, through the system's own `security` program.
//!
//! Values go through its stdin, never through its arguments, which everybody can list. The
//! keychain keeps no time: an entry begins with the second at which it ends.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::{KEY_MAX_BYTES, KeyStore, KeyringError};
use crate::secret::SecretBytes;

const PROGRAM: &str = "/usr/bin/security";
const SERVICE: &str = "secrets";
/// What `security` answers when there is no such entry.
const NOT_FOUND: i32 = 44;

pub(super) struct Keychain {
    pub now_s: i64,
}

impl KeyStore for Keychain {
    fn put(&self, name: &str, key: &SecretBytes, keep_s: u32) -> Result<(), KeyringError> {
        require_plain(name)?;
        if key.len() > KEY_MAX_BYTES {
            return Err(refused("the key is too large"));
        }
        let encoded = Zeroizing::new(STANDARD.encode(key.expose()));
        let until = self.now_s.saturating_add(i64::from(keep_s));
        let line = Zeroizing::new(format!(
            "add-generic-password -U -s {SERVICE} -a {name} -w {until}.{}\n",
            encoded.as_str()
        ));
        let output = run(&["-i"], line.as_bytes())?;
        if output.status.success() && output.stderr.is_empty() {
            return Ok(());
        }
        Err(refused(String::from_utf8_lossy(&output.stderr).trim()))
    }

    fn get(&self, name: &str) -> Result<Option<SecretBytes>, KeyringError> {
        require_plain(name)?;
        let arguments = ["find-generic-password", "-s", SERVICE, "-a", name, "-w"];
        let output = run(&arguments, b"")?;
        let found = Zeroizing::new(output.stdout);
        match output.status.code() {
            Some(0) => self.decode(&found).map_or_else(|| Err(refused("not our entry")), Ok),
            Some(NOT_FOUND) => Ok(None),
            _ => Err(refused(String::from_utf8_lossy(&output.stderr).trim())),
        }
    }

    fn remove(&self, name: &str) -> Result<(), KeyringError> {
        require_plain(name)?;
        let output = run(&["delete-generic-password", "-s", SERVICE, "-a", name], b"")?;
        match output.status.code() {
            Some(0 | NOT_FOUND) => Ok(()),
            _ => Err(refused(String::from_utf8_lossy(&output.stderr).trim())),
        }
    }
}

impl Keychain {
    fn decode(&self, found: &[u8]) -> Option<Option<SecretBytes>> {
        let (until, encoded) = std::str::from_utf8(found).ok()?.trim_end().split_once('.')?;
        if until.parse::<i64>().ok()? <= self.now_s {
            return Some(None);
        }
        Some(Some(SecretBytes::new(STANDARD.decode(encoded).ok()?)))
    }
}

/// The name becomes a word of a command line.
fn require_plain(name: &str) -> Result<(), KeyringError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    if !name.is_empty() && name.bytes().all(is_plain) {
        return Ok(());
    }
    Err(refused("the key's name is not plain"))
}

fn run(arguments: &[&str], input: &[u8]) -> Result<Output, KeyringError> {
    let failed = |cause: std::io::Error| refused(&cause.to_string());
    let mut child = Command::new(PROGRAM)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input).map_err(failed)?;
    }
    child.wait_with_output().map_err(failed)
}

fn refused(why: &str) -> KeyringError {
    KeyringError { because: format!("the keychain cannot be used as a key store: {why}") }
}
