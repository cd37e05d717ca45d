//! `secrets create`.

use crate::acme::{acme, create, join, versions};
use crate::harness::World;
use secrets::org::roles::Role;

const VALUE: &str = "postgres://alice:hunter2@db";

#[test]
fn a_piped_value_comes_back_exactly() {
    let world = acme();
    world
        .secrets(["create", "DATABASE_URL"])
        .value(format!("{VALUE}\n"))
        .run()
        .success()
        .stdout_is("")
        .stderr_is("created DATABASE_URL in acme/development\n");
    world.run(["reveal", "DATABASE_URL"]).success().stdout_is(VALUE).stderr_is("");
}

#[test]
fn values_are_bytes_of_any_kind_and_size() {
    let world = acme();
    let large = vec![b'x'; 1 << 20];
    let all: Vec<u8> = (0..=255).collect();
    for (name, value) in [("ALL", &all[..]), ("LARGE", &large), ("LINES", b"one\ntwo\r\n\n")] {
        world.secrets(["create", name, "--verbatim"]).stdin(value).run().success();
        world.run(["reveal", name]).success().stdout_is(value);
    }
    let too_large = [&large[..], b"x"].concat();
    world
        .secrets(["create", "HUGE"])
        .stdin(too_large)
        .run()
        .fails(2)
        .stderr_has("larger than a value may be");
    world.run(["show", "HUGE"]).fails(3);
}

#[test]
fn one_final_newline_is_no_part_of_it_unless_verbatim() {
    let world = acme();
    let file = world.value_file("key.pem", "-----BEGIN KEY-----\n\n");
    let file = file.to_str().unwrap();
    world.run(["create", "TRIMMED", "--from-file", file]).success();
    world.run(["create", "KEPT", "--from-file", file, "--verbatim"]).success();
    world.run(["reveal", "TRIMMED"]).stdout_is("-----BEGIN KEY-----\n");
    world.run(["reveal", "KEPT"]).stdout_is("-----BEGIN KEY-----\n\n");
    world
        .run(["create", "X", "--from-file", "none.pem"])
        .fails(1)
        .stderr_has("cannot read none.pem");
}

#[test]
fn a_name_is_converted_and_the_user_is_told() {
    let world = acme();
    world
        .secrets(["create", "db-password"])
        .value(VALUE)
        .run()
        .success()
        .stderr_is("the name is DB_PASSWORD\ncreated DB_PASSWORD in acme/development\n");
    for typed in ["DB_PASSWORD", "db-password", "db_password", "db.password"] {
        world.run(["reveal", typed]).success().stdout_is(VALUE);
    }
}

#[test]
fn a_name_that_is_none_is_refused_before_anything_is_read() {
    let world = acme();
    let long = "A".repeat(257);
    for name in ["9LIVES", "É", "A B\tC", "", &long, "A~B"] {
        world
            .secrets(["create", name])
            .value(VALUE)
            .run()
            .fails(2)
            .stderr_has("is no secret's name")
            .stderr_has("because: a secret's name is capital letters");
    }
    let typed = "postgres://alice:a-value-typed-as-name@db";
    world.remember(typed);
    for verb in ["create", "update", "reveal", "show", "history", "delete"] {
        let run = world.run([verb, typed, "--no-input"]).fails(2);
        run.stderr_has("that is no secret's name").stderr_lacks("alice:");
    }
    world.secrets(["create", &long[1..]]).value(VALUE).run().success();
    let list = world.run(["list", "--json"]).success().json();
    assert_eq!(list["secrets"].as_array().unwrap().len(), 1);
}

#[test]
fn a_taken_name_is_a_conflict_unless_missing_was_the_condition() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    world.secrets(["create", "TOKEN"]).value("another value").run().fails(5).stderr_is(
        "secrets: error: there is a secret named TOKEN in acme/development already\n\
         secrets: hint: `secrets update TOKEN -e development` gives it a new value\n",
    );
    world
        .secrets(["create", "token", "--if-missing"])
        .value("another value")
        .run()
        .success()
        .stderr_is("the name is TOKEN\nTOKEN is in acme/development already: nothing to do\n");
    world.run(["reveal", "TOKEN"]).stdout_is(VALUE);
    assert_eq!(versions(&world, "TOKEN").len(), 1);
    world.secrets(["create", "OTHER", "--if-missing"]).value("value").run().success();
}

#[test]
fn environments_do_not_show_in_one_another() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    world.secrets(["create", "TOKEN", "-e", "production"]).value("for production").run().success();
    world.run(["reveal", "TOKEN"]).stdout_is(VALUE);
    world.run(["reveal", "TOKEN", "-e", "production"]).stdout_is("for production");
    world.run(["reveal", "TOKEN", "-e", "staging"]).fails(3);
    world
        .secrets(["create", "TOKEN", "-e", "prod"])
        .value(VALUE)
        .run()
        .fails(3)
        .stderr_has("no environment named prod in acme")
        .stderr_has("development, production, staging");
    world.run(["create", "TOKEN", "-e", "Not/One"]).fails(2).stderr_has("is no environment's name");
}

#[test]
fn random_values_are_as_long_as_asked_and_never_the_same() {
    let world = acme();
    world.run(["create", "A", "--generate"]).success().stdout_is("");
    world.run(["create", "B", "--generate=100"]).success();
    let a = world.run(["reveal", "A"]).text();
    let b = world.run(["reveal", "B"]).text();
    assert_eq!((a.len(), b.len()), (32, 100));
    assert!(a.chars().chain(b.chars()).all(|letter| letter.is_ascii_alphanumeric()));
    assert!(!b.starts_with(&a));
    world.run(["create", "C", "--generate=1048577"]).fails(2).stderr_has("too long for a value");
}

#[test]
fn an_empty_value_needs_to_be_meant() {
    let world = acme();
    for empty in ["", "\n"] {
        world.secrets(["create", "EMPTY"]).stdin(empty).run().fails(2).stderr_is(
            "secrets: error: the value is empty\n\
             secrets: hint: use --allow-empty if it is meant to be\n",
        );
    }
    world.secrets(["create", "EMPTY", "--allow-empty"]).run().success();
    world.run(["reveal", "EMPTY"]).success().stdout_is("");
    let script = "test -z \"$EMPTY\" && test \"${EMPTY+set}\" = set";
    world.run(["env", "--", "sh", "-c", script]).success();
}

#[test]
fn a_note_is_sealed_and_shown() {
    let world = acme();
    let note = "rotate each spring; ask bob";
    world.remember(note);
    let run = world.secrets(["create", "TOKEN", "--note", note]).value(VALUE).reveals();
    run.run().success();
    let show = world.secrets(["show", "TOKEN", "--json"]).reveals().run().success().json();
    assert_eq!(show["note"], note);
    let long = "n".repeat((16 << 10) + 1);
    world.secrets(["create", "LONG", "--note", &long]).value(VALUE).run().fails(2).stderr_is(
        "secrets: error: the note is too long\nsecrets: because: a note is at most 16 KiB\n",
    );
    world.secrets(["create", "LONG", "--note", &long[1..]]).value(VALUE).run().success();
    world.secrets(["create", "NONE", "--note", ""]).value(VALUE).run().success();
    let show = world.run(["show", "NONE", "--json"]).json();
    assert_eq!(show["note"], serde_json::Value::Null);
}

#[test]
fn a_name_that_env_refuses_is_told_at_once() {
    let world = acme();
    world
        .secrets(["create", "LD_PRELOAD"])
        .value(VALUE)
        .run()
        .success()
        .stderr_has("warning: `secrets env` refuses the name LD_PRELOAD without --allow-name");
}

#[test]
fn a_prompt_asks_twice_and_shows_nothing() {
    let world = acme();
    let mut terminal = world.secrets(["create", "TOKEN"]).on_terminal();
    terminal.expect("value of TOKEN: ").type_hidden(VALUE);
    terminal.expect("value of TOKEN, once more: ").type_hidden(VALUE);
    terminal.finish().success().has("created TOKEN in acme/development").leaves_echo_on();
    world.run(["reveal", "TOKEN"]).stdout_is(VALUE);
}

#[test]
fn the_name_is_asked_for_too() {
    let world = acme();
    let mut terminal = world.secrets(["create"]).on_terminal();
    terminal.expect("name: ").type_line("api-token");
    terminal.expect("the name is API_TOKEN");
    terminal.expect("value of API_TOKEN: ").type_hidden(VALUE);
    terminal.expect("once more: ").type_hidden(VALUE);
    terminal.finish().success();
    world
        .secrets(["create"])
        .value(VALUE)
        .run()
        .fails(2)
        .stderr_is("secrets: error: cannot ask: name\nsecrets: because: there is no terminal\n");
}

#[test]
fn a_slip_ctrl_c_or_nothing_leaves_all_as_it_was() {
    let world = acme();
    let before = std::fs::read(crate::acme::vault(&world)).unwrap();
    let mut terminal = world.secrets(["create", "TOKEN"]).on_terminal();
    terminal.expect("value of TOKEN: ").type_hidden(VALUE);
    terminal.expect("once more: ").type_hidden("postgres://a slip");
    terminal.finish().exits(2).has("are not the same").leaves_echo_on();

    let mut terminal = world.secrets(["create", "TOKEN"]).on_terminal();
    terminal.expect("value of TOKEN: ").await_echo_off().type_text("hunt").ctrl_c();
    terminal.finish().exits(130).leaves_echo_on();

    let mut terminal = world.secrets(["create", "TOKEN"]).on_terminal();
    terminal.expect("value of TOKEN: ").await_echo_off().type_line("");
    terminal.expect("once more: ").await_echo_off().type_line("");
    terminal.finish().exits(2).has("the value is empty").leaves_echo_on();

    let mut terminal = world.secrets(["create", "TOKEN", "--no-input"]).on_terminal();
    terminal.expect("cannot ask: value of TOKEN");
    terminal.finish().exits(2).has("pipe the value in");
    assert!(std::fs::read(crate::acme::vault(&world)).unwrap() == before);
}

#[test]
fn who_may_not_create_is_told_before_the_value_is_asked() {
    let world = acme();
    let bob = join(&world, "bob", Some((Role::Viewer, "production")));
    bob.secrets(["create", "TOKEN"]).value(VALUE).run().fails(4).stderr_is(
        "secrets: error: bob may not create secrets in acme/development\n\
         secrets: because: bob is nobody with a role there\n\
         secrets: hint: ask an owner or admin: alice\n",
    );
    let carol = join(&world, "carol", Some((Role::Writer, "production")));
    carol.secrets(["create", "TOKEN", "-e", "production"]).value(VALUE).run().success();
    carol.run(["reveal", "TOKEN", "-e", "production"]).fails(4);
    world.run(["reveal", "TOKEN", "-e", "production"]).stdout_is(VALUE);
}

#[test]
fn there_is_no_vault_before_there_is_one() {
    let world = World::new();
    world.secrets(["create", "TOKEN"]).value(VALUE).run().fails(3).stderr_has("`secrets init ORG`");
}
