//! Settings and their precedence: flag, variable, `.secrets.toml`, the user's config, default.
//!
//! `.secrets.toml` is found upward from here and is not trusted: it says where the vault is and what
//! to take from it, never who the user is or what may be injected.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::cli::VaultArgs;
use crate::context::Context;
use crate::error::{Error, Explain, Kind, Result};
use crate::org::ids::EntryId;
use crate::org::names::PlaceName;

pub const PROJECT_FILE: &str = ".secrets.toml";
const USER_FILE: &str = "config.toml";
const DEFAULT_ENVIRONMENT: &str = "development";
/// A config is some lines; more is a mistake.
const CONFIG_BYTES: u64 = 256 << 10;

/// What may stand in a committed `.secrets.toml`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProjectConfig {
    pub org: Option<String>,
    pub vault: Option<PathBuf>,
    pub environment: Option<String>,
    /// Secrets without which `env` starts nothing.
    pub required: Vec<String>,
    pub only: Vec<String>,
    pub except: Vec<String>,
    pub map: BTreeMap<String, String>,
    #[serde(skip)]
    pub folder: PathBuf,
}

/// What only the user's own config may say.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserConfig {
    pub org: Option<String>,
    pub environment: Option<String>,
    pub identity: Option<PathBuf>,
    pub allow_names: Vec<String>,
    pub orgs: BTreeMap<String, OrgConfig>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrgConfig {
    pub vault: PathBuf,
}

/// What a command works on.
pub struct Settings {
    pub vault: PathBuf,
    /// The id the vault must have.
    pub vault_id: Option<EntryId>,
    pub identity: Option<PathBuf>,
    pub project: ProjectConfig,
    pub user: UserConfig,
}

impl Settings {
    pub fn resolve(args: &VaultArgs, ctx: &Context) -> Result<Self> {
        let project = ProjectConfig::find(ctx)?;
        let user = UserConfig::read(ctx)?;
        let vault = find_vault(args, ctx, &project, &user)?;
        let id =
            args.id.as_deref().map_or_else(|| ctx.var("SECRETS_VAULT_ID"), |id| Ok(Some(id)))?;
        let vault_id = id.map(parse_vault_id).transpose()?;
        let identity = args.identity.as_ref().map(|path| ctx.cwd.join(path));
        Ok(Self { vault, vault_id, identity, project, user })
    }

    /// For a vault that is not there yet.
    pub fn for_new(vault: PathBuf, identity: Option<PathBuf>, ctx: &Context) -> Result<Self> {
        let user = UserConfig::read(ctx)?;
        let project = ProjectConfig::default();
        Ok(Self { vault, vault_id: None, identity, project, user })
    }

    /// The environment: flag, variable, `.secrets.toml`, the user's config, `development`.
    pub fn environment(&self, flag: Option<&str>, ctx: &Context) -> Result<PlaceName> {
        let set = flag.map_or_else(|| ctx.var("SECRETS_ENV"), |flag| Ok(Some(flag)))?;
        let configured = self.project.environment.as_deref().or(self.user.environment.as_deref());
        let name = set.or(configured).unwrap_or(DEFAULT_ENVIRONMENT);
        PlaceName::parse(name).ok_or_else(|| {
            Error::usage(format!("{name} is no environment's name")).because(PlaceName::RULE)
        })
    }
}

fn parse_vault_id(text: &str) -> Result<EntryId> {
    EntryId::parse(text).ok_or_else(|| {
        Error::usage(format!("{text} is no vault's id"))
            .because("an id is 43 characters, as `secrets verify` prints it")
    })
}

fn find_vault(
    args: &VaultArgs,
    ctx: &Context,
    project: &ProjectConfig,
    user: &UserConfig,
) -> Result<PathBuf> {
    let flag = args.file.as_deref();
    if let Some(path) = flag.or_else(|| ctx.var_os("SECRETS_VAULT").map(Path::new)) {
        return Ok(ctx.cwd.join(path));
    }
    let org = args.org.as_deref().map_or_else(|| ctx.var("SECRETS_ORG"), |org| Ok(Some(org)))?;
    if let Some(org) = org {
        return vault_of(org, ctx, user);
    }
    if let Some(path) = &project.vault {
        return project.vault_path(path);
    }
    match project.org.as_deref().or(user.org.as_deref()) {
        Some(org) => vault_of(org, ctx, user),
        None => only_vault(ctx),
    }
}

fn vault_of(org: &str, ctx: &Context, user: &UserConfig) -> Result<PathBuf> {
    if let Some(known) = user.orgs.get(org) {
        return Ok(known.vault.clone());
    }
    let path = default_vault(org, ctx)?;
    if path.exists() || remembered(ctx)?.contains(org) {
        return Ok(path);
    }
    Err(Error::not_found(format!("no organisation named {org} on this machine"))
        .hint(format!("`secrets init {org}` makes it, `--vault FILE` names a vault")))
}

/// Where an organisation's vault is unless something says otherwise.
pub fn default_vault(org: &str, ctx: &Context) -> Result<PathBuf> {
    let plain = !org.is_empty() && !org.starts_with('.') && !org.contains('/');
    if !plain {
        return Err(Error::usage(format!("{org} cannot name a vault's file")));
    }
    Ok(ctx.paths()?.data.join(format!("{org}.vault")))
}

/// The one vault of the data folder.
fn only_vault(ctx: &Context) -> Result<PathBuf> {
    let entries = std::fs::read_dir(&ctx.paths()?.data).into_iter().flatten().flatten();
    let mut vaults: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "vault"))
        .collect();
    vaults.sort();
    match vaults.as_slice() {
        [one] => Ok(one.clone()),
        [] => lost_vault(ctx)?.ok_or_else(|| {
            Error::not_found("there is no vault here")
                .hint("`secrets init ORG` makes one, `--vault FILE` names one")
        }),
        several => Err(Error::usage("there are several organisations on this machine")
            .because(list(several))
            .hint("name one with `--org`")),
    }
}

/// Where the only vault that this machine remembers would be: if it is gone, that must be told.
fn lost_vault(ctx: &Context) -> Result<Option<PathBuf>> {
    let known = remembered(ctx)?;
    let only = known.first().filter(|_| known.len() == 1);
    only.map(|org| default_vault(org, ctx)).transpose()
}

/// What the vaults are called that this machine has a memory of, wherever they are.
fn remembered(ctx: &Context) -> Result<BTreeSet<String>> {
    let entries = std::fs::read_dir(&ctx.paths()?.state).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    Ok(names.filter_map(|name| Some(name.rsplit_once('-')?.0.to_owned())).collect())
}

fn list(paths: &[PathBuf]) -> String {
    let stems = paths.iter().filter_map(|path| path.file_stem());
    stems.map(|stem| stem.to_string_lossy().into_owned()).collect::<Vec<_>>().join(", ")
}

impl ProjectConfig {
    fn find(ctx: &Context) -> Result<Self> {
        for folder in ctx.cwd.ancestors() {
            let path = folder.join(PROJECT_FILE);
            if let Some(text) = read(&path)? {
                let mut config: Self = parse(&path, &text)?;
                config.folder = folder.to_path_buf();
                return Ok(config);
            }
        }
        Ok(Self::default())
    }

    fn vault_path(&self, path: &Path) -> Result<PathBuf> {
        if path.is_absolute() {
            return Err(Error::usage(format!("{PROJECT_FILE} names a vault by an absolute path"))
                .because("what is committed may not point anywhere on this machine")
                .hint("make it relative, or use `--vault` or SECRETS_VAULT"));
        }
        Ok(self.folder.join(path))
    }
}

impl UserConfig {
    fn read(ctx: &Context) -> Result<Self> {
        let path = ctx.paths()?.config.join(USER_FILE);
        read(&path)?.map_or_else(|| Ok(Self::default()), |text| parse(&path, &text))
    }
}

fn read(path: &Path) -> Result<Option<String>> {
    let opened = match crate::storage::Opened::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        opened => opened.or_failed(|| format!("cannot read {}", path.display()))?,
    };
    if opened.stamp().size > CONFIG_BYTES {
        return Err(Error::usage(format!("{} is too large to be a config", path.display())));
    }
    let bytes = opened.read_from(0).or_failed(|| format!("cannot read {}", path.display()))?;
    String::from_utf8(bytes)
        .map(Some)
        .explain(Kind::Usage, || format!("cannot read {}", path.display()))
}

fn parse<T: for<'de> Deserialize<'de>>(path: &Path, text: &str) -> Result<T> {
    toml::from_str(text).map_err(|cause: toml::de::Error| {
        Error::usage(format!("cannot read {}", path.display())).because(cause.message())
    })
}
