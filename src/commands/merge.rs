//! `secrets merge`: what other copies of the vault have, taken in.

use crate::cli::MergeArgs;
use crate::context::Context;
use crate::error::Result;
use crate::session::copies::Copy;
use crate::session::merge::{LeftOut, Merged};
use crate::terminal::{print_json, say, warn};

use super::secret::open;

pub fn run(args: &MergeArgs, ctx: &mut Context) -> Result<()> {
    let paths = args.others.iter().map(|path| ctx.cwd.join(path));
    let copies: Vec<Copy> = paths.map(|path| Copy::read(&path)).collect::<Result<_>>()?;
    let mut session = open(&args.vault, ctx)?;
    let merged = session.merge(ctx, &copies)?;
    for left_out in &merged.left_out {
        warn(ctx, format_args!("{}", what_was_wrong(left_out)));
    }
    if merged.incomplete > 0 {
        let entries = entries(merged.incomplete);
        warn(ctx, format_args!("{entries} left out: what they stand on is in neither copy"));
    }
    if args.output.json {
        return print_json(ctx, &merged);
    }
    tell(&merged, ctx);
    Ok(())
}

fn what_was_wrong(copy: &LeftOut) -> String {
    let mut faults = vec![];
    match copy.bad_lines {
        0 => {}
        1 => faults.push("a line fails its checks".to_owned()),
        several => faults.push(format!("{several} lines fail their checks")),
    }
    if copy.torn {
        faults.push("its end is unfinished".to_owned());
    }
    format!("{} is damaged: {}; the rest was taken in", copy.file, faults.join(", "))
}

fn entries(count: usize) -> String {
    if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") }
}

fn tell(merged: &Merged, ctx: &mut Context) {
    if merged.is_nothing() {
        say(ctx, format_args!("nothing new in it"));
        return;
    }
    let from: Vec<String> =
        merged.from.iter().map(|(name, count)| format!("{} by {name}", entries(*count))).collect();
    match from.as_slice() {
        [] if merged.boxes > 0 => say(ctx, format_args!("took in boxes that were missing here")),
        [] => say(ctx, format_args!("took in requests to join")),
        from => say(ctx, format_args!("took in {}", from.join(", "))),
    }
    for refused in &merged.refused {
        let (author, why) = (&refused.author, &refused.why);
        warn(ctx, format_args!("an entry by {author} has no effect: {why}"));
    }
    for value in &merged.proposed {
        let (name, version, why) = (&value.name, &value.version, &value.why);
        let place =
            value.environment.as_ref().map_or_else(String::new, |name| format!(" -e {name}"));
        warn(
            ctx,
            format_args!(
                "a value of {name} is not in effect: {why}; \
                 `secrets restore {name} --version {version}{place}` takes it"
            ),
        );
    }
    for name in &merged.conflicts {
        warn(ctx, format_args!("{name} is in conflict: `secrets history` shows both sides"));
    }
}
