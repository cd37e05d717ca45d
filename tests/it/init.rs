//! `secrets init`.

use crate::acme::{acme, create, identity, memory, vault};
use crate::harness::World;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const VALUE: &str = "a value of a new vault";

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn it_says_where_all_is_and_what_comes_next() {
    let world = World::new();
    world
        .secrets(["init", "acme", "--no-passphrase"])
        .run()
        .success()
        .stdout_is("")
        .stderr_has(&format!("made {} for acme\n", vault(&world).display()))
        .stderr_has(&format!("your identity: {}\n", identity(&world).display()))
        .stderr_has("back up the identity: nothing else opens this\n")
        .stderr_has("next: `secrets create DATABASE_URL`, then `secrets env -- ./app`\n");
    for file in [vault(&world), identity(&world), memory(&world).join("mirror")] {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    let key = std::fs::read_to_string(identity(&world)).unwrap();
    assert!(
        key.contains("\nAGE-SECRET-KEY-1") && key.contains("# public key: age1"),
        "an age file"
    );
    create(&world, "TOKEN", VALUE);
    world.run(["reveal", "TOKEN"]).stdout_is(VALUE);
}

#[test]
fn json_has_its_fields() {
    let world = World::new();
    let made = world.run(["init", "acme", "--no-passphrase", "--json"]).success().json();
    let keys: Vec<_> = made.as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["environments", "id", "identity", "org", "vault"]);
    assert_eq!((&made["org"], made["id"].as_str().unwrap().len()), (&"acme".into(), 43));
    let mut environments: Vec<&str> = made["environments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    environments.sort_unstable();
    assert_eq!(environments, ["development", "production", "staging"]);
    let id = made["id"].as_str().unwrap();
    world.run(["list", "--vault-id", id]).success();
    let other = format!("{}A", &id[..42]);
    let other = if other == id { format!("{}B", &id[..42]) } else { other };
    assert_ne!(world.run(["list", "--vault-id", &other]).status.code(), Some(0));
    world.run(["list", "--vault-id", "acme"]).fails(2).stderr_has("acme is no vault's id");
}

#[test]
fn in_a_git_work_tree_it_is_a_file_to_commit() {
    let world = World::new();
    world.git(world.work(), ["init", "-q"]).success();
    let ignore = world.work().join(".gitignore");
    std::fs::write(&ignore, "target").unwrap();
    let init = world.run(["init", "acme", "--no-passphrase"]).success();
    init.stderr_has("commit acme.vault, .secrets.toml, .gitattributes and .gitignore\n");
    let read = |name: &str| std::fs::read_to_string(world.work().join(name)).unwrap();
    assert_eq!(read(".secrets.toml"), "vault = \"acme.vault\"\n");
    assert_eq!(read(".gitattributes"), "*.vault -text merge=union diff=secrets\n");
    assert!(read(".gitignore").starts_with("target\n."), "{}", read(".gitignore"));
    let below = world.work().join("src/deep");
    std::fs::create_dir_all(&below).unwrap();
    world.secrets(["create", "TOKEN"]).folder(&below).value(VALUE).run().success();
    world.run(["reveal", "TOKEN"]).success().stdout_is(VALUE);
    let status = world.git(world.work(), ["status", "--porcelain", "-uall"]).text();
    let files: Vec<&str> = status.lines().map(|line| &line[3..]).collect();
    assert_eq!(files, [".gitattributes", ".gitignore", ".secrets.toml", "acme.vault"]);
}

#[test]
fn a_vault_or_an_identity_is_never_overwritten() {
    let world = acme();
    let (before, key) =
        (std::fs::read(vault(&world)).unwrap(), std::fs::read(identity(&world)).unwrap());
    world.run(["init", "acme", "--no-passphrase"]).fails(5).stderr_has("there is a vault at");
    assert!(std::fs::read(vault(&world)).unwrap() == before);
    world.run(["init", "other", "--no-passphrase"]).success();
    assert!(std::fs::read(identity(&world)).unwrap() == key, "the same key opens both");
    world.run(["list"]).fails(2).stderr_has("several organisations").stderr_has("acme, other");
    world.run(["list", "-o", "other"]).success();
    world.run(["list", "--org", "none"]).fails(3).stderr_has("no organisation named none");
    world.secrets(["list"]).variable("SECRETS_ORG", "acme").run().success();
}

#[test]
fn a_vault_that_is_gone_is_not_replaced() {
    let world = acme();
    world.skip_verify();
    std::fs::remove_file(vault(&world)).unwrap();
    world.run(["init", "acme", "--no-passphrase"]).fails(7).stderr_has("`secrets repair --vault");
    assert!(!vault(&world).exists());
}

#[test]
fn names_that_are_none_are_refused() {
    for name in ["", " ", ".", "..", ".hidden", "-x", "a/b", "a\nb", &"x".repeat(257)] {
        let world = World::new();
        world.run(["init", "--no-passphrase", "--", name]).fails(2);
        assert!(world.vaults().is_empty() && !identity(&world).exists(), "{name}");
    }
}

#[test]
fn an_existing_key_is_used() {
    let world = World::new();
    if world.program("sh", ["-c", "command -v ssh-keygen age-keygen"]).run().status.code()
        != Some(0)
    {
        return;
    }
    for (at, kind) in ["ed25519", "rsa", "age"].into_iter().enumerate() {
        let key = world.path("inputs").join(kind);
        let path = key.to_str().unwrap();
        let made = match kind {
            "age" => world.program("age-keygen", ["-o", path]).run(),
            _ => world.program("ssh-keygen", ["-q", "-t", kind, "-N", "", "-f", path]).run(),
        };
        made.success();
        let org = format!("acme-{at}");
        world.run(["init", &org, "-i", path]).success();
        let at = ["-o", &org, "-i", path];
        let create = world.secrets(["create", "TOKEN"].into_iter().chain(at));
        create.value(VALUE).run().success();
        world.run(["reveal", "TOKEN"].into_iter().chain(at)).success().stdout_is(VALUE);
        world.run(["reveal", "TOKEN", "-o", &org]).fails(4);
    }
    assert!(!identity(&world).exists(), "no other key was made");
    world.skip_verify(); // each vault wants its own key
    let none = world.run(["init", "none", "-i", "none.txt"]).fails(4);
    none.stderr_has("there is no identity at");
}

#[test]
fn a_recovery_key_opens_the_vault_and_is_on_no_disk() {
    let world = World::new();
    let init = world.secrets(["init", "acme", "--no-passphrase", "--recovery"]).reveals().run();
    let paper = init.success().text();
    let key = paper.lines().find(|line| line.starts_with("AGE-SECRET-KEY-1")).unwrap();
    world.remember(key);
    create(&world, "TOKEN", VALUE);
    std::fs::remove_file(identity(&world)).unwrap();
    world.run(["reveal", "TOKEN"]).fails(4);
    world
        .secrets(["reveal", "TOKEN"])
        .variable("SECRETS_IDENTITY", key)
        .run()
        .success()
        .stdout_is(VALUE);
    world.skip_verify(); // without the identity
    let json = World::new();
    let made = json.secrets(["init", "acme", "--no-passphrase", "--recovery", "--json"]).reveals();
    let made = made.run().success().json();
    assert!(matches!(&made["recovery"], Value::String(text) if text.contains("AGE-SECRET-KEY-1")));
}

#[test]
fn a_terminal_is_offered_a_passphrase() {
    let world = World::new();
    let mut terminal = world.secrets(["init"]).on_terminal();
    terminal.expect("organisation [work]: ").type_line("");
    terminal.expect("Protect your key with a passphrase? [y/N] ").type_line("y");
    terminal.expect("passphrase: ").type_hidden("correct horse battery");
    terminal.expect("once more: ").type_hidden("correct horse battery");
    terminal.finish().success().has("made ").has(" for work").leaves_echo_on();
    let sealed = std::fs::read(identity(&world)).unwrap();
    assert!(sealed.starts_with(b"-----BEGIN AGE ENCRYPTED FILE-----\n"));
    world.secrets(["create", "TOKEN"]).value(VALUE).run().fails(4).stderr_has("`secrets unlock`");
    let mut terminal = world.secrets(["list"]).on_terminal();
    for _ in 0..3 {
        terminal.expect("identity.txt: ").type_hidden("a wrong passphrase");
    }
    terminal.finish().exits(4).has("cannot unlock your key").leaves_echo_on();
    let mut terminal = world.secrets(["list"]).on_terminal();
    terminal.expect("identity.txt: ").await_echo_off().ctrl_c();
    assert!(!terminal.finish().leaves_echo_on().status.success());
    let mut terminal = world.secrets(["list"]).on_terminal();
    terminal.expect("identity.txt: ").type_hidden("correct horse battery");
    terminal.finish().success().has("no secrets in work/development yet");
    world.skip_verify(); // nobody types the passphrase for it
}

#[test]
fn a_question_left_unanswered_makes_nothing() {
    let world = World::new();
    let mut terminal = world.secrets(["init", "acme", "--passphrase"]).on_terminal();
    terminal.expect("passphrase: ").await_echo_off().ctrl_c();
    terminal.finish().exits(130).leaves_echo_on();
    world.run(["init", "acme", "--passphrase"]).fails(2).stderr_has("there is no terminal");
    let mut terminal = world.secrets(["init", "acme", "--passphrase"]).on_terminal();
    terminal.expect("passphrase: ").await_echo_off().type_line("");
    terminal.expect("once more: ").await_echo_off().type_line("");
    terminal.finish().exits(2).has("an empty passphrase protects nothing");
    assert!(world.vaults().is_empty() && !identity(&world).exists());
}
