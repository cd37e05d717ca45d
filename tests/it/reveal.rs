//! `secrets reveal`.

use crate::acme::{acme, copy, create, join, memory, update, vault, versions};
use secrets::org::roles::Role;

const VALUE: &str = "a value to be revealed";

#[test]
fn a_pipe_gets_the_exact_bytes() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    world.run(["reveal", "TOKEN"]).success().stdout_is(VALUE).stderr_is("");
    std::fs::remove_dir_all(memory(&world)).unwrap();
    world.run(["reveal", "TOKEN"]).success().stdout_is(VALUE);
}

#[test]
fn a_terminal_gets_a_newline_and_nothing_that_acts_on_it() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    let screen = world.secrets(["reveal", "TOKEN"]).on_terminal().finish().success();
    assert_eq!(screen.text, format!("{VALUE}\r\n"));
    world.secrets(["create", "WILD"]).stdin("a\x1b[31mb\tc").run().success();
    let screen = world.secrets(["reveal", "WILD"]).on_terminal().finish().success();
    assert!(screen.text.starts_with("a\\u{1b}[31mb"), "{}", screen.text);
    screen.has("shown escaped");
    world.run(["reveal", "WILD"]).stdout_is("a\x1b[31mb\tc");
    world.secrets(["create", "LINES", "--verbatim"]).stdin("one\n\ttwo\n").run().success();
    let screen = world.secrets(["reveal", "LINES"]).on_terminal().finish().success();
    assert_eq!(screen.text.replace("        ", "\t"), "one\r\n\ttwo\r\n");
}

#[test]
fn json_has_text_or_base64() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    world.secrets(["create", "BYTES"]).stdin(b"\xff\x00\xfe").run().success();
    world.run(["reveal", "TOKEN", "--json"]).success().stdout_is(format!(
        "{{\n  \"name\": \"TOKEN\",\n  \"environment\": \"development\",\n  \"version\": \"1\",\n  \
         \"value\": \"{VALUE}\"\n}}\n"
    ));
    let bytes = world.run(["reveal", "BYTES", "--json"]).success().json();
    assert_eq!((&bytes["value_base64"], bytes.get("value")), (&"/wD+".into(), None));
}

#[test]
fn earlier_versions_by_number() {
    let world = acme();
    create(&world, "TOKEN", "the first value");
    update(&world, "TOKEN", "the second value");
    world.run(["reveal", "TOKEN", "--version", "1"]).success().stdout_is("the first value");
    world.run(["reveal", "TOKEN", "--version", "2"]).success().stdout_is("the second value");
    let id = versions(&world, "TOKEN")[1]["box"].as_str().unwrap().to_owned();
    world.run(["reveal", "TOKEN", "--version", &id]).success().stdout_is("the first value");
    let hyphen = format!("-{}", &id[1..]);
    world.run(["reveal", "TOKEN", "--version", &hyphen]).fails(3);
    let json = world.run(["reveal", "TOKEN", "--version", "1", "--json"]).json();
    assert_eq!(json["version"], "1");
    world.run(["reveal", "TOKEN", "--version", "3"]).fails(3).stderr_is(
        "secrets: error: TOKEN has no version 3\n\
         secrets: because: it has the versions 1 to 2\n\
         secrets: hint: `secrets history TOKEN` lists them\n",
    );
    for bad in ["x", "-1", "+1", "1.0", "~9f3c", "99999999999", ""] {
        let version = format!("--version={bad}");
        world.run(["reveal", "TOKEN", &version]).fails(2);
    }
    for missing in ["1~0000", "0", "4294967295"] {
        world.run(["reveal", "TOKEN", "--version", missing]).fails(3);
    }
}

#[test]
fn versions_that_share_a_number_are_named_in_full() {
    let world = acme();
    create(&world, "TOKEN", "the first value");
    let other = copy(&world, "laptop");
    other.secrets(["update", "TOKEN"]).value("from the laptop").run().success();
    update(&world, "TOKEN", "from this machine");
    other.unite();
    let all = versions(&world, "TOKEN");
    assert_eq!(all.len(), 3);
    let labels: Vec<&str> =
        all.iter().map(|version| version["version"].as_str().unwrap()).collect();
    assert!(labels[0].starts_with("2~") && labels[1].starts_with("2~") && labels[2] == "1");
    world
        .run(["reveal", "TOKEN", "--version", "2"])
        .fails(5)
        .stderr_has("error: 2 versions of TOKEN have the number 2\n")
        .stderr_has("because: they were written at the same time on copies of the vault\n")
        .stderr_has(labels[0])
        .stderr_has(labels[1]);
    let values = [labels[0], labels[1]]
        .map(|label| world.run(["reveal", "TOKEN", "--version", label]).success().text());
    let mut sorted = values.clone();
    sorted.sort();
    assert_eq!(sorted, ["from the laptop", "from this machine"]);
    let current = world.run(["reveal", "TOKEN"]).success();
    assert_eq!(current.text(), values[0], "the newest in order is current");
    current
        .stderr_has("warning: TOKEN is in conflict")
        .stderr_has("`secrets history TOKEN` lists the versions");
    let json = world.run(["reveal", "TOKEN", "--json"]).json();
    assert_eq!(json["version"], labels[0]);
    world.secrets(["update", "TOKEN", "--if-version", "2"]).value("x").run().fails(5);
    world.secrets(["update", "TOKEN", "--if-version", labels[1]]).value("x").run().fails(5);
    world.secrets(["update", "TOKEN", "--if-version", labels[0]]).value("x").run().success();
    world.run(["reveal", "TOKEN"]).success().stdout_is("x").stderr_is("");
}

#[test]
fn secrets_that_share_a_name_are_told_apart() {
    let world = acme();
    create(&world, "TOKEN", "made here first");
    let other = copy(&world, "laptop");
    other.secrets(["create", "KEY"]).value("made on the laptop").run().success();
    create(&world, "KEY", "made on this machine");
    other.unite();
    let bare = world.run(["reveal", "KEY"]).success();
    let list = world.run(["list", "--json"]).json();
    let keys: Vec<_> =
        list["secrets"].as_array().unwrap().iter().filter(|row| row["name"] == "KEY").collect();
    assert_eq!((&keys[0]["status"], &keys[1]["status"]), (&"conflict".into(), &"shadowed".into()));
    let mark = format!("KEY~{}", &keys[1]["id"].as_str().unwrap()[..4]);
    assert_eq!(bare.text(), "made on the laptop");
    bare.stderr_has(&format!("warning: KEY is also the name of {mark}"));
    world.run(["reveal", &mark]).success().stdout_is("made on this machine").stderr_is("");
    world.run(["list"]).stdout_has(&format!("\n{mark}\t1\t"));
    world.run(["reveal", "KEY~zzzz"]).fails(3);
    world.run(["reveal", "KEY~"]).fails(3);
    world.run(["update", &mark, "--rename", "OTHER_KEY"]).success();
    world.run(["reveal", "KEY"]).success().stderr_is("");
    world.run(["reveal", "OTHER_KEY"]).success().stdout_is("made on this machine");
}

#[test]
fn a_deleted_one_is_not_found_and_says_who_deleted_it() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    world.run(["delete", "TOKEN", "--yes"]).success();
    world
        .run(["reveal", "TOKEN"])
        .fails(3)
        .stderr_has("error: no secret named TOKEN in acme/development\n")
        .stderr_has("because: alice deleted it on 20")
        .stderr_has("hint: `secrets history TOKEN -e development` still lists its versions\n");
    world.run(["reveal", "TOKEN", "--version", "1"]).fails(3).stderr_has("alice deleted it on");
}

#[test]
fn who_may_not_reveal_is_refused() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    let bob = join(&world, "bob", Some((Role::Writer, "development")));
    let refusal = "secrets: error: bob may not reveal TOKEN in acme/development\n\
                   secrets: because: bob is writer there\n\
                   secrets: hint: ask an owner or admin: alice\n";
    bob.run(["reveal", "TOKEN"]).fails(4).stderr_is(refusal);
    bob.run(["reveal", "TOKEN", "--version", "1"]).fails(4).stderr_is(refusal);
    let carol = join(&world, "carol", Some((Role::Editor, "development")));
    carol.run(["reveal", "TOKEN"]).success().stdout_is(VALUE);
    let stranger = world.secrets(["reveal", "TOKEN"]).person("mallory");
    let vault = vault(&world);
    stranger.variable("SECRETS_VAULT", vault).run().fails(4).stderr_has("there is no identity at");
}

#[test]
fn a_damaged_value_is_never_revealed() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    create(&world, "OTHER", "another value");
    let id = versions(&world, "TOKEN")[0]["box"].as_str().unwrap().to_owned();
    let text = std::fs::read_to_string(vault(&world)).unwrap();
    let line = text.lines().find(|line| line.starts_with(&format!("box {id}"))).unwrap();
    let middle = line.len() * 3 / 4;
    let swapped = if &line[middle..=middle] == "A" { "B" } else { "A" };
    let damaged = format!("{}{swapped}{}", &line[..middle], &line[middle + 1..]);
    std::fs::write(vault(&world), text.replace(line, &damaged)).unwrap();
    world
        .run(["reveal", "TOKEN", "--version", "1"])
        .fails(6)
        .stderr_has("its box is missing from the vault")
        .stderr_has("`secrets repair`");
    std::fs::remove_dir_all(memory(&world)).unwrap();
    world.run(["reveal", "TOKEN"]).fails(6).stderr_has("cannot open TOKEN");
    world.run(["env", "--", "true"]).fails(6);
    world.run(["env", "--only", "OTHER", "--", "true"]).success();
    world.run(["reveal", "OTHER"]).success().stdout_is("another value");
    world.expect_verify(6);
}

/// The place of a box, remembered and then looked up in a file that was written anew in between,
/// once read as damage.
#[test]
fn a_vault_written_anew_while_it_is_read_is_no_damage() {
    let world = acme();
    if !world.program("sh", ["-c", "command -v strace"]).run().status.success() {
        return;
    }
    create(&world, "GOING", "a value in front of it");
    create(&world, "TOKEN", VALUE);
    let vault = vault(&world);
    let pause = "inject=openat:delay_enter=1500000:when=2";
    let words = ["-o", "/dev/null", "-P", vault.to_str().unwrap(), "-e", pause];
    let words = words.into_iter().chain([crate::harness::SECRETS, "reveal", "TOKEN"]);
    std::thread::scope(|scope| {
        let command = world.program("strace", words).command();
        let reading = scope.spawn(move || { command }.output().unwrap());
        std::thread::sleep(std::time::Duration::from_millis(500));
        world.run(["delete", "GOING", "--yes"]).success();
        let read = reading.join().unwrap();
        let said = String::from_utf8_lossy(&read.stderr).into_owned();
        assert_eq!((read.status.code(), &*read.stdout), (Some(0), VALUE.as_bytes()), "{said}");
    });
}
