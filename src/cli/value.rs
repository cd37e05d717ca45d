//! The commands that take a value: where it comes from, and the trap for one that was typed.

use super::amount;
use super::{Precondition, Scope};
use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;

const CREATE: &str = "\
The value comes from a hidden prompt on a terminal, else from stdin (one final newline is
dropped), from a file, or is made at random. It never comes from an argument, which other
programs and the shell's history could see. A name is an environment variable's: db-password
becomes DB_PASSWORD.

Examples:
  secrets create DATABASE_URL
  printf %s \"$TOKEN\" | secrets create API_TOKEN -e production
  secrets create TLS_KEY --from-file key.pem --verbatim
  secrets create SESSION_KEY --generate=64 --note 'rotate each spring'";

/// Make a secret
#[derive(Args)]
#[command(after_help = CREATE)]
pub struct CreateArgs {
    /// Its name [default: asked for on a terminal]
    pub name: Option<String>,

    #[command(flatten)]
    pub value: ValueArgs,

    /// A note for whoever comes after you; every member can read it
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,

    /// Change nothing, and succeed, if there is one of that name
    #[arg(long)]
    pub if_missing: bool,

    #[command(flatten)]
    pub scope: Scope,
}

const UPDATE: &str = "\
A new value is a new version; earlier ones stay and can be restored. With --note or --rename
and no source of a value, the value stays as it is and none is asked for or read.

Examples:
  secrets update DATABASE_URL
  printf %s \"$TOKEN\" | secrets update API_TOKEN --if-version 3
  secrets update SESSION_KEY --generate
  secrets update API_TOKEN --rename GITHUB_TOKEN";

/// Give a secret a new value, note or name
#[derive(Args)]
#[command(after_help = UPDATE)]
pub struct UpdateArgs {
    /// The secret
    pub name: String,

    #[command(flatten)]
    pub value: ValueArgs,

    /// A new note; an empty one removes it
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,

    /// A new name
    #[arg(long, value_name = "NEW")]
    pub rename: Option<String>,

    #[command(flatten)]
    pub unless_moved: Precondition,

    #[command(flatten)]
    pub scope: Scope,
}

// Where a value comes from. Neither a file nor random: a prompt, or stdin.
#[derive(Args)]
pub struct ValueArgs {
    /// Read the value from a file
    #[arg(long, value_name = "FILE", conflicts_with = "generate")]
    pub from_file: Option<PathBuf>,

    /// Make a random value of LENGTH letters and digits [default: 32]
    #[arg(
        long,
        value_name = "LENGTH",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "32",
        value_parser = amount::length
    )]
    pub generate: Option<usize>,

    /// Keep the final newline of what is read
    #[arg(long, conflicts_with = "generate")]
    pub verbatim: bool,

    /// Accept an empty value
    #[arg(long, conflicts_with = "generate")]
    pub allow_empty: bool,

    // Catches a value that was typed, which clap would otherwise repeat in its error.
    #[arg(hide = true)]
    pub(super) typed: Vec<OsString>,
}
