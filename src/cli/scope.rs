//! Options that several commands share. They are flattened into each one rather than made `global`,
//! which would cost every start.

use clap::Args;
use std::path::PathBuf;

const WHERE: &str = "Which vault, as whom";

// A plain comment: clap would take a doc comment here for the command's own description.
#[derive(Args, Clone)]
pub struct VaultArgs {
    /// The organisation, where this machine knows several
    #[arg(short, long, value_name = "ORG", help_heading = WHERE)]
    pub org: Option<String>,

    /// The vault's path
    #[arg(long = "vault", id = "vault", value_name = "FILE", help_heading = WHERE)]
    pub file: Option<PathBuf>,

    /// The id the vault must have
    #[arg(
        long = "vault-id",
        id = "vault_id",
        value_name = "ID",
        help_heading = WHERE,
        allow_hyphen_values = true
    )]
    pub id: Option<String>,

    /// Your key: an age identity file or an SSH private key
    #[arg(short, long, value_name = "FILE", help_heading = WHERE)]
    pub identity: Option<PathBuf>,

    /// Ask nothing, even on a terminal
    #[arg(long, help_heading = WHERE)]
    pub no_input: bool,
}

// One environment of a vault.
#[derive(Args)]
pub struct Scope {
    /// The environment [default: the config's, else development]
    #[arg(short, long, value_name = "ENVIRONMENT", help_heading = WHERE)]
    pub env: Option<String>,

    #[command(flatten)]
    pub vault: VaultArgs,
}

// How results are printed.
#[derive(Args)]
pub struct Output {
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

// Questions answered beforehand.
#[derive(Args)]
pub struct Consent {
    /// Do it without asking
    #[arg(short, long)]
    pub yes: bool,
}

// What must still be so for a change to be made. An etag or a box's id may begin with a hyphen.
#[derive(Args)]
pub struct Precondition {
    /// Refuse if the secret's etag, as `show` prints it, has changed
    #[arg(long, value_name = "ETAG", allow_hyphen_values = true)]
    pub if_match: Option<String>,

    /// Refuse if the current version is another
    #[arg(long, value_name = "VERSION", allow_hyphen_values = true)]
    pub if_version: Option<String>,
}
