//! Questions. None is asked without a terminal or with `--no-input`: that is the user's mistake.

use std::io;

use super::escape::escape;
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::secret::SecretBytes;

/// A line that is not shown while it is typed: a passphrase that exists already.
pub fn ask_hidden(ctx: &Context, what: &str) -> Result<SecretBytes> {
    require_someone(ctx, what)?;
    hidden(ctx, what)
}

/// The same, asked twice because nobody can see a slip: a new value or passphrase.
pub fn ask_new_hidden(ctx: &Context, what: &str) -> Result<SecretBytes> {
    require_someone(ctx, what)?;
    let first = hidden(ctx, what)?;
    let second = hidden(ctx, &format!("{what}, once more"))?;
    if first.expose() != second.expose() {
        return Err(Error::usage("the two lines you typed are not the same")
            .hint("nothing was changed; run the command again"));
    }
    Ok(first)
}

/// A line, shown while it is typed.
pub fn ask_line(ctx: &Context, what: &str) -> Result<String> {
    require_someone(ctx, what)?;
    line(ctx, &format!("{}: ", escape(what)), what)
}

/// Yes or no; no is the default. `--yes` answers it.
pub fn confirm(ctx: &Context, question: &str) -> Result<bool> {
    if ctx.yes {
        return Ok(true);
    }
    require_confirmer(ctx, question)?;
    let mut asked = format!("{} [y/N] ", escape(question));
    loop {
        match line(ctx, &asked, question)?.trim().to_lowercase().as_str() {
            "y" | "yes" => return Ok(true),
            "" | "n" | "no" => return Ok(false),
            _ => asked = "y or n? ".to_owned(),
        }
    }
}

/// For what cannot be undone: the name has to be typed. `--yes` answers it.
pub fn confirm_by_name(ctx: &Context, warning: &str, name: &str) -> Result<bool> {
    if ctx.yes {
        return Ok(true);
    }
    require_confirmer(ctx, warning)?;
    let question = format!("{}\ntype {} to go on: ", escape(warning), escape(name));
    Ok(line(ctx, &question, warning)?.trim() == name)
}

fn hidden(ctx: &Context, what: &str) -> Result<SecretBytes> {
    let question = format!("{}: ", escape(what));
    ctx.person.hidden(&question).map_err(|cause| not_answered(what, &cause))
}

fn line(ctx: &Context, question: &str, what: &str) -> Result<String> {
    ctx.person.line(question).map_err(|cause| not_answered(what, &cause))
}

fn require_someone(ctx: &Context, what: &str) -> Result<()> {
    if ctx.can_ask() { Ok(()) } else { Err(nobody_to_ask(ctx, what)) }
}

fn require_confirmer(ctx: &Context, question: &str) -> Result<()> {
    require_someone(ctx, question).map_err(|error| error.hint("`--yes` answers this question"))
}

fn nobody_to_ask(ctx: &Context, what: &str) -> Error {
    let because = if ctx.no_input { "--no-input was given" } else { "there is no terminal" };
    Error::usage(format!("cannot ask: {what}")).because(because)
}

fn not_answered(what: &str, cause: &io::Error) -> Error {
    match cause.kind() {
        io::ErrorKind::Interrupted => Error::new(Kind::Interrupted, "interrupted"),
        io::ErrorKind::UnexpectedEof => Error::usage(format!("no answer to: {what}")),
        io::ErrorKind::InvalidInput | io::ErrorKind::FileTooLarge => {
            Error::usage(format!("cannot take what was typed for: {what}"))
                .because(cause)
                .hint("several lines or long values come from a pipe or from --from-file")
        }
        _ => Error::failed(format!("cannot ask: {what}")).because(cause),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{Prompter, ScriptedPerson};
    use chrono::DateTime;
    use std::sync::Arc;

    fn with_answers(answers: &[&str]) -> (Context, Arc<ScriptedPerson>) {
        let mut ctx = Context::detached("/", DateTime::UNIX_EPOCH).0;
        let person = Arc::new(ScriptedPerson::new(answers));
        ctx.person = person.clone();
        (ctx, person)
    }

    fn refused<T>(result: Result<T>) -> Error {
        result.err().unwrap()
    }

    #[test]
    fn a_new_value_is_asked_twice() {
        let (ctx, person) = with_answers(&["hunter2", "hunter2", "a", "b"]);
        let value = ask_new_hidden(&ctx, "value of DB\u{1b}").ok().unwrap();
        assert_eq!(value.expose(), b"hunter2");
        let asked = ["value of DB\\u{1b}: ", "value of DB\\u{1b}, once more: "];
        assert_eq!(person.questions(), asked);
        let error = refused(ask_new_hidden(&ctx, "value"));
        assert_eq!(
            (error.kind, &*error.what),
            (Kind::Usage, "the two lines you typed are not the same")
        );
    }

    #[test]
    fn only_yes_is_yes_and_only_the_name_is_the_name() {
        let (ctx, _) = with_answers(&["y", "YES ", "", "n", "yep", "y", "KEY", "key"]);
        let yes: Vec<bool> = (0..5).map(|_| confirm(&ctx, "go on?").unwrap()).collect();
        assert_eq!(yes, [true, true, false, false, true], "what is neither is asked again");
        assert!(confirm_by_name(&ctx, "deleting is for ever", "KEY").unwrap());
        assert!(!confirm_by_name(&ctx, "deleting is for ever", "KEY").unwrap());
    }

    #[test]
    fn yes_answers_without_anybody() {
        let mut ctx = Context::detached("/", DateTime::UNIX_EPOCH).0;
        ctx.yes = true;
        assert!(confirm(&ctx, "go on?").unwrap());
        assert!(confirm_by_name(&ctx, "for ever", "KEY").unwrap());
        assert_eq!(refused(ask_hidden(&ctx, "passphrase")).kind, Kind::Usage);
    }

    #[test]
    fn without_a_terminal_nothing_is_asked() {
        let (mut ctx, person) = with_answers(&["y"]);
        ctx.no_input = true;
        let error = refused(confirm(&ctx, "delete KEY?"));
        assert_eq!((error.kind, &*error.what), (Kind::Usage, "cannot ask: delete KEY?"));
        assert_eq!(error.because, ["--no-input was given"]);
        assert_eq!(error.hint.as_deref(), Some("`--yes` answers this question"));
        assert_eq!(refused(ask_new_hidden(&ctx, "value")).hint, None);
        assert!(person.questions().is_empty());
        let ctx = Context::detached("/", DateTime::UNIX_EPOCH).0;
        assert_eq!(refused(ask_line(&ctx, "name")).because, ["there is no terminal"]);
    }

    struct Fails(io::ErrorKind);

    impl Prompter for Fails {
        fn is_there(&self) -> bool {
            true
        }

        fn line(&self, _: &str) -> io::Result<String> {
            Err(self.0.into())
        }

        fn hidden(&self, _: &str) -> io::Result<SecretBytes> {
            Err(self.0.into())
        }
    }

    #[test]
    fn how_a_question_ends_decides_the_exit_code() {
        let (mut ctx, _) = with_answers(&[]);
        let cases = [
            (io::ErrorKind::Interrupted, 130),
            (io::ErrorKind::UnexpectedEof, 2),
            (io::ErrorKind::InvalidInput, 2),
            (io::ErrorKind::Other, 1),
        ];
        for (kind, code) in cases {
            ctx.person = Arc::new(Fails(kind));
            assert_eq!(refused(ask_hidden(&ctx, "passphrase")).kind as u8, code, "{kind}");
        }
    }
}
