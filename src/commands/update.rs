//! `secrets update`: a new value, note or name, in one entry.
//!
//! A value that is the current one already is not written again, so that a script may say the same
//! thing every day; it is written to end a conflict, or where keys open it that should not.

use crate::cli::UpdateArgs;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::org::access::exposed_to;
use crate::org::ids::BoxId;
use crate::org::names::SecretName;
use crate::org::record::Record;
use crate::org::secrets::Secret;
use crate::org::state::State;
use crate::secret::SecretBytes;
use crate::session::draft::Draft;
use crate::session::open::Session;
use crate::terminal::say;

use super::create::warn_of_danger;
use super::find::{find, was_deleted};
use super::input::{names_value, new_value, note};
use super::names::new_name_of;
use super::rights::{judge, not_allowed};
use super::secret::{Place, open, tell};
use super::version::refuse_if_moved;

pub fn run(args: &UpdateArgs, ctx: &mut Context) -> Result<()> {
    let note = note(args.note.as_deref())?;
    let mut session = open(&args.scope.vault, ctx)?;
    let place = Place::of(&session, &args.scope, ctx)?;
    let secret = find(session.state()?, &place, &args.name)?.clone();
    let place = Place::at(&session, &secret.environment);
    let name = args.rename.as_deref().map(|name| new_name_of(secret.kind, name)).transpose()?;
    let mut change = Change { args, secret: &secret, place: &place, name, note, value: None };
    change.refuse(&mut session)?;
    if let Some(name) =
        change.name.as_ref().filter(|name| Some(name.as_str()) != args.rename.as_deref())
    {
        say(ctx, format_args!("the new name is {name}"));
    }
    if names_value(&args.value) || (change.name.is_none() && change.note.is_none()) {
        let value = new_value(&args.value, &secret.name, ctx)?;
        change.value = Some((current_with(&mut session, &secret, &value), value));
    }
    change.forget_same_note(&mut session)?;
    let done = session.commit(ctx, |draft| change.write(draft))?;
    tell(&mut session, ctx);
    if done.is_empty() {
        let version = secret.current().map(|version| secret.label(version)).unwrap_or_default();
        say(ctx, format_args!("{} in {place} is unchanged: version {version}", secret.name));
        return Ok(());
    }
    say(ctx, format_args!("updated {} in {place}: {}", secret.name, done.join(", ")));
    if let Some(name) = &change.name {
        warn_of_danger(name, ctx);
    }
    Ok(())
}

/// Everything that is to change.
struct Change<'a> {
    args: &'a UpdateArgs,
    secret: &'a Secret,
    place: &'a Place,
    name: Option<SecretName>,
    note: Option<SecretBytes>,
    /// The new value, and the box that has the same bytes already.
    value: Option<(Option<BoxId>, SecretBytes)>,
}

impl Change<'_> {
    /// What need not be asked a value for.
    fn refuse(&self, session: &mut Session) -> Result<()> {
        let me = session.me;
        let state = session.state()?;
        let judge = judge(state, me)?;
        if !judge.writes(self.secret) {
            let what = format!("update {}", self.secret.name);
            return Err(not_allowed(&judge, &what, self.place));
        }
        self.refuse_in(state, self.secret)
    }

    fn refuse_in(&self, state: &State, secret: &Secret) -> Result<()> {
        refuse_if_moved(state, secret, self.place, &self.args.unless_moved)?;
        let Some(name) = &self.name else { return Ok(()) };
        let others = state.namesakes(&secret.environment, name);
        if others.iter().all(|other| other.id == secret.id) {
            return Ok(());
        }
        Err(Error::conflict(format!("there is a secret named {name} in {} already", self.place)))
    }

    fn forget_same_note(&mut self, session: &mut Session) -> Result<()> {
        let Some(note) = &self.note else { return Ok(()) };
        let before = session.open_note(self.secret)?;
        if before.as_ref().map_or(&b""[..], SecretBytes::expose) == note.expose() {
            self.note = None;
        }
        Ok(())
    }

    /// Fills the draft; says what was done, nothing if all is so already.
    fn write(&self, draft: &mut Draft<'_>) -> Result<Vec<String>> {
        let state = draft.state;
        let secret = state
            .secrets
            .get(&self.secret.id)
            .ok_or_else(|| Error::not_found(format!("{} is gone", self.secret.name)))?;
        if !secret.is_live() {
            return Err(Error::not_found(format!(
                "there is no {} in {} any more",
                secret.name, self.place
            ))
            .because(was_deleted(state, secret)));
        }
        self.refuse_in(state, secret)?;
        let mut done = vec![];
        if let Some((same, value)) = &self.value
            && !is_settled(state, secret, *same)
        {
            let number = draft.update(secret, value, None)?;
            done.push(format!("version {number}"));
            if secret.in_conflict() {
                done.push("the conflict is over".to_owned());
            }
        }
        if let Some(note) = &self.note {
            draft.note(secret, note)?;
            done.push(if note.is_empty() { "no note" } else { "a new note" }.to_owned());
        }
        if let Some(name) = self.name.as_ref().filter(|name| **name != secret.name) {
            draft.record(Record::Rename { secret: secret.id.clone(), name: name.clone() })?;
            done.push(format!("now named {name}"));
        }
        Ok(done)
    }
}

/// The box of the current version, if it holds just this value. Who cannot read cannot compare.
fn current_with(session: &mut Session, secret: &Secret, value: &SecretBytes) -> Option<BoxId> {
    let current = secret.current()?;
    let known = session.open_version(secret, current).ok()?;
    (known.expose() == value.expose()).then_some(current.value)
}

/// Whether the current version has the value already and nothing asks for another.
fn is_settled(state: &State, secret: &Secret, same: Option<BoxId>) -> bool {
    let current = secret.current().filter(|current| Some(current.value) == same);
    current.is_some_and(|current| {
        !secret.in_conflict() && exposed_to(state, secret, current).is_empty()
    })
}
