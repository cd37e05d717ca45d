//! What no command may do, whatever the machine is like: lose something, or change half of it.

use crate::acme::{acme, create, memory, vault};
use crate::harness::{SECRETS, World};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const VALUE: &str = "a value that stays";

fn has(world: &World, program: &str) -> bool {
    world.program("sh", ["-c", &format!("command -v {program}")]).run().status.success()
}

/// Every command that writes, with something to write.
const WRITING: &[&[&str]] = &[
    &["create", "NEW"],
    &["create", "NEW", "--generate"],
    &["update", "TOKEN"],
    &["update", "TOKEN", "--note", "a new note"],
    &["update", "TOKEN", "--rename", "RENAMED"],
    &["restore", "TOKEN", "--version", "1"],
    &["delete", "TOKEN", "--yes"],
];

fn two_versions() -> World {
    let world = acme();
    create(&world, "TOKEN", "the version before");
    world.secrets(["update", "TOKEN"]).value(VALUE).run().success();
    world
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// As a user who has no more rights than the modes say; root would have.
fn as_nobody<'w>(world: &'w World, args: &[&str]) -> crate::harness::Run<'w> {
    let dropped = ["--reuid=65534", "--regid=65534", "--clear-groups", SECRETS];
    world.program("setpriv", dropped.iter().chain(args))
}

#[test]
fn a_full_disk_fails_and_changes_nothing() {
    let world = two_versions();
    if !has(&world, "strace") {
        return;
    }
    let before = std::fs::read(vault(&world)).unwrap();
    for calls in ["write", "fdatasync,fsync"] {
        for args in WRITING {
            let inject = format!("inject={calls}:error=ENOSPC");
            let path = vault(&world);
            // Only what goes to the vault's own folder fails: the terminal still works.
            let folder = path.parent().unwrap().to_str().unwrap();
            let strace = ["-f", "-o", "/dev/null", "-P", path.to_str().unwrap(), "-P", folder];
            let words = strace.into_iter().chain(["-e", &inject, SECRETS]);
            let words = words.chain(args.iter().copied());
            let run = world.program("strace", words).stdin("another value").run();
            let rewrites = args[0] == "delete";
            if !rewrites && calls == "write" {
                run.fails(1).stderr_has("No space left");
                assert!(std::fs::read(vault(&world)).unwrap() == before, "{args:?}");
            } else if !run.status.success() {
                run.stderr_has("secrets: error: ");
            }
            std::fs::write(vault(&world), &before).unwrap();
            std::fs::remove_dir_all(memory(&world)).unwrap();
            world.run(["reveal", "TOKEN"]).success().stdout_is(VALUE);
        }
    }
}

/// A disk that really has no room left.
#[test]
fn a_small_disk_fills_up_and_nothing_is_lost() {
    let world = World::new();
    world.skip_verify();
    let disk = world.path("disk");
    std::fs::create_dir(&disk).unwrap();
    let mount = ["-t", "tmpfs", "-o", "size=128k", "tmpfs", disk.to_str().unwrap()];
    if !is_root() || world.program("mount", mount).run().status.code() != Some(0) {
        return;
    }
    let vault = disk.join("acme.vault");
    let at = ["--vault", vault.to_str().unwrap()];
    world.run(["init", "acme", "--no-passphrase"].iter().chain(&at)).success();
    let mut made = vec![];
    let refused = (0..200).find_map(|n| {
        let name = format!("SECRET_{n}");
        let value = name.repeat(100);
        let run = world.secrets(["create", &name].iter().copied().chain(at));
        let output = run.value(&value).run();
        if output.status.success() {
            made.push((name, value));
            return None;
        }
        Some(output)
    });
    let refused = refused.expect("128 KiB are soon full").fails(1);
    refused.stderr_has("nothing was written");
    assert!(made.len() > 5);
    for (name, value) in &made {
        let args = ["reveal", name].into_iter().chain(at);
        world.run(args).success().stdout_is(value);
    }
    world.run(["list"].into_iter().chain(at)).success();
    world.program("umount", [&disk]).run().success();
}

#[test]
fn a_read_only_folder_can_be_read() {
    let world = two_versions();
    if is_root() && !has(&world, "setpriv") {
        return;
    }
    let data = vault(&world).parent().unwrap().to_owned();
    let everything = world.path("");
    world.program("chmod", ["-R", "a+rX", everything.to_str().unwrap()]).run().success();
    set_mode(&vault(&world), 0o444);
    set_mode(&data, 0o555);
    let run = |args: &[&str]| {
        let run = if is_root() { as_nobody(&world, args) } else { world.secrets(args) };
        run.stdin("another value").reveals().run()
    };
    run(&["reveal", "TOKEN"]).success().stdout_is(VALUE);
    run(&["env", "--", "printenv", "TOKEN"]).success().stdout_is(format!("{VALUE}\n"));
    run(&["list"]).success().stdout_has("TOKEN\t2");
    let before = std::fs::read(vault(&world)).unwrap();
    for args in WRITING {
        run(args).fails(1).stderr_has("Permission denied");
    }
    assert!(std::fs::read(vault(&world)).unwrap() == before);
    set_mode(&data, 0o755);
    set_mode(&vault(&world), 0o600);
}

#[test]
fn a_memory_that_cannot_be_written_is_told_and_no_failure() {
    let world = two_versions();
    let state = world.home().join(".local/state");
    std::fs::remove_dir_all(&state).unwrap();
    std::fs::write(&state, "a file where a folder should be").unwrap();
    let run = world.run(["reveal", "TOKEN"]).success();
    assert_eq!(run.text(), VALUE);
    run.stderr_has("warning: nothing is remembered on this machine");
    world.run(["env", "--", "printenv", "TOKEN"]).success().stdout_is(format!("{VALUE}\n"));
    world.secrets(["update", "TOKEN"]).value("a third value").run().success();
    world.run(["reveal", "TOKEN"]).success().stdout_is("a third value");
}

#[test]
fn where_a_question_is_due_and_nobody_there_nothing_happens() {
    let world = two_versions();
    let before = std::fs::read(vault(&world)).unwrap();
    for args in [&["create"][..], &["delete", "TOKEN"]] {
        world.run(args).fails(2).stderr_has("secrets: because: there is no terminal");
        let mut terminal = world.secrets(args.iter().chain(&["--no-input"])).on_terminal();
        terminal.expect("--no-input was given");
        terminal.finish().exits(2).leaves_echo_on();
    }
    assert!(std::fs::read(vault(&world)).unwrap() == before);
}

#[test]
fn a_value_among_the_arguments_is_never_repeated() {
    let world = two_versions();
    world.remember("hunter2-typed-by-mistake");
    for verb in ["create", "update"] {
        for shape in ["TOKEN=hunter2-typed-by-mistake", "hunter2-typed-by-mistake"] {
            let run = world.run([verb, "TOKEN", shape]).fails(2);
            run.stderr_has("takes no value from its arguments").stderr_lacks("hunter2");
        }
    }
    world.run(["reveal", "TOKEN"]).stdout_is(VALUE);
}

#[test]
fn what_is_no_vault_is_told_and_left_alone() {
    let world = two_versions();
    let at = |name: &str, text: &str| {
        let path = world.work().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let other = at("notes.txt", "dear diary\n");
    let newer = at("newer", "secrets-vault 2\nwhatever\n");
    let empty = at("empty", "");
    let cases = [
        (&*other, 1, "is no vault"),
        (&newer, 1, "is a vault of format 2"),
        (&empty, 6, "is empty"),
        ("none.vault", 3, "there is no vault at"),
        (".", 1, "cannot open the vault"),
    ];
    for (path, code, text) in cases {
        for args in
            WRITING.iter().chain(&[&["reveal", "TOKEN"][..], &["list"], &["env", "--", "true"]])
        {
            let env = args[0] == "env" && code == 1;
            let (verb, rest) = args.split_at(1);
            let words = [verb, &["--vault", path], rest].concat();
            world
                .secrets(words)
                .stdin("x")
                .run()
                .fails(if env { 125 } else { code })
                .stderr_has(text);
        }
    }
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "dear diary\n");
    assert_eq!(std::fs::read_to_string(&empty).unwrap(), "");
}

#[test]
fn a_vault_that_is_gone_is_not_made_anew() {
    let world = two_versions();
    world.skip_verify();
    std::fs::remove_file(vault(&world)).unwrap();
    for args in WRITING.iter().chain(&[&["reveal", "TOKEN"][..], &["list"]]) {
        let run = world.secrets(args.iter()).stdin("x").run().fails(3 + 4);
        run.stderr_has("is gone").stderr_has("`secrets repair`");
    }
    assert!(!vault(&world).exists());
}

#[test]
fn a_reader_who_leaves_early_is_no_error() {
    let world = two_versions();
    let script = format!(
        "{SECRETS} list | true; {SECRETS} reveal TOKEN | true; {SECRETS} history TOKEN | true"
    );
    world.program("sh", ["-c", &script]).run().success().stderr_is("");
}

#[test]
fn a_full_stdout_is_an_error() {
    let world = two_versions();
    for verb in ["list", "reveal TOKEN", "show TOKEN", "history TOKEN --json"] {
        let script = format!("{SECRETS} {verb} > /dev/full");
        world.program("sh", ["-c", &script]).run().fails(1).stderr_has("cannot write to stdout");
    }
}
