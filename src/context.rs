//! The outside world in one value: clock, environment, folders, streams, and the person to ask.
//!
//! Invariants: only this module reads the environment and the clock; nothing here is looked up
//! before somebody asks for it, for `secrets env` starts a program faster than a host name is
//! found. Not here: settings and their precedence (`config`), how things are printed (`terminal`).

mod detached;
mod paths;
mod person;
mod streams;

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use chrono::{DateTime, Utc};

use crate::error::{Error, Result};

pub use detached::{Capture, ScriptedPerson};
pub use paths::Paths;
pub use person::Prompter;

/// The cost of turning a passphrase into a key: about half a second and 256 MiB.
pub const SCRYPT_WORK_FACTOR: u8 = 18;

const DEFAULT_WIDTH: u16 = 80;

pub struct Context {
    pub clock: Clock,
    pub env: BTreeMap<OsString, OsString>,
    pub cwd: PathBuf,
    pub stdin: Box<dyn Read>,
    pub stdout: Box<dyn Write>,
    pub stderr: Box<dyn Write>,
    pub terminals: Terminals,
    /// Lines of a table are cut to this; asked from the terminal if not set.
    pub width: Option<u16>,
    /// `--no-input`: never ask.
    pub no_input: bool,
    /// `--yes`: every yes-or-no question is answered.
    pub yes: bool,
    /// Shared, because age asks for passphrases through callbacks that cannot borrow.
    pub person: Arc<dyn Prompter>,
    /// A field, so that tests within the process need not wait; no switch of the program sets it.
    pub scrypt_work_factor: u8,
    paths: OnceCell<Option<Paths>>,
}

/// Where "now" comes from.
#[derive(Debug, Clone, Copy)]
pub enum Clock {
    System,
    Fixed(DateTime<Utc>),
}

/// Which of the standard streams is a terminal.
#[derive(Debug, Clone, Copy, Default)]
pub struct Terminals {
    pub stdin: bool,
    pub stdout: bool,
    pub stderr: bool,
}

impl Context {
    #[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
    pub fn from_system() -> Self {
        Self {
            clock: Clock::System,
            env: std::env::vars_os().collect(),
            cwd: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
            stdin: Box::new(streams::Stdin),
            stdout: Box::new(streams::Stdout),
            stderr: Box::new(streams::Stderr),
            terminals: streams::terminals(),
            width: None,
            no_input: false,
            yes: false,
            person: Arc::new(person::AtTheTerminal),
            scrypt_work_factor: SCRYPT_WORK_FACTOR,
            paths: OnceCell::new(),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "this is where the clock is read")]
    pub fn now(&self) -> DateTime<Utc> {
        match self.clock {
            // chrono's own `now` panics where a clock stands before 1970.
            Clock::System => SystemTime::now().into(),
            Clock::Fixed(time) => time,
        }
    }

    /// A variable that is set and not empty; one that is no text is the user's mistake.
    pub fn var(&self, name: &str) -> Result<Option<&str>> {
        let Some(value) = self.var_os(name) else { return Ok(None) };
        match value.to_str() {
            Some(text) => Ok(Some(text)),
            None => Err(Error::usage(format!("the variable {name} is not valid UTF-8"))),
        }
    }

    pub fn var_os(&self, name: &str) -> Option<&OsStr> {
        self.env.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    pub fn paths(&self) -> Result<&Paths> {
        self.paths.get_or_init(|| Paths::find(&self.env)).as_ref().ok_or_else(|| {
            Error::failed("there is no home folder to keep settings and memory in")
                .hint("set HOME, or XDG_CONFIG_HOME, XDG_DATA_HOME and XDG_STATE_HOME")
        })
    }

    /// The name of this machine, as entries record it.
    pub fn host(&self) -> String {
        rustix::system::uname().nodename().to_string_lossy().into_owned()
    }

    /// The name that the system has for the user.
    pub fn user(&self) -> String {
        let name = self.var_os("USER").or_else(|| self.var_os("LOGNAME"));
        match name {
            Some(name) => name.to_string_lossy().into_owned(),
            None => {
                let uid = rustix::process::getuid().as_raw();
                account(uid).unwrap_or_else(|| format!("uid {uid}"))
            }
        }
    }

    /// Columns that a line on stdout may have.
    pub fn width(&self) -> u16 {
        self.width.or_else(streams::width).unwrap_or(DEFAULT_WIDTH)
    }

    /// Whether somebody is there who may be asked.
    pub fn can_ask(&self) -> bool {
        !self.no_input && self.person.is_there()
    }

    pub fn colours_stdout(&self) -> bool {
        self.colours(self.terminals.stdout)
    }

    pub fn colours_stderr(&self) -> bool {
        self.colours(self.terminals.stderr)
    }

    /// As <https://no-color.org> and <https://bixense.com/clicolors> have it.
    fn colours(&self, is_terminal: bool) -> bool {
        let is = |name: &str, value: &str| self.var_os(name).is_some_and(|found| found == value);
        if self.var_os("NO_COLOR").is_some() {
            return false;
        }
        if self.var_os("CLICOLOR_FORCE").is_some() && !is("CLICOLOR_FORCE", "0") {
            return true;
        }
        is_terminal && !is("TERM", "dumb") && !is("CLICOLOR", "0")
    }
}

/// What the system's list of accounts calls a user.
fn account(uid: u32) -> Option<String> {
    let accounts = std::fs::read_to_string("/etc/passwd").ok()?;
    let named = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    };
    accounts.lines().find_map(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(env: &[(&str, &str)]) -> Context {
        let mut context = Context::detached("/work", DateTime::UNIX_EPOCH).0;
        context.env = env.iter().map(|(name, value)| (name.into(), value.into())).collect();
        context
    }

    #[test]
    fn colours_follow_the_variables() {
        let colours = |env: &[(&str, &str)], is_terminal| context(env).colours(is_terminal);
        assert!(colours(&[], true) && !colours(&[], false));
        assert!(colours(&[("NO_COLOR", "")], true), "empty counts as not set");
        assert!(!colours(&[("NO_COLOR", "1")], true));
        assert!(!colours(&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], true));
        assert!(!colours(&[("TERM", "dumb")], true) && !colours(&[("CLICOLOR", "0")], true));
        assert!(colours(&[("CLICOLOR_FORCE", "1")], false));
        assert!(!colours(&[("CLICOLOR_FORCE", "0")], false));
    }

    #[test]
    fn a_variable_that_is_no_text_is_named() {
        use std::os::unix::ffi::OsStringExt;
        let mut context = context(&[("EMPTY", ""), ("SECRETS_ORG", "acme")]);
        assert_eq!(context.var("SECRETS_ORG").unwrap(), Some("acme"));
        assert_eq!((context.var("EMPTY").unwrap(), context.var("NONE").unwrap()), (None, None));
        context.env.insert("SECRETS_ENV".into(), OsString::from_vec(vec![0xff]));
        let error = context.var("SECRETS_ENV").unwrap_err();
        assert_eq!(error.what, "the variable SECRETS_ENV is not valid UTF-8");
        assert_eq!(error.kind, crate::error::Kind::Usage);
    }

    #[test]
    fn the_clock_of_a_test_stands() {
        let mut context = context(&[]);
        assert_eq!(context.now(), DateTime::UNIX_EPOCH);
        context.clock = Clock::System;
        assert!(context.now() > DateTime::UNIX_EPOCH);
    }

    #[test]
    fn nobody_is_asked_with_no_input() {
        let mut context = context(&[]);
        assert!(!context.can_ask());
        context.person = Arc::new(ScriptedPerson::new(&["yes"]));
        assert!(context.can_ask());
        context.no_input = true;
        assert!(!context.can_ask());
    }

    #[test]
    fn the_user_has_a_name_even_without_variables() {
        assert_eq!(context(&[("USER", "alice")]).user(), "alice");
        assert_eq!(context(&[("LOGNAME", "bob")]).user(), "bob");
        assert!(!context(&[]).user().is_empty());
        assert_eq!(account(0).as_deref(), Some("root"));
        assert_eq!(account(u32::MAX), None);
        assert!(!context(&[]).host().is_empty());
    }
}
