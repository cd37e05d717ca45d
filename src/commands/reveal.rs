//! `secrets reveal`: a secret's value.
//!
//! The current one comes from what this machine remembers; an earlier one needs the folded state.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::cli::RevealArgs;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::secret::SecretBytes;
use crate::session::open::Session;
use crate::terminal::{escape_bytes, escape_lines, print_bytes, print_json, warn};

use super::current::{namesakes_of, require_current, require_readable, shown_current};
use super::find::{find, shown_name};
use super::names::marked;
use super::rights::{judge, not_allowed};
use super::secret::{Place, open};
use super::version::{Found, find_version, proposed_label, proposed_of};

/// `--json`: `value` where it is text, else `value_base64`.
#[derive(Serialize)]
struct Document<'a> {
    name: String,
    environment: String,
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_base64: Option<&'a str>,
}

/// A value, and what it is the value of.
struct Revealed {
    name: String,
    environment: String,
    version: String,
    value: SecretBytes,
}

pub fn run(args: &RevealArgs, ctx: &mut Context) -> Result<()> {
    let mut session = open(&args.scope.vault, ctx)?;
    let place = Place::of(&session, &args.scope, ctx)?;
    let revealed = match &args.version {
        None => current(args, &place, &mut session, ctx)?,
        Some(version) => earlier(args, version, &place, &mut session)?,
    };
    if args.output.json {
        print_document(&revealed, ctx)
    } else {
        print_value(&revealed.value, ctx)
    }
}

fn current(
    args: &RevealArgs,
    place: &Place,
    session: &mut Session,
    ctx: &mut Context,
) -> Result<Revealed> {
    let at = require_current(session, place, &args.name)?;
    require_readable(session, at)?;
    let mut values = session.open_current(&[at])?;
    let value = values.pop().ok_or_else(|| Error::failed("no value"))?;
    let current =
        session.index.current.get(at).ok_or_else(|| Error::failed("the secret is gone"))?;
    let (name, environment) = (shown_current(current), current.environment.clone());
    let (mark, number, in_conflict) = (current.value.short(), current.number, current.in_conflict);
    let others: Vec<String> =
        namesakes_of(session, current).iter().map(|other| marked(&other.name, &other.id)).collect();
    if in_conflict {
        warn(
            ctx,
            format_args!(
                "{name} is in conflict, and this is {number}~{mark}: `secrets history {name}` lists the versions"
            ),
        );
    }
    if !others.is_empty() && !current_is_named_fully(&args.name) {
        warn(ctx, format_args!("{name} is also the name of {}", others.join(" and ")));
    }
    let version = label(session, &args.name, place, number, in_conflict)?;
    Ok(Revealed { name, environment: Place::at(session, &environment).name, version, value })
}

fn current_is_named_fully(typed: &str) -> bool {
    typed.contains('~') || crate::org::ids::Id::parse(typed).is_some()
}

/// Only in a conflict another version may share the number.
fn label(
    session: &mut Session,
    typed: &str,
    place: &Place,
    number: u32,
    in_conflict: bool,
) -> Result<String> {
    if !in_conflict {
        return Ok(number.to_string());
    }
    let secret = find(session.state()?, place, typed)?;
    Ok(secret.current().map_or_else(|| number.to_string(), |version| secret.label(version)))
}

fn earlier(
    args: &RevealArgs,
    typed: &str,
    place: &Place,
    session: &mut Session,
) -> Result<Revealed> {
    let me = session.me;
    let state = session.state()?;
    let secret = find(state, place, &args.name)?.clone();
    let proposed: Vec<_> = proposed_of(state, &secret).into_iter().cloned().collect();
    let name = shown_name(state, &secret);
    let judge = judge(state, me)?;
    let readable = judge.reveals(&secret);
    let refused = || not_allowed(&judge, &format!("reveal {name}"), place);
    let refused = (!readable).then(refused);
    let environment = Place::at(session, &secret.environment).name;
    let found = find_version(&secret, &proposed.iter().collect::<Vec<_>>(), typed)?;
    if let Some(refused) = refused {
        return Err(refused);
    }
    let (version, value) = match found {
        Found::Version(version) => (secret.label(version), session.open_version(&secret, version)?),
        Found::Proposed(proposed) => {
            (proposed_label(proposed), session.open_proposed(proposed, &secret.environment)?)
        }
    };
    Ok(Revealed { name, environment, version, value })
}

fn print_document(revealed: &Revealed, ctx: &mut Context) -> Result<()> {
    let bytes = revealed.value.expose();
    let text = std::str::from_utf8(bytes).ok();
    let encoded = Zeroizing::new(text.map_or_else(|| STANDARD.encode(bytes), |_| String::new()));
    let document = Document {
        name: revealed.name.clone(),
        environment: revealed.environment.clone(),
        version: revealed.version.clone(),
        value: text,
        value_base64: text.is_none().then_some(encoded.as_str()),
    };
    print_json(ctx, &document)
}

/// A pipe gets the exact bytes. A terminal gets nothing that acts on it, and a newline at the end.
fn print_value(value: &SecretBytes, ctx: &mut Context) -> Result<()> {
    let bytes = value.expose();
    if !ctx.terminals.stdout {
        return print_bytes(ctx, bytes);
    }
    let newline: &[u8] = if bytes.ends_with(b"\n") { b"" } else { b"\n" };
    match escaped(bytes) {
        None => print_bytes(ctx, SecretBytes::join(&[bytes, newline]).expose()),
        Some(shown) => {
            print_bytes(ctx, SecretBytes::join(&[shown.as_bytes(), b"\n"]).expose())?;
            warn(
                ctx,
                format_args!("some characters are shown escaped; a pipe gets the exact bytes"),
            );
            Ok(())
        }
    }
}

/// None: it can be shown as it is.
fn escaped(bytes: &[u8]) -> Option<Zeroizing<String>> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Some(Zeroizing::new(escape_bytes(bytes)));
    };
    let harmless = |piece: &str| matches!(escape_lines(piece), Cow::Borrowed(_));
    if text.split('\t').all(harmless) {
        return None;
    }
    Some(Zeroizing::new(escape_lines(text).into_owned()))
}
