//! `secrets unlock`: the passphrase once, then none for a while.

use std::time::Duration;

use crate::cli::UnlockArgs;
use crate::config::Settings;
use crate::context::Context;
use crate::error::Result;
use crate::session::unlocked::{Unlocking, unlock};
use crate::terminal::say;

pub fn run(args: &UnlockArgs, ctx: &mut Context) -> Result<()> {
    ctx.no_input |= args.vault.no_input;
    let settings = Settings::resolve(&args.vault, ctx)?;
    match unlock(settings, args.lifetime, ctx)? {
        Unlocking::Unlocked => say(
            ctx,
            format_args!(
                "your key is unlocked for {}; `secrets lock` forgets it",
                words(args.lifetime)
            ),
        ),
        Unlocking::NothingToDo => {
            say(ctx, format_args!("nothing to unlock: your key needs no passphrase"));
        }
    }
    Ok(())
}

/// In the largest unit that leaves no rest, as it is typed.
fn words(lifetime: Duration) -> String {
    let seconds = lifetime.as_secs();
    let units = [(24 * 60 * 60, "d"), (60 * 60, "h"), (60, "m")];
    let unit = units.into_iter().find(|(unit, _)| seconds.is_multiple_of(*unit));
    let (unit, letter) = unit.unwrap_or((1, "s"));
    format!("{}{letter}", seconds / unit)
}
