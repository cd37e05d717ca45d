//! `secrets repair`: what the vault file lost, put back.

use serde::Serialize;

use crate::cli::RepairArgs;
use crate::config::{Settings, default_vault};
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::session::copies::Copy;
use crate::session::memory::Folder;
use crate::session::repair::{Diagnosis, Found, Plan, examine};
use crate::terminal::{confirm, print_json, say};

#[derive(Serialize)]
struct Done<'a> {
    vault: String,
    repaired: bool,
    /// The file that was replaced.
    kept: Option<String>,
    plan: &'a Plan,
}

pub fn run(args: &RepairArgs, ctx: &mut Context) -> Result<()> {
    ctx.no_input |= args.vault.no_input;
    ctx.yes |= args.consent.yes;
    let settings = settings(args, ctx)?;
    let path = settings.vault.clone();
    let copies = args.from.iter().map(|path| Copy::read(&ctx.cwd.join(path)));
    let diagnosis = examine(settings, copies.collect::<Result<_>>()?, ctx)?;
    for line in lines(&diagnosis.plan) {
        say(ctx, format_args!("{line}"));
    }
    let vault = path.display().to_string();
    if diagnosis.plan.is_nothing() {
        refuse_lost(&diagnosis.plan)?;
        say(ctx, format_args!("nothing to repair"));
        return tell(args, Done { vault, repaired: false, kept: None, plan: &diagnosis.plan }, ctx);
    }
    if !confirm(ctx, &question(&diagnosis.plan))? {
        return Err(Error::new(Kind::Failed, "nothing was changed"));
    }
    let (plan, kept) = carry_out(diagnosis, ctx)?;
    tell(args, Done { vault, repaired: true, kept, plan: &plan }, ctx)
}

/// The vault may be gone from where an organisation's vault is looked for.
fn settings(args: &RepairArgs, ctx: &Context) -> Result<Settings> {
    let resolved = Settings::resolve(&args.vault, ctx);
    let Err(error) = &resolved else { return resolved };
    let Some(org) = args.vault.org.as_deref().filter(|_| error.kind == Kind::NotFound) else {
        return resolved;
    };
    let path = default_vault(org, ctx)?;
    if Folder::of(&ctx.paths()?.state, &path).pins().is_none() {
        return resolved;
    }
    let mut named = args.vault.clone();
    named.file = Some(path);
    Settings::resolve(&named, ctx)
}

fn carry_out(diagnosis: Diagnosis, ctx: &mut Context) -> Result<(Plan, Option<String>)> {
    let (plan, repaired) = diagnosis.repair(ctx)?;
    let kept = repaired.kept.map(|path| path.display().to_string());
    if let Some(kept) = &kept {
        say(ctx, format_args!("the file as it was: {kept}"));
    }
    let vault = repaired.session.path();
    say(ctx, format_args!("repaired {}", vault.display()));
    Ok((plan, kept))
}

fn tell(args: &RepairArgs, done: Done<'_>, ctx: &mut Context) -> Result<()> {
    if args.output.json { print_json(ctx, &done) } else { Ok(()) }
}

/// Damage that nothing here can mend.
fn refuse_lost(plan: &Plan) -> Result<()> {
    if plan.lost.is_empty() {
        return Ok(());
    }
    Err(Error::damaged("nothing here has what is missing").hint(
        "`secrets repair --from FILE` looks in another copy; a new value takes a lost one's place",
    ))
}

fn question(plan: &Plan) -> String {
    if plan.forgotten.is_empty() {
        "Repair it so?".to_owned()
    } else {
        "Go on without what stays lost?".to_owned()
    }
}

fn lines(plan: &Plan) -> Vec<String> {
    let mut lines = vec![];
    match plan.found {
        Found::Nothing => lines.push("the vault file is gone".to_owned()),
        Found::NoVault => lines.push("the file is no vault any more".to_owned()),
        Found::Vault => {}
    }
    lines.extend(plan.bad_lines.iter().map(|bad| format!("goes: line {}: {}", bad.line, bad.why)));
    if plan.torn_bytes > 0 {
        lines.push(format!("goes: {} bytes of an unfinished line", plan.torn_bytes));
    }
    if plan.strangers > 0 {
        lines
            .push(format!("goes: {} of no member of this vault", counted(plan.strangers, "entry")));
    }
    lines.extend(plan.waiting.iter().map(|waiting| {
        let (entry, author) = (&waiting.entry, &waiting.author);
        format!("goes: entry {entry} by {author}, because what it stands on is nowhere")
    }));
    lines.extend(plan.put_back.iter().map(|back| {
        let (entries, boxes) = (counted(back.entries, "entry"), counted(back.boxes, "box"));
        format!("comes back: {entries} and {boxes}, from {}", back.from)
    }));
    let lost = plan.lost.iter();
    lines.extend(lost.map(|lost| format!("stays lost: {}, written by {}", lost.what, lost.author)));
    let forgotten = plan.forgotten.iter();
    lines.extend(forgotten.map(|entry| format!("stays lost: entry {entry}, seen here before")));
    lines
}

fn counted(count: usize, what: &str) -> String {
    match (count, what) {
        (1, _) => format!("1 {what}"),
        (_, "box") => format!("{count} boxes"),
        _ => format!("{count} entries"),
    }
}
