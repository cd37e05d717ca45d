//! The commands about a vault as a whole.

use super::{Consent, Output, VaultArgs};
use clap::Args;
use std::path::PathBuf;

const INIT: &str = "\
Inside a git work tree the vault is ./ORG.vault, beside .secrets.toml and .gitattributes;
elsewhere it goes to your data folder. Nothing but your key opens it: keep a copy of the key.
On a terminal a passphrase for the key is offered; --passphrase and --no-passphrase answer
that beforehand.

Examples:
  secrets init acme
  secrets init acme --recovery
  secrets init acme -i ~/.ssh/id_ed25519";

/// Make a vault, and a key that opens it
#[derive(Args)]
#[command(after_help = INIT)]
pub struct InitArgs {
    /// The organisation's name [default: the folder's name, asked on a terminal]
    #[arg(value_name = "ORG")]
    pub name: Option<String>,

    /// Print a second key, to keep on paper
    #[arg(long)]
    pub recovery: bool,

    #[command(flatten)]
    pub passphrase: PassphraseArgs,

    /// Use this key instead of making one: an age identity file or an SSH private key
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["passphrase", "no_passphrase"])]
    pub identity: Option<PathBuf>,

    /// Where to put the vault
    #[arg(long, value_name = "FILE")]
    pub vault: Option<PathBuf>,

    /// Ask nothing, even on a terminal
    #[arg(long)]
    pub no_input: bool,

    #[command(flatten)]
    pub output: Output,
}

// Whether a key file that is made gets a passphrase. Neither: asked on a terminal, else none.
#[derive(Args)]
pub struct PassphraseArgs {
    /// Ask for a passphrase for the new key
    #[arg(long, conflicts_with = "no_passphrase")]
    pub passphrase: bool,

    /// Make the new key without a passphrase
    #[arg(long)]
    pub no_passphrase: bool,
}

const MERGE: &str = "\
Brings into the vault what other copies of it have. Nothing is lost on either side: two values
written at once both stay, and the secret is shown as in conflict until somebody decides.

Example:
  secrets merge ../laptop/acme.vault";

/// Take in what other copies of the vault have
#[derive(Args)]
#[command(after_help = MERGE)]
pub struct MergeArgs {
    /// The other copies
    #[arg(value_name = "OTHER", required = true)]
    pub others: Vec<PathBuf>,

    #[command(flatten)]
    pub output: Output,

    #[command(flatten)]
    pub vault: VaultArgs,
}

const VERIFY: &str = "\
Reads everything anew and trusts nothing remembered: every signature, every right, every box.
Exit code 6 means damage, 7 that the vault went back from what this machine has seen.

Examples:
  secrets verify
  secrets verify --vault backup/acme.vault --json";

/// Check the whole vault
#[derive(Args)]
#[command(after_help = VERIFY)]
pub struct VerifyArgs {
    #[command(flatten)]
    pub output: Output,

    #[command(flatten)]
    pub vault: VaultArgs,
}

const REPAIR: &str = "\
What is missing or damaged comes back from this machine's mirror and from other copies. It
shows what it would do before it asks, and keeps the file that it replaces.

Examples:
  secrets repair
  secrets repair --from ../laptop/acme.vault --yes";

/// Put back what the vault file lost
#[derive(Args)]
#[command(after_help = REPAIR)]
pub struct RepairArgs {
    /// Another copy to take from; may be repeated
    #[arg(long, value_name = "FILE")]
    pub from: Vec<PathBuf>,

    #[command(flatten)]
    pub consent: Consent,

    #[command(flatten)]
    pub output: Output,

    #[command(flatten)]
    pub vault: VaultArgs,
}
