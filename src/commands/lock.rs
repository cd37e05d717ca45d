//! `secrets lock`: forget what `unlock` keeps.

use crate::cli::LockArgs;
use crate::config::Settings;
use crate::context::Context;
use crate::error::Result;
use crate::session::unlocked::lock;
use crate::terminal::say;

pub fn run(args: &LockArgs, ctx: &mut Context) -> Result<()> {
    ctx.no_input |= args.vault.no_input;
    let settings = Settings::resolve(&args.vault, ctx)?;
    let said = if lock(&settings, ctx)? { "locked" } else { "nothing was unlocked" };
    say(ctx, format_args!("{said}"));
    Ok(())
}
