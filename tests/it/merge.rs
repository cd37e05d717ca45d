//! `secrets merge`.

use crate::acme::{acme, copy, create, join, update, vault, versions, write};
use crate::harness::World;
use secrets::org::record::Record;
use secrets::org::roles::Role;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;

fn line_set(path: &Path) -> BTreeSet<String> {
    std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

fn merge(world: &World, other: &Path) -> crate::output::Output {
    world.run(["merge", other.to_str().unwrap()])
}

#[test]
fn what_the_other_copy_has_comes_in() {
    let world = acme();
    create(&world, "TOKEN", "the value of both");
    let there = copy(&world, "laptop");
    there.secrets(["create", "THERE"]).value("made there").run().success();
    create(&world, "HERE", "made here");
    merge(&world, &there.vault).success().stderr_is("took in 1 entry by alice\n").stdout_is("");
    world.run(["reveal", "THERE"]).success().stdout_is("made there");
    world.run(["reveal", "HERE"]).success().stdout_is("made here");
    let again = line_set(&vault(&world));
    merge(&world, &there.vault).success().stderr_is("nothing new in it\n");
    assert_eq!(line_set(&vault(&world)), again, "a second time changes nothing");
}

#[test]
fn nothing_new() {
    let world = acme();
    let there = copy(&world, "laptop");
    merge(&world, &there.vault).success().stderr_is("nothing new in it\n");
    let stamp = std::fs::metadata(vault(&world)).unwrap().modified().unwrap();
    let document = world.run(["merge", there.vault.to_str().unwrap(), "--json"]).success().json();
    assert_eq!((&document["entries"], &document["from"]), (&json!(0), &json!({})));
    assert_eq!(std::fs::metadata(vault(&world)).unwrap().modified().unwrap(), stamp);
}

#[test]
fn either_way_round_the_same_lines_come_out() {
    let world = acme();
    create(&world, "TOKEN", "the value of both");
    let (one, other) = (copy(&world, "one"), copy(&world, "other"));
    one.secrets(["update", "TOKEN"]).value("changed in one").run().success();
    one.secrets(["create", "GONE"]).value("to be deleted").run().success();
    other.secrets(["update", "TOKEN"]).value("changed in the other").run().success();
    one.secrets(["delete", "GONE", "--yes"]).run().success();
    let back = copy(&world, "back");
    std::fs::copy(&one.vault, &back.vault).unwrap();
    one.secrets(["merge", other.vault.to_str().unwrap()]).run().success();
    other.secrets(["merge", back.vault.to_str().unwrap()]).run().success();
    assert_eq!(line_set(&one.vault), line_set(&other.vault));
    let revealed =
        |copy: &crate::acme::Copy<'_>| copy.secrets(["reveal", "TOKEN"]).run().success().text();
    assert_eq!(revealed(&one), revealed(&other));
}

#[test]
fn several_copies_at_once() {
    let world = acme();
    let copies: Vec<_> = ["a", "b", "c"].into_iter().map(|name| copy(&world, name)).collect();
    for (copy, name) in copies.iter().zip(["FROM_A", "FROM_B", "FROM_C"]) {
        copy.secrets(["create", name]).value(format!("the value {name}")).run().success();
    }
    let paths = copies.iter().map(|copy| copy.vault.to_str().unwrap());
    let args: Vec<&str> = ["merge"].into_iter().chain(paths).collect();
    world.run(args).success().stderr_is("took in 3 entries by alice\n");
    create(&world, "NEXT", "joins four heads");
    let verified = world.run(["verify", "--json"]).success().json();
    assert_eq!(verified["heads"].as_array().unwrap().len(), 1);
}

#[test]
fn a_conflict_is_announced() {
    let world = acme();
    create(&world, "TOKEN", "the value of both");
    let there = copy(&world, "laptop");
    there.secrets(["update", "TOKEN"]).value("changed there").run().success();
    update(&world, "TOKEN", "changed here");
    let merged = world.run(["merge", there.vault.to_str().unwrap(), "--json"]).success();
    let document = merged.json();
    assert_eq!(document["conflicts"], json!(["TOKEN in development"]));
    assert_eq!(document["from"], json!({"alice": 1}));
    assert_eq!(versions(&world, "TOKEN").len(), 3);
    let there = copy(&world, "desktop");
    there.secrets(["update", "TOKEN"]).value("changed there again").run().success();
    update(&world, "TOKEN", "changed here again");
    let said = merge(&world, &there.vault).success();
    said.stderr_has("warning: TOKEN in development is in conflict: `secrets history` shows both");
}

#[test]
fn entries_that_lose_their_effect_are_announced() {
    let world = acme();
    create(&world, "TOKEN", "the value of both");
    let bob = join(&world, "bob", Some((Role::Writer, "development")));
    let there = copy(&world, "bob");
    let update = bob.on(&there.vault, ["update", "TOKEN"]);
    update.value("written beside the removal").run().success();
    write(&world, Record::Remove { member: bob.id, keep: vec![] });
    let merged = merge(&world, &there.vault).success();
    merged.stderr_has("took in 1 entry by bob").stderr_has("an entry by bob has no effect: ");
    world.run(["reveal", "TOKEN"]).success().stdout_is("the value of both");
    std::fs::remove_file(&there.vault).unwrap();
}

#[test]
fn an_erased_box_does_not_come_back() {
    let world = acme();
    create(&world, "DOOMED", "a value to be deleted");
    let there = copy(&world, "laptop");
    world.run(["delete", "DOOMED", "--yes"]).success();
    let gone = line_set(&vault(&world));
    merge(&world, &there.vault).success().stderr_is("nothing new in it\n");
    assert_eq!(line_set(&vault(&world)), gone);
    there.secrets(["merge", vault(&world).to_str().unwrap()]).run().success();
    assert_eq!(line_set(&there.vault), gone, "it is erased there too");
}

#[test]
fn a_damaged_copy_gives_what_is_sound_in_it() {
    let world = acme();
    let there = copy(&world, "laptop");
    there.secrets(["create", "FIRST"]).value("made there first").run().success();
    there.secrets(["create", "SECOND"]).value("made there second").run().success();
    let mut bytes = std::fs::read(&there.vault).unwrap();
    bytes.truncate(bytes.len() - 20);
    std::fs::write(&there.vault, &bytes).unwrap();
    let document = world.run(["merge", there.vault.to_str().unwrap(), "--json"]).success();
    let document = document.stderr_has("its end is unfinished; the rest was taken in").json();
    assert_eq!((&document["entries"], &document["boxes"]), (&json!(1), &json!(1)));
    assert_eq!(document["left_out"][0]["torn"], true);
    world.run(["reveal", "FIRST"]).success();
    std::fs::remove_file(&there.vault).unwrap();
}

#[test]
fn entries_whose_past_is_in_neither_copy_stay_out() {
    let world = acme();
    let there = copy(&world, "laptop");
    there.secrets(["create", "FIRST"]).value("made there first").run().success();
    there.secrets(["create", "SECOND"]).value("made there second").run().success();
    let text = std::fs::read_to_string(&there.vault).unwrap();
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    let entries: Vec<usize> =
        (0..lines.len()).filter(|at| lines[*at].starts_with("entry ")).collect();
    lines.remove(entries[entries.len() - 2]);
    std::fs::write(&there.vault, lines.concat()).unwrap();
    let before = line_set(&vault(&world));
    let merged = merge(&world, &there.vault).success();
    merged.stderr_has("1 entry left out: what they stand on is in neither copy");
    assert_eq!(line_set(&vault(&world)), before);
    create(&world, "NEXT", "work goes on");
    std::fs::remove_file(&there.vault).unwrap();
}

#[test]
fn what_is_no_copy_of_it_is_refused() {
    let world = acme();
    let before = std::fs::read(vault(&world)).unwrap();
    let file = world.work().join("file");
    let refused = |bytes: &str, code| {
        std::fs::write(&file, bytes).unwrap();
        merge(&world, &file).fails(code)
    };
    refused("a text\n", 1).stderr_has("is no vault");
    refused("", 1).stderr_has("is empty");
    refused("secrets-vault 7\n", 1).stderr_has("of format 7").stderr_has("install a newer");
    refused("secrets-vault 1\n", 5).stderr_has("is a copy of another vault");
    merge(&world, &world.work().join("nowhere")).fails(1).stderr_has("cannot read ");
    world.run(["init", "other", "--vault", "other.vault"]).success();
    merge(&world, &world.work().join("other.vault")).fails(5).stderr_has("of another vault");
    assert_eq!(std::fs::read(vault(&world)).unwrap(), before);
}

#[test]
fn it_needs_a_key() {
    let world = acme();
    let there = copy(&world, "laptop");
    let run = world.secrets(["merge", there.vault.to_str().unwrap()]).person("bob");
    run.variable("SECRETS_VAULT", vault(&world)).run().fails(4);
}

#[test]
fn an_unfinished_end_here_is_moved_aside() {
    let world = acme();
    let there = copy(&world, "laptop");
    there.secrets(["create", "THERE"]).value("made there").run().success();
    let mut bytes = std::fs::read(vault(&world)).unwrap();
    bytes.extend_from_slice(b"box abc");
    std::fs::write(vault(&world), bytes).unwrap();
    merge(&world, &there.vault).success();
    assert_eq!(world.run(["verify", "--json"]).success().json()["torn_bytes"], 0);
    let aside = std::fs::read_to_string(crate::acme::memory(&world).join("aside")).unwrap();
    assert_eq!(aside, "box abc\n");
}
