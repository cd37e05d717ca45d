//! `secrets identity`: show, new, add, remove; and every kind of identity.

use crate::harness::World;
use secrets::crypto::age_key::AgeKey;
use secrets::crypto::identity::{new_identity, seal_with_passphrase};
use secrets::crypto::member::{MemberKey, decode_ring_keys};
use secrets::crypto::seal;
use secrets::format::base64;
use secrets::format::line::{Line, lines};
use secrets::secret::SecretBytes;
use std::path::{Path, PathBuf};

const VALUE: &str = "a value with several keys";
const CREATED: &str = "2026-11-20T08:30:00Z";
const LIMIT: usize = 1 << 20;

fn acme() -> World {
    let world = World::new();
    let init = world.secrets(["init", "acme", "--no-passphrase"]).variable("USER", "alice");
    init.run().success();
    world.secrets(["create", "TOKEN"]).value(VALUE).run().success();
    world
}

fn vault(world: &World) -> PathBuf {
    world.home().join(".local/share/secrets/acme.vault")
}

fn own_file(world: &World) -> PathBuf {
    world.home().join(".config/secrets/identity.txt")
}

/// Makes an identity file with the command, and gives its path and public half.
fn new(world: &World, name: &str) -> (PathBuf, String) {
    let path = world.path("inputs").join(name);
    let made = world.run(["identity", "new", "--no-passphrase", "--out", text(&path)]).success();
    (path, made.text().trim().to_owned())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn shown(world: &World) -> serde_json::Value {
    world.run(["identity", "show", "--json"]).success().json()
}

fn identities(world: &World) -> Vec<String> {
    let shown = shown(world);
    let list = shown["identities"].as_array().unwrap();
    list.iter().map(|identity| identity.as_str().unwrap().to_owned()).collect()
}

fn boxes(world: &World) -> Vec<Vec<u8>> {
    let bytes = std::fs::read(vault(world)).unwrap();
    let boxes = lines(&bytes).filter_map(|(_, line)| match line {
        Line::Box { file, .. } => base64::decode(file),
        _ => None,
    });
    boxes.collect()
}

// --- show

#[test]
fn show_tells_who_i_am() {
    let world = acme();
    let shown = shown(&world);
    assert_eq!((&shown["name"], &shown["org"]), (&"alice".into(), &"acme".into()));
    assert_eq!(shown["roles"], serde_json::json!([{"role": "owner", "where": "everywhere"}]));
    assert_eq!(shown["identity"], text(&own_file(&world)));
    assert_eq!((&shown["unlocked"], &shown["member"]), (&false.into(), &shown["key"]));
    let recipient = std::fs::read_to_string(own_file(&world)).unwrap();
    assert!(recipient.contains(identities(&world)[0].as_str()));
    let said = world.run(["identity", "show"]).success();
    for field in ["name", "org", "vault_id", "key", "recipient", "identity"] {
        assert!(said.text().contains(shown[field].as_str().unwrap()), "{field}\n{said}");
    }
}

#[test]
fn show_prints_no_private_key() {
    let world = acme();
    for args in [&["identity", "show"][..], &["identity", "show", "--json"]] {
        assert!(!world.run(args).success().text().to_uppercase().contains("SECRET-KEY"));
    }
}

#[test]
fn without_an_identity_there_is_nobody_to_show() {
    let world = acme();
    let stranger = world.secrets(["identity", "show"]).person("bob");
    let refused = stranger.variable("SECRETS_VAULT", vault(&world)).run().fails(4);
    refused.stderr_has("there is no identity at").stderr_has("secrets identity new");
}

// --- new

#[test]
fn new_makes_a_private_file_and_prints_the_public_half() {
    let world = World::new();
    let made = world.run(["identity", "new"]).success();
    let file = std::fs::read_to_string(own_file(&world)).unwrap();
    assert!(file.contains(&format!("# public key: {}", made.text())), "{made}");
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(own_file(&world)).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    made.stderr_has("secrets identity add age1").stderr_has("back it up");
    let again = world.run(["identity", "new"]).fails(5);
    again.stderr_has("there is a file at").stderr_has("--out FILE");
    assert_eq!(std::fs::read_to_string(own_file(&world)).unwrap(), file);
}

#[test]
fn new_asks_for_a_passphrase_on_a_terminal() {
    let world = World::new();
    let mut made = world.secrets(["identity", "new"]).on_terminal();
    made.expect("passphrase?").type_line("y");
    made.expect("passphrase:").type_hidden("five words in a row");
    made.expect("once more").type_hidden("five words in a row");
    made.finish().success().has("age1");
    let file = std::fs::read_to_string(own_file(&world)).unwrap();
    assert!(file.starts_with("-----BEGIN AGE ENCRYPTED FILE-----"), "{file}");
}

#[test]
fn new_without_a_terminal_cannot_ask() {
    let world = World::new();
    world.run(["identity", "new", "--passphrase"]).fails(2).stderr_has("there is no terminal");
    assert!(!own_file(&world).exists());
    let mut left = world.secrets(["identity", "new", "--passphrase"]).on_terminal();
    left.expect("passphrase:").await_echo_off().ctrl_c();
    left.finish().exits(130).leaves_echo_on();
    assert!(!own_file(&world).exists(), "Ctrl-C leaves nothing");
}

// --- add

#[test]
fn an_added_identity_opens_the_vault() {
    let world = acme();
    let (path, recipient) = new(&world, "laptop.txt");
    world.run(["reveal", "TOKEN", "-i", text(&path)]).fails(4);
    let before = shown(&world);
    let added = world.run(["identity", "add", &recipient]).success();
    added.stderr_is(&format!("{recipient} opens acme for you now\n"));
    world.run(["reveal", "TOKEN", "-i", text(&path)]).success().stdout_is(VALUE);
    world.run(["reveal", "TOKEN"]).success().stdout_is(VALUE);
    let after = shown(&world);
    assert_eq!(after["recipient"], before["recipient"], "the member key is the same");
    assert_eq!(identities(&world).len(), 2);
    world
        .run(["identity", "add", &recipient])
        .fails(5)
        .stderr_has("opens the vault for you already");
}

#[test]
fn the_old_member_box_leaves_the_file() {
    let world = acme();
    let (_, recipient) = new(&world, "laptop.txt");
    let before = boxes(&world);
    world.run(["identity", "add", &recipient]).success();
    let after = boxes(&world);
    assert_eq!(before.len(), after.len(), "one came, one went");
    assert_eq!(before.iter().filter(|file| !after.contains(file)).count(), 1);
}

#[test]
fn add_refuses_what_is_no_public_half() {
    let world = acme();
    for typed in ["bob", "age1qqqq", "ssh-ed25519 AAAA", "", "age1../../x1qqqq"] {
        let refused = world.run(["identity", "add", "--", typed]).fails(2);
        refused.stderr_has("no public half of a key");
    }
    let (_, text) = new_identity(CREATED);
    let text = String::from_utf8(text.expose().to_vec()).unwrap();
    let private = text.lines().find(|line| line.starts_with("AGE-SECRET-KEY-")).unwrap();
    world.remember(private);
    world.run(["identity", "add", private]).fails(2);
    assert_eq!(identities(&world).len(), 1);
}

// --- remove

#[test]
fn the_only_identity_stays() {
    let world = acme();
    let only = identities(&world).remove(0);
    world.run(["identity", "remove", &only, "--yes"]).fails(5).stderr_has("the only identity");
    world.run(["reveal", "TOKEN"]).success();
}

#[test]
fn remove_refuses_what_is_not_there_and_asks_first() {
    let world = acme();
    let (_, recipient) = new(&world, "laptop.txt");
    let refused = world.run(["identity", "remove", &recipient, "--yes"]).fails(3);
    refused.stderr_has("secrets identity show");
    world.run(["identity", "add", &recipient]).success();
    let before = std::fs::read(vault(&world)).unwrap();
    world.run(["identity", "remove", &recipient]).fails(2).stderr_has("--yes");
    let mut no = world.secrets(["identity", "remove", &recipient]).on_terminal();
    no.expect("[y/N]").type_line("n");
    no.finish().exits(1).has("nothing was changed");
    let mut left = world.secrets(["identity", "remove", &recipient]).on_terminal();
    left.expect("[y/N]").ctrl_c();
    assert_ne!(left.finish().status.code(), Some(0));
    assert_eq!(std::fs::read(vault(&world)).unwrap(), before, "nothing was changed");
}

/// Everything that somebody with these keys can open in the file: keys and contents.
fn reached(world: &World, from: Vec<AgeKey>) -> (Vec<AgeKey>, usize) {
    let files = boxes(world);
    let (mut keys, mut contents) = (from, 0);
    let mut at = 0;
    while at < keys.len() {
        for file in &files {
            let Ok(opened) = seal::open(&keys[at], file, LIMIT) else { continue };
            let plain = opened.plaintext.expose();
            match decode_ring_keys(plain) {
                Some(new) => {
                    let known =
                        |key: &AgeKey| keys.iter().any(|k| k.recipient() == key.recipient());
                    let new: Vec<AgeKey> = new.into_iter().filter(|key| !known(key)).collect();
                    keys.extend(new);
                }
                None => contents += 1,
            }
        }
        at += 1;
    }
    (keys, contents)
}

fn member_key(world: &World, identity: &Path) -> Option<MemberKey> {
    let text = std::fs::read_to_string(identity).unwrap();
    let key = AgeKey::parse(text.lines().find(|line| line.starts_with("AGE-")).unwrap()).unwrap();
    let opened = boxes(world).into_iter().find_map(|file| seal::open(&key, &file, LIMIT).ok());
    opened.and_then(|opened| MemberKey::decode(opened.plaintext.expose()))
}

#[test]
fn a_removed_identity_opens_nothing_in_the_file_and_nothing_written_later() {
    let world = acme();
    let (path, recipient) = new(&world, "lost.txt");
    world.run(["identity", "add", &recipient]).success();
    let old = member_key(&world, &path).unwrap();
    let (held, contents) = reached(&world, vec![old.age]);
    assert!(held.len() >= 6 && contents > 0, "before, it opened everything");
    let old = member_key(&world, &path).unwrap();
    world
        .run(["identity", "remove", &recipient, "--yes"])
        .success()
        .stderr_has("member key is new");
    assert!(member_key(&world, &path).is_none(), "no member box opens with it");
    let (keys, contents) = reached(&world, vec![old.age]);
    assert_eq!((keys.len(), contents), (1, 0), "the old member key opens nothing in the file");
    // Nor do the ring keys that it may have kept open what is written from now on.
    let before = reached(&world, held).1;
    world.secrets(["create", "LATER"]).value("a value it never sees").run().success();
    world.secrets(["update", "TOKEN"]).value("a value it does not see").run().success();
    let (_, held) = (0, reached(&world, vec![]).0);
    assert!(held.is_empty());
    world.run(["reveal", "LATER"]).success().stdout_is("a value it never sees");
    world.run(["reveal", "TOKEN", "--version", "1"]).success().stdout_is(VALUE);
    world.run(["reveal", "TOKEN", "-i", text(&path)]).fails(4);
    assert!(before > 0, "what it could read before, it can still read with keys it kept");
}

#[test]
fn ring_keys_kept_from_before_open_nothing_new() {
    let world = acme();
    let (path, recipient) = new(&world, "lost.txt");
    world.run(["identity", "add", &recipient]).success();
    let old = member_key(&world, &path).unwrap();
    let (held, _) = reached(&world, vec![old.age]);
    world.run(["identity", "remove", &recipient, "--yes"]).success();
    let before = reached(&world, held);
    world
        .secrets(["create", "LATER", "--note", "a note"])
        .value("never seen by it")
        .run()
        .success();
    world.secrets(["update", "TOKEN"]).value("nor is this").run().success();
    let after = reached(&world, before.0);
    assert_eq!(after.1, before.1, "old ring keys open no box that was written later");
}

#[test]
fn another_machine_of_mine_goes_on_with_the_identity_that_is_left() {
    let world = acme();
    let (laptop, recipient) = new(&world, "laptop.txt");
    let (_, lost) = new(&world, "lost.txt");
    world.run(["identity", "add", &recipient]).success();
    world.run(["identity", "add", &lost]).success();
    let there = |args: &[&str]| {
        let run = world.secrets(args.iter().copied().chain(["-i", text(&laptop)]));
        run.person("laptop").variable("SECRETS_VAULT", vault(&world))
    };
    there(&["reveal", "TOKEN"]).run().success().stdout_is(VALUE);
    world.run(["identity", "remove", &lost, "--yes"]).success();
    there(&["reveal", "TOKEN"]).run().success().stdout_is(VALUE);
    there(&["update", "TOKEN"]).value("written on the laptop").run().success();
    world.run(["reveal", "TOKEN"]).success().stdout_is("written on the laptop");
    there(&["verify"]).run().success();
}

#[test]
fn one_may_remove_the_identity_in_use() {
    let world = acme();
    let (laptop, recipient) = new(&world, "laptop.txt");
    world.run(["identity", "add", &recipient]).success();
    let own = identities(&world).remove(0);
    world.run(["identity", "remove", &own, "--yes"]).success();
    world.run(["reveal", "TOKEN"]).fails(4);
    world.run(["reveal", "TOKEN", "-i", text(&laptop)]).success().stdout_is(VALUE);
    world.skip_verify();
    world.run(["verify", "-i", text(&laptop)]).success();
}

#[test]
fn nothing_remembered_opens_for_the_old_member_key() {
    let world = acme();
    let (path, recipient) = new(&world, "lost.txt");
    world.run(["identity", "add", &recipient]).success();
    world.run(["env", "--", "true"]).success();
    world.run(["reveal", "TOKEN"]).success();
    let old = member_key(&world, &path).unwrap();
    let id = shown(&world)["vault_id"].as_str().unwrap().to_owned();
    let key = secrets::crypto::local::memory_key(&old, &id);
    let opens = |world: &World| {
        let folder = std::fs::read_dir(world.home().join(".local/state/secrets")).unwrap();
        let folder = folder.map(|entry| entry.unwrap().path()).find(|path| path.is_dir()).unwrap();
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        files
            .filter(|path| {
                let file = std::fs::read(path).unwrap();
                secrets::crypto::local::open_local(&key, &file).is_ok()
            })
            .count()
    };
    assert!(opens(&world) >= 2, "before, the memory is sealed to it");
    world.run(["identity", "remove", &recipient, "--yes"]).success();
    assert_eq!(opens(&world), 0);
}

#[test]
fn what_the_removed_identity_could_read_is_to_be_changed() {
    let world = acme();
    let (_, recipient) = new(&world, "lost.txt");
    world.run(["identity", "add", &recipient]).success();
    let removed = world.run(["identity", "remove", &recipient, "--yes"]).success();
    removed.stderr_has("change those that matter");
    let verified = world.run(["verify", "--json"]).success().json();
    assert_eq!(verified["ghost_wraps"], serde_json::json!([]));
    assert_eq!(verified["missing_wraps"], serde_json::json!([]));
}

// --- kinds of identities

fn ssh_key(world: &World, kind: &str, passphrase: &str) -> PathBuf {
    let path = world.path("inputs").join(format!("id_{kind}_{}", passphrase.len()));
    let args = ["-q", "-t", kind, "-N", passphrase, "-C", "alice", "-f", text(&path)];
    world.program("ssh-keygen", args).run().success();
    path
}

#[test]
fn ssh_keys_open_vaults() {
    for kind in ["ed25519", "rsa"] {
        let world = World::new();
        world.skip_verify();
        let path = ssh_key(&world, kind, "");
        world.run(["init", "acme", "-i", text(&path)]).success();
        let with = |args: &[&str]| {
            let run = world.secrets(args);
            run.variable("SECRETS_IDENTITY_FILE", &path)
        };
        with(&["create", "TOKEN"]).value(VALUE).run().success();
        with(&["reveal", "TOKEN"]).run().success().stdout_is(VALUE);
        with(&["verify"]).run().success();
        let shown = with(&["identity", "show", "--json"]).run().success().json();
        assert!(shown["identities"][0].as_str().unwrap().starts_with("ssh-"), "{shown}");
    }
}

#[test]
fn an_ssh_public_key_can_be_added_and_removed_with_its_comment() {
    let world = acme();
    let path = ssh_key(&world, "ed25519", "");
    let line = std::fs::read_to_string(path.with_extension("pub")).unwrap();
    world.run(["identity", "add", line.trim()]).success();
    world.run(["reveal", "TOKEN", "-i", text(&path)]).success().stdout_is(VALUE);
    world.run(["identity", "add", line.trim()]).fails(5);
    world.run(["identity", "remove", line.trim(), "--yes"]).success();
    world.run(["reveal", "TOKEN", "-i", text(&path)]).fails(4);
}

#[test]
fn a_sealed_ssh_key_asks_for_its_passphrase() {
    for kind in ["ed25519", "rsa"] {
        let world = acme();
        world.remember("the passphrase of a key");
        let path = ssh_key(&world, kind, "the passphrase of a key");
        let line = std::fs::read_to_string(path.with_extension("pub")).unwrap();
        world.run(["identity", "add", line.trim()]).success();
        world.run(["reveal", "TOKEN", "-i", text(&path)]).fails(4).stderr_has("passphrase");
        let mut reveal = world.secrets(["reveal", "TOKEN", "-i", text(&path)]).on_terminal();
        reveal.expect("assphrase").type_hidden("the passphrase of a key");
        reveal.finish().success().has(VALUE);
    }
}

#[test]
fn a_passphrase_sealed_identity_can_be_added() {
    let world = acme();
    let (key, text_of) = new_identity(CREATED);
    let path = world.path("inputs").join("sealed.txt");
    let passphrase = SecretBytes::copy_of(b"five words in a row");
    std::fs::write(&path, seal_with_passphrase(text_of.expose(), &passphrase, 2).unwrap()).unwrap();
    world.run(["identity", "add", key.recipient()]).success();
    let mut reveal = world.secrets(["reveal", "TOKEN", "-i", text(&path)]).on_terminal();
    reveal.expect("passphrase for").type_hidden("five words in a row");
    reveal.finish().success().has(VALUE);
}

const PLUGIN_FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/plugin");

fn bech32(hrp: &str) -> String {
    bech32::encode::<bech32::Bech32>(bech32::Hrp::parse(hrp).unwrap(), &[1]).unwrap()
}

/// The plugin of the tests asks for the PIN 1234 before it opens.
fn with_plugin<'w>(world: &'w World, args: &[&str]) -> crate::harness::Run<'w> {
    let path = std::env::var("PATH").unwrap();
    world.secrets(args).variable("PATH", format!("{PLUGIN_FOLDER}:{path}"))
}

fn plugin_file(world: &World, noted: &str) -> PathBuf {
    let path = world.path("inputs").join("plugin.txt");
    let identity = bech32("age-plugin-testing-").to_uppercase();
    std::fs::write(&path, format!("{noted}{identity}\n")).unwrap();
    path
}

#[test]
fn a_plugin_identity_opens_the_vault() {
    let world = acme();
    let recipient = bech32("age1testing");
    let path = plugin_file(&world, "");
    with_plugin(&world, &["identity", "add", &recipient]).run().success();
    let mut reveal = with_plugin(&world, &["reveal", "TOKEN", "-i", text(&path)]).on_terminal();
    reveal.expect("PIN").type_hidden("1234");
    reveal.finish().success().has(VALUE).has("touch the key");
    let nobody = with_plugin(&world, &["reveal", "TOKEN", "-i", text(&path)]).run();
    nobody.fails(4);
    let missing = world.run(["reveal", "TOKEN", "-i", text(&path)]).fails(4);
    missing.stderr_has("age-plugin-testing is not installed").stderr_has("put it on PATH");
}

#[test]
fn an_identity_that_only_its_plugin_knows_needs_its_file() {
    let world = World::new();
    world.skip_verify();
    let path = plugin_file(&world, "");
    let identity = text(&path);
    with_plugin(&world, &["init", "acme", "-i", identity]).run().success();
    let (laptop, recipient) = new(&world, "laptop.txt");
    let mut add =
        with_plugin(&world, &["identity", "add", &recipient, "-i", identity]).on_terminal();
    add.expect("PIN").type_hidden("1234");
    add.finish().success();
    let (_, other) = new(&world, "other.txt");
    let refused = with_plugin(&world, &["identity", "add", &other, "-i", text(&laptop)]).run();
    refused.fails(4).stderr_has("known to its plugin alone").stderr_has("`-i`");
    let shown = with_plugin(&world, &["identity", "show", "-i", text(&laptop)]).run().success();
    shown.stdout_has("a plugin's key");
    let args = ["identity", "remove", "a plugin's key", "--yes", "-i", text(&laptop)];
    with_plugin(&world, &args).run().success();
    with_plugin(&world, &["verify", "-i", text(&laptop)]).run().success();
}
