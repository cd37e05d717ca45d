//! `secrets init`: a vault, a key that opens it, and what a git work tree needs.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::InitArgs;
use crate::config::{PROJECT_FILE, Settings, default_vault};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::org::names::Title;
use crate::secret::SecretBytes;
use crate::session::found::found;
use crate::session::identity::{IdentityRecipient, Source, default_path, seal_targets};
use crate::session::memory::Folder;
use crate::session::open::Session;
use crate::session::{key_file, work_tree};
use crate::terminal::{ask_line, print, print_json, say};

use super::identity::new_passphrase;

#[derive(Serialize)]
struct Made {
    org: String,
    id: String,
    vault: String,
    identity: String,
    environments: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery: Option<String>,
}

pub fn run(args: &InitArgs, ctx: &mut Context) -> Result<()> {
    ctx.no_input |= args.no_input;
    let org = org_name(args, ctx)?;
    let in_git = args.vault.is_none() && work_tree::is_inside(&ctx.cwd);
    let vault = place(args, &org, in_git, ctx)?;
    refuse_existing(&vault, ctx)?;
    if in_git {
        work_tree::refuse_other(&ctx.cwd, &file_name(&vault))?;
    }
    let named = args.identity.as_ref().map(|path| ctx.cwd.join(path));
    let settings = Settings::for_new(vault.clone(), named, ctx)?;
    let (identity, mut recipients, lock) = identity(args, &settings, ctx)?;
    let recovery = if args.recovery { Some(key_file::in_memory(ctx)?) } else { None };
    let recovery = recovery.map(|(recipient, text)| {
        recipients.push(recipient);
        text
    });
    let name = founder_name(ctx)?;
    let session = found(settings, &org, &name, &recipients, ctx)?;
    if in_git {
        work_tree::prepare(&ctx.cwd, &file_name(&vault))?;
    }
    report(args, &session, &identity, recovery.as_ref(), in_git, ctx)?;
    if lock == Lock::Passphrase && !args.output.json {
        say(
            ctx,
            format_args!(
                "`secrets unlock` asks for the passphrase once and keeps your key at hand for a while"
            ),
        );
    }
    Ok(())
}

/// The vault's file is named after it, with some letters more.
const NAME_BYTES: usize = 200;

fn org_name(args: &InitArgs, ctx: &Context) -> Result<Title> {
    let folder =
        ctx.cwd.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let typed = match &args.name {
        Some(name) => name.clone(),
        None if ctx.can_ask() => {
            let typed = ask_line(ctx, &format!("organisation [{folder}]"))?;
            if typed.is_empty() { folder } else { typed }
        }
        None => folder,
    };
    let refused =
        |why: &str| Err(Error::usage(format!("{typed} is no organisation's name")).because(why));
    if typed.starts_with(['.', '-']) || typed.contains('/') || typed.len() > NAME_BYTES {
        return refused("it names a file: no / in it, no . or - in front, at most 200 bytes");
    }
    Title::parse(&typed).map_or_else(|| refused(Title::RULE), Ok)
}

fn place(args: &InitArgs, org: &Title, in_git: bool, ctx: &Context) -> Result<PathBuf> {
    if let Some(path) = &args.vault {
        return Ok(ctx.cwd.join(path));
    }
    if in_git {
        return Ok(ctx.cwd.join(format!("{org}.vault")));
    }
    default_vault(org.as_str(), ctx)
}

fn refuse_existing(vault: &Path, ctx: &Context) -> Result<()> {
    if vault.exists() {
        return Err(Error::conflict(format!("there is a vault at {} already", vault.display()))
            .hint("name another place with `--vault`"));
    }
    let folder = Folder::of(&ctx.paths()?.state, vault);
    if folder.pins().is_some() {
        return Err(Error::rolled_back(format!(
            "a vault that stood at {} is gone",
            vault.display()
        ))
        .because("this machine remembers what was in it")
        .hint(format!(
            "`secrets repair --vault {}` puts it back; to forget it, delete {}",
            vault.display(),
            folder.path().display()
        )));
    }
    Ok(())
}

/// Whether the identity is known to need a passphrase.
#[derive(PartialEq)]
enum Lock {
    Passphrase,
    Unknown,
}

/// The identity that opens the vault, and what to seal to.
fn identity(
    args: &InitArgs,
    settings: &Settings,
    ctx: &mut Context,
) -> Result<(String, Vec<IdentityRecipient>, Lock)> {
    let source = Source::find(settings, ctx)?;
    let is_there = match &source {
        Source::File(path) => path.exists(),
        Source::Named(_) | Source::Variable(_) => true,
    };
    if !is_there {
        return make_identity(args, ctx);
    }
    let name = source.name();
    let identities = source.load(ctx)?;
    let recipients = seal_targets(&identities)?;
    Ok((name, recipients, Lock::Unknown))
}

fn make_identity(
    args: &InitArgs,
    ctx: &mut Context,
) -> Result<(String, Vec<IdentityRecipient>, Lock)> {
    let path = default_path(ctx)?;
    let passphrase = new_passphrase(&args.passphrase, ctx)?;
    let recipient = key_file::make(&path, passphrase.as_ref(), ctx)?;
    let lock = if passphrase.is_some() { Lock::Passphrase } else { Lock::Unknown };
    Ok((path.display().to_string(), vec![recipient], lock))
}

/// The system's name for the user, less what a name may not hold.
fn founder_name(ctx: &Context) -> Result<Title> {
    let plain: String = ctx.user().chars().filter(|c| !c.is_control()).collect();
    Title::parse(plain.trim()).ok_or_else(|| {
        Error::usage("the user's name is no member's name").because(Title::RULE).hint("set USER")
    })
}

fn report(
    args: &InitArgs,
    session: &Session,
    identity: &str,
    recovery: Option<&SecretBytes>,
    in_git: bool,
    ctx: &mut Context,
) -> Result<()> {
    let vault = session.path();
    let recovery = recovery.map(|text| String::from_utf8_lossy(text.expose()).into_owned());
    if args.output.json {
        return print_json(
            ctx,
            &Made {
                org: session.index.org.clone(),
                id: session.vault.to_string(),
                vault: vault.display().to_string(),
                identity: identity.to_owned(),
                environments: session
                    .index
                    .environments
                    .iter()
                    .map(|(_, name)| name.clone())
                    .collect(),
                recovery,
            },
        );
    }
    say(ctx, format_args!("made {} for {}", vault.display(), session.index.org));
    say(ctx, format_args!("your identity: {identity}"));
    say(ctx, format_args!("back up the identity: nothing else opens this"));
    if let Some(recovery) = recovery {
        say(
            ctx,
            format_args!("the recovery identity, shown once: keep it on paper, away from here"),
        );
        print(ctx, format_args!("{}", recovery.trim_end()))?;
    }
    if in_git {
        say(
            ctx,
            format_args!(
                "commit {}, {PROJECT_FILE}, .gitattributes and .gitignore",
                file_name(&vault)
            ),
        );
    }
    say(ctx, format_args!("next: `secrets create DATABASE_URL`, then `secrets env -- ./app`"));
    Ok(())
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
