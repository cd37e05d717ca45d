//! The organisation that the tests work on: alice founds it; others join with a role; copies of its
//! vault are changed apart and brought together.
//!
//! People join through the library, as the commands for it would make them.

use crate::harness::{Run, World};
use crate::output::Output;
use chrono::{DateTime, TimeDelta, Utc};
use secrets::config::{ProjectConfig, Settings, UserConfig};
use secrets::context::Context;
use secrets::crypto::identity::{IdentityRecipient, new_identity};
use secrets::crypto::member::MemberKey;
use secrets::format::card::Purpose;
use secrets::org::ids::{Id, MemberId};
use secrets::org::names::Title;
use secrets::org::record::{Kind, Record};
use secrets::org::roles::{Reach, Role};
use secrets::session::found::{new_card, seal_member_box};
use secrets::session::open::Session;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A world with the vault of alice, founded with a plain identity file.
pub fn acme() -> World {
    let world = World::new();
    let init = world.secrets(["init", "acme", "--no-passphrase"]).variable("USER", "alice");
    init.run().success();
    world
}

pub fn vault(world: &World) -> PathBuf {
    world.home().join(".local/share/secrets/acme.vault")
}

pub fn identity(world: &World) -> PathBuf {
    world.home().join(".config/secrets/identity.txt")
}

/// The folder in which alice's machine remembers her vault.
pub fn memory(world: &World) -> PathBuf {
    let state = world.home().join(".local/state/secrets");
    let mut folders = std::fs::read_dir(state).unwrap().map(|entry| entry.unwrap().path());
    let of_the_vault = |folder: &PathBuf| {
        let pins = std::fs::read(folder.join("pins")).unwrap_or_default();
        let pins: serde_json::Value = serde_json::from_slice(&pins).unwrap_or_default();
        pins["path"].as_str().is_some_and(|path| path == vault(world).to_str().unwrap())
    };
    folders.find(of_the_vault).unwrap()
}

#[track_caller]
pub fn create(world: &World, name: &str, value: &str) {
    world.secrets(["create", name]).value(value).run().success();
}

#[track_caller]
pub fn update(world: &World, name: &str, value: &str) {
    world.secrets(["update", name]).value(value).run().success();
}

/// A field of what `show --json` prints.
pub fn shown(world: &World, name: &str, field: &str) -> serde_json::Value {
    world.run(["show", name, "--json"]).success().json()[field].clone()
}

pub fn versions(world: &World, name: &str) -> Vec<serde_json::Value> {
    let history = world.run(["history", name, "--json"]).success().json();
    history["versions"].as_array().unwrap().clone()
}

/// The same vault on another disk.
pub struct Copy<'w> {
    pub world: &'w World,
    pub vault: PathBuf,
}

pub fn copy<'w>(world: &'w World, name: &str) -> Copy<'w> {
    let folder = world.path("copies").join(name);
    std::fs::create_dir_all(&folder).unwrap();
    let copy = folder.join("acme.vault");
    std::fs::copy(vault(world), &copy).unwrap();
    Copy { world, vault: copy }
}

impl Copy<'_> {
    pub fn secrets<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Run<'_> {
        self.world.secrets(args).variable("SECRETS_VAULT", self.vault.as_os_str())
    }

    /// Brings the lines of the copy into alice's vault.
    pub fn unite(self) {
        let mut lines = std::fs::read_to_string(vault(self.world)).unwrap();
        let known: BTreeSet<String> = lines.lines().map(str::to_owned).collect();
        let other = std::fs::read_to_string(&self.vault).unwrap();
        for line in other.lines().filter(|line| !known.contains(*line)) {
            lines.push_str(line);
            lines.push('\n');
        }
        std::fs::write(vault(self.world), lines).unwrap();
        std::fs::remove_file(&self.vault).unwrap();
    }
}

/// A session of alice's, as one of her commands would have it.
pub fn session(world: &World, vault: &Path) -> (Session, Context) {
    let mut ctx = Context::detached(world.work(), now()).0;
    ctx.env.insert("HOME".into(), world.home().into());
    let settings = Settings {
        vault: vault.to_owned(),
        vault_id: None,
        identity: None,
        project: ProjectConfig::default(),
        user: UserConfig::default(),
    };
    (Session::open(settings, &ctx).unwrap(), ctx)
}

fn now() -> DateTime<Utc> {
    std::time::SystemTime::now().into()
}

/// Somebody who joined: commands run with their own home, on alice's vault.
pub struct Person<'w> {
    pub world: &'w World,
    pub name: String,
    pub id: MemberId,
}

impl Person<'_> {
    pub fn secrets<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Run<'_> {
        self.on(&vault(self.world), args)
    }

    pub fn on<'a>(&self, vault: &Path, args: impl IntoIterator<Item = &'a str>) -> Run<'_> {
        let run = self.world.secrets(args).person(&self.name);
        run.variable("SECRETS_VAULT", vault.as_os_str())
    }

    #[track_caller]
    pub fn run<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Output {
        self.secrets(args).run()
    }
}

/// Lets somebody in, with one role in one environment or none.
pub fn join<'w>(world: &'w World, name: &str, role: Option<(Role, &str)>) -> Person<'w> {
    let (key, text) = new_identity("2026-11-20T08:30:00Z");
    let home = world.path("homes").join(name).join(".config/secrets");
    std::fs::create_dir_all(&home).unwrap();
    std::fs::write(home.join("identity.txt"), text.expose()).unwrap();
    let (mut session, mut ctx) = session(world, &vault(world));
    let title = Title::parse(name).unwrap();
    let member = MemberKey::generate();
    let recipients = vec![IdentityRecipient::parse(key.recipient()).unwrap()];
    let member_box = seal_member_box(&member, &title, &recipients, &ctx).unwrap();
    let card =
        new_card(Some(session.vault), Purpose::Admit, &member, &title, &member_box, &recipients)
            .unwrap();
    let id = card.key;
    let raise = role.map(|(role, environment)| Record::Raise {
        member: id,
        role,
        reach: Reach::Environment(environment_id(&session, environment)),
    });
    let admit = session.commit(&mut ctx, |draft| {
        draft.member_box(member_box.clone());
        draft.record(Record::Admit { card: card.clone(), kind: Kind::Person })
    });
    admit.unwrap();
    // In an entry of its own: nobody acts on what their past does not have.
    raise.iter().for_each(|raise| write(world, raise.clone()));
    Person { world, name: name.to_owned(), id }
}

fn environment_id(session: &Session, name: &str) -> Id {
    session.environment(name).unwrap()
}

/// Alice writes a record for which there is no command yet.
pub fn write(world: &World, record: Record) {
    write_at(world, record, TimeDelta::zero());
}

/// The same, some time from now by the entry's own word.
pub fn write_at(world: &World, record: Record, later: TimeDelta) {
    let (mut session, mut ctx) = session(world, &vault(world));
    ctx.clock = secrets::context::Clock::Fixed(now() + later);
    session.commit(&mut ctx, |draft| draft.record(record.clone())).unwrap();
}
