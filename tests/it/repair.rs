//! `secrets repair`. What git and damage do to a vault is in `git` and `damage`.

use crate::acme::{acme, copy, create, memory, update, vault};
use crate::harness::World;
use serde_json::json;
use std::path::PathBuf;

const VALUE: &str = "a value to be put back";

fn kept(world: &World) -> Vec<PathBuf> {
    let folder = std::fs::read_dir(vault(world).parent().unwrap()).unwrap();
    let paths = folder.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.to_str().unwrap().contains(".before-repair-")).collect()
}

fn cut(world: &World, bytes: usize) -> Vec<u8> {
    let whole = std::fs::read(vault(world)).unwrap();
    std::fs::write(vault(world), &whole[..whole.len() - bytes]).unwrap();
    whole
}

#[test]
fn nothing_to_repair() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    world.run(["repair"]).success().stderr_is("nothing to repair\n");
    let document = world.run(["repair", "--json"]).success().json();
    assert_eq!((&document["repaired"], &document["kept"]), (&json!(false), &json!(null)));
    assert!(kept(&world).is_empty());
}

#[test]
fn it_shows_first_asks_and_keeps_what_it_replaces() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    let whole = cut(&world, 50);
    let damaged = std::fs::read(vault(&world)).unwrap();
    let refused = world.run(["repair"]).exits(2);
    refused
        .stderr_has("comes back: 1 entry and 0 boxes, from this machine's mirror")
        .stderr_has("--yes");
    let mut no = world.secrets(["repair"]).on_terminal();
    no.expect("comes back: ").expect("Repair it so? [y/N]").type_line("n");
    no.finish().exits(1).has("nothing was changed");
    let mut left = world.secrets(["repair"]).on_terminal();
    left.expect("[y/N]").ctrl_c();
    assert_ne!(left.finish().status.code(), Some(0));
    assert_eq!(std::fs::read(vault(&world)).unwrap(), damaged);
    let mut yes = world.secrets(["repair"]).on_terminal();
    yes.expect("[y/N]").type_line("y");
    yes.finish().success().has("the file as it was: ").has("repaired ");
    assert_eq!(std::fs::read(vault(&world)).unwrap(), whole);
    let kept = kept(&world);
    assert_eq!(std::fs::read(&kept[0]).unwrap(), damaged);
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(&kept[0]).unwrap().permissions(),
    );
    assert_eq!((kept.len(), mode & 0o777), (1, 0o600));
    world.run(["reveal", "TOKEN"]).success().stdout_is(VALUE);
}

#[test]
fn json_says_what_was_done() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    cut(&world, 50);
    let document = world.run(["repair", "--yes", "--json"]).success().json();
    assert_eq!(document["repaired"], true);
    assert_eq!(document["kept"], kept(&world)[0].to_str().unwrap());
    let back = json!([{"from": "this machine's mirror", "entries": 1, "boxes": 0}]);
    assert_eq!(document["plan"]["put_back"], back);
    assert_eq!(document["plan"]["found"], "vault");
}

#[test]
fn a_vault_that_is_gone_comes_back() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    let whole = std::fs::read(vault(&world)).unwrap();
    let path = vault(&world);
    std::fs::remove_file(&path).unwrap();
    let at = path.to_str().unwrap();
    world.run(["list", "--vault", at]).fails(7).stderr_has("is gone").stderr_has("secrets repair");
    world.run(["repair", "--org", "acme", "--yes"]).success().stderr_has("the vault file is gone");
    assert_eq!(std::fs::read(&path).unwrap(), whole);
    std::fs::remove_file(&path).unwrap();
    world.run(["repair", "--vault", at, "--yes"]).success();
    assert_eq!(std::fs::read(&path).unwrap(), whole);
    assert!(kept(&world).is_empty(), "there was nothing to keep");
}

#[test]
fn a_file_that_is_no_vault_any_more() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    let whole = std::fs::read(vault(&world)).unwrap();
    for bytes in ["", "overwritten by something else\n", "no line"] {
        std::fs::write(vault(&world), bytes).unwrap();
        world.run(["repair", "--yes"]).success().stderr_has("the file is no vault any more");
        assert_eq!(std::fs::read(vault(&world)).unwrap(), whole);
    }
}

#[test]
fn a_newer_vault_is_no_damage() {
    let world = acme();
    let before = std::fs::read(vault(&world)).unwrap();
    std::fs::write(vault(&world), "secrets-vault 2\nwhatever\n").unwrap();
    world.run(["repair", "--yes"]).fails(1).stderr_has("install a newer");
    std::fs::write(vault(&world), before).unwrap();
}

#[test]
fn a_first_line_that_was_hit_is_not_taken_for_a_newer_format() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    let whole = std::fs::read_to_string(vault(&world)).unwrap();
    std::fs::write(vault(&world), whole.replacen("vault 1", "vault 3", 1)).unwrap();
    world.run(["repair", "--yes"]).success();
    assert_eq!(std::fs::read_to_string(vault(&world)).unwrap(), whole);
}

#[test]
fn where_no_vault_was_ever_seen() {
    let world = World::new();
    world.run(["repair", "--vault", "nowhere.vault"]).fails(3).stderr_has("never seen one there");
    world.skip_verify();
    std::fs::write(world.work().join("text"), "a text\n").unwrap();
    world.run(["repair", "--vault", "text", "--yes"]).fails(1).stderr_has("is no vault");
}

#[test]
fn another_copy_helps_where_the_mirror_does_not() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    let there = copy(&world, "laptop");
    std::fs::write(memory(&world).join("mirror"), "").unwrap();
    let whole = cut(&world, 50);
    let from = there.vault.to_str().unwrap();
    let repaired = world.run(["repair", "--from", from, "--yes"]).success();
    repaired.stderr_has(&format!("comes back: 1 entry and 0 boxes, from {from}"));
    assert_eq!(std::fs::read(vault(&world)).unwrap(), whole);
}

#[test]
fn a_copy_makes_a_vault_on_a_machine_that_never_had_one() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    let from = vault(&world);
    let args = ["repair", "--vault", "new.vault", "--from", from.to_str().unwrap(), "--yes"];
    world.run(args).success();
    world.run(["reveal", "TOKEN", "--vault", "new.vault"]).success().stdout_is(VALUE);
}

#[test]
fn a_copy_of_another_vault_does_not_help() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    world.run(["init", "other", "--vault", "other.vault"]).success();
    let whole = cut(&world, 50);
    world.run(["repair", "--from", "other.vault", "--yes"]).fails(5).stderr_has("of another vault");
    world.run(["repair", "--from", "nowhere", "--yes"]).fails(1).stderr_has("cannot read ");
    std::fs::write(vault(&world), whole).unwrap();
}

#[test]
fn another_vault_in_its_place_is_moved_aside() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    let whole = std::fs::read_to_string(vault(&world)).unwrap();
    world.run(["init", "other", "--vault", "other.vault"]).success();
    std::fs::copy(world.work().join("other.vault"), vault(&world)).unwrap();
    world.run(["repair", "--yes"]).success().stderr_has("of no member of this vault");
    assert_eq!(std::fs::read_to_string(vault(&world)).unwrap(), whole);
}

#[test]
fn what_nobody_has_stays_lost_and_is_named() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    create(&world, "OTHER", "another value");
    let text = std::fs::read_to_string(vault(&world)).unwrap();
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    let last = lines.iter().rposition(|line| line.starts_with("box ")).unwrap();
    let lost = lines.remove(last);
    std::fs::write(vault(&world), lines.concat()).unwrap();
    let mirror = memory(&world).join("mirror");
    let kept = std::fs::read_to_string(&mirror).unwrap().replace(lost, "");
    std::fs::write(&mirror, kept).unwrap();
    let refused = world.run(["repair", "--yes"]).exits(6);
    refused
        .stderr_has("stays lost: version 1 of OTHER in development, written by alice")
        .stderr_has("nothing here has what is missing");
    world.run(["reveal", "OTHER"]).exits(6);
    world.run(["reveal", "TOKEN"]).success().stdout_is(VALUE);
    update(&world, "OTHER", "a new value in its place");
    world.run(["reveal", "OTHER"]).success();
    world.expect_verify(6);
}

#[test]
fn what_was_seen_and_is_nowhere_is_let_go_only_when_asked() {
    let world = acme();
    let before = std::fs::read(vault(&world)).unwrap();
    create(&world, "TOKEN", VALUE);
    std::fs::write(vault(&world), &before).unwrap();
    std::fs::write(memory(&world).join("mirror"), "").unwrap();
    world.run(["list"]).fails(7);
    world.run(["repair"]).exits(2).stderr_has("stays lost: entry ");
    let mut yes = world.secrets(["repair"]).on_terminal();
    yes.expect("Go on without what stays lost?").type_line("y");
    yes.finish().success();
    world.run(["list"]).success();
    create(&world, "NEXT", "work goes on");
}

#[test]
fn erased_boxes_do_not_come_back() {
    let world = acme();
    create(&world, "DOOMED", VALUE);
    let before = std::fs::read(vault(&world)).unwrap();
    world.run(["delete", "DOOMED", "--yes"]).success();
    let after = std::fs::read_to_string(vault(&world)).unwrap();
    std::fs::write(vault(&world), before).unwrap();
    world.run(["repair", "--yes"]).success();
    let mut lines: Vec<String> =
        std::fs::read_to_string(vault(&world)).unwrap().lines().map(str::to_owned).collect();
    let mut wanted: Vec<String> = after.lines().map(str::to_owned).collect();
    lines.sort();
    wanted.sort();
    assert_eq!(lines, wanted);
    std::fs::remove_file(&kept(&world)[0]).unwrap();
}

#[test]
fn it_needs_a_key() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    let whole = cut(&world, 50);
    let run = world.secrets(["repair", "--yes"]).person("bob");
    run.variable("SECRETS_VAULT", vault(&world)).run().fails(4);
    std::fs::write(vault(&world), whole).unwrap();
}

#[test]
fn a_second_repair_in_a_second_keeps_both_files() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    for _ in 0..3 {
        cut(&world, 50);
        world.run(["repair", "--yes"]).success();
    }
    assert_eq!(kept(&world).len(), 3);
}
