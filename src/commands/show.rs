//! `secrets show`: what is known of a secret, except its value.

use serde::Serialize;

use crate::cli::ShowArgs;
use crate::context::Context;
use crate::error::Result;
use crate::org::record::Record;
use crate::terminal::{escape, escape_lines, print_bytes, print_json, show_time};

use super::describe::Described;
use super::find::{find, shown_name};
use super::rights::judge;
use super::secret::{Place, open};
use super::version::{proposed_label, proposed_of};

/// `--json`: what `list` says of a secret, and more.
#[derive(Serialize)]
struct Document {
    #[serde(flatten)]
    secret: Described,
    note: Option<String>,
    /// How many versions are in effect, the current one included.
    versions: usize,
    /// Versions that wait, beside the current one, for somebody to decide.
    conflicts: Vec<String>,
    /// Versions without effect.
    proposed: Vec<String>,
    may: May,
}

/// What the reader may do with it.
#[derive(Serialize)]
struct May {
    reveal: bool,
    update: bool,
    restore: bool,
    delete: bool,
}

pub fn run(args: &ShowArgs, ctx: &mut Context) -> Result<()> {
    let mut session = open(&args.scope.vault, ctx)?;
    let place = Place::of(&session, &args.scope, ctx)?;
    let secret = find(session.state()?, &place, &args.name)?.clone();
    let note = session.open_note(&secret)?;
    let me = session.me;
    let state = session.state()?;
    let judge = judge(state, me)?;
    let deletion = Record::Delete { secret: secret.id.clone(), boxes: vec![] };
    let may = May {
        reveal: judge.reveals(&secret),
        update: judge.writes(&secret),
        restore: judge.reveals(&secret) && judge.writes(&secret),
        delete: judge.allows(&deletion).is_ok(),
    };
    let heads = secret.heads.iter().filter_map(|head| secret.version_of(*head));
    let conflicts = if secret.in_conflict() {
        heads.map(|version| secret.label(version)).collect()
    } else {
        vec![]
    };
    let proposed = proposed_of(state, &secret).into_iter().map(proposed_label).collect();
    let document = Document {
        secret: Described::of(state, &secret),
        note: note.map(|note| String::from_utf8_lossy(note.expose()).into_owned()),
        versions: secret.versions.len(),
        conflicts,
        proposed,
        may,
    };
    if args.output.json {
        return print_json(ctx, &document);
    }
    let name = shown_name(state, &secret);
    print_rows(ctx, &document.rows(ctx, name))
}

impl Document {
    /// Label and text; what there is nothing to say of is left out.
    fn rows(&self, ctx: &Context, name: String) -> Vec<(&'static str, String)> {
        let secret = &self.secret;
        let by = |time: crate::org::time::Time, author: &str| {
            format!("{} by {author}", show_time(ctx, time.utc()))
        };
        let rows = [
            ("name", Some(name)),
            ("id", Some(secret.id.clone())),
            ("environment", Some(secret.environment.clone())),
            ("type", Some(secret.kind.to_owned())),
            ("scope", Some(secret.scope.clone().unwrap_or_else(|| "organisation".to_owned()))),
            ("projects", joined(&secret.projects)),
            ("version", Some(secret.version.clone())),
            ("versions", Some(self.versions.to_string())),
            ("status", Some(secret.status.to_owned())),
            ("conflict", joined(&self.conflicts)),
            ("proposed", joined(&self.proposed)),
            ("etag", Some(secret.etag.clone())),
            ("created", Some(by(secret.created_at, &secret.created_by))),
            ("updated", Some(by(secret.updated_at, &secret.updated_by))),
            ("rotation", secret.rotate_days.map(|days| format!("every {days} days"))),
            ("you may", Some(self.may.words())),
            ("note", self.note.clone()),
        ];
        rows.into_iter().filter_map(|(label, text)| Some((label, text?))).collect()
    }
}

fn joined(texts: &[String]) -> Option<String> {
    (!texts.is_empty()).then(|| texts.join(", "))
}

impl May {
    fn words(&self) -> String {
        let all = [
            (self.reveal, "reveal"),
            (self.update, "update"),
            (self.restore, "restore"),
            (self.delete, "delete"),
        ];
        let words: Vec<&str> = all.iter().filter(|(may, _)| *may).map(|(_, word)| *word).collect();
        if words.is_empty() { "only look".to_owned() } else { words.join(", ") }
    }
}

const LABEL_COLUMNS: usize = 13;

/// Aligned on a terminal, each note line under the other; label, tab and one line in a pipe.
fn print_rows(ctx: &mut Context, rows: &[(&'static str, String)]) -> Result<()> {
    let on_terminal = ctx.terminals.stdout;
    let row = |(label, text): &(&'static str, String)| {
        if on_terminal {
            let indent = format!("\n{:LABEL_COLUMNS$}", "");
            format!("{label:LABEL_COLUMNS$}{}\n", escape_lines(text).replace('\n', &indent))
        } else {
            format!("{label}\t{}\n", escape(text))
        }
    };
    let text: String = rows.iter().map(row).collect();
    print_bytes(ctx, text.as_bytes())
}
