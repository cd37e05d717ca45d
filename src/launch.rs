//! What a child program gets: the environment it starts with, and then our place.
//!
//! Invariants: values are bytes, never expanded and never through a shell; what unlocks the vault
//! never reaches the program; a value that the system would not pass on is named before anything
//! runs. Whether a dangerous name is allowed is the caller's decision ([`danger`] tells).
//!
//! The program's signal handling is the system's default: Rust ignores SIGPIPE from its start and
//! `exec` resets it (and the signal mask), whatever was inherited; only unsafe code could tell.

mod limits;
mod names;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::error::{Error, Kind, Result};
use crate::hygiene;
use crate::secret::SecretBytes;

pub use names::{Danger, danger, refused_name};

/// What unlocks the vault is nobody else's business.
const OURS_ALONE: &str = "SECRETS_IDENTITY";

/// What the program gets besides the secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inherit {
    /// Everything that we were started with.
    Everything,
    /// Nothing: `--clean`.
    Nothing,
}

/// A program that is ready to be started: every refusal is behind it.
pub struct Plan<'a> {
    program: &'a OsStr,
    arguments: &'a [OsString],
    env: BTreeMap<&'a OsStr, &'a OsStr>,
}

impl<'a> Plan<'a> {
    /// `secrets` win over what is inherited; for `--keep-existing` the caller leaves them out.
    pub fn new(
        command: &'a [OsString],
        inherited: &'a BTreeMap<OsString, OsString>,
        inherit: Inherit,
        secrets: &'a [(OsString, SecretBytes)],
    ) -> Result<Self> {
        let Some((program, arguments)) = command.split_first() else {
            return Err(Error::usage("no command was given to run"));
        };
        let mut env = BTreeMap::new();
        if inherit == Inherit::Everything {
            env.extend(inherited.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str())));
        }
        for (name, value) in secrets {
            require_usable(name, value)?;
            env.insert(name, OsStr::from_bytes(value.expose()));
        }
        env.retain(|name, _| !name.as_bytes().starts_with(OURS_ALONE.as_bytes()));
        let plan = Self { program, arguments, env };
        limits::require_room(command, &plan.env, secrets)?;
        Ok(plan)
    }

    /// Becomes the program. Returns only if it cannot be run.
    pub fn exec(&self) -> Result<Infallible> {
        hygiene::release();
        let mut command = Command::new(self.program);
        command.args(self.arguments).env_clear().envs(&self.env);
        let cause = command.exec();
        hygiene::protect();
        Err(self.explain(&cause))
    }

    fn explain(&self, cause: &io::Error) -> Error {
        let program = self.program.to_string_lossy();
        let is_path = self.program.as_bytes().contains(&b'/');
        match cause.kind() {
            io::ErrorKind::NotFound if is_path && std::fs::metadata(self.program).is_ok() => {
                Error::new(Kind::CannotRun, format!("cannot run {program}"))
                    .because("the interpreter that its first line names is not there")
            }
            io::ErrorKind::NotFound if is_path => {
                Error::new(Kind::NoSuchCommand, format!("there is no {program}"))
            }
            io::ErrorKind::NotFound => self.no_such_command(&program),
            io::ErrorKind::ArgumentListTooLong => {
                Error::new(Kind::NotLaunched, format!("cannot run {program}"))
                    .because("its arguments and environment are larger than the system allows")
                    .hint("inject fewer secrets with --only")
            }
            _ => Error::new(Kind::CannotRun, format!("cannot run {program}")).because(cause),
        }
    }

    fn no_such_command(&self, program: &str) -> Error {
        let error = Error::new(Kind::NoSuchCommand, format!("no command named {program}"));
        if program.contains(char::is_whitespace) {
            return error.hint("words after -- are taken as they are; do not quote them together");
        }
        match self.env.get(OsStr::new("PATH")) {
            Some(_) => error,
            None => error.hint("PATH is not set for it; name the command by its path"),
        }
    }
}

fn require_usable(name: &OsStr, value: &SecretBytes) -> Result<()> {
    let shown = name.to_string_lossy();
    let bytes = name.as_bytes();
    if bytes.is_empty() || bytes.contains(&b'=') || bytes.contains(&0) {
        return Err(Error::usage(format!("{shown:?} cannot be a variable's name")));
    }
    if value.expose().contains(&0) {
        return Err(Error::new(Kind::NotLaunched, format!("{shown} cannot be a variable"))
            .because("its value holds a NUL byte, which the system takes for the end")
            .hint(format!("leave it out with `--except {shown}`")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn os(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    fn inherited() -> BTreeMap<OsString, OsString> {
        let pairs = [("PATH", "/bin"), ("KEY", "old"), ("SECRETS_IDENTITY", "AGE-SECRET-KEY-1")];
        let more = [("SECRETS_IDENTITY_FILE", "/x"), ("SECRETS_ORG", "acme")];
        pairs.iter().chain(&more).map(|(name, value)| (name.into(), value.into())).collect()
    }

    fn secrets(pairs: &[(&str, &[u8])]) -> Vec<(OsString, SecretBytes)> {
        pairs.iter().map(|(name, value)| (name.into(), SecretBytes::copy_of(value))).collect()
    }

    fn names(plan: &Plan<'_>) -> Vec<String> {
        plan.env.keys().map(|name| name.to_string_lossy().into_owned()).collect()
    }

    fn refused(command: &[&str], secrets: &[(OsString, SecretBytes)]) -> Error {
        Plan::new(&os(command), &BTreeMap::new(), Inherit::Everything, secrets).err().unwrap()
    }

    #[test]
    fn secrets_win_and_what_unlocks_the_vault_stays_here() {
        let (command, inherited) = (os(&["app"]), inherited());
        let secrets = secrets(&[("KEY", b"\xffnew"), ("SECRETS_IDENTITY_2", b"x")]);
        let plan = Plan::new(&command, &inherited, Inherit::Everything, &secrets).ok().unwrap();
        assert_eq!(names(&plan), ["KEY", "PATH", "SECRETS_ORG"]);
        assert_eq!(plan.env[OsStr::new("KEY")].as_bytes(), b"\xffnew");
        let clean = Plan::new(&command, &inherited, Inherit::Nothing, &secrets).ok().unwrap();
        assert_eq!(names(&clean), ["KEY"]);
    }

    #[test]
    fn what_cannot_be_a_variable_is_named_without_its_value() {
        let error = refused(&["app"], &secrets(&[("KEY", b"topsecret\0x")]));
        assert_eq!((error.kind, &*error.what), (Kind::NotLaunched, "KEY cannot be a variable"));
        assert!(!format!("{error:?}").contains("topsecret"));
        for name in ["", "A=B", "A\0"] {
            assert_eq!(refused(&["app"], &secrets(&[(name, b"x")])).kind, Kind::Usage);
        }
        assert_eq!(refused(&[], &[]).kind, Kind::Usage);
    }

    #[test]
    fn a_program_that_cannot_run_is_explained() {
        let _turn = hygiene::TURN.lock();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        let kind_of = |command: &str| {
            let (command, inherited) = (os(&[command]), inherited());
            let plan = Plan::new(&command, &inherited, Inherit::Everything, &[]).ok().unwrap();
            let error = plan.exec().unwrap_err();
            (error.kind as u8, error.what)
        };
        assert_eq!(kind_of("no-such"), (127, "no command named no-such".to_owned()));
        let missing = format!("{path}/none");
        assert_eq!(kind_of(&missing), (127, format!("there is no {missing}")));
        assert_eq!(kind_of(path), (126, format!("cannot run {path}")));
    }
}
