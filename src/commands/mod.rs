//! What each verb does: refuse before asking, ask before writing, say last. One file a verb.

mod create;
mod current;
mod delete;
mod describe;
mod env;
mod find;
mod history;
mod identity;
mod init;
mod input;
mod list;
mod lock;
mod merge;
mod names;
mod repair;
mod restore;
mod reveal;
mod rights;
mod secret;
mod show;
mod unlock;
mod update;
mod verify;
mod version;

use crate::cli::Verb;
use crate::context::Context;
use crate::error::Result;

/// Does what was asked for.
pub fn run(verb: &Verb, ctx: &mut Context) -> Result<()> {
    match verb {
        Verb::Init(args) => init::run(args, ctx),
        Verb::Create(args) => create::run(args, ctx),
        Verb::Update(args) => update::run(args, ctx),
        Verb::Reveal(args) => reveal::run(args, ctx),
        Verb::List(args) => list::run(args, ctx),
        Verb::Show(args) => show::run(args, ctx),
        Verb::History(args) => history::run(args, ctx),
        Verb::Restore(args) => restore::run(args, ctx),
        Verb::Delete(args) => delete::run(args, ctx),
        Verb::Env(args) => env::run(args, ctx),
        Verb::Merge(args) => merge::run(args, ctx),
        Verb::Verify(args) => verify::run(args, ctx),
        Verb::Repair(args) => repair::run(args, ctx),
        Verb::Unlock(args) => unlock::run(args, ctx),
        Verb::Lock(args) => lock::run(args, ctx),
        Verb::Identity(args) => identity::run(args, ctx),
    }
}
