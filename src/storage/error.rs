//! What can go wrong while writing, told apart by what the caller must do next.

use std::fmt;
use std::io;

/// A write that is not acknowledged.
#[derive(Debug)]
pub enum WriteError {
    /// The file at this path is not the one the caller read: read again, then redo.
    Moved,
    /// The system refused; nothing of the write may be relied on.
    Failed { doing: &'static str, cause: io::Error, after: After },
}

/// What a failed write left behind.
#[derive(Debug)]
pub enum After {
    /// The file is as it was.
    Unchanged,
    /// The new contents are in place, but a power failure may still undo that.
    NotDurable,
    /// A part of the write may be in the file: cutting it off failed too.
    Torn(io::Error),
}

impl WriteError {
    pub(super) fn unchanged(doing: &'static str, cause: io::Error) -> Self {
        Self::Failed { doing, cause, after: After::Unchanged }
    }

    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        match self {
            Self::Moved => None,
            Self::Failed { cause, .. } => Some(cause.kind()),
        }
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Moved => f.write_str("the file was replaced or changed by another program"),
            Self::Failed { doing, after: After::Unchanged, .. } => {
                write!(f, "{doing} failed; the file is as it was")
            }
            Self::Failed { doing, after: After::NotDurable, .. } => {
                write!(f, "{doing} failed; the change is in the file but may not survive a crash")
            }
            Self::Failed { doing, after: After::Torn(second), .. } => {
                write!(f, "{doing} failed, and cutting the file back failed too ({second}); ")?;
                f.write_str("an unfinished line may be at its end")
            }
        }
    }
}

impl std::error::Error for WriteError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Moved => None,
            Self::Failed { cause, .. } => Some(cause),
        }
    }
}
