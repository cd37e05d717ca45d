//! `secrets history`: the versions of a secret, of a deleted one too.

use serde::Serialize;

use crate::cli::HistoryArgs;
use crate::context::Context;
use crate::error::{Kind, Result};
use crate::org::secrets::Secret;
use crate::org::state::{Proposed, State};
use crate::org::time::Time;
use crate::terminal::{Table, print_json, print_table, say, show_time};

use super::describe::DescribedVersion;
use super::find::{deleted, find};
use super::names::{Typed, marked};
use super::secret::{Place, open};
use super::version::proposed_of;

#[derive(Serialize)]
struct Document {
    /// None: it never came into effect.
    id: Option<String>,
    name: String,
    environment: String,
    deleted: Option<Deleted>,
    /// The newest first.
    versions: Vec<DescribedVersion>,
}

#[derive(Serialize)]
struct Deleted {
    at: Time,
    by: String,
}

pub fn run(args: &HistoryArgs, ctx: &mut Context) -> Result<()> {
    let mut session = open(&args.scope.vault, ctx)?;
    let place = Place::of(&session, &args.scope, ctx)?;
    let typed = Typed::parse(&args.name);
    let state = session.state()?;
    let gone = deleted(state, &place, &typed);
    let (document, others) = match find(state, &place, &args.name) {
        Ok(secret) => (of_secret(state, secret), gone.as_slice()),
        Err(error) if error.kind != Kind::NotFound => return Err(error),
        Err(error) => match gone.split_first() {
            Some((latest, others)) => (of_secret(state, latest), others),
            None => match of_proposed(state, &place, &typed) {
                Some(document) => (document, gone.as_slice()),
                None => return Err(error),
            },
        },
    };
    if args.output.json {
        return print_json(ctx, &document);
    }
    let others: Vec<String> =
        others.iter().map(|secret| marked(&secret.name, &secret.id)).collect();
    print_table(ctx, &document.table(ctx))?;
    if document.deleted.is_some() {
        say(ctx, format_args!("{} is deleted: its values are gone", document.name));
    }
    if !others.is_empty() {
        let list = others.join(", ");
        say(ctx, format_args!("deleted earlier, under the same name: {list}"));
    }
    Ok(())
}

fn of_secret(state: &State, secret: &Secret) -> Document {
    let mut versions: Vec<DescribedVersion> = secret
        .versions
        .iter()
        .map(|version| DescribedVersion::of(state, secret, version))
        .collect();
    let proposed = proposed_of(state, secret).into_iter();
    versions.extend(proposed.map(|proposed| DescribedVersion::proposed(state, proposed)));
    versions.reverse();
    let deleted = secret
        .deleted
        .as_ref()
        .map(|deletion| Deleted { at: deletion.by.time, by: state.name_of(&deletion.by.author) });
    Document {
        id: Some(secret.id.to_string()),
        name: secret.name.to_string(),
        environment: environment_name(state, &secret.environment),
        deleted,
        versions,
    }
}

/// A secret that never came into effect: all there is of it is what was proposed.
fn of_proposed(state: &State, place: &Place, typed: &Typed<'_>) -> Option<Document> {
    let proposed = unborn(state, typed);
    let name = proposed.first().and_then(|proposed| proposed.name.as_ref())?.to_string();
    let versions =
        proposed.iter().rev().map(|proposed| DescribedVersion::proposed(state, proposed));
    Some(Document {
        id: None,
        name,
        environment: place.name.clone(),
        deleted: None,
        versions: versions.collect(),
    })
}

/// Proposed versions of secrets that are not there, by the name they were to have.
pub fn unborn<'a>(state: &'a State, typed: &Typed<'_>) -> Vec<&'a Proposed> {
    let named = |proposed: &&Proposed| {
        !state.secrets.contains_key(&proposed.secret)
            && (typed.is_id(&proposed.secret)
                || proposed.name.as_ref().is_some_and(|name| typed.names.contains(name))
                    && typed.marks(&proposed.secret))
    };
    state.proposed.iter().filter(named).collect()
}

fn environment_name(state: &State, id: &crate::org::ids::Id) -> String {
    state.environments.get(id).map_or_else(|| id.to_string(), |place| place.name.to_string())
}

impl Document {
    fn table(&self, ctx: &Context) -> Table {
        let mut table = Table::new(&["VERSION", "WRITTEN", "BY", "HOW", "STATUS"]);
        if let Some(deleted) = &self.deleted {
            let at = show_time(ctx, deleted.at.utc());
            table.row(["-", &at, &deleted.by, "deleted", ""]);
        }
        for version in &self.versions {
            let at = show_time(ctx, version.at.utc());
            table.row([&version.version, &at, &version.by, &version.how(), version.standing()]);
        }
        table
    }
}
