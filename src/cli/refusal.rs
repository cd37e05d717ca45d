//! What is said about a command line that cannot be read: clap's findings in our words.
//!
//! Invariant: an argument is repeated only up to its `=`, and not at all where a value might have
//! been typed. clap's own texts are never shown, because they repeat arguments whole.

use super::Verb;
use crate::error::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::error::Error as _;
use std::ffi::OsString;

/// Words people bring from other programs, and what they are called here.
const SYNONYMS: &[(&[&str], &str)] = &[
    (&["add", "new", "put", "set", "write"], "create"),
    (&["change", "edit", "rename", "rotate"], "update"),
    (&["cat", "get", "print", "read", "view"], "reveal"),
    (&["ls", "names"], "list"),
    (&["describe", "info"], "show"),
    (&["log", "versions"], "history"),
    (&["revert", "rollback", "undo"], "restore"),
    (&["del", "remove", "rm"], "delete"),
    (&["exec", "run"], "env"),
    (&["check", "fsck"], "verify"),
    (&["fix", "recover"], "repair"),
    (&["login"], "unlock"),
    (&["logout"], "lock"),
    (&["key", "keygen", "keys"], "identity"),
];

/// clap's finding about `args`, in our words.
pub fn explain(error: &clap::Error, args: &[OsString]) -> Error {
    let typed = Typed { error, verb: &command_path(args) };
    match error.kind() {
        ErrorKind::InvalidSubcommand => typed.no_such_command(),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            typed.no_command()
        }
        ErrorKind::UnknownArgument => typed.unknown_argument(),
        ErrorKind::MissingRequiredArgument => typed.missing_argument(),
        ErrorKind::ArgumentConflict => typed.conflict(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => typed.unknown_argument(),
        ErrorKind::InvalidUtf8 => typed.usage("an argument is not valid UTF-8"),
        _ => typed.bad_value(),
    }
}

/// Refuses a value, or a private key, that was typed where the whole machine can read it.
pub fn values_in(verb: &Verb) -> Option<Error> {
    match verb {
        Verb::Create(args) => {
            let named_value = args.name.as_ref().is_some_and(|name| name.contains('='));
            typed_value("create", named_value, &args.value)
        }
        Verb::Update(args) => typed_value("update", args.name.contains('='), &args.value),
        Verb::Identity(args) => private_key(&args.action),
        _ => None,
    }
}

fn typed_value(verb: &str, named_value: bool, value: &super::ValueArgs) -> Option<Error> {
    if !named_value && value.typed.is_empty() {
        return None;
    }
    if value.generate.is_some() && !named_value {
        let refused = Error::usage(format!("{verb} takes one name, and something follows it"));
        return Some(refused.hint("a length is written `--generate=LENGTH`"));
    }
    Some(
        Error::usage(format!("{verb} takes no value from its arguments"))
            .because("other programs and the shell's history can see them")
            .hint(pipe(verb)),
    )
}

fn pipe(verb: &str) -> String {
    format!("`printf %s \"$X\" | secrets {verb} NAME`, or `secrets {verb} NAME` to be asked for it")
}

fn private_key(action: &super::IdentityAction) -> Option<Error> {
    let recipient = match action {
        super::IdentityAction::Add(args) => &args.recipient,
        super::IdentityAction::Remove(args) => &args.recipient,
        _ => return None,
    };
    let upper = recipient.to_ascii_uppercase();
    if !upper.contains("AGE-SECRET-KEY-") && !upper.contains("PRIVATE KEY") {
        return None;
    }
    Some(
        Error::usage("that is a private key, and only its public half belongs here")
            .because("other programs and the shell's history can see arguments")
            .hint("make another key with `secrets identity new`; this one is no longer secret"),
    )
}

/// The command that was typed, such as `identity add`; empty if there is none.
fn command_path(args: &[OsString]) -> String {
    let mut tree = super::command();
    tree.build();
    let mut here = &tree;
    let mut path = Vec::new();
    for word in args.iter().skip(1) {
        let Some(next) = here.find_subcommand(word) else { break };
        path.push(next.get_name());
        here = next;
    }
    path.join(" ")
}

/// One finding of clap, and the command it is about.
struct Typed<'a> {
    error: &'a clap::Error,
    verb: &'a str,
}

impl Typed<'_> {
    fn no_such_command(&self) -> Error {
        let word = self.text(ContextKind::InvalidSubcommand).unwrap_or_default();
        let refused = Error::usage(format!("no command named {}", before_equals(&word)));
        match self.close_command(&word) {
            Some(command) => refused.hint(format!("did you mean `secrets {command}`?")),
            None => refused.hint("`secrets --help` lists the commands"),
        }
    }

    fn close_command(&self, word: &str) -> Option<String> {
        let known = SYNONYMS.iter().find(|(words, _)| words.contains(&word));
        match (self.verb, known) {
            ("", Some((_, command))) => Some((*command).to_owned()),
            // clap puts the closest last.
            (before, _) => {
                let close = self.texts(ContextKind::SuggestedSubcommand).pop()?;
                Some(format!("{before} {close}").trim_start().to_owned())
            }
        }
    }

    fn no_command(&self) -> Error {
        if self.verb == "identity" {
            return Error::usage("identity needs to know what to do")
                .hint("`secrets identity show`, or new, add, remove");
        }
        Error::usage("no command given")
            .hint("`secrets --help` lists the commands; `secrets init` makes a vault")
    }

    fn unknown_argument(&self) -> Error {
        let typed = self.text(ContextKind::InvalidArg).unwrap_or_default();
        let is_option = typed.starts_with('-');
        if self.verb.is_empty() && !is_option {
            return self.no_command();
        }
        if self.verb.is_empty() {
            return Error::usage(format!("unknown option {}", before_equals(&typed)))
                .hint("options follow the command, as in `secrets list -e production`");
        }
        if self.verb == "env" && !is_option {
            return Error::usage("env needs `--` before the command it runs")
                .hint("`secrets env -- ./app`");
        }
        let shown = if self.may_hold_a_value() { "" } else { before_equals(&typed) };
        let what = match (is_option, shown) {
            (true, "") => "knows no such option".to_owned(),
            (true, shown) => format!("knows no option {shown}"),
            (false, shown) => format!("takes no further argument {shown}").trim_end().to_owned(),
        };
        let refused = Error::usage(format!("{} {what}", self.verb));
        match self.close_option() {
            Some(close) => refused.hint(close),
            None if self.may_hold_a_value() => refused.hint(pipe(self.verb)),
            None => refused.hint(self.see_help()),
        }
    }

    fn close_option(&self) -> Option<String> {
        let close = self.text(ContextKind::SuggestedArg)?;
        Some(format!("did you mean `{}`?", before_equals(&close)))
    }

    fn missing_argument(&self) -> Error {
        let missing = self.texts(ContextKind::InvalidArg);
        if self.verb == "env" {
            return Error::usage("env needs a command to run").hint("`secrets env -- ./app`");
        }
        let (options, names): (Vec<_>, Vec<_>) =
            missing.iter().map(|shown| plain(shown)).partition(|shown| shown.starts_with('-'));
        self.usage(&format!("{} needs {}", self.verb, [names, options].concat().join(" and ")))
    }

    fn conflict(&self) -> Error {
        let one = self.text(ContextKind::InvalidArg).unwrap_or_default();
        let other = self.texts(ContextKind::PriorArg).join(" and ");
        if one == other || other.is_empty() {
            return self.usage(&format!("{} can be given once", option_name(&one)));
        }
        self.usage(&format!("{} and {} exclude each other", option_name(&one), option_name(&other)))
    }

    fn bad_value(&self) -> Error {
        let Some(option) = self.text(ContextKind::InvalidArg) else {
            return self.usage("the command line cannot be read");
        };
        let name = option_name(&option);
        match (self.error.kind(), self.error.source()) {
            (_, Some(wanted)) => self.usage(&format!("{name}: {wanted}")),
            (ErrorKind::TooManyValues, None) => self.usage(&format!("{name} takes no value")),
            _ => self.usage(&format!("a value is missing: {}", plain(&option))),
        }
    }

    fn usage(&self, what: &str) -> Error {
        Error::usage(what).hint(self.see_help())
    }

    fn see_help(&self) -> String {
        match self.verb {
            "" => "`secrets --help` says more".to_owned(),
            verb => format!("`secrets {verb} --help` says more"),
        }
    }

    /// Whether anything typed may be somebody's secret.
    fn may_hold_a_value(&self) -> bool {
        matches!(self.verb, "create" | "update")
    }

    fn text(&self, kind: ContextKind) -> Option<String> {
        self.texts(kind).into_iter().next()
    }

    fn texts(&self, kind: ContextKind) -> Vec<String> {
        match self.error.get(kind) {
            Some(ContextValue::String(text)) => vec![text.clone()],
            Some(ContextValue::Strings(texts)) => texts.clone(),
            _ => Vec::new(),
        }
    }
}

fn before_equals(typed: &str) -> &str {
    typed.split('=').next().unwrap_or_default()
}

/// `--only` out of clap's `--only <NAME,…>`.
fn option_name(shown: &str) -> &str {
    shown.split([' ', '=', '[']).next().unwrap_or_default()
}

/// `--version VERSION` out of clap's `--version <VERSION>`, `NAME` out of its `<NAME>...`.
fn plain(shown: &str) -> String {
    shown.trim_end_matches("...").replace(['<', '>', '[', ']'], "")
}
