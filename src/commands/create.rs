//! `secrets create`: a new secret.

use crate::cli::{CreateArgs, ValueArgs};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::org::names::SecretName;
use crate::org::record::SecretType;
use crate::org::state::State;
use crate::secret::SecretBytes;
use crate::session::draft::Wanted;
use crate::terminal::{Ending, Source, ask_line, read_new_value, say};

use super::secret::{Place, new_name, open};

pub fn run(args: &CreateArgs, ctx: &mut Context) -> Result<()> {
    let mut session = open(&args.scope.vault, ctx)?;
    let place = Place::of(&session, &args.scope, ctx)?;
    let typed = match &args.name {
        Some(name) => name.clone(),
        None => ask_line(ctx, "name")?,
    };
    let name = new_name(&typed)?;
    if name.as_str() != typed {
        say(ctx, format_args!("the name is {name}"));
    }
    if is_taken(session.state()?, &place, &name) {
        return taken(args, &place, &name, ctx);
    }
    let value = new_value(&args.value, &name, ctx)?;
    let note = args.note.as_ref().map(|note| SecretBytes::copy_of(note.as_bytes()));
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
            note: note.as_ref(),
        };
        draft.create(wanted, &value)?;
        Ok(true)
    })?;
    if !made {
        return taken(args, &place, &name, ctx);
    }
    say(ctx, format_args!("created {name} in {place}"));
    Ok(())
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

/// The value from wherever the arguments say; an empty one only on purpose.
pub fn new_value(args: &ValueArgs, name: &SecretName, ctx: &mut Context) -> Result<SecretBytes> {
    if let Some(length) = args.generate {
        return crate::session::generate::letters_and_digits(length);
    }
    let source = args.from_file.clone().map_or(Source::Stdin, Source::File);
    let ending = if args.verbatim { Ending::Verbatim } else { Ending::WithoutNewline };
    let value = read_new_value(ctx, name.as_str(), &source, ending)?;
    if value.is_empty() && !args.allow_empty {
        return Err(
            Error::usage("the value is empty").hint("use --allow-empty if it is meant to be")
        );
    }
    Ok(value)
}
