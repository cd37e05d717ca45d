//! `secrets unlock`, `secrets lock`: one passphrase, then none for a while.

use crate::harness::World;
use secrets::crypto::identity::{new_identity, seal_with_passphrase};
use secrets::secret::SecretBytes;
use std::path::PathBuf;
use std::time::Duration;

const VALUE: &str = "a value behind a passphrase";
const PASSPHRASE: &str = "five words in a row";
/// As cheap as age allows: the files that the program makes cost half a second each time.
const WORK_FACTOR: u8 = 2;

/// A vault whose owner's key is sealed with a passphrase.
fn sealed() -> World {
    let world = World::new();
    world.skip_verify(); // which would need the passphrase
    let (_, text) = new_identity("2026-11-20T08:30:00Z");
    let path = identity(&world);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let passphrase = SecretBytes::copy_of(PASSPHRASE.as_bytes());
    world.remember(PASSPHRASE);
    let sealed = seal_with_passphrase(text.expose(), &passphrase, WORK_FACTOR).unwrap();
    std::fs::write(path, sealed).unwrap();
    let mut init = world.secrets(["init", "acme"]).on_terminal();
    init.expect("passphrase for").type_hidden(PASSPHRASE);
    init.finish().success();
    let mut create = world.secrets(["create", "TOKEN", "--from-file"]);
    create = create.arg(world.value_file("token", VALUE));
    let mut create = create.on_terminal();
    create.expect("passphrase for").type_hidden(PASSPHRASE);
    create.finish().success();
    world
}

fn identity(world: &World) -> PathBuf {
    world.home().join(".config/secrets/identity.txt")
}

fn unlock(world: &World, args: &[&str]) {
    let mut unlock = world.secrets(["unlock"].iter().chain(args)).on_terminal();
    unlock.expect("passphrase for").type_hidden(PASSPHRASE);
    unlock.finish().success().has("unlocked for").leaves_echo_on();
}

#[test]
fn without_a_terminal_a_passphrase_is_named_as_what_is_needed() {
    let world = sealed();
    let refused = world.run(["reveal", "TOKEN"]).fails(4);
    refused.stderr_has("needs a passphrase").stderr_has("secrets unlock");
}

#[test]
fn once_unlocked_nobody_is_asked_until_lock() {
    let world = sealed();
    unlock(&world, &[]);
    world.run(["reveal", "TOKEN"]).success().stdout_is(VALUE);
    world.secrets(["update", "TOKEN"]).value("changed while unlocked").run().success();
    let shown = world.run(["identity", "show", "--json"]).success().json();
    assert_eq!(shown["unlocked"], true);
    // A full check needs no passphrase either.
    std::fs::remove_file(memory(&world).join("index")).unwrap();
    world.run(["reveal", "TOKEN"]).success().stdout_is("changed while unlocked");
    world.run(["verify"]).success();
    world.run(["lock"]).success().stderr_is("locked\n");
    world.run(["reveal", "TOKEN"]).fails(4);
    world.run(["lock"]).success().stderr_is("nothing was unlocked\n");
}

fn memory(world: &World) -> PathBuf {
    let state = world.home().join(".local/state/secrets");
    std::fs::read_dir(state).unwrap().next().unwrap().unwrap().path()
}

#[test]
fn it_ends_with_its_time() {
    let world = sealed();
    unlock(&world, &["--for", "3s"]);
    world.run(["reveal", "TOKEN"]).success();
    std::thread::sleep(Duration::from_millis(3500));
    world.run(["reveal", "TOKEN"]).fails(4).stderr_has("needs a passphrase");
}

#[test]
fn unlocking_again_asks_again() {
    let world = sealed();
    unlock(&world, &[]);
    unlock(&world, &["--for", "2d"]);
    world.run(["unlock"]).fails(4).stderr_has("needs a passphrase");
    world.run(["lock"]).success();
}

#[test]
fn a_wrong_passphrase_unlocks_nothing() {
    let world = sealed();
    let mut wrong = world.secrets(["unlock"]).on_terminal();
    for _ in 0..3 {
        wrong.expect("passphrase for").type_hidden("not this passphrase");
    }
    wrong.finish().exits(4).has("wrong passphrase").leaves_echo_on();
    world.run(["reveal", "TOKEN"]).fails(4);
}

#[test]
fn ctrl_c_at_the_prompt_leaves_nothing() {
    let world = sealed();
    let mut left = world.secrets(["unlock"]).on_terminal();
    left.expect("passphrase for").await_echo_off().ctrl_c();
    left.finish().exits(130).leaves_echo_on();
    world.run(["reveal", "TOKEN"]).fails(4);
}

#[test]
fn another_identity_does_not_get_the_unlocked_key() {
    let world = sealed();
    unlock(&world, &[]);
    let (_, other) = new_identity("2026-11-20T08:30:00Z");
    let path = world.path("inputs").join("other.txt");
    let passphrase = SecretBytes::copy_of(PASSPHRASE.as_bytes());
    let sealed = seal_with_passphrase(other.expose(), &passphrase, WORK_FACTOR).unwrap();
    std::fs::write(&path, sealed).unwrap();
    world.run(["reveal", "TOKEN", "-i", path.to_str().unwrap()]).fails(4);
    world.run(["reveal", "TOKEN", "-i", identity(&world).to_str().unwrap()]).success();
    world.run(["lock"]).success();
}

#[test]
fn a_key_without_a_passphrase_has_nothing_to_unlock() {
    let world = World::new();
    world.run(["init", "acme", "--no-passphrase"]).success();
    let said = "nothing to unlock: your key needs no passphrase\n";
    world.run(["unlock"]).success().stderr_is(said);
    world.run(["lock"]).success().stderr_is("nothing was unlocked\n");
}

#[test]
fn times_that_are_none() {
    for time in ["0s", "8", "h", "-1h", "8 h", "99999999999999999999d"] {
        World::new().run(["unlock", &format!("--for={time}")]).fails(2).stderr_has("30m, 8h or 2d");
    }
}

#[test]
fn a_system_without_a_key_store_is_told_before_the_passphrase() {
    let world = sealed();
    let strace = ["-f", "-o", "/dev/null", "-e", "trace=add_key,keyctl,request_key"];
    let inject = ["-e", "inject=add_key,keyctl,request_key:error=ENOSYS"];
    let args = strace.iter().chain(&inject).chain(&[crate::harness::SECRETS, "unlock"]);
    let refused = world.program("strace", args).run();
    refused.exits(1).stderr_has("the system cannot keep your key").stderr_has("not available here");
}
