//! `secrets create`: a new secret.

use crate::cli::CreateArgs;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::launch::danger;
use crate::org::names::SecretName;
use crate::org::record::SecretType;
use crate::org::state::State;
use crate::session::draft::Wanted;
use crate::terminal::{ask_line, say, warn};

use super::input::{new_value, note};
use super::names::new_name;
use super::rights::{judge, not_allowed};
use super::secret::{Place, open, tell};

pub fn run(args: &CreateArgs, ctx: &mut Context) -> Result<()> {
    let note = note(args.note.as_deref())?;
    if let Some(name) = &args.name {
        new_name(name)?;
    }
    let mut session = open(&args.scope.vault, ctx)?;
    let place = Place::of(&session, &args.scope, ctx)?;
    let name = wanted_name(args, ctx)?;
    let me = session.me;
    let state = session.state()?;
    if is_taken(state, &place, &name) {
        return taken(args, &place, &name, ctx);
    }
    let judge = judge(state, me)?;
    if !judge.creates_in(&place.id, &[]) {
        return Err(not_allowed(&judge, "create secrets", &place));
    }
    let value = new_value(&args.value, &name, ctx)?;
    let made = session.commit(ctx, |draft| {
        if is_taken(draft.state, &place, &name) {
            return Ok(false);
        }
        let wanted = Wanted {
            name: name.clone(),
            kind: SecretType::Value,
            environment: &place.id,
            projects: vec![],
            scope: None,
            note: note.as_ref().filter(|note| !note.is_empty()),
        };
        draft.create(wanted, &value)?;
        Ok(true)
    })?;
    tell(&mut session, ctx);
    if !made {
        return taken(args, &place, &name, ctx);
    }
    say(ctx, format_args!("created {name} in {place}"));
    warn_of_danger(&name, ctx);
    Ok(())
}

fn wanted_name(args: &CreateArgs, ctx: &mut Context) -> Result<SecretName> {
    let typed = match &args.name {
        Some(name) => name.clone(),
        None => ask_line(ctx, "name")?,
    };
    let name = new_name(&typed)?;
    if name.as_str() != typed {
        say(ctx, format_args!("the name is {name}"));
    }
    Ok(name)
}

fn is_taken(state: &State, place: &Place, name: &SecretName) -> bool {
    !state.namesakes(&place.id, name).is_empty()
}

fn taken(args: &CreateArgs, place: &Place, name: &SecretName, ctx: &mut Context) -> Result<()> {
    if args.if_missing {
        say(ctx, format_args!("{name} is in {place} already: nothing to do"));
        return Ok(());
    }
    Err(Error::conflict(format!("there is a secret named {name} in {place} already"))
        .hint(format!("`secrets update {name} -e {}` gives it a new value", place.name)))
}

/// One such name keeps `env` from starting anything: better said now than then.
pub fn warn_of_danger(name: &SecretName, ctx: &mut Context) {
    if let Some(why) = danger(name.as_str()) {
        warn(
            ctx,
            format_args!("`secrets env` refuses the name {name} without --allow-name: {why}"),
        );
    }
}
