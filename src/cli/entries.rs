//! The commands about secrets that take no value.

use super::{Consent, Output, Precondition, Scope};
use clap::Args;

const REVEAL: &str = "\
Piped, it is the value's exact bytes and nothing else; on a terminal a newline follows.

Examples:
  secrets reveal DATABASE_URL
  secrets reveal TLS_KEY -e production > key.pem
  secrets reveal API_TOKEN --version 3";

/// Print a secret's value
#[derive(Args)]
#[command(after_help = REVEAL)]
pub struct RevealArgs {
    /// The secret
    pub name: String,

    /// An earlier version [default: the current one]
    #[arg(long, value_name = "VERSION", allow_hyphen_values = true)]
    pub version: Option<String>,

    #[command(flatten)]
    pub output: Output,

    #[command(flatten)]
    pub scope: Scope,
}

const LIST: &str = "\
Names and versions, never values.

Examples:
  secrets list
  secrets list -e production --json";

/// List the secrets of an environment
#[derive(Args)]
#[command(after_help = LIST)]
pub struct ListArgs {
    #[command(flatten)]
    pub output: Output,

    #[command(flatten)]
    pub scope: Scope,
}

const SHOW: &str = "\
Its id, note, version, etag, and who made and last changed it.

Examples:
  secrets show DATABASE_URL
  secrets show DATABASE_URL -e production --json";

/// Show what is known of a secret, except its value
#[derive(Args)]
#[command(after_help = SHOW)]
pub struct ShowArgs {
    /// The secret
    pub name: String,

    #[command(flatten)]
    pub output: Output,

    #[command(flatten)]
    pub scope: Scope,
}

const HISTORY: &str = "\
Each version with its author and time. Two made at once, on two copies of the vault, may share
a number and are told apart, as in 4~9f3c and 4~c901.

Examples:
  secrets history DATABASE_URL
  secrets history DATABASE_URL --json";

/// List the versions of a secret
#[derive(Args)]
#[command(after_help = HISTORY)]
pub struct HistoryArgs {
    /// The secret
    pub name: String,

    #[command(flatten)]
    pub output: Output,

    #[command(flatten)]
    pub scope: Scope,
}

const RESTORE: &str = "\
The earlier value becomes a new version; nothing is removed from the history. A version that
history calls proposed, because its author had no right to it, is taken the same way.

Examples:
  secrets restore DATABASE_URL --version 3
  secrets restore DATABASE_URL --version 5~9f3c --if-version 4";

/// Make an earlier version current again
#[derive(Args)]
#[command(after_help = RESTORE)]
pub struct RestoreArgs {
    /// The secret
    pub name: String,

    /// The version whose value comes back
    #[arg(long, value_name = "VERSION", allow_hyphen_values = true)]
    pub version: String,

    #[command(flatten)]
    pub unless_moved: Precondition,

    #[command(flatten)]
    pub scope: Scope,
}

const DELETE: &str = "\
Every version is erased from the vault file. The name stays in the history; copies of the
file made earlier, git's among them, keep what they had. Each name gets its own result, and
one that fails does not stop the rest.

Examples:
  secrets delete API_TOKEN
  secrets delete OLD_TOKEN OLDER_TOKEN -e staging --yes";

/// Delete secrets for ever
#[derive(Args)]
#[command(after_help = DELETE)]
pub struct DeleteArgs {
    /// The secrets
    #[arg(value_name = "NAME", required = true)]
    pub names: Vec<String>,

    #[command(flatten)]
    pub unless_moved: Precondition,

    #[command(flatten)]
    pub consent: Consent,

    #[command(flatten)]
    pub output: Output,

    #[command(flatten)]
    pub scope: Scope,
}
