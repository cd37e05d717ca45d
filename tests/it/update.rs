//! `secrets update`.

use crate::acme::{acme, copy, create, join, shown, update, vault, versions};
use secrets::org::roles::Role;

const OLD: &str = "the value before";
const NEW: &str = "the value after it";

#[test]
fn a_new_value_is_a_new_version_and_the_old_one_stays() {
    let world = acme();
    create(&world, "TOKEN", OLD);
    world
        .secrets(["update", "TOKEN"])
        .value(NEW)
        .run()
        .success()
        .stdout_is("")
        .stderr_is("updated TOKEN in acme/development: version 2\n");
    world.run(["reveal", "TOKEN"]).stdout_is(NEW);
    world.run(["reveal", "TOKEN", "--version", "1"]).stdout_is(OLD);
}

#[test]
fn value_note_and_name_go_in_one_entry() {
    let world = acme();
    create(&world, "TOKEN", OLD);
    let entries = || {
        let text = std::fs::read_to_string(vault(&world)).unwrap();
        text.lines().filter(|line| line.starts_with("entry ")).count()
    };
    let before = entries();
    world
        .secrets(["update", "TOKEN", "--generate", "--note", "made anew", "--rename", "api-token"])
        .run()
        .success()
        .stderr_is(
            "the new name is API_TOKEN\n\
             updated TOKEN in acme/development: version 2, a new note, now named API_TOKEN\n",
        );
    assert_eq!(entries(), before + 1);
    let show = world.run(["show", "API_TOKEN", "--json"]).success().json();
    assert_eq!((&show["version"], &show["note"]), (&"2".into(), &"made anew".into()));
    world.run(["show", "TOKEN"]).fails(3);
}

#[test]
fn note_and_name_alone_read_no_value() {
    let world = acme();
    create(&world, "TOKEN", OLD);
    let run = world.secrets(["update", "TOKEN", "--note", "x", "--rename", "T"]).stdin("ignored");
    run.run().success().stderr_has("a new note, now named T");
    world.run(["reveal", "T"]).stdout_is(OLD);
    assert_eq!(versions(&world, "T").len(), 1);
    world.run(["update", "T", "--note", ""]).success().stderr_has("no note");
    assert_eq!(shown(&world, "T", "note"), serde_json::Value::Null);
    world.run(["update", "T", "--note", ""]).success().stderr_has("is unchanged");
}

#[test]
fn with_a_source_the_value_changes_beside_the_note() {
    let world = acme();
    create(&world, "TOKEN", OLD);
    let file = world.value_file("new", NEW);
    let file = file.to_str().unwrap();
    world.run(["update", "TOKEN", "--note", "x", "--from-file", file]).success();
    world.run(["reveal", "TOKEN"]).stdout_is(NEW);
    let verbatim = world.secrets(["update", "TOKEN", "--note", "y", "--verbatim"]).stdin("z\n");
    verbatim.run().success();
    world.run(["reveal", "TOKEN"]).stdout_is("z\n");
}

#[test]
fn the_same_value_again_is_not_written_again() {
    let world = acme();
    create(&world, "TOKEN", OLD);
    let before = std::fs::read(vault(&world)).unwrap();
    world
        .secrets(["update", "TOKEN"])
        .value(OLD)
        .run()
        .success()
        .stderr_is("TOKEN in acme/development is unchanged: version 1\n");
    assert!(std::fs::read(vault(&world)).unwrap() == before);
    world.secrets(["update", "TOKEN", "--if-version", "2"]).value(OLD).run().fails(5);
    update(&world, "TOKEN", NEW);
    update(&world, "TOKEN", OLD);
    assert_eq!(versions(&world, "TOKEN").len(), 3, "an earlier value is a new version");
}

#[test]
fn the_same_value_ends_a_conflict() {
    let world = acme();
    create(&world, "TOKEN", OLD);
    let other = copy(&world, "laptop");
    other.secrets(["update", "TOKEN"]).value("from the laptop").run().success();
    update(&world, "TOKEN", NEW);
    other.unite();
    assert_eq!(shown(&world, "TOKEN", "status"), "conflict");
    let current = world.run(["reveal", "TOKEN"]).text();
    world
        .secrets(["update", "TOKEN"])
        .value(&current)
        .run()
        .success()
        .stderr_has("updated TOKEN in acme/development: version 3, the conflict is over\n");
    assert_eq!(shown(&world, "TOKEN", "status"), "ok");
}

#[test]
fn who_cannot_read_writes_all_the_same() {
    let world = acme();
    world.secrets(["create", "TOKEN", "-e", "production"]).value(OLD).run().success();
    let bob = join(&world, "bob", Some((Role::Writer, "production")));
    bob.secrets(["update", "TOKEN", "-e", "production"]).value(OLD).run().success();
    bob.run(["update", "TOKEN", "-e", "production", "--generate"]).success();
    bob.run(["reveal", "TOKEN", "-e", "production"]).fails(4);
    let history = world.run(["history", "TOKEN", "-e", "production", "--json"]).json();
    let by: Vec<_> = history["versions"].as_array().unwrap().iter().map(|v| &v["by"]).collect();
    assert_eq!(by, ["bob", "bob", "alice"]);
}

#[test]
fn a_change_since_one_looked_is_not_overwritten() {
    let world = acme();
    create(&world, "TOKEN", OLD);
    let etag = shown(&world, "TOKEN", "etag").as_str().unwrap().to_owned();
    world
        .run(["update", "TOKEN", "--if-version", "1", "--if-match", &etag, "--generate"])
        .success();
    world
        .run(["update", "TOKEN", "--if-version", "1", "--generate"])
        .fails(5)
        .stderr_has(
            "error: TOKEN in acme/development was changed: the current version is 2, not 1\n",
        )
        .stderr_has("because: alice wrote version 2 on 20")
        .stderr_has("hint: look at it with `secrets reveal TOKEN`, then decide\n");
    world
        .run(["update", "TOKEN", "--if-match", &etag, "--note", "x"])
        .fails(5)
        .stderr_has("error: TOKEN in acme/development was changed: its etag is another\n")
        .stderr_has("because: alice changed it on 20")
        .stderr_has("; the current version is 2\n");
    let hyphen = format!("-{}", &etag[1..]);
    world.run(["update", "TOKEN", "--if-match", &hyphen, "--generate"]).fails(5);
    world.run(["update", "TOKEN", "--if-match", "x", "--generate"]).fails(2).stderr_has("no etag");
    world.run(["update", "TOKEN", "--if-version", "x", "--generate"]).fails(2);
    assert_eq!(versions(&world, "TOKEN").len(), 2);
    let again = shown(&world, "TOKEN", "etag");
    world.run(["update", "TOKEN", "--note", "x"]).success();
    assert_ne!(shown(&world, "TOKEN", "etag"), again, "a note changes the etag");
}

#[test]
fn the_condition_is_asked_again_under_the_lock() {
    let world = acme();
    create(&world, "TOKEN", OLD);
    let run = world.secrets(["update", "TOKEN", "--if-version", "1"]);
    let mut waiting = run.on_terminal();
    waiting.expect("value of TOKEN: ");
    update(&world, "TOKEN", NEW);
    waiting.type_hidden("typed too late");
    waiting.expect("once more: ").type_hidden("typed too late");
    waiting.finish().exits(5).has("the current version is 2, not 1").leaves_echo_on();
    world.run(["reveal", "TOKEN"]).stdout_is(NEW);
}

#[test]
fn a_secret_deleted_meanwhile_is_not_brought_back() {
    let world = acme();
    create(&world, "TOKEN", OLD);
    let mut waiting = world.secrets(["update", "TOKEN"]).on_terminal();
    waiting.expect("value of TOKEN: ");
    world.run(["delete", "TOKEN", "--yes"]).success();
    waiting.type_hidden("typed too late");
    waiting.expect("once more: ").type_hidden("typed too late");
    waiting.finish().exits(3).has("there is no TOKEN in acme/development any more");
    world.run(["list"]).success().stdout_is("");
}

#[test]
fn a_new_name_is_judged_like_any_other() {
    let world = acme();
    create(&world, "TOKEN", OLD);
    create(&world, "OTHER", NEW);
    world
        .run(["update", "TOKEN", "--rename", "other"])
        .fails(5)
        .stderr_is("secrets: error: there is a secret named OTHER in acme/development already\n");
    world.run(["update", "TOKEN", "--rename", "9"]).fails(2).stderr_has("that is no secret's name");
    world.run(["update", "TOKEN", "--rename", "token"]).success().stderr_has("is unchanged");
    let refused = world.run(["update", "TOKEN", "--rename", "PATH"]).success();
    refused.stderr_has("refuses the name PATH");
}

#[test]
fn what_is_not_there_is_not_found_and_close_names_are_told() {
    let world = acme();
    create(&world, "DB_PASSWORD", OLD);
    world.secrets(["update", "DB_PASWORD"]).value(NEW).run().fails(3).stderr_is(
        "secrets: error: no secret named DB_PASWORD in acme/development\n\
         secrets: hint: did you mean DB_PASSWORD? `secrets list -e development` shows all 1\n",
    );
    world.secrets(["update", "X"]).value(NEW).run().fails(3).stderr_has("`secrets list");
    let staging = world.secrets(["update", "X", "-e", "staging"]).value(NEW).run().fails(3);
    staging.stderr_has("hint: `secrets create X -e staging` makes it");
}

#[test]
fn who_may_not_update_is_told_before_the_value_is_asked() {
    let world = acme();
    create(&world, "TOKEN", OLD);
    let bob = join(&world, "bob", None);
    bob.secrets(["update", "TOKEN"]).value(NEW).run().fails(4).stderr_is(
        "secrets: error: bob may not update TOKEN in acme/development\n\
         secrets: because: bob is nobody with a role there\n\
         secrets: hint: ask an owner or admin: alice\n",
    );
    bob.run(["update", "TOKEN", "--note", "x"]).fails(4);
}

#[test]
fn an_id_is_as_good_as_a_name_wherever_it_is() {
    let world = acme();
    world.secrets(["create", "TOKEN", "-e", "production"]).value(OLD).run().success();
    let show = world.run(["show", "TOKEN", "-e", "production", "--json"]).json();
    let id = show["id"].as_str().unwrap();
    world
        .secrets(["update", id])
        .value(NEW)
        .run()
        .success()
        .stderr_is("updated TOKEN in acme/production: version 2\n");
    world.run(["reveal", id]).success().stdout_is(NEW);
}
