//! What the commands about secrets share: opening the vault, its environments, moments in words.

use crate::cli::{Scope, VaultArgs};
use crate::config::Settings;
use crate::context::Context;
use crate::error::Result;
use crate::org::ids::Id;
use crate::org::time::Time;
use crate::session::open::Session;
use crate::terminal::warn;

/// Opens the vault, and says what the user should hear of.
pub fn open(args: &VaultArgs, ctx: &mut Context) -> Result<Session> {
    ctx.no_input |= args.no_input;
    let settings = Settings::resolve(args, ctx)?;
    let mut session = Session::open(settings, ctx)?;
    tell(&mut session, ctx);
    if session.has_torn_end() {
        warn(ctx, format_args!("the vault's last line is unfinished and does not count"));
    }
    if session.index.trouble.waiting > 0 {
        warn(ctx, format_args!("the vault is not whole: `secrets verify` says what is missing"));
    }
    Ok(session)
}

/// Says what came up since it was last asked.
pub fn tell(session: &mut Session, ctx: &mut Context) {
    for notice in std::mem::take(&mut session.notices) {
        warn(ctx, format_args!("{notice}"));
    }
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

    /// The environment of a secret that was named by its id, wherever it is.
    pub fn at(session: &Session, id: &Id) -> Self {
        let known = session.index.environments.iter().find(|(known, _)| known == id);
        let name = known.map_or_else(|| id.to_string(), |(_, name)| name.clone());
        Self { id: id.clone(), name, org: session.index.org.clone() }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.org, self.name)
    }
}

/// A moment in a sentence, the same for whoever reads it.
pub fn when(time: Time) -> String {
    time.utc().format("%Y-%m-%d %H:%M UTC").to_string()
}
