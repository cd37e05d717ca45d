//! `secrets env`: which secrets reach a command, and the command itself.

use super::Scope;
use super::amount::{self, Mapping};
use clap::Args;
use std::ffi::OsString;

const ENV: &str = "\
The command takes this program's place: its signals, terminal and exit code are its own.
Nothing runs if a secret that was asked for cannot be opened. A name that could take over a
program, such as PATH or LD_PRELOAD, is refused unless --allow-name names it. When the command
is not started, the exit code is 2 to 7 as everywhere, 126 if it cannot be run, 127 if it is
not found, and 125 for anything else.

Examples:
  secrets env -- ./app --port 8080
  secrets env -e production --only DATABASE_URL,API_TOKEN -- ./migrate
  secrets env --map API_TOKEN=GITHUB_TOKEN -- gh release list
  secrets env -- sh -c 'echo \"$DATABASE_URL\" | wc -c'";

/// Run a command with the secrets in its environment
#[derive(Args)]
#[command(after_help = ENV)]
pub struct EnvArgs {
    /// These secrets and no others
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub only: Vec<String>,

    /// All secrets but these
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub except: Vec<String>,

    /// Put this before every name
    #[arg(long, value_name = "PREFIX")]
    pub prefix: Option<String>,

    /// Give the secret NAME to the command as OTHER; may be repeated
    #[arg(long, value_name = "NAME=OTHER", value_parser = amount::mapping)]
    pub map: Vec<Mapping>,

    /// Start from an empty environment: the command gets the secrets alone
    #[arg(long)]
    pub clean: bool,

    /// A variable that is set already keeps its value
    #[arg(long, conflicts_with = "clean")]
    pub keep_existing: bool,

    /// Accept a name that could take over a program; may be repeated
    #[arg(long = "allow-name", id = "allow_name", value_name = "NAME")]
    pub allowed_names: Vec<String>,

    #[command(flatten)]
    pub scope: Scope,

    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}
