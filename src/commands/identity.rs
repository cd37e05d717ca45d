//! `secrets identity`: the keys that a person unlocks with.

use serde::Serialize;

use crate::cli::{
    IdentityAction, IdentityAddArgs, IdentityArgs, IdentityNewArgs, IdentityRemoveArgs,
    IdentityShowArgs, PassphraseArgs,
};
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::secret::SecretBytes;
use crate::session::identity::default_path;
use crate::session::{key_file, unlocked};
use crate::terminal::{ask_new_hidden, confirm, print, print_json, say};

use super::secret::open;

pub fn run(args: &IdentityArgs, ctx: &mut Context) -> Result<()> {
    match &args.action {
        IdentityAction::Show(args) => show(args, ctx),
        IdentityAction::New(args) => new(args, ctx),
        IdentityAction::Add(args) => add(args, ctx),
        IdentityAction::Remove(args) => remove(args, ctx),
    }
}

#[derive(Serialize)]
struct Shown {
    name: String,
    org: String,
    vault_id: String,
    member: String,
    key: String,
    recipient: String,
    roles: Vec<ShownRole>,
    identities: Vec<String>,
    identity: String,
    unlocked: bool,
}

#[derive(Serialize)]
struct ShownRole {
    role: String,
    r#where: String,
}

fn show(args: &IdentityShowArgs, ctx: &mut Context) -> Result<()> {
    let mut session = open(&args.vault, ctx)?;
    let me = session.card()?;
    let (identity, unlocked) = session.identity_in_use(ctx)?;
    let roles = me.roles.into_iter().map(|(role, place)| ShownRole { role, r#where: place });
    let shown = Shown {
        name: me.name,
        org: session.index.org.clone(),
        vault_id: session.vault.to_string(),
        member: me.id,
        key: me.key,
        recipient: me.recipient,
        roles: roles.collect(),
        identities: me.identities,
        identity,
        unlocked,
    };
    if args.output.json { print_json(ctx, &shown) } else { print_shown(&shown, ctx) }
}

fn print_shown(shown: &Shown, ctx: &mut Context) -> Result<()> {
    print(ctx, format_args!("{} in {}", shown.name, shown.org))?;
    print(ctx, format_args!("vault       {}", shown.vault_id))?;
    for role in &shown.roles {
        print(ctx, format_args!("role        {}, {}", role.role, role.r#where))?;
    }
    print(ctx, format_args!("signs with  {}", shown.key))?;
    print(ctx, format_args!("opens with  {}", shown.recipient))?;
    let unlocked = if shown.unlocked { " (unlocked)" } else { "" };
    print(ctx, format_args!("key file    {}{unlocked}", shown.identity))?;
    for identity in &shown.identities {
        print(ctx, format_args!("identity    {identity}"))?;
    }
    Ok(())
}

fn new(args: &IdentityNewArgs, ctx: &mut Context) -> Result<()> {
    ctx.no_input |= args.no_input;
    let path = match &args.out {
        Some(path) => ctx.cwd.join(path),
        None => default_path(ctx)?,
    };
    if path.exists() {
        return Err(Error::conflict(format!("there is a file at {} already", path.display()))
            .because("a key is never overwritten")
            .hint("name another place with `--out FILE`"));
    }
    let passphrase = new_passphrase(&args.passphrase, ctx)?;
    let recipient = key_file::make(&path, passphrase.as_ref(), ctx)?;
    let recipient = recipient.text().unwrap_or_default();
    say(ctx, format_args!("made {}; back it up", path.display()));
    print(ctx, format_args!("{recipient}"))?;
    say(ctx, format_args!("it opens nothing yet: `secrets identity add {recipient}`"));
    Ok(())
}

/// The passphrase for a new key file: asked for if wanted, offered on a terminal, else none.
pub fn new_passphrase(args: &PassphraseArgs, ctx: &Context) -> Result<Option<SecretBytes>> {
    let wanted = args.passphrase || (!args.no_passphrase && offered(ctx)?);
    if !wanted {
        return Ok(None);
    }
    let typed = ask_new_hidden(ctx, "passphrase")?;
    if typed.is_empty() {
        return Err(
            Error::usage("an empty passphrase protects nothing").hint("use --no-passphrase")
        );
    }
    Ok(Some(typed))
}

fn offered(ctx: &Context) -> Result<bool> {
    if !ctx.can_ask() || !ctx.terminals.stderr {
        return Ok(false);
    }
    confirm(ctx, "Protect your key with a passphrase?")
}

fn add(args: &IdentityAddArgs, ctx: &mut Context) -> Result<()> {
    let mut session = open(&args.vault, ctx)?;
    let added = session.add_identity(&args.recipient, ctx)?;
    say(ctx, format_args!("{added} opens {} for you now", session.index.org));
    Ok(())
}

fn remove(args: &IdentityRemoveArgs, ctx: &mut Context) -> Result<()> {
    ctx.yes |= args.consent.yes;
    let mut session = open(&args.vault, ctx)?;
    let text = session.identity_called(&args.recipient)?;
    let org = session.index.org.clone();
    let question = format!(
        "{text} will open nothing in {org} any more, and your member key is made anew. Go on?"
    );
    if !confirm(ctx, &question)? {
        return Err(Error::new(Kind::Failed, "nothing was changed"));
    }
    session.remove_identity(&text, ctx)?;
    say(ctx, format_args!("{text} opens nothing in {org} any more; your member key is new"));
    // The key that was unlocked is not yours any more.
    if unlocked::remove(ctx, session.vault).unwrap_or(false) {
        say(ctx, format_args!("your key is locked: `secrets unlock` keeps the new one"));
    }
    say(
        ctx,
        format_args!("values it could read stay readable in old copies: change those that matter"),
    );
    Ok(())
}
