//! `secrets verify`: the whole vault checked, from no memory.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use crate::cli::VerifyArgs;
use crate::config::Settings;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::session::verify::{Report, Subject, Verdict};
use crate::terminal::{Progress, print, print_json};

pub fn run(args: &VerifyArgs, ctx: &mut Context) -> Result<()> {
    ctx.no_input |= args.vault.no_input;
    let settings = Settings::resolve(&args.vault, ctx)?;
    let subject = Subject::read(settings, ctx)?;
    let report = check(&subject, ctx)?;
    if args.output.json {
        print_json(ctx, &report)?;
    } else {
        show(&report, ctx)?;
    }
    refuse(&report)
}

fn check(subject: &Subject, ctx: &mut Context) -> Result<Report> {
    let parts = subject.parts();
    let scanned = watched(ctx, "lines", subject.lines(), |progress| parts.scan(progress));
    let mut keys = subject.unlock(&scanned, ctx)?;
    let entries = scanned.entries.len();
    let checked =
        watched(ctx, "entries", entries, |progress| parts.check(scanned, &mut keys, progress));
    let boxes = checked.scanned.boxes.len();
    let findings = watched(ctx, "boxes", boxes, |progress| parts.open_boxes(&checked, progress));
    Ok(parts.report(&checked, &keys, findings))
}

/// Told how much is done of how much.
type Told<'a> = &'a (dyn Fn(usize, usize) + Sync);

const LOOK: Duration = Duration::from_millis(100);

/// Works on another thread while this one shows how far it has come.
fn watched<T: Send>(
    ctx: &mut Context,
    label: &'static str,
    total: usize,
    work: impl FnOnce(Told<'_>) -> T + Send,
) -> T {
    let reached = AtomicUsize::new(0);
    let mut progress = Progress::start(label, total as u64);
    let (end, ended) = mpsc::channel::<()>();
    let done = std::thread::scope(|scope| {
        let reached = &reached;
        let worker = scope.spawn(move || {
            let _end = end; // dropped when the work is over, however it ends
            work(&|done, _| {
                reached.fetch_max(done, Ordering::Relaxed);
            })
        });
        while ended.recv_timeout(LOOK) == Err(mpsc::RecvTimeoutError::Timeout) {
            progress.reach(ctx, reached.load(Ordering::Relaxed) as u64);
        }
        worker.join()
    });
    progress.finish(ctx);
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn show(report: &Report, ctx: &mut Context) -> Result<()> {
    let org = if report.org.is_empty() { "a vault" } else { &report.org };
    print(ctx, format_args!("{org}, vault {}", report.id))?;
    for head in &report.heads {
        print(ctx, format_args!("head {head}"))?;
    }
    let Report { entries, boxes, secrets, members, opened, .. } = report;
    let counts = [
        counted(*entries, "entry", "entries"),
        counted(*boxes, "box", "boxes"),
        counted(*secrets, "secret", "secrets"),
        counted(*members, "member", "members"),
    ];
    print(ctx, format_args!("{}", counts.join(", ")))?;
    let opened = [
        counted(opened.bodies, "entry", "entries"),
        counted(opened.values, "value", "values"),
        counted(opened.notes, "note", "notes"),
        counted(opened.keys, "key box", "key boxes"),
    ];
    print(ctx, format_args!("opened {}", opened.join(", ")))?;
    for line in lines(report) {
        print(ctx, format_args!("{line}"))?;
    }
    if report.verdict == Verdict::Whole {
        print(ctx, format_args!("the vault is whole"))?;
    }
    Ok(())
}

fn counted(count: usize, one: &str, several: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {several}") }
}

/// Everything worth a word, a line each.
fn lines(report: &Report) -> Vec<String> {
    let mut lines = vec![];
    let bad = report.bad_lines.iter();
    lines.extend(bad.map(|bad| format!("bad line {}: {}", bad.line, bad.why)));
    lines.extend(report.waiting.iter().map(|it| {
        format!(
            "waiting: entry {} by {} stands on {}, which is missing",
            it.entry, it.author, it.missing
        )
    }));
    let missing = report.missing_boxes.iter();
    lines.extend(missing.map(|it| format!("missing: {}, written by {}", it.what, it.author)));
    lines.extend(
        report
            .wrong_boxes
            .iter()
            .map(|it| format!("wrong: {}, written by {}: {}", it.what, it.author, it.why)),
    );
    lines.extend(report.forgotten.iter().map(|id| format!("gone: entry {id}, seen here before")));
    lines.extend(others(report));
    lines
}

/// What is no damage.
fn others(report: &Report) -> Vec<String> {
    let mut lines = vec![];
    if report.torn_bytes > 0 {
        lines.push(format!(
            "unfinished: the last {} were never acknowledged; the next writer moves them aside",
            counted(report.torn_bytes, "byte", "bytes")
        ));
    }
    let strangers = report.strangers.iter();
    lines.extend(strangers.map(|it| format!("line {}: an entry of no member: ignored", it.line)));
    lines.extend(
        report.refused.iter().map(|it| format!("no effect: an entry by {}: {}", it.author, it.why)),
    );
    lines.extend(report.proposed.iter().map(|it| {
        format!("proposed: version {} of {} by {}: {}", it.number, it.secret, it.author, it.why)
    }));
    let wraps = report.wrong_wraps.iter();
    lines.extend(
        wraps.map(|it| format!("wrong: {}, written by {}: {}", it.what, it.author, it.why)),
    );
    lines.extend(
        report
            .ghost_wraps
            .iter()
            .map(|it| format!("ignored: {} gave away keys that they never had", it.author)),
    );
    lines.extend(report.conflicts.iter().map(|name| format!("in conflict: {name}")));
    let lacking = report.missing_wraps.iter();
    lines.extend(lacking.map(|it| format!("{} lacks the key of {}", it.member, it.ring)));
    if report.dead_boxes > 0 {
        lines.push(format!(
            "{} erased from the log: the next writer drops them",
            counted(report.dead_boxes, "box is", "boxes are")
        ));
    }
    if report.requests > 0 {
        let requests = counted(report.requests, "request", "requests");
        lines.push(format!("{requests} to join waiting"));
    }
    lines
}

fn refuse(report: &Report) -> Result<()> {
    const REPAIR: &str = "`secrets repair` puts back what this machine or another copy still has";
    match report.verdict {
        Verdict::Whole => Ok(()),
        Verdict::Damaged => Err(Error::damaged("the vault is damaged").hint(REPAIR)),
        Verdict::RolledBack => {
            Err(Error::rolled_back("the vault went back from what this machine has seen")
                .hint(REPAIR))
        }
        Verdict::Unopened => Err(unopened(report)),
    }
}

fn unopened(report: &Report) -> Error {
    let error = Error::denied("lines, signatures and hashes are right; bodies could not be opened");
    match &report.no_key {
        Some(why) => error.because(why).hint("name your identity with `-i`"),
        None => error
            .because(format!("no key here opens {}", counted(report.locked, "entry", "entries")))
            .hint("any change by somebody who holds that key gives it to you"),
    }
}
