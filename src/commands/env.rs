//! `secrets env`: a command with the secrets in its environment.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use crate::cli::EnvArgs;
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::launch::{Inherit, Plan, danger};
use crate::org::record::SecretType;
use crate::secret::SecretBytes;
use crate::session::memory::Current;
use crate::session::open::Session;

use super::secret::{Place, open};

pub fn run(args: &EnvArgs, ctx: &mut Context) -> Result<()> {
    let secrets = collect(args, ctx).map_err(own_failure)?;
    let inherit = if args.clean { Inherit::Nothing } else { Inherit::Everything };
    let plan = Plan::new(&args.command, &ctx.env, inherit, &secrets).map_err(own_failure)?;
    match plan.exec()? {}
}

/// A failure that has no code of its own is told apart from the command's codes.
fn own_failure(mut error: Error) -> Error {
    if error.kind == Kind::Failed {
        error.kind = Kind::NotLaunched;
    }
    error
}

/// Every variable with its value.
fn collect(args: &EnvArgs, ctx: &mut Context) -> Result<Vec<(OsString, SecretBytes)>> {
    let mut session = open(&args.scope.vault, ctx)?;
    let place = Place::of(&session, &args.scope, ctx)?;
    let choice = Choice::new(args, &session, &place)?;
    let mut wanted = vec![];
    let mut names = vec![];
    for (at, current) in session.index.current.iter().enumerate() {
        if let Some(variable) = choice.variable(current) {
            wanted.push(at);
            names.push(variable);
        }
    }
    choice.refuse_dangerous(&names)?;
    if args.keep_existing {
        let kept = |name: &String| !ctx.env.contains_key(OsStr::new(name));
        let pairs = wanted.into_iter().zip(names).filter(|(_, name)| kept(name));
        (wanted, names) = pairs.unzip();
    }
    let values = session.open_current(&wanted)?;
    Ok(names.into_iter().map(OsString::from).zip(values).collect())
}

/// Which secrets, under which names.
struct Choice<'a> {
    place: &'a Place,
    only: Vec<String>,
    except: Vec<String>,
    map: BTreeMap<String, String>,
    prefix: &'a str,
    allowed: Vec<&'a str>,
}

impl<'a> Choice<'a> {
    fn new(args: &'a EnvArgs, session: &'a Session, place: &'a Place) -> Result<Self> {
        let config = &session.settings.project;
        let or_config = |flags: &[String], config: &[String]| {
            if flags.is_empty() { config.to_vec() } else { flags.to_vec() }
        };
        let mut map = config.map.clone();
        map.extend(args.map.iter().map(|mapping| (mapping.name.clone(), mapping.variable.clone())));
        let allowed = args.allowed_names.iter().chain(&session.settings.user.allow_names);
        let choice = Self {
            place,
            only: or_config(&args.only, &config.only),
            except: or_config(&args.except, &config.except),
            map,
            prefix: args.prefix.as_deref().unwrap_or_default(),
            allowed: allowed.map(String::as_str).collect(),
        };
        choice.refuse_unknown(session)?;
        Ok(choice)
    }

    /// A name that is asked for and not there is a mistake, not nothing.
    fn refuse_unknown(&self, session: &Session) -> Result<()> {
        let here = |name: &str| {
            session.index.current.iter().find(|current| {
                current.environment == self.place.id && !current.shadowed && is_named(current, name)
            })
        };
        for name in self.only.iter().chain(self.map.keys()).chain(&self.except) {
            match here(name) {
                None => return Err(unknown(session, self.place, name)),
                Some(current) if !current.readable && self.only.contains(name) => {
                    return Err(Error::denied(format!(
                        "you may not reveal {name} in {}",
                        self.place
                    )));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// The variable that a secret becomes; None: it is not wanted.
    fn variable(&self, current: &Current) -> Option<String> {
        let named = |names: &[String]| names.iter().any(|name| is_named(current, name));
        let injectable = current.kind == SecretType::Value && !current.shadowed && current.readable;
        let chosen = (self.only.is_empty() || named(&self.only)) && !named(&self.except);
        if current.environment != self.place.id || !injectable || !chosen {
            return None;
        }
        let mapped = self.map.iter().find(|(name, _)| is_named(current, name));
        Some(
            mapped.map_or_else(
                || format!("{}{}", self.prefix, current.name),
                |(_, other)| other.clone(),
            ),
        )
    }

    fn refuse_dangerous(&self, names: &[String]) -> Result<()> {
        let mut seen = std::collections::BTreeSet::new();
        for name in names {
            if name.contains(['=', '\0']) || name.is_empty() {
                return Err(Error::usage(format!("{name} cannot be a variable's name")));
            }
            if !seen.insert(name) {
                return Err(Error::usage(format!("two secrets would become {name}"))
                    .hint("give one another name with `--map`"));
            }
            let Some(why) = danger(name).filter(|_| !self.allowed.contains(&name.as_str())) else {
                continue;
            };
            return Err(Error::denied(format!("{name} is not given to a command"))
                .because(why)
                .hint(format!(
                    "`--allow-name {name}` allows it, `--map {name}=OTHER` renames it"
                )));
        }
        Ok(())
    }
}

fn is_named(current: &Current, typed: &str) -> bool {
    current.name.as_str() == typed
        || current.id.as_str() == typed
        || crate::org::names::to_variable(typed).is_some_and(|name| name == current.name)
}

fn unknown(session: &Session, place: &Place, name: &str) -> Error {
    let here = session.index.current.iter().filter(|current| current.environment == place.id);
    let close =
        here.map(|current| (strsim::osa_distance(current.name.as_str(), name), &current.name));
    let error = Error::not_found(format!("no secret named {name} in {place}"));
    match close.min_by_key(|(distance, _)| *distance) {
        Some((distance, close)) if distance <= name.len() / 3 + 1 => {
            error.hint(format!("did you mean {close}?"))
        }
        _ => error.hint(format!("`secrets list -e {}` shows what is there", place.name)),
    }
}
