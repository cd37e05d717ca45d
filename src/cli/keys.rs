//! The commands about your own keys.

use super::{Consent, Output, PassphraseArgs, VaultArgs, amount};
use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::time::Duration;

const UNLOCK: &str = "\
Asks for the passphrase, or the touch of a hardware key, once; until the time is over other
commands need neither. The system keeps the key in memory, never in a file.

Examples:
  secrets unlock
  secrets unlock --for 30m";

/// Keep your key at hand for a while
#[derive(Args)]
#[command(after_help = UNLOCK)]
pub struct UnlockArgs {
    /// For how long: 30m, 8h, 2d
    #[arg(long = "for", value_name = "TIME", default_value = "8h", value_parser = amount::lifetime)]
    pub lifetime: Duration,

    #[command(flatten)]
    pub vault: VaultArgs,
}

const LOCK: &str = "\
Example:
  secrets lock";

/// Forget what unlock keeps
#[derive(Args)]
#[command(after_help = LOCK)]
pub struct LockArgs {
    #[command(flatten)]
    pub vault: VaultArgs,
}

const IDENTITY: &str = "\
You may have several: a key file, an SSH key, a hardware key. Any one of them opens what you
may read.

Examples:
  secrets identity show
  secrets identity new --out laptop.txt
  secrets identity add 'ssh-ed25519 AAAAC3Nza…'
  secrets identity remove age1qyqszq…";

/// Show, make, add or remove the keys that you unlock with
#[derive(Args)]
#[command(after_help = IDENTITY, disable_help_subcommand = true)]
pub struct IdentityArgs {
    #[command(subcommand)]
    pub action: IdentityAction,
}

#[derive(Subcommand)]
pub enum IdentityAction {
    Show(IdentityShowArgs),
    New(IdentityNewArgs),
    Add(IdentityAddArgs),
    Remove(IdentityRemoveArgs),
}

const IDENTITY_SHOW: &str = "\
Public halves only; a private key is never printed.

Examples:
  secrets identity show
  secrets identity show --json";

/// Show the keys that open the vault for you
#[derive(Args)]
#[command(after_help = IDENTITY_SHOW)]
pub struct IdentityShowArgs {
    #[command(flatten)]
    pub output: Output,

    #[command(flatten)]
    pub vault: VaultArgs,
}

const IDENTITY_NEW: &str = "\
Makes an age identity file and prints its public half. It opens nothing until `identity add`
gives that half to the vault.

Examples:
  secrets identity new
  secrets identity new --out laptop.txt --passphrase";

/// Make a new key
#[derive(Args)]
#[command(after_help = IDENTITY_NEW)]
pub struct IdentityNewArgs {
    /// Where to put it [default: your config folder]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    #[command(flatten)]
    pub passphrase: PassphraseArgs,

    /// Ask nothing, even on a terminal
    #[arg(long)]
    pub no_input: bool,
}

const IDENTITY_ADD: &str = "\
From then on that key opens the vault for you too.

Examples:
  secrets identity add age1qyqszq…
  secrets identity add \"$(cat ~/.ssh/id_ed25519.pub)\"";

/// Let another of your keys open the vault
#[derive(Args)]
#[command(after_help = IDENTITY_ADD)]
pub struct IdentityAddArgs {
    /// Its public half: an age recipient, or the line of an SSH public key in quotes
    pub recipient: String,

    #[command(flatten)]
    pub vault: VaultArgs,
}

const IDENTITY_REMOVE: &str = "\
Your member key is made anew, so that the removed key opens nothing written later.

Example:
  secrets identity remove age1qyqszq…";

/// Stop one of your keys from opening the vault
#[derive(Args)]
#[command(after_help = IDENTITY_REMOVE)]
pub struct IdentityRemoveArgs {
    /// Its public half, as `identity show` prints it
    pub recipient: String,

    #[command(flatten)]
    pub consent: Consent,

    #[command(flatten)]
    pub vault: VaultArgs,
}
