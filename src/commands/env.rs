//! `secrets env`: a command with the secrets in its environment.
//!
//! All that is needed stands in this machine's memory: the folded state is read only to explain a
//! refusal. Whatever was asked for and cannot be given, nothing is started.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};

use crate::cli::EnvArgs;
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::launch::{Inherit, Plan, danger};
use crate::org::record::SecretType;
use crate::secret::SecretBytes;
use crate::session::memory::Current;
use crate::session::open::Session;
use crate::terminal::warn;

use super::current::{
    find_current, nothing_readable, require_current, require_readable, shown_current,
};
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
    let choice = Choice::make(args, &mut session, &place)?;
    let mut wanted: Vec<(usize, String)> = choice.variables(&session, &place);
    if wanted.is_empty() {
        choice.require_any(&mut session, &place)?;
    }
    if args.keep_existing {
        wanted.retain(|(_, variable)| !ctx.env.contains_key(OsStr::new(variable)));
    }
    refuse_variables(&wanted, args, &session)?;
    let (places, variables): (Vec<usize>, Vec<String>) = wanted.into_iter().unzip();
    let values = session.open_current(&places)?;
    warn_of_conflicts(&session, &place, &places, ctx);
    Ok(variables.into_iter().map(OsString::from).zip(values).collect())
}

/// Which secrets, by their place in the index, and under which names.
struct Choice {
    /// None: all that I may reveal.
    only: Option<BTreeSet<usize>>,
    except: BTreeSet<usize>,
    map: BTreeMap<usize, String>,
    prefix: String,
}

impl Choice {
    /// What is named and not there is a mistake, not nothing; but a committed config may speak of
    /// secrets that another environment has.
    fn make(args: &EnvArgs, session: &mut Session, place: &Place) -> Result<Self> {
        let project = &session.settings.project;
        let (required, only) = (project.required.clone(), project.only.clone());
        let (except, map) = (project.except.clone(), project.map.clone());
        for name in &required {
            require_here(session, place, name)?;
        }
        let only = if args.only.is_empty() { only } else { args.only.clone() };
        let only = only.iter().map(|name| require_here(session, place, name));
        let only: BTreeSet<usize> = only.collect::<Result<_>>()?;
        let mut choice = Self {
            only: (!only.is_empty()).then_some(only),
            except: except.iter().filter_map(|name| find_current(session, place, name)).collect(),
            map: BTreeMap::new(),
            prefix: args.prefix.clone().unwrap_or_default(),
        };
        for (name, variable) in map {
            find_current(session, place, &name).map(|at| choice.map.insert(at, variable));
        }
        if !args.except.is_empty() {
            let names = args.except.iter();
            choice.except =
                names.map(|name| require_current(session, place, name)).collect::<Result<_>>()?;
        }
        for mapping in &args.map {
            let at = require_current(session, place, &mapping.name)?;
            choice.map.insert(at, mapping.variable.clone());
        }
        Ok(choice)
    }

    /// The chosen places and the variable each becomes.
    fn variables(&self, session: &Session, place: &Place) -> Vec<(usize, String)> {
        let all = session.index.current.iter().enumerate();
        let chosen = all.filter(|(at, current)| self.takes(*at, current, place));
        chosen.map(|(at, current)| (at, self.variable(at, current))).collect()
    }

    /// One whose name another has is given only if it is asked for, or has a name of its own here.
    fn takes(&self, at: usize, current: &Current, place: &Place) -> bool {
        let named = self.only.as_ref().map(|only| only.contains(&at));
        let unasked = !current.shadowed || self.map.contains_key(&at);
        current.environment == place.id
            && current.kind == SecretType::Value
            && current.readable
            && !self.except.contains(&at)
            && named.unwrap_or(unasked)
    }

    fn variable(&self, at: usize, current: &Current) -> String {
        let mapped = self.map.get(&at).cloned();
        mapped.unwrap_or_else(|| format!("{}{}", self.prefix, current.name))
    }

    /// Everything was asked for, there is something, and no key here opens any of it.
    fn require_any(&self, session: &mut Session, place: &Place) -> Result<()> {
        let here = |current: &&Current| {
            current.environment == place.id && current.kind == SecretType::Value
        };
        let mut all = session.index.current.iter().filter(here).peekable();
        let locked_out = all.peek().is_some() && all.all(|current| !current.readable);
        if locked_out { Err(nothing_readable(session, place)) } else { Ok(()) }
    }
}

/// A secret of this environment that can become a variable, and that I may reveal.
fn require_here(session: &mut Session, place: &Place, typed: &str) -> Result<usize> {
    let at = require_current(session, place, typed)?;
    let Some(current) = session.index.current.get(at) else { return Ok(at) };
    if current.environment != place.id {
        let home = Place::at(session, &current.environment);
        return Err(Error::not_found(format!("no secret {typed} in {place}"))
            .because(format!("it is in {home}")));
    }
    if current.kind != SecretType::Value {
        let kind = current.kind.as_str();
        return Err(Error::usage(format!("{} is a {kind}, not a variable", current.name)));
    }
    require_readable(session, at)?;
    Ok(at)
}

fn refuse_variables(wanted: &[(usize, String)], args: &EnvArgs, session: &Session) -> Result<()> {
    let allowed: BTreeSet<&str> = args
        .allowed_names
        .iter()
        .chain(&session.settings.user.allow_names)
        .map(String::as_str)
        .collect();
    let mut seen = BTreeSet::new();
    for (at, variable) in wanted {
        if variable.contains(['=', '\0']) || variable.is_empty() {
            return Err(Error::usage(format!("{variable} cannot be a variable's name")));
        }
        if !seen.insert(variable) {
            return Err(Error::usage(format!("two secrets would become {variable}"))
                .hint("give one another name with `--map`"));
        }
        let name = session.index.current.get(*at).map_or(variable.as_str(), |it| it.name.as_str());
        if let Some(why) = danger(variable).filter(|_| !allowed.contains(variable.as_str())) {
            return Err(Error::denied(format!("{variable} is not given to a command"))
                .because(why)
                .hint(format!(
                    "`--allow-name {variable}` allows it, `--map {name}=OTHER` renames it"
                )));
        }
    }
    Ok(())
}

/// What is given although somebody should decide, and what is not given because of its name.
fn warn_of_conflicts(session: &Session, place: &Place, given: &[usize], ctx: &mut Context) {
    for (at, current) in session.index.current.iter().enumerate() {
        let is_given = given.contains(&at);
        let name = shown_current(current);
        if is_given && current.in_conflict {
            warn(
                ctx,
                format_args!("{name} is in conflict: `secrets history {name}` lists the versions"),
            );
        }
        if !is_given && current.shadowed && current.environment == place.id {
            warn(ctx, format_args!("{name} is not given: another secret has its name"));
        }
    }
}
