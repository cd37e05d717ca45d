//! What the commands about secrets share: opening the vault, finding a secret by what was typed.

use crate::cli::{Scope, VaultArgs};
use crate::config::Settings;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::org::ids::Id;
use crate::org::names::{SecretName, to_variable};
use crate::org::secrets::Secret;
use crate::org::state::State;
use crate::session::open::Session;
use crate::terminal::warn;

/// Opens the vault, and says what the user should hear of.
pub fn open(args: &VaultArgs, ctx: &mut Context) -> Result<Session> {
    ctx.no_input |= args.no_input;
    let settings = Settings::resolve(args, ctx)?;
    let mut session = Session::open(settings, ctx)?;
    for notice in std::mem::take(&mut session.notices) {
        warn(ctx, format_args!("{notice}"));
    }
    if session.index.trouble.waiting > 0 {
        warn(ctx, format_args!("the vault is not whole: `secrets verify` says what is missing"));
    }
    Ok(session)
}

/// The environment that a command works in.
pub struct Place {
    pub id: Id,
    pub name: String,
    pub org: String,
}

impl Place {
    pub fn of(session: &Session, scope: &Scope, ctx: &Context) -> Result<Self> {
        let name = session.settings.environment(scope.env.as_deref(), ctx)?;
        let id = session.environment(name.as_str())?;
        Ok(Self { id, name: name.to_string(), org: session.index.org.clone() })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.org, self.name)
    }
}

/// A variable's name out of what was typed.
pub fn new_name(typed: &str) -> Result<SecretName> {
    to_variable(typed).ok_or_else(|| {
        Error::usage(format!("{typed} is no secret's name")).because(SecretName::RULE)
    })
}

/// The live secret that was named: by its id, its name, or `NAME~<id4>` for one that shares it.
pub fn find<'a>(state: &'a State, place: &Place, typed: &str) -> Result<&'a Secret> {
    let by_id = Id::parse(typed).and_then(|id| state.secrets.get(&id));
    if let Some(secret) = by_id.filter(|secret| secret.is_live()) {
        return Ok(secret);
    }
    let (name, mark) =
        typed.split_once('~').map_or((typed, None), |(name, mark)| (name, Some(mark)));
    let spelled = SecretName::parse(name).or_else(|| to_variable(name));
    let named = spelled.map(|name| state.namesakes(&place.id, &name)).unwrap_or_default();
    let found = match mark {
        None => named.first().copied(),
        Some(mark) => named.iter().find(|secret| secret.id.as_str().starts_with(mark)).copied(),
    };
    found.ok_or_else(|| not_found(state, place, typed))
}

fn not_found(state: &State, place: &Place, typed: &str) -> Error {
    let error = Error::not_found(format!("no secret named {typed} in {place}"));
    let here: Vec<&Secret> =
        state.live_secrets().filter(|secret| secret.environment == place.id).collect();
    let list = format!("`secrets list -e {}` shows all {}", place.name, here.len());
    let wanted = typed.to_ascii_uppercase();
    let close = here
        .iter()
        .map(|secret| (strsim::osa_distance(secret.name.as_str(), &wanted), &secret.name));
    match close.min_by_key(|(distance, _)| *distance) {
        Some((distance, name)) if distance <= wanted.len() / 3 + 1 => {
            error.hint(format!("did you mean {name}? {list}"))
        }
        _ if here.is_empty() => {
            error.hint(format!("`secrets create {typed} -e {}` makes it", place.name))
        }
        _ => error.hint(list),
    }
}
