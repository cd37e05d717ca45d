//! The harness itself: that it notices what it is there to notice.

use crate::harness::{Run, World};
use std::panic::{AssertUnwindSafe, catch_unwind};

const VALUE: &str = "correct horse battery";

fn fails(test: impl FnOnce()) -> String {
    let thrown = catch_unwind(AssertUnwindSafe(test)).expect_err("this should have failed");
    thrown.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[test]
fn a_value_in_a_file_is_noticed() {
    let message = fails(|| {
        let world = World::new();
        world.remember(VALUE);
        std::fs::write(world.home().join("note"), format!("xx{VALUE}")).unwrap();
    });
    assert!(message.contains("(raw) in") && message.contains("home/note"), "{message}");
    assert!(!message.contains(VALUE), "the report itself must not repeat it");
}

fn echo_back(world: &World) -> Run<'_> {
    world.program("cat", [""; 0]).value(VALUE)
}

#[test]
fn a_value_that_a_command_says_is_noticed_unless_it_was_asked_to() {
    let message = fails(|| {
        let world = World::new();
        echo_back(&world).run().success();
    });
    assert!(message.contains("stdout of `cat`"), "{message}");
    let world = World::new();
    echo_back(&world).reveals().run().success().stdout_is(VALUE);
}

#[test]
fn a_value_on_stderr_is_noticed_even_of_a_command_that_reveals() {
    let message = fails(|| {
        let world = World::new();
        world.program("sh", ["-c", "cat >&2"]).value(VALUE).reveals().run().success();
    });
    assert!(message.contains("stderr of `sh"), "{message}");
}

#[test]
fn inputs_and_spared_files_may_hold_values() {
    let world = World::new();
    let input = world.value_file("input", VALUE);
    let copy = world.work().join("copy");
    world.program("cp", [&input, &copy]).run().success();
    assert_eq!(world.leaks().len(), 1);
    world.spare(copy);
    assert!(world.leaks().is_empty());
}

#[test]
fn every_vault_is_verified_at_the_end() {
    let with_vault = || {
        let world = World::new();
        std::fs::write(world.work().join("acme.vault"), "no vault at all\n").unwrap();
        world
    };
    assert!(fails(|| drop(with_vault())).contains("$ secrets verify --vault"));
    with_vault().skip_verify();
    let world = with_vault();
    let verify = world.run(["verify", "--vault", "acme.vault"]);
    world.expect_verify(verify.status.code().unwrap());
}

#[test]
fn json_is_read() {
    let output = World::new().program("echo", [r#"{"version": 3}"#]).run().success();
    assert_eq!(output.json()["version"], 3);
}

#[test]
fn the_environment_is_the_worlds_own() {
    let world = World::new();
    let run = world.program("env", [""; 0]).variable("EXTRA", "yes").run().success();
    let text = run.text();
    let mut names: Vec<_> = text.lines().filter_map(|line| line.split('=').next()).collect();
    names.sort_unstable();
    let wanted = [
        "EXTRA",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_TERMINAL_PROMPT",
        "HOME",
        "LANG",
        "PATH",
        "TMPDIR",
        "TZ",
    ];
    assert_eq!(names, wanted);
    assert!(text.contains(&format!("HOME={}", world.home().display())));
}

#[test]
fn two_people_have_two_homes() {
    let world = World::new();
    let home = |name: &str| world.program("sh", ["-c", "echo $HOME"]).person(name).run().text();
    assert_ne!(home("alice"), home("bob"));
}

#[test]
fn git_knows_only_what_it_is_told() {
    let world = World::new();
    world.git(world.work(), ["init", "--quiet"]).success();
    world.git(world.work(), ["commit", "--quiet", "--allow-empty", "-m", "first"]).success();
    let author = world.git(world.work(), ["log", "--format=%ae %D"]);
    author.success().stdout_is("alice@acme.example HEAD -> main\n");
}

const ASK: &str = "stty -echo; printf 'value: '; read v; stty echo; echo; echo \"${#v} letters\"";

#[test]
fn a_terminal_can_be_read_and_typed_at() {
    let world = World::new();
    let mut terminal = world.program("sh", ["-c", ASK]).on_terminal();
    terminal.expect("value: ").type_hidden(VALUE).expect("21 letters");
    terminal.finish().success().has("value: ").lacks(VALUE).leaves_echo_on();
}

#[test]
fn a_terminal_that_shows_a_value_is_noticed() {
    let message = fails(|| {
        let world = World::new();
        world.remember(VALUE);
        let mut terminal = world.program("sh", ["-c", "read v; echo done"]).on_terminal();
        assert!(terminal.echoes());
        terminal.type_line(VALUE).expect("done");
        terminal.finish().success();
    });
    assert!(message.contains("terminal of `sh"), "{message}");
}

#[test]
fn ctrl_c_ends_what_runs_on_the_terminal() {
    let world = World::new();
    let mut terminal = world.program("sh", ["-c", "echo ready; exec sleep 60"]).on_terminal();
    terminal.expect("ready").ctrl_c();
    terminal.finish().killed_by(2);
}

#[test]
fn ctrl_d_ends_what_is_typed() {
    let world = World::new();
    let mut terminal = world.program("wc", ["-l"]).on_terminal();
    terminal.type_line("one").ctrl_d().expect("1");
    terminal.finish().success();
}

#[test]
fn a_terminal_left_silent_is_noticed() {
    let world = World::new();
    let screen = world.program("stty", ["-echo"]).on_terminal().finish().success();
    assert!(!screen.echoes);
}
