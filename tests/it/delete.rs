//! `secrets delete`.

use crate::acme::{acme, copy, create, join, memory, shown, update, vault, versions};
use secrets::org::roles::Role;

const VALUE: &str = "a value to be erased";

#[test]
fn nothing_of_it_can_be_opened_afterwards() {
    let world = acme();
    create(&world, "KEPT", "a value that stays");
    world.secrets(["create", "TOKEN", "--note", "its note"]).value(VALUE).run().success();
    update(&world, "TOKEN", "its second value");
    world.run(["env", "--", "true"]).success();
    let boxes: Vec<String> = versions(&world, "TOKEN")
        .iter()
        .map(|version| format!("box {} ", version["box"].as_str().unwrap()))
        .collect();
    let before = std::fs::read_to_string(vault(&world)).unwrap();
    assert!(boxes.iter().all(|id| before.contains(id)));
    let count = |text: &str| text.lines().filter(|line| line.starts_with("box ")).count();
    world
        .run(["delete", "TOKEN", "--yes"])
        .success()
        .stdout_is("")
        .stderr_is("deleted TOKEN in acme/development\n");
    let after = std::fs::read_to_string(vault(&world)).unwrap();
    let mirror = std::fs::read_to_string(memory(&world).join("mirror")).unwrap();
    assert!(boxes.iter().all(|id| !after.contains(id) && !mirror.contains(id)));
    assert_eq!(count(&after), count(&before) - 3, "two values and a note");
    world.run(["reveal", "KEPT"]).success().stdout_is("a value that stays");
    world.run(["env", "--", "sh", "-c", "test -z \"$TOKEN\""]).success();
}

/// With the keys that alice holds, stock age opens no box that has a deleted value.
#[test]
fn stock_age_opens_every_box_and_finds_no_deleted_value() {
    let world = acme();
    create(&world, "KEPT", "a value that stays");
    create(&world, "TOKEN", VALUE);
    let opened = open_everything(&world);
    assert!(opened.contains("a value that stays") && opened.contains(VALUE));
    world.run(["delete", "TOKEN", "--yes"]).success();
    let opened = open_everything(&world);
    assert!(opened.contains("a value that stays") && !opened.contains(VALUE));
}

/// What `age` makes of all boxes with all keys that it finds on the way, starting at the identity.
fn open_everything(world: &crate::harness::World) -> String {
    let script = r#"
        set -e; cp "$1" "$3/keys"; : > "$3/open"
        for round in 1 2 3 4; do
            grep '^box ' "$2" | while read -r _ id file; do
                [ -e "$3/$id" ] && continue
                printf %s "$file" | base64 -d > "$3/box"
                age -d -i "$3/keys" -o "$3/$id.tmp" "$3/box" 2>/dev/null || continue
                mv "$3/$id.tmp" "$3/$id"; cat "$3/$id" >> "$3/open"; echo >> "$3/open"
                grep -a '^AGE-SECRET-KEY-' "$3/$id" >> "$3/keys" || true
            done
        done
        tr -d '\0' < "$3/open""#;
    let folder = world.path("inputs").join(format!("opened-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let identity = crate::acme::identity(world);
    let vault = vault(world);
    let args = ["-c".as_ref(), script.as_ref(), "sh".as_ref(), identity.as_os_str()];
    let args = args.into_iter().chain([vault.as_os_str(), folder.as_os_str()]);
    world.program("sh", args).reveals().run().success().text()
}

#[test]
fn a_terminal_wants_the_name_typed() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    update(&world, "TOKEN", "its second value");
    let question = "delete TOKEN in acme/development for ever, with all its 2 versions? \
                    The name stays in the history.\r\ntype TOKEN to go on: ";
    for wrong in ["", "yes", "token"] {
        let mut terminal = world.secrets(["delete", "TOKEN"]).on_terminal();
        terminal.expect(question).type_line(wrong);
        terminal.finish().exits(1).has("TOKEN was not deleted").has("its name was not typed");
    }
    let mut terminal = world.secrets(["delete", "TOKEN"]).on_terminal();
    terminal.expect("to go on: ").ctrl_c();
    assert!(!terminal.finish().status.success());
    world.run(["reveal", "TOKEN"]).success();
    let mut terminal = world.secrets(["delete", "TOKEN"]).on_terminal();
    terminal.expect("to go on: ").type_line("TOKEN");
    terminal.finish().success().has("deleted TOKEN in acme/development");
    world.run(["reveal", "TOKEN"]).fails(3);
}

#[test]
fn without_a_terminal_nothing_goes_unless_yes() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    create(&world, "OTHER", VALUE);
    let before = std::fs::read(vault(&world)).unwrap();
    world.run(["delete", "TOKEN", "OTHER"]).fails(2).stderr_is(
        "secrets: error: cannot ask: delete TOKEN in acme/development for ever, with its version? \
         The name stays in the history.\n\
         secrets: because: there is no terminal\n\
         secrets: hint: `--yes` answers this question\n",
    );
    assert!(std::fs::read(vault(&world)).unwrap() == before);
}

#[test]
fn each_name_has_its_own_result_and_the_rest_goes_on() {
    let world = acme();
    for name in ["A_KEY", "B_KEY", "C_KEY"] {
        create(&world, name, VALUE);
    }
    let entries = || {
        let text = std::fs::read_to_string(vault(&world)).unwrap();
        text.lines().filter(|line| line.starts_with("entry ")).count()
    };
    let before = entries();
    let run = world.run(["delete", "A_KEY", "NONE", "B_KEY", "a-key", "--yes", "--json"]).exits(3);
    let results = run.json()["results"].as_array().unwrap().clone();
    let told: Vec<_> = results
        .iter()
        .map(|result| (result["name"].as_str().unwrap(), result["deleted"].as_bool().unwrap()))
        .collect();
    assert_eq!(told, [("A_KEY", true), ("NONE", false), ("B_KEY", true)]);
    assert_eq!(results[1]["error"], "no secret named NONE in acme/development");
    assert_eq!(
        (&results[0]["error"], &results[0]["environment"]),
        (&serde_json::Value::Null, &"development".into())
    );
    run.stderr_has("deleted A_KEY in acme/development\ndeleted B_KEY in acme/development\n")
        .stderr_has("secrets: error: no secret named NONE in acme/development\n")
        .stderr_has("secrets: error: 1 of 3 secrets were not deleted\n");
    assert_eq!(entries(), before + 1);
    world.run(["list"]).stdout_has("C_KEY\t1");
    world.run(["delete", "NONE", "--yes"]).fails(3).stderr_lacks("were not deleted");
}

#[test]
fn one_that_is_not_confirmed_does_not_stop_the_rest() {
    let world = acme();
    create(&world, "A_KEY", VALUE);
    create(&world, "B_KEY", VALUE);
    let mut terminal = world.secrets(["delete", "A_KEY", "B_KEY"]).on_terminal();
    terminal.expect("type A_KEY to go on: ").type_line("no");
    terminal.expect("type B_KEY to go on: ").type_line("B_KEY");
    let screen = terminal.finish().exits(1);
    screen.has("deleted B_KEY").has("A_KEY was not deleted").has("1 of 2 secrets were not deleted");
    world.run(["reveal", "A_KEY"]).success();
    world.run(["reveal", "B_KEY"]).fails(3);
}

#[test]
fn the_conditions_hold_for_one_name() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    let etag = shown(&world, "TOKEN", "etag").as_str().unwrap().to_owned();
    update(&world, "TOKEN", "its second value");
    world.run(["delete", "TOKEN", "--yes", "--if-match", &etag]).fails(5);
    world.run(["delete", "TOKEN", "--yes", "--if-version", "1"]).fails(5).stderr_has("is 2, not 1");
    world.run(["delete", "TOKEN", "X", "--yes", "--if-version", "2"]).fails(2);
    world.run(["delete", "TOKEN", "--yes", "--if-version", "2"]).success();
}

#[test]
fn only_admins_delete() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    let bob = join(&world, "bob", Some((Role::Editor, "development")));
    bob.run(["delete", "TOKEN", "--yes"]).fails(4).stderr_is(
        "secrets: error: bob may not delete TOKEN in acme/development\n\
         secrets: because: bob is editor there\n\
         secrets: hint: ask an owner or admin: alice\n",
    );
    world.run(["reveal", "TOKEN"]).success();
}

#[test]
fn a_name_that_two_have_is_not_deleted_by_guess() {
    let world = acme();
    let other = copy(&world, "laptop");
    other.secrets(["create", "KEY"]).value("made on the laptop").run().success();
    create(&world, "KEY", "made on this machine");
    other.unite();
    world
        .run(["delete", "KEY", "--yes"])
        .fails(5)
        .stderr_has("error: 2 secrets are named KEY in acme/development\n")
        .stderr_has("hint: say which: KEY~");
    let list = world.run(["list", "--json"]).json();
    let mark = format!("KEY~{}", &list["secrets"][0]["id"].as_str().unwrap()[..4]);
    world.run(["delete", &mark, "--yes"]).success();
    assert_eq!(world.run(["list"]).text().lines().count(), 1);
    world.run(["delete", "KEY", "--yes"]).success();
}

#[test]
fn the_name_is_free_again() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    world.run(["delete", "TOKEN", "--yes"]).success();
    create(&world, "TOKEN", "a new life");
    world.run(["reveal", "TOKEN"]).stdout_is("a new life");
    assert_eq!(versions(&world, "TOKEN").len(), 1);
}
