//! Lines on stdout and stderr, and the voice of errors.

use std::fmt;
use std::io::{ErrorKind, Write};

use super::escape::escape_lines;
use crate::context::Context;
use crate::error::{Error, Explain, Kind, Result};

const RED: &str = "\x1b[1;31m";
const YELLOW: &str = "\x1b[33m";
const CYAN: &str = "\x1b[36m";
const PLAIN: &str = "\x1b[0m";

/// A line of the result, on stdout.
pub fn print(ctx: &mut Context, line: fmt::Arguments<'_>) -> Result<()> {
    let text = format!("{line}\n");
    print_bytes(ctx, escape_lines(&text).as_bytes())
}

/// Exactly these bytes on stdout.
pub fn print_bytes(ctx: &mut Context, bytes: &[u8]) -> Result<()> {
    let written = ctx.stdout.write_all(bytes).and_then(|()| ctx.stdout.flush());
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {
            Err(Error::new(Kind::ReaderGone, "nobody reads the output"))
        }
        result => result.or_failed(|| "cannot write to stdout".to_owned()),
    }
}

/// What was done, on stderr. Nobody there to read it is no reason to fail.
pub fn say(ctx: &mut Context, line: fmt::Arguments<'_>) {
    let text = format!("{line}\n");
    let _ = ctx.stderr.write_all(escape_lines(&text).as_bytes());
}

/// Something that the user should know although the command goes on.
pub fn warn(ctx: &mut Context, line: fmt::Arguments<'_>) {
    let text = voice("warning", YELLOW, &line.to_string(), ctx.colours_stderr());
    let _ = ctx.stderr.write_all(text.as_bytes());
}

/// What happened, because of what, and what to do next.
pub fn show_error(ctx: &mut Context, error: &Error) {
    if matches!(error.kind, Kind::ReaderGone | Kind::Interrupted) {
        return;
    }
    let coloured = ctx.colours_stderr();
    let mut text = voice("error", RED, &error.what, coloured);
    for cause in &error.because {
        text.push_str(&voice("because", YELLOW, cause, coloured));
    }
    if let Some(hint) = &error.hint {
        text.push_str(&voice("hint", CYAN, hint, coloured));
    }
    let _ = ctx.stderr.write_all(text.as_bytes());
}

fn voice(label: &str, colour: &str, text: &str, coloured: bool) -> String {
    let text = escape_lines(text.trim_end()).replace('\n', "\n    ");
    if coloured {
        format!("secrets: {colour}{label}:{PLAIN} {text}\n")
    } else {
        format!("secrets: {label}: {text}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    struct ClosedPipe;

    impl Write for ClosedPipe {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_error_says_what_because_and_hint() {
        let (mut ctx, stdout, stderr) = Context::detached("/", DateTime::UNIX_EPOCH);
        let error = Error::denied("cannot open acme/production")
            .because("your key may view it but not reveal")
            .because("line 1\nline 2")
            .hint("an admin can run `secrets grant alice read -e production`");
        show_error(&mut ctx, &error);
        let expected = "\
secrets: error: cannot open acme/production
secrets: because: your key may view it but not reveal
secrets: because: line 1
    line 2
secrets: hint: an admin can run `secrets grant alice read -e production`
";
        assert_eq!(stderr.take_text(), expected);
        assert!(stdout.take().is_empty());
    }

    #[test]
    fn names_in_it_cannot_act_on_the_terminal_and_only_labels_are_coloured() {
        let (mut ctx, stdout, stderr) = Context::detached("/", DateTime::UNIX_EPOCH);
        ctx.terminals.stderr = true;
        show_error(&mut ctx, &Error::failed("no secret named \u{1b}[31mX"));
        let coloured = "secrets: \x1b[1;31merror:\x1b[0m no secret named \\u{1b}[31mX\n";
        assert_eq!(stderr.take_text(), coloured);
        ctx.env.insert("NO_COLOR".into(), "1".into());
        warn(&mut ctx, format_args!("\u{202e}"));
        assert_eq!(stderr.take_text(), "secrets: warning: \\u{202e}\n");
        say(&mut ctx, format_args!("created A\u{7}"));
        assert_eq!(stderr.take_text(), "created A\\u{7}\n");
        print(&mut ctx, format_args!("A\u{7}")).unwrap();
        print_bytes(&mut ctx, b"\x07\xff").unwrap();
        assert_eq!(stdout.take(), b"A\\u{7}\n\x07\xff");
    }

    #[test]
    fn a_reader_that_has_gone_ends_quietly() {
        let (mut ctx, _, stderr) = Context::detached("/", DateTime::UNIX_EPOCH);
        ctx.stdout = Box::new(ClosedPipe);
        let error = print(&mut ctx, format_args!("x")).unwrap_err();
        assert_eq!((error.kind, error.kind as u8), (Kind::ReaderGone, 0));
        show_error(&mut ctx, &error);
        assert!(stderr.take().is_empty());
    }
}
