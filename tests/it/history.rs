//! `secrets history` and `secrets restore`.

use crate::acme::{acme, copy, create, join, shown, update, vault, versions, write_at};
use chrono::TimeDelta;
use secrets::org::record::Record;
use secrets::org::roles::Role;
use serde_json::Value;

const FIRST: &str = "the first value";
const SECOND: &str = "the second value";

#[test]
fn the_newest_comes_first() {
    let world = acme();
    create(&world, "TOKEN", FIRST);
    update(&world, "TOKEN", SECOND);
    world.run(["restore", "TOKEN", "--version", "1"]).success();
    let text = world.run(["history", "TOKEN"]).success().stderr_is("").text();
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    let told: Vec<_> = rows.iter().map(|row| (row[0], row[2], row[3], row[4])).collect();
    let wanted = [
        ("3", "alice", "restored from 1", "current"),
        ("2", "alice", "updated", ""),
        ("1", "alice", "created", ""),
    ];
    assert_eq!(told, wanted);
    let screen = world.secrets(["history", "TOKEN"]).on_terminal().finish().success();
    assert!(screen.text.starts_with("VERSION  WRITTEN           BY     HOW              STATUS"));
}

#[test]
fn the_document_has_its_fields() {
    let world = acme();
    create(&world, "TOKEN", FIRST);
    let history = world.run(["history", "TOKEN", "--json"]).success().json();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&history), ["deleted", "environment", "id", "name", "versions"]);
    let version = &history["versions"][0];
    let fields = [
        "at",
        "box",
        "by",
        "current",
        "exposed",
        "in_conflict",
        "number",
        "origin",
        "restored_from",
        "version",
        "why",
    ];
    assert_eq!(keys(version), fields);
    assert_eq!((&version["version"], &version["number"]), (&"1".into(), &1.into()));
    assert_eq!((&version["origin"], &version["current"]), (&"created".into(), &true.into()));
    let file = std::fs::read_to_string(vault(&world)).unwrap();
    assert!(file.contains(&format!("\nbox {} ", version["box"].as_str().unwrap())));
}

#[test]
fn a_deleted_one_keeps_its_history_by_name_and_id() {
    let world = acme();
    create(&world, "TOKEN", FIRST);
    update(&world, "TOKEN", SECOND);
    let id = shown(&world, "TOKEN", "id").as_str().unwrap().to_owned();
    world.run(["delete", "TOKEN", "--yes"]).success();
    for named in ["TOKEN", "token", &id, &format!("TOKEN~{}", &id[..4])] {
        let history = world.run(["history", named, "--json"]).success().json();
        assert_eq!(history["deleted"]["by"], "alice");
        assert_eq!(history["versions"].as_array().unwrap().len(), 2);
        assert_eq!(history["versions"][0]["current"], false);
    }
    let told = world.run(["history", "TOKEN"]).success();
    assert!(told.text().starts_with("-\t20") && told.text().contains("\talice\tdeleted\t\n2\t"));
    told.stderr_is("TOKEN is deleted: its values are gone\n");
    create(&world, "TOKEN", "a new life");
    let again = world.run(["history", "TOKEN"]).success();
    assert_eq!(again.text().lines().count(), 1);
    again.stderr_is(&format!("deleted earlier, under the same name: TOKEN~{}\n", &id[..4]));
    world.run(["history", &id]).success().stdout_has("deleted");
    world.run(["history", "NONE"]).fails(3);
}

#[test]
fn restoring_is_a_new_version_with_the_old_bytes() {
    let world = acme();
    create(&world, "TOKEN", FIRST);
    update(&world, "TOKEN", SECOND);
    world
        .run(["restore", "TOKEN", "--version", "1"])
        .success()
        .stdout_is("")
        .stderr_is("restored version 1 of TOKEN in acme/development: version 3\n");
    world.run(["reveal", "TOKEN"]).stdout_is(FIRST);
    assert_eq!(versions(&world, "TOKEN").len(), 3);
    world
        .run(["restore", "TOKEN", "--version", "3"])
        .success()
        .stderr_is("version 3 of TOKEN is the current one already\n");
    world.run(["restore", "TOKEN", "--version", "9"]).fails(3).stderr_has("TOKEN has no version 9");
    world.run(["restore", "NONE", "--version", "1"]).fails(3).stderr_has("no secret named NONE");
    world.run(["restore", "TOKEN", "--version", "x"]).fails(2).stderr_has("x is no version");
}

#[test]
fn restoring_asks_the_same_conditions() {
    let world = acme();
    create(&world, "TOKEN", FIRST);
    update(&world, "TOKEN", SECOND);
    let etag = shown(&world, "TOKEN", "etag").as_str().unwrap().to_owned();
    let restore = ["restore", "TOKEN", "--version", "1"];
    let with = |more: &[&str]| world.run(restore.iter().chain(more)).status.code();
    assert_eq!(with(&["--if-version", "1"]), Some(5));
    assert_eq!(with(&["--if-match", &etag, "--if-version", "2"]), Some(0));
    assert_eq!(with(&["--if-match", &etag]), Some(5));
    assert_eq!(versions(&world, "TOKEN").len(), 3);
}

#[test]
fn restoring_one_of_two_ends_their_conflict() {
    let world = acme();
    create(&world, "TOKEN", FIRST);
    let other = copy(&world, "laptop");
    other.secrets(["update", "TOKEN"]).value("from the laptop").run().success();
    update(&world, "TOKEN", "from this machine");
    other.unite();
    world.run(["restore", "TOKEN", "--version", "2"]).fails(5).stderr_has("have the number 2");
    let all = versions(&world, "TOKEN");
    assert!(all[0]["in_conflict"] == true && all[1]["in_conflict"] == true);
    assert!(all[0]["current"] == true && all[1]["current"] == false);
    let label = all[1]["version"].as_str().unwrap();
    let value = world.run(["reveal", "TOKEN", "--version", label]).text();
    world
        .run(["restore", "TOKEN", "--version", label])
        .success()
        .stderr_has(&format!("restored version {label} of TOKEN"))
        .stderr_has(": version 3, the conflict is over\n");
    world.run(["reveal", "TOKEN"]).success().stdout_is(value).stderr_is("");
    let text = world.run(["history", "TOKEN"]).text();
    assert!(text.contains("restored from 2\tcurrent\n"), "{text}");
}

#[test]
fn who_may_not_reveal_may_not_restore() {
    let world = acme();
    create(&world, "TOKEN", FIRST);
    update(&world, "TOKEN", SECOND);
    let bob = join(&world, "bob", Some((Role::Writer, "development")));
    bob.run(["restore", "TOKEN", "--version", "1"])
        .fails(4)
        .stderr_has("error: bob may not restore TOKEN in acme/development\n")
        .stderr_has("because: bob is writer there\n");
    let carol = join(&world, "carol", Some((Role::Editor, "development")));
    carol.run(["restore", "TOKEN", "--version", "1"]).success();
    assert_eq!(versions(&world, "TOKEN")[0]["by"], "carol");
}

#[test]
fn what_a_removed_member_wrote_beside_is_proposed_and_can_be_taken() {
    let world = acme();
    let bob = join(&world, "bob", Some((Role::Editor, "development")));
    create(&world, "TOKEN", FIRST);
    let other = copy(&world, "laptop");
    let late = bob.on(&other.vault, ["update", "TOKEN"]).value("from bob, too late");
    late.run().success();
    let born = bob.on(&other.vault, ["create", "BORN_LATE"]).value("born beside a removal");
    born.run().success();
    write_at(&world, Record::Remove { member: bob.id, keep: vec![] }, TimeDelta::zero());
    other.unite();
    let all = versions(&world, "TOKEN");
    let proposed = all.iter().find(|version| version["origin"] == "proposed").unwrap();
    assert_eq!((&proposed["by"], &proposed["current"]), (&"bob".into(), &false.into()));
    assert!(proposed["why"].as_str().unwrap().contains("bob was removed"), "{proposed}");
    let label = proposed["version"].as_str().unwrap();
    assert!(label.starts_with("2~"));
    world.run(["reveal", "TOKEN"]).stdout_is(FIRST);
    world.run(["show", "TOKEN"]).stdout_has(&format!("\nproposed\t{label}\n"));
    let bare = world.run(["restore", "TOKEN", "--version", "2"]).fails(5);
    bare.stderr_has("version 2 is proposed, not in effect").stderr_has(label);
    world.run(["reveal", "TOKEN", "--version", label]).stdout_is("from bob, too late");
    world
        .run(["restore", "TOKEN", "--version", label])
        .success()
        .stderr_has(&format!("restored the proposed version {label} of TOKEN in acme/development"));
    world.run(["reveal", "TOKEN"]).stdout_is("from bob, too late");
    let left = versions(&world, "TOKEN");
    assert!(left.iter().all(|version| version["origin"] != "proposed"), "{left:?}");

    world.run(["show", "BORN_LATE"]).fails(3);
    let born = world.run(["history", "BORN_LATE", "--json"]).success().json();
    assert_eq!(born["id"], Value::Null);
    let label = born["versions"][0]["version"].as_str().unwrap();
    world
        .run(["restore", "BORN_LATE", "--version", label])
        .success()
        .stderr_has("of BORN_LATE in acme/development: a new secret");
    world.run(["reveal", "BORN_LATE"]).stdout_is("born beside a removal");
}

#[test]
fn a_version_that_a_delete_did_not_know_can_come_back() {
    let world = acme();
    create(&world, "TOKEN", FIRST);
    let other = copy(&world, "laptop");
    other.secrets(["update", "TOKEN"]).value("written beside the delete").run().success();
    world.run(["delete", "TOKEN", "--yes"]).success();
    other.unite();
    world.run(["reveal", "TOKEN"]).fails(3).stderr_has("alice deleted it");
    let history = world.run(["history", "TOKEN", "--json"]).success().json();
    let proposed = &history["versions"][0];
    assert_eq!(proposed["origin"], "proposed");
    let label = proposed["version"].as_str().unwrap();
    world.run(["restore", "TOKEN", "--version", "1"]).fails(3);
    world.run(["restore", "TOKEN", "--version", label, "--if-version", "1"]).fails(3);
    world.run(["restore", "TOKEN", "--version", label]).success().stderr_has("a new secret");
    world.run(["reveal", "TOKEN"]).stdout_is("written beside the delete");
    assert_eq!(versions(&world, "TOKEN").len(), 1);
}
