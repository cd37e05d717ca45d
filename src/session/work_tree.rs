//! What a git work tree needs beside a vault: where it is, how git treats it, what is not committed.
//!
//! Invariant: what others wrote into these files stays.

use std::path::Path;

use crate::config::PROJECT_FILE;
use crate::error::{Error, Explain, Result};
use crate::storage::{self, Expected, Permissions};

/// Union merges keep the lines of both sides; the vault's own rules do the rest.
const ATTRIBUTES: &str = "*.vault -text merge=union diff=secrets";
const IGNORED: [&str; 3] = [".*.vault.lock", ".*.vault.tmp-*", "*.vault.before-repair-*"];

pub fn is_inside(folder: &Path) -> bool {
    folder.ancestors().any(|folder| folder.join(".git").exists())
}

/// Refuses a folder whose `.secrets.toml` names another vault.
pub fn refuse_other(folder: &Path, vault: &str) -> Result<()> {
    match vault_in(&read(&folder.join(PROJECT_FILE))?)? {
        Some(other) if other != vault => {
            Err(Error::conflict(format!("{PROJECT_FILE} names another vault, {other}"))
                .hint(format!("remove that line, or name a place with `--vault {vault}`")))
        }
        _ => Ok(()),
    }
}

/// Writes what is missing in `.secrets.toml`, `.gitattributes` and `.gitignore`.
pub fn prepare(folder: &Path, vault: &str) -> Result<()> {
    let config = folder.join(PROJECT_FILE);
    let before = read(&config)?;
    if vault_in(&before)?.is_none() {
        // In front: behind a table's heading it would be that table's.
        let line = format!("vault = {}\n", toml::Value::String(vault.to_owned()));
        write(&config, &before, &format!("{line}{before}"))?;
    }
    add_lines(&folder.join(".gitattributes"), &[ATTRIBUTES])?;
    add_lines(&folder.join(".gitignore"), &IGNORED)
}

fn vault_in(text: &str) -> Result<Option<String>> {
    let config: toml::Table = text.parse().or_failed(|| format!("cannot read {PROJECT_FILE}"))?;
    Ok(config.get("vault").and_then(toml::Value::as_str).map(str::to_owned))
}

fn add_lines(path: &Path, lines: &[&str]) -> Result<()> {
    let before = read(path)?;
    let is_there = |line: &&&str| before.lines().any(|known| known == **line);
    let missing: Vec<&str> = lines.iter().filter(|line| !is_there(line)).copied().collect();
    if missing.is_empty() {
        return Ok(());
    }
    let glue = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
    write(path, &before, &format!("{before}{glue}{}\n", missing.join("\n")))
}

/// The text of a file; none yet is empty.
fn read(path: &Path) -> Result<String> {
    match storage::read(path) {
        Ok((bytes, _)) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error).or_failed(|| format!("cannot read {}", path.display())),
    }
}

fn write(path: &Path, before: &str, text: &str) -> Result<()> {
    let permissions = if before.is_empty() { Permissions::Public } else { Permissions::Kept };
    storage::replace(path, Expected::Anything, text.as_bytes(), permissions)
        .or_failed(|| format!("cannot write {}", path.display()))?;
    Ok(())
}
