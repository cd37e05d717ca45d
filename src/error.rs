//! What went wrong, why, and what to do next; and the exit code that scripts see.
//!
//! An error never holds a value. Names in it are already as the user typed them; escaping for a
//! terminal happens where it is printed.

use std::fmt;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The exit codes, as documented in `secrets --help`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Whoever read our output has gone: nothing to say, and nothing is wrong.
    ReaderGone = 0,
    Failed = 1,
    Usage = 2,
    NotFound = 3,
    Denied = 4,
    Conflict = 5,
    Damaged = 6,
    RolledBack = 7,
    /// `secrets env`: any failure of its own that is none of the above.
    NotLaunched = 125,
    /// `secrets env`: the command is there but cannot be run.
    CannotRun = 126,
    /// `secrets env`: there is no such command.
    NoSuchCommand = 127,
    /// Ctrl-C at a question.
    Interrupted = 130,
}

/// What happened, because of what, and a hint that is a command or a choice.
#[derive(Debug)]
pub struct Error {
    pub kind: Kind,
    pub what: String,
    pub because: Vec<String>,
    pub hint: Option<String>,
}

impl Error {
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), because: Vec::new(), hint: None }
    }

    pub fn failed(what: impl Into<String>) -> Self {
        Self::new(Kind::Failed, what)
    }

    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Kind::Usage, what)
    }

    pub fn not_found(what: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, what)
    }

    pub fn denied(what: impl Into<String>) -> Self {
        Self::new(Kind::Denied, what)
    }

    pub fn conflict(what: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, what)
    }

    pub fn damaged(what: impl Into<String>) -> Self {
        Self::new(Kind::Damaged, what)
    }

    pub fn rolled_back(what: impl Into<String>) -> Self {
        Self::new(Kind::RolledBack, what)
    }

    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.because.push(cause.to_string());
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Error {}

/// Turns any cause into an error that says what was being done: `.or_failed("cannot read x")`.
pub trait Explain<T> {
    fn explain(self, kind: Kind, what: impl FnOnce() -> String) -> Result<T>;

    fn or_failed(self, what: impl FnOnce() -> String) -> Result<T>
    where
        Self: Sized,
    {
        self.explain(Kind::Failed, what)
    }
}

impl<T, E: Into<anyhow::Error>> Explain<T> for std::result::Result<T, E> {
    fn explain(self, kind: Kind, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|cause| {
            let cause: anyhow::Error = cause.into();
            let because = cause.chain().map(ToString::to_string).collect();
            Error { kind, what: what(), because, hint: None }
        })
    }
}
