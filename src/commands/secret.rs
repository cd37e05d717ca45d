//! What the commands about secrets share: opening the vault, finding a secret by what was typed,
//! and what to say when there is none or it may not be touched.

use crate::cli::{Scope, VaultArgs};
use crate::config::Settings;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::org::ids::{Id, MemberId};
use crate::org::names::{SecretName, to_variable};
use crate::org::policy::Judge;
use crate::org::record::SecretType;
use crate::org::roles::{Reach, Role};
use crate::org::secrets::Secret;
use crate::org::state::{Member, State};
use crate::org::time::Time;
use crate::session::open::Session;
use crate::terminal::warn;

/// Opens the vault, and says what the user should hear of.
pub fn open(args: &VaultArgs, ctx: &mut Context) -> Result<Session> {
    ctx.no_input |= args.no_input;
    let settings = Settings::resolve(args, ctx)?;
    let mut session = Session::open(settings, ctx)?;
    tell(&mut session, ctx);
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

/// A variable's name out of what was typed.
pub fn new_name(typed: &str) -> Result<SecretName> {
    to_variable(typed).ok_or_else(|| no_name(typed))
}

/// The same for a secret of this type: only a variable's name is converted.
pub fn new_name_of(kind: SecretType, typed: &str) -> Result<SecretName> {
    match kind {
        SecretType::Value => new_name(typed),
        _ => SecretName::parse(typed)
            .filter(|name| !crate::org::names::is_variable(name.as_str()))
            .ok_or_else(|| no_name(typed)),
    }
}

/// As much of a name as is worth repeating: what is no name may be anything.
const SHOWN_CHARACTERS: usize = 64;

fn no_name(typed: &str) -> Error {
    let start: String = typed.chars().take(SHOWN_CHARACTERS).collect();
    let what = match (start.as_str(), start.len() < typed.len()) {
        ("", _) => "an empty text is no secret's name".to_owned(),
        (start, false) => format!("{start} is no secret's name"),
        (start, true) => format!("{start}… is no secret's name"),
    };
    Error::usage(what).because(SecretName::RULE)
}

/// What was typed for a secret: its id, its name, or `NAME~<start of its id>`.
pub struct Typed<'t> {
    id: Option<Id>,
    /// As it stands, then as a variable's name.
    pub names: Vec<SecretName>,
    mark: Option<&'t str>,
}

/// Shorter marks would soon fit several.
const MARK_CHARACTERS: usize = 4;

impl<'t> Typed<'t> {
    pub fn parse(typed: &'t str) -> Self {
        let (name, mark) =
            typed.split_once('~').map_or((typed, None), |(name, mark)| (name, Some(mark)));
        let mut names: Vec<SecretName> = SecretName::parse(name).into_iter().collect();
        names.extend(to_variable(name).filter(|variable| !names.contains(variable)));
        Self { id: Id::parse(typed), names, mark }
    }

    pub fn is_id(&self, id: &Id) -> bool {
        self.id.as_ref() == Some(id)
    }

    pub fn is_marked(&self) -> bool {
        self.mark.is_some()
    }

    /// Whether the mark, if there is one, is this id's.
    pub fn marks(&self, id: &Id) -> bool {
        self.mark.is_none_or(|mark| mark.len() >= MARK_CHARACTERS && id.as_str().starts_with(mark))
    }
}

/// The live secrets that were named, the one with the bare name first.
fn live<'a>(state: &'a State, place: &Place, typed: &Typed<'_>) -> Vec<&'a Secret> {
    if let Some(secret) =
        state.secrets.values().find(|secret| secret.is_live() && typed.is_id(&secret.id))
    {
        return vec![secret];
    }
    let named = |name| {
        let mut found = state.namesakes(&place.id, name);
        found.retain(|secret| typed.marks(&secret.id));
        (!found.is_empty()).then_some(found)
    };
    typed.names.iter().find_map(named).unwrap_or_default()
}

/// The deleted secrets that were named, the latest deleted first.
pub fn deleted<'a>(state: &'a State, place: &Place, typed: &Typed<'_>) -> Vec<&'a Secret> {
    let fits = |secret: &&Secret| {
        let named = secret.environment == place.id && typed.names.contains(&secret.name);
        !secret.is_live() && (typed.is_id(&secret.id) || named && typed.marks(&secret.id))
    };
    let mut found: Vec<&Secret> = state.secrets.values().filter(fits).collect();
    let end = |secret: &&Secret| secret.deleted.as_ref().map(|deletion| deletion.by.time);
    found.sort_by_key(|secret| (std::cmp::Reverse(end(secret)), secret.id.clone()));
    found
}

/// The live secret that was named. Of several with one name, the first has it.
pub fn find<'a>(state: &'a State, place: &Place, typed: &str) -> Result<&'a Secret> {
    let parsed = Typed::parse(typed);
    match live(state, place, &parsed).as_slice() {
        [] => Err(not_found(state, place, typed)),
        [one] => Ok(one),
        [_, _, ..] if parsed.is_marked() => Err(several(state, place, typed, &parsed)),
        [first, ..] => Ok(first),
    }
}

/// The same where a slip cannot be undone: a name that several have is none.
pub fn find_only<'a>(state: &'a State, place: &Place, typed: &str) -> Result<&'a Secret> {
    let parsed = Typed::parse(typed);
    match live(state, place, &parsed).as_slice() {
        [_, _, ..] => Err(several(state, place, typed, &parsed)),
        _ => find(state, place, typed),
    }
}

fn several(state: &State, place: &Place, typed: &str, parsed: &Typed<'_>) -> Error {
    let found = live(state, place, parsed);
    let names: Vec<String> = found.iter().map(|secret| marked(&secret.name, &secret.id)).collect();
    Error::conflict(format!("{} secrets are named {typed} in {place}", found.len()))
        .hint(format!("say which: {}", names.join(" or ")))
}

/// `NAME~<id4>`.
pub fn marked(name: &SecretName, id: &Id) -> String {
    format!("{name}~{}", id.short())
}

/// What a secret is called among those beside it: `NAME~<id4>` if another has the bare name.
pub fn shown_name(state: &State, secret: &Secret) -> String {
    let first = state.namesakes(&secret.environment, &secret.name).first().map(|first| &first.id);
    if first.is_none_or(|first| *first == secret.id) {
        secret.name.to_string()
    } else {
        marked(&secret.name, &secret.id)
    }
}

/// There is no such secret: it was deleted, or another was meant.
pub fn not_found(state: &State, place: &Place, typed: &str) -> Error {
    let error = Error::not_found(format!("no secret named {typed} in {place}"));
    if let Some(secret) = deleted(state, place, &Typed::parse(typed)).first() {
        return error
            .because(was_deleted(state, secret))
            .hint(format!("`secrets history {typed} -e {}` still lists its versions", place.name));
    }
    let here: Vec<&Secret> =
        state.live_secrets().filter(|secret| secret.environment == place.id).collect();
    let list = format!("`secrets list -e {}` shows all {}", place.name, here.len());
    match closest(typed, here.iter().map(|secret| &secret.name)) {
        Some(name) => error.hint(format!("did you mean {name}? {list}")),
        None if here.is_empty() => {
            error.hint(format!("`secrets create {typed} -e {}` makes it", place.name))
        }
        None => error.hint(list),
    }
}

/// `alice deleted it on …`.
pub fn was_deleted(state: &State, secret: &Secret) -> String {
    match &secret.deleted {
        Some(deletion) => {
            let by = &deletion.by;
            format!("{} deleted it on {}", state.name_of(&by.author), when(by.time))
        }
        None => "it is not deleted".to_owned(),
    }
}

/// The name that was probably meant.
fn closest<'a>(typed: &str, names: impl Iterator<Item = &'a SecretName>) -> Option<&'a SecretName> {
    let wanted = typed.to_ascii_uppercase();
    let by_distance = names.map(|name| (strsim::osa_distance(name.as_str(), &wanted), name));
    let (distance, name) = by_distance.min_by_key(|(distance, _)| *distance)?;
    (distance <= wanted.len() / 3 + 1 && distance < wanted.len()).then_some(name)
}

/// What I may do.
pub fn judge(state: &State, me: MemberId) -> Result<Judge<'_>> {
    let me = state.members.get(&me).filter(|me| me.is_active());
    me.map(|me| Judge::new(state, me))
        .ok_or_else(|| Error::denied("you are not a member of this vault any more"))
}

/// Why somebody may not, and who can change that.
pub fn not_allowed(judge: &Judge<'_>, what: &str, place: &Place) -> Error {
    let me = judge.author;
    let error = Error::denied(format!("{} may not {what} in {place}", me.name)).because(format!(
        "{} is {}",
        me.name,
        roles_at(me, &place.id)
    ));
    let admins = judge.state.active().filter(|member| Judge::new(judge.state, member).is_admin());
    let names: Vec<String> =
        admins.filter(|admin| admin.id != me.id).map(|admin| admin.name.to_string()).collect();
    if names.is_empty() {
        return error;
    }
    error.hint(format!("ask an owner or admin: {}", names.join(", ")))
}

/// `viewer there`, or what else a member is in an environment.
fn roles_at(member: &Member, environment: &Id) -> String {
    let here = |reach: &Reach| match reach {
        Reach::Org => true,
        Reach::Environment(id) => id == environment,
    };
    let roles: Vec<&str> = member
        .roles
        .iter()
        .filter(|(_, reach)| here(reach))
        .map(|(role, _): &(Role, _)| role.as_str())
        .collect();
    match roles.as_slice() {
        [] => "nobody with a role there".to_owned(),
        roles => format!("{} there", roles.join(" and ")),
    }
}
