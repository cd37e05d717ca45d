//! Many writers at once, and writers that are killed: what was acknowledged is there.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::harness::{SECRETS, World};

/// Starts the program in a world, from any thread.
#[derive(Clone)]
struct Starter {
    home: PathBuf,
    work: PathBuf,
}

impl Starter {
    fn of(world: &World) -> Self {
        Self { home: world.home(), work: world.work() }
    }

    fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).current_dir(&self.work).env_clear().env("HOME", &self.home);
        command.env("PATH", std::env::var_os("PATH").unwrap());
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// Runs with a value on stdin; whether it was acknowledged, and what it said.
    fn write(&self, args: &[&str], value: &str) -> (bool, String) {
        let mut child = self.command(SECRETS, args).spawn().unwrap();
        drop(child.stdin.take().unwrap().write_all(value.as_bytes()));
        let done = child.wait_with_output().unwrap();
        (done.status.success(), String::from_utf8_lossy(&done.stderr).into_owned())
    }
}

fn vault() -> World {
    let world = World::new();
    world.run(["init", "acme", "--no-passphrase"]).success();
    world
}

fn versions(world: &World, name: &str) -> usize {
    let history = world.run(["history", name, "--json"]).success().json();
    history["versions"].as_array().unwrap().len()
}

#[test]
fn twenty_creates_at_once_make_twenty_secrets() {
    let world = vault();
    let starter = Starter::of(&world);
    let names: Vec<String> = (0..20).map(|n| format!("SECRET_{n}")).collect();
    std::thread::scope(|scope| {
        let starter = &starter;
        let writers: Vec<_> = names
            .iter()
            .map(|name| {
                scope.spawn(move || starter.write(&["create", name], &format!("value of {name}")))
            })
            .collect();
        for writer in writers {
            let (acknowledged, said) = writer.join().unwrap();
            assert!(acknowledged, "{said}");
        }
    });
    for name in &names {
        world.run(["reveal", name]).success().stdout_is(format!("value of {name}"));
    }
}

#[test]
fn sixteen_writers_of_one_name_lose_no_version() {
    const WRITERS: usize = 16;
    const UPDATES: usize = 50;
    let world = vault();
    world.secrets(["create", "COUNTER"]).stdin("first").run().success();
    let starter = Starter::of(&world);
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let starter = &starter;
            scope.spawn(move || {
                for update in 0..UPDATES {
                    let (acknowledged, said) =
                        starter.write(&["update", "COUNTER"], &format!("{writer} {update}"));
                    assert!(acknowledged, "{said}");
                }
            });
        }
    });
    assert_eq!(versions(&world, "COUNTER"), WRITERS * UPDATES + 1);
}

/// How often a writer is killed; `SECRETS_TEST_KILLS` asks for more.
fn kills() -> u64 {
    std::env::var("SECRETS_TEST_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(500)
}

#[test]
fn what_was_acknowledged_survives_kill_9_at_any_moment() {
    let world = vault();
    world.secrets(["create", "COUNTER"]).stdin("0").run().success();
    let starter = Starter::of(&world);
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut acknowledged = vec!["0".to_owned()];
    for round in 1..=kills() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let value = round.to_string();
        let mut child = starter.command(SECRETS, &["update", "COUNTER"]).spawn().unwrap();
        drop(child.stdin.take().unwrap().write_all(value.as_bytes()));
        std::thread::sleep(Duration::from_micros((seed >> 33) % 80_000));
        let _ = child.kill();
        if child.wait().unwrap().success() {
            acknowledged.push(value);
        }
        if round % 100 == 0 {
            world.run(["verify"]).success();
        }
    }
    let written = values(&world);
    let lost: Vec<_> = acknowledged.iter().filter(|value| !written.contains(value)).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    println!("{} kills, {} acknowledged, {} versions", kills(), acknowledged.len(), written.len());
}

/// The value of every version.
fn values(world: &World) -> Vec<String> {
    let history = world.run(["history", "COUNTER", "--json"]).success().json();
    let labels = history["versions"].as_array().unwrap().iter();
    labels
        .map(|version| version["version"].as_str().unwrap().to_owned())
        .map(|label| world.run(["reveal", "COUNTER", "--version", &label]).success().text())
        .collect()
}

/// Kills at the Nth call of each system call that changes a file, so that no moment is left out.
#[test]
fn a_writer_killed_at_any_system_call_leaves_a_whole_vault() {
    const CALLS: [&str; 6] = ["write", "fdatasync", "fsync", "rename", "renameat2", "ftruncate"];
    let world = vault();
    world.secrets(["create", "COUNTER"]).stdin("0").run().success();
    let starter = Starter::of(&world);
    let mut acknowledged = vec!["0".to_owned()];
    for call in CALLS {
        for nth in 1.. {
            let value = format!("{call} {nth}");
            let inject = format!("inject={call}:signal=SIGKILL:when={nth}");
            let args =
                ["-f", "-qq", "-o", "/dev/null", "-e", &inject, SECRETS, "update", "COUNTER"];
            let mut child = starter.command("strace", &args).spawn().unwrap();
            drop(child.stdin.take().unwrap().write_all(value.as_bytes()));
            let ended_well = child.wait().unwrap().success();
            world.run(["verify"]).success();
            if ended_well {
                acknowledged.push(value);
                break;
            }
        }
    }
    let written = values(&world);
    assert!(
        acknowledged.iter().all(|value| written.contains(value)),
        "{acknowledged:?} {written:?}"
    );
}
