//! `secrets list`: the secrets of an environment.

use serde::Serialize;

use crate::cli::ListArgs;
use crate::context::Context;
use crate::error::Result;
use crate::org::secrets::Secret;
use crate::terminal::{Table, print_json, print_table, say, show_time};

use super::describe::Described;
use super::find::shown_name;
use super::secret::{Place, open};

#[derive(Serialize)]
struct Document {
    org: String,
    environment: String,
    secrets: Vec<Described>,
}

pub fn run(args: &ListArgs, ctx: &mut Context) -> Result<()> {
    let mut session = open(&args.scope.vault, ctx)?;
    let place = Place::of(&session, &args.scope, ctx)?;
    let state = session.state()?;
    let mut secrets: Vec<&Secret> =
        state.live_secrets().filter(|secret| secret.environment == place.id).collect();
    secrets.sort_by_key(|secret| (&secret.name, shown_name(state, secret)));
    let described = secrets.iter().map(|secret| Described::of(state, secret));
    if args.output.json {
        let secrets = described.collect();
        return print_json(ctx, &Document { org: place.org, environment: place.name, secrets });
    }
    let mut table = Table::new(&["NAME", "VERSION", "UPDATED", "BY", "STATUS"]);
    for (secret, row) in secrets.iter().zip(described) {
        let updated = show_time(ctx, row.updated_at.utc());
        let name = shown_name(state, secret);
        table.row([&name, &row.version, &updated, &row.updated_by, row.status]);
    }
    if table.is_empty() {
        let hint = format!("`secrets create NAME -e {}` makes one", place.name);
        say(ctx, format_args!("no secrets in {place} yet: {hint}"));
    }
    print_table(ctx, &table)
}
