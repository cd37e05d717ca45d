//! `secrets restore`: an earlier value, or one that was only proposed, as a new version.

use crate::cli::{Precondition, RestoreArgs};
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::org::names::SecretName;
use crate::org::record::{Record, SecretType};
use crate::org::secrets::Secret;
use crate::org::state::{Proposed, State};
use crate::secret::SecretBytes;
use crate::session::draft::{Draft, Wanted};
use crate::session::open::Session;
use crate::terminal::say;

use super::find::{deleted, find, not_found, was_deleted};
use super::history::unborn;
use super::names::Typed;
use super::rights::{judge, not_allowed};
use super::secret::{Place, open, tell};
use super::version::{
    Found, find_proposed_only, find_version, proposed_label, proposed_of, refuse_if_moved,
};

pub fn run(args: &RestoreArgs, ctx: &mut Context) -> Result<()> {
    let mut session = open(&args.scope.vault, ctx)?;
    let place = Place::of(&session, &args.scope, ctx)?;
    match find(session.state()?, &place, &args.name) {
        Ok(secret) => {
            let secret = secret.clone();
            let place = Place::at(&session, &secret.environment);
            restore(args, &secret, &place, &mut session, ctx)
        }
        Err(error) if error.kind != Kind::NotFound || expects_something(&args.unless_moved) => {
            Err(error)
        }
        Err(_) => revive(args, &place, &mut session, ctx),
    }
}

/// A condition can only hold for a secret that is there.
fn expects_something(unless: &Precondition) -> bool {
    unless.if_match.is_some() || unless.if_version.is_some()
}

/// A value to bring back, and the proposed version it was, if it was one.
struct Source {
    label: String,
    value: SecretBytes,
    restores: Option<u32>,
    proposed: Option<Proposed>,
}

fn restore(
    args: &RestoreArgs,
    secret: &Secret,
    place: &Place,
    session: &mut Session,
    ctx: &mut Context,
) -> Result<()> {
    let me = session.me;
    let state = session.state()?;
    let judge = judge(state, me)?;
    let proposed: Vec<Proposed> = proposed_of(state, secret).into_iter().cloned().collect();
    let found = find_version(secret, &proposed.iter().collect::<Vec<_>>(), &args.version)?;
    if !(judge.writes(secret) && judge.reveals(secret)) {
        return Err(not_allowed(&judge, &format!("restore {}", secret.name), place));
    }
    refuse_if_moved(state, secret, place, &args.unless_moved)?;
    let name = &secret.name;
    if is_current(secret, &found) {
        say(ctx, format_args!("version {} of {name} is the current one already", args.version));
        return Ok(());
    }
    let source = source(session, secret, found)?;
    let (number, ended) = session.commit(ctx, |draft| {
        let secret = still_there(draft.state, secret, place)?;
        refuse_if_moved(draft.state, secret, place, &args.unless_moved)?;
        let number = draft.update(secret, &source.value, source.restores)?;
        drop_proposed(draft, source.proposed.as_ref())?;
        Ok((number, secret.in_conflict()))
    })?;
    tell(session, ctx);
    let ended = if ended { ", the conflict is over" } else { "" };
    let label = source.label;
    say(ctx, format_args!("restored {label} of {name} in {place}: version {number}{ended}"));
    Ok(())
}

fn is_current(secret: &Secret, found: &Found<'_>) -> bool {
    let Found::Version(version) = found else { return false };
    let is_head = secret.current().is_some_and(|current| current.value == version.value);
    is_head && !secret.in_conflict()
}

fn source(session: &Session, secret: &Secret, found: Found<'_>) -> Result<Source> {
    Ok(match found {
        Found::Version(version) => Source {
            label: format!("version {}", secret.label(version)),
            value: session.open_version(secret, version)?,
            restores: Some(version.number),
            proposed: None,
        },
        Found::Proposed(proposed) => Source {
            label: format!("the proposed version {}", proposed_label(proposed)),
            value: session.open_proposed(proposed, &secret.environment)?,
            restores: Some(proposed.number),
            proposed: Some(proposed.clone()),
        },
    })
}

fn still_there<'a>(state: &'a State, secret: &Secret, place: &Place) -> Result<&'a Secret> {
    let gone = || Error::not_found(format!("there is no {} in {place} any more", secret.name));
    let now = state.secrets.get(&secret.id).ok_or_else(gone)?;
    if now.is_live() { Ok(now) } else { Err(gone().because(was_deleted(state, now))) }
}

/// What was taken need not wait any longer; somebody else's may be dropped by admins only.
fn drop_proposed(draft: &mut Draft<'_>, proposed: Option<&Proposed>) -> Result<()> {
    let Some(proposed) = proposed else { return Ok(()) };
    let record = Record::Drop { boxes: vec![proposed.value] };
    let judge = crate::org::policy::Judge::new(draft.state, draft.me);
    if judge.allows(&record).is_ok() { draft.record(record) } else { Ok(()) }
}

/// A proposed version of a secret that is deleted, or never came into effect, becomes a new one.
fn revive(
    args: &RestoreArgs,
    place: &Place,
    session: &mut Session,
    ctx: &mut Context,
) -> Result<()> {
    let typed = Typed::parse(&args.name);
    let me = session.me;
    let state = session.state()?;
    let gone = deleted(state, place, &typed);
    let of_gone = gone.iter().flat_map(|secret| proposed_of(state, secret));
    let proposed: Vec<&Proposed> = of_gone.chain(unborn(state, &typed)).collect();
    if proposed.is_empty() {
        return Err(not_found(state, place, &args.name));
    }
    let proposed = find_proposed_only(&proposed, &args.version)?.clone();
    let judge = judge(state, me)?;
    if !judge.creates_in(&place.id, &[]) {
        return Err(not_allowed(&judge, "create secrets", place));
    }
    let name = proposed.name.clone().ok_or_else(|| not_found(state, place, &args.name))?;
    let kind = state.secrets.get(&proposed.secret).map_or(SecretType::Value, |old| old.kind);
    let value = session.open_proposed(&proposed, &place.id).map_err(|error| {
        error.hint(format!("it may be of another environment than {place}: name that with `-e`"))
    })?;
    session.commit(ctx, |draft| create(draft, place, &name, kind, &value, &proposed))?;
    tell(session, ctx);
    let label = proposed_label(&proposed);
    say(
        ctx,
        format_args!("restored the proposed version {label} of {name} in {place}: a new secret"),
    );
    Ok(())
}

fn create(
    draft: &mut Draft<'_>,
    place: &Place,
    name: &SecretName,
    kind: SecretType,
    value: &SecretBytes,
    proposed: &Proposed,
) -> Result<()> {
    if !draft.state.namesakes(&place.id, name).is_empty() {
        return Err(Error::conflict(format!("there is a secret named {name} in {place} by now")));
    }
    let wanted = Wanted {
        name: name.clone(),
        kind,
        environment: &place.id,
        projects: vec![],
        scope: None,
        note: None,
    };
    draft.create(wanted, value)?;
    drop_proposed(draft, Some(proposed))
}
