//! `secrets delete`: secrets for ever.
//!
//! All that can be deleted goes in one entry; each name has its own result.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cli::{DeleteArgs, Precondition};
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::org::ids::Id;
use crate::org::record::Record;
use crate::org::secrets::Secret;
use crate::org::state::State;
use crate::session::draft::Draft;
use crate::session::open::Session;
use crate::terminal::{confirm_by_name, print_json, say, show_error};

use super::find::{find_only, shown_name, was_deleted};
use super::rights::{judge, not_allowed};
use super::secret::{Place, open, tell};
use super::version::refuse_if_moved;

pub fn run(args: &DeleteArgs, ctx: &mut Context) -> Result<()> {
    refuse_one_etag_for_many(args)?;
    ctx.yes |= args.consent.yes;
    let mut session = open(&args.scope.vault, ctx)?;
    let place = Place::of(&session, &args.scope, ctx)?;
    let mut results = Results::default();
    let mut wanted = vec![];
    for (at, typed) in args.names.iter().enumerate() {
        match find_deletable(&mut session, &place, (at, typed), args) {
            Ok(target) if wanted.iter().any(|other: &Target| other.id == target.id) => {}
            Ok(target) => wanted.push(target),
            Err(error) => results.refuse(at, typed, error),
        }
    }
    refuse_unasked(&wanted, ctx)?;
    let mut confirmed = vec![];
    for target in wanted {
        match confirm(&target, ctx)? {
            true => confirmed.push(target),
            false => results.refuse(target.typed_at, &target.name, not_confirmed(&target)),
        }
    }
    let refused = commit(&mut session, &confirmed, &args.unless_moved, ctx)?;
    results.finish(confirmed, refused);
    tell(&mut session, ctx);
    results.report(args, &place, ctx)
}

fn refuse_one_etag_for_many(args: &DeleteArgs) -> Result<()> {
    let unless = &args.unless_moved;
    if args.names.len() > 1 && (unless.if_match.is_some() || unless.if_version.is_some()) {
        return Err(Error::usage("--if-match and --if-version go with a single name"));
    }
    Ok(())
}

/// A secret that is to go.
struct Target {
    typed_at: usize,
    id: Id,
    name: String,
    place: Place,
    versions: usize,
}

fn find_deletable(
    session: &mut Session,
    place: &Place,
    (typed_at, typed): (usize, &str),
    args: &DeleteArgs,
) -> Result<Target> {
    let me = session.me;
    let state = session.state()?;
    let secret = find_only(state, place, typed)?;
    let judge = judge(state, me)?;
    let deletion = Record::Delete { secret: secret.id.clone(), boxes: vec![] };
    let (id, environment) = (secret.id.clone(), secret.environment.clone());
    let (name, versions) = (shown_name(state, secret), secret.versions.len());
    let allowed = judge.allows(&deletion).is_ok();
    let refused = || not_allowed(&judge, &format!("delete {name}"), place);
    if !allowed {
        return Err(refused());
    }
    refuse_if_moved(state, secret, place, &args.unless_moved)?;
    let place = Place::at(session, &environment);
    Ok(Target { typed_at, id, name, versions, place })
}

/// Without a terminal nobody confirms: then nothing at all is deleted.
fn refuse_unasked(wanted: &[Target], ctx: &Context) -> Result<()> {
    match wanted.first() {
        Some(target) if !ctx.yes && !ctx.can_ask() => confirm(target, ctx).map(|_| ()),
        _ => Ok(()),
    }
}

fn confirm(target: &Target, ctx: &Context) -> Result<bool> {
    let versions = match target.versions {
        1 => "its version".to_owned(),
        count => format!("all its {count} versions"),
    };
    let warning = format!(
        "delete {} in {} for ever, with {versions}? The name stays in the history.",
        target.name, target.place
    );
    confirm_by_name(ctx, &warning, &target.name)
}

fn not_confirmed(target: &Target) -> Error {
    Error::failed(format!("{} was not deleted", target.name)).because("its name was not typed")
}

type Refused = BTreeMap<Id, Error>;

/// Deletes what still can be; says why not for the rest.
fn commit(
    session: &mut Session,
    targets: &[Target],
    unless: &Precondition,
    ctx: &mut Context,
) -> Result<Refused> {
    if targets.is_empty() {
        return Ok(Refused::new());
    }
    session.commit(ctx, |draft| {
        let mut refused = Refused::new();
        for target in targets {
            if let Err(error) = delete(draft, target, unless) {
                refused.insert(target.id.clone(), error);
            }
        }
        Ok(refused)
    })
}

fn delete(draft: &mut Draft<'_>, target: &Target, unless: &Precondition) -> Result<()> {
    let secret = still_there(draft.state, target)?;
    refuse_if_moved(draft.state, secret, &target.place, unless)?;
    draft.delete(secret)
}

fn still_there<'a>(state: &'a State, target: &Target) -> Result<&'a Secret> {
    let gone = || Error::not_found(format!("no secret named {} in {}", target.name, target.place));
    let secret = state.secrets.get(&target.id).ok_or_else(gone)?;
    if secret.is_live() { Ok(secret) } else { Err(gone().because(was_deleted(state, secret))) }
}

/// `--json`: one result a name, in the order they were typed.
#[derive(Serialize)]
struct Document<'a> {
    org: &'a str,
    results: &'a [Outcome],
}

#[derive(Serialize)]
struct Outcome {
    #[serde(skip)]
    typed_at: usize,
    name: String,
    id: Option<String>,
    environment: Option<String>,
    deleted: bool,
    error: Option<String>,
}

#[derive(Default)]
struct Results {
    outcomes: Vec<Outcome>,
    errors: Vec<Error>,
}

impl Results {
    fn refuse(&mut self, typed_at: usize, typed: &str, error: Error) {
        self.outcomes.push(Outcome {
            typed_at,
            name: typed.to_owned(),
            id: None,
            environment: None,
            deleted: false,
            error: Some(error.what.clone()),
        });
        self.errors.push(error);
    }

    fn finish(&mut self, targets: Vec<Target>, mut refused: Refused) {
        for target in targets {
            let error = refused.remove(&target.id);
            self.outcomes.push(Outcome {
                typed_at: target.typed_at,
                name: target.name,
                id: Some(target.id.to_string()),
                environment: Some(target.place.name),
                deleted: error.is_none(),
                error: error.as_ref().map(|error| error.what.clone()),
            });
            self.errors.extend(error);
        }
    }

    /// Each result; then the worst failure as the command's own.
    fn report(mut self, args: &DeleteArgs, place: &Place, ctx: &mut Context) -> Result<()> {
        self.outcomes.sort_by_key(|outcome| outcome.typed_at);
        for outcome in self.outcomes.iter().filter(|outcome| outcome.deleted) {
            let environment = outcome.environment.as_deref().unwrap_or_default();
            say(ctx, format_args!("deleted {} in {}/{environment}", outcome.name, place.org));
        }
        if args.output.json {
            print_json(ctx, &Document { org: &place.org, results: &self.outcomes })?;
        }
        let total = self.outcomes.len();
        let worst = self.errors.iter().map(|error| error.kind).max_by_key(|kind| *kind as u8);
        let Some(worst) = worst else { return Ok(()) };
        if total == 1 {
            return self.errors.into_iter().next().map_or(Ok(()), Err);
        }
        self.errors.iter().for_each(|error| show_error(ctx, error));
        Err(summary(worst, self.errors.len(), total))
    }
}

fn summary(worst: Kind, failed: usize, total: usize) -> Error {
    Error::new(worst, format!("{failed} of {total} secrets were not deleted"))
}
