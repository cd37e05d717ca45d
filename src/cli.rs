//! What can be typed: every command with its arguments, as types; and reading a command line.
//!
//! Invariants: a command's own tree is built only when that command is named (`defer`), because
//! building all of them is the largest part of a warm start; nothing here is `global`. No text made
//! here repeats a value that was typed where none belongs. What a command does is not here, nor are
//! variables and config files: an absent option is `None`.

mod amount;
mod entries;
mod keys;
mod launch;
mod refusal;
mod scope;
mod value;
mod vault;

pub use amount::Mapping;
pub use entries::{DeleteArgs, HistoryArgs, ListArgs, RestoreArgs, RevealArgs, ShowArgs};
pub use keys::{IdentityAction, IdentityArgs, IdentityNewArgs, LockArgs, UnlockArgs};
pub use keys::{IdentityAddArgs, IdentityRemoveArgs, IdentityShowArgs};
pub use launch::EnvArgs;
pub use scope::{Consent, Output, Precondition, Scope, VaultArgs};
pub use value::{CreateArgs, UpdateArgs, ValueArgs};
pub use vault::{InitArgs, MergeArgs, PassphraseArgs, RepairArgs, VerifyArgs};

use crate::error::Result;
use clap::builder::Styles;
use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;

#[derive(Parser)]
#[command(
    name = "secrets",
    version,
    override_help = include_str!("cli/help.txt"),
    styles = Styles::plain(),
    disable_help_subcommand = true,
    max_term_width = 100
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
#[command(defer = true)]
pub enum Verb {
    Init(InitArgs),
    Create(CreateArgs),
    Update(UpdateArgs),
    Reveal(RevealArgs),
    List(ListArgs),
    Show(ShowArgs),
    History(HistoryArgs),
    Restore(RestoreArgs),
    Delete(DeleteArgs),
    Env(EnvArgs),
    Merge(MergeArgs),
    Verify(VerifyArgs),
    Repair(RepairArgs),
    Unlock(UnlockArgs),
    Lock(LockArgs),
    Identity(IdentityArgs),
}

/// What a command line comes to.
pub enum Asked {
    /// Something to do.
    Run(Box<Verb>),
    /// Help or the version, for stdout.
    Read(String),
}

/// Reads a whole command line, the program's own name first.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Asked> {
    let args: Vec<OsString> = args.into_iter().collect();
    let read = command().try_get_matches_from(&args);
    match read.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => match refusal::values_in(&cli.verb) {
            Some(refused) => Err(refused),
            None => Ok(Asked::Run(Box::new(cli.verb))),
        },
        Err(error) if is_help(&error, &args) => Ok(Asked::Read(error.render().to_string())),
        Err(error) => Err(refusal::explain(&error, &args)),
    }
}

/// The whole tree, for help, completions and man pages.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Help that was asked for in so many words: `-hunter2` is a typed value, not `-h` and more.
fn is_help(error: &clap::Error, args: &[OsString]) -> bool {
    let asked = |arg: &OsString| ["-h", "--help", "-V", "--version"].iter().any(|ask| arg == ask);
    matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion)
        && args.iter().any(asked)
}
