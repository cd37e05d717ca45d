//! `secrets env`.

use crate::acme::{acme, copy, create, identity, join, update, vault};
use crate::harness::World;
use secrets::org::roles::Role;
use std::collections::BTreeMap;

const VALUE: &str = "a value for a program";

/// The variables a command gets.
fn given(world: &World, args: &[&str]) -> BTreeMap<String, String> {
    let words = ["env"].iter().chain(args).chain(&["--", "env", "-0"]);
    let text = world.run(words).success().text();
    let pairs = text.split_terminator('\0').map(|pair| pair.split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn names<'a>(given: &'a BTreeMap<String, String>, ours: &str) -> Vec<&'a str> {
    given.keys().map(String::as_str).filter(|name| name.contains(ours)).collect()
}

fn world() -> World {
    let world = acme();
    for name in ["ONE_KEY", "TWO_KEY", "TEN_KEY"] {
        create(&world, name, &format!("the value of {name}"));
    }
    world
}

#[test]
fn everything_of_the_environment_is_given() {
    let world = world();
    world.secrets(["create", "PROD_KEY", "-e", "production"]).value(VALUE).run().success();
    let all = given(&world, &[]);
    assert_eq!(names(&all, "_KEY"), ["ONE_KEY", "TEN_KEY", "TWO_KEY"]);
    assert_eq!(all["ONE_KEY"], "the value of ONE_KEY");
    assert!(all.contains_key("HOME"));
    assert_eq!(names(&given(&world, &["-e", "production"]), "_KEY"), ["PROD_KEY"]);
    let by_variable = world.secrets(["env", "--", "printenv", "PROD_KEY"]);
    by_variable
        .variable("SECRETS_ENV", "production")
        .run()
        .success()
        .stdout_is(format!("{VALUE}\n"));
    assert!(names(&given(&world, &["-e", "staging"]), "_KEY").is_empty(), "none is no failure");
}

#[test]
fn some_are_picked() {
    let world = world();
    let picked = |args: &[&str]| {
        given(&world, args).keys().filter(|k| k.contains("_KEY")).cloned().collect::<Vec<_>>()
    };
    assert_eq!(picked(&["--only", "ONE_KEY,ten-key"]), ["ONE_KEY", "TEN_KEY"]);
    assert_eq!(picked(&["--except", "ONE_KEY", "--except", "TEN_KEY"]), ["TWO_KEY"]);
    assert_eq!(picked(&["--prefix", "APP_"]), ["APP_ONE_KEY", "APP_TEN_KEY", "APP_TWO_KEY"]);
    assert_eq!(picked(&["--only", "ONE_KEY", "--map", "ONE_KEY=MY_KEY"]), ["MY_KEY"]);
    let show = world.run(["show", "ONE_KEY", "--json"]).json();
    let id = show["id"].as_str().unwrap();
    assert_eq!(picked(&["--only", id]), ["ONE_KEY"]);
    assert_eq!(picked(&["--only", id, "--map", &format!("{id}=BY_ID_KEY")]), ["BY_ID_KEY"]);
}

#[test]
fn what_is_named_and_not_there_starts_nothing() {
    let world = world();
    for args in [["--only", "ON_KEY"], ["--except", "ON_KEY"], ["--map", "ON_KEY=X"]] {
        let words = ["env"].iter().chain(&args).chain(&["--", "touch", "started"]);
        world.run(words).fails(3).stderr_is(
            "secrets: error: no secret named ON_KEY in acme/development\n\
             secrets: hint: did you mean ONE_KEY? `secrets list -e development` shows all 3\n",
        );
    }
    world.run(["delete", "ONE_KEY", "--yes"]).success();
    world
        .run(["env", "--only", "ONE_KEY", "--", "touch", "started"])
        .fails(3)
        .stderr_has("alice deleted it on");
    assert!(!world.work().join("started").exists());
}

#[test]
fn a_committed_config_picks_too() {
    let world = world();
    let config = |text: &str| std::fs::write(world.work().join(".secrets.toml"), text).unwrap();
    config(
        "only = [\"ONE_KEY\", \"TWO_KEY\"]\nmap = { TWO_KEY = \"MAPPED_KEY\", ELSEWHERE = \"X\" }\n",
    );
    assert_eq!(names(&given(&world, &[]), "_KEY"), ["MAPPED_KEY", "ONE_KEY"]);
    assert_eq!(names(&given(&world, &["--only", "TEN_KEY"]), "_KEY"), ["TEN_KEY"]);
    config("required = [\"MISSING_KEY\"]\n");
    world.run(["env", "--", "true"]).fails(3).stderr_has("no secret named MISSING_KEY");
    config("required = [\"ONE_KEY\"]\nexcept = [\"TWO_KEY\", \"ELSEWHERE\"]\n");
    assert_eq!(names(&given(&world, &[]), "_KEY"), ["ONE_KEY", "TEN_KEY"]);
    config("identity = \"mine\"\n");
    world.run(["env", "--", "true"]).fails(2).stderr_has(".secrets.toml");
    config("allow_names = [\"LD_PRELOAD\"]\n");
    world.run(["env", "--", "true"]).fails(2);
    std::fs::remove_file(world.work().join(".secrets.toml")).unwrap();
}

#[test]
fn clean_gives_the_secrets_alone_and_keep_existing_keeps() {
    let world = world();
    let clean = world.run(["env", "--clean", "--", "/usr/bin/env"]).success().text();
    assert_eq!(clean.lines().count(), 3, "{clean}");
    let run = |args: &[&'static str]| {
        let words = ["env"].iter().chain(args).chain(&["--", "printenv", "ONE_KEY"]);
        world.secrets(words).variable("ONE_KEY", "set already").run().success().text()
    };
    assert_eq!(run(&[]), "the value of ONE_KEY\n");
    assert_eq!(run(&["--keep-existing"]), "set already\n");
    create(&world, "PATH", "/nowhere");
    let kept = world.secrets(["env", "--keep-existing", "--", "printenv", "TWO_KEY"]);
    kept.run().success().stdout_is("the value of TWO_KEY\n");
}

#[test]
fn our_own_key_never_reaches_the_command() {
    let world = world();
    let key = std::fs::read_to_string(identity(&world)).unwrap();
    let script = "test -z \"$SECRETS_IDENTITY$SECRETS_IDENTITY_FILE\" && printenv ONE_KEY";
    world
        .secrets(["env", "--", "sh", "-c", script])
        .variable("SECRETS_IDENTITY", key.lines().last().unwrap())
        .run()
        .success()
        .stdout_is("the value of ONE_KEY\n");
    world
        .secrets(["env", "--", "sh", "-c", script])
        .variable("SECRETS_IDENTITY_FILE", identity(&world))
        .run()
        .success();
}

#[test]
fn a_name_that_could_take_over_is_refused() {
    let world = world();
    create(&world, "LD_PRELOAD", "/x.so");
    world.run(["env", "--", "touch", "started"]).fails(4).stderr_is(
        "secrets: error: LD_PRELOAD is not given to a command\n\
         secrets: because: the system's loader takes code or settings from it\n\
         secrets: hint: `--allow-name LD_PRELOAD` allows it, `--map LD_PRELOAD=OTHER` renames it\n",
    );
    assert!(!world.work().join("started").exists());
    let map = ["env", "--map", "LD_PRELOAD=HARMLESS", "--", "printenv", "HARMLESS"];
    world.run(map).success().stdout_is("/x.so\n");
    world.run(["env", "--except", "LD_PRELOAD", "--", "true"]).success();
    world
        .run(["env", "--only", "ONE_KEY", "--map", "ONE_KEY=BASH_ENV", "--", "true"])
        .fails(4)
        .stderr_has("BASH_ENV");
    world.run(["env", "--prefix", "GIT_CONFIG_", "--", "true"]).fails(4);
    create(&world, "EDITOR", "cat");
    let both =
        ["env", "--allow-name", "LD_PRELOAD", "--allow-name", "EDITOR", "--", "printenv", "EDITOR"];
    world.run(both).success().stdout_is("cat\n");
    let config = world.home().join(".config/secrets/config.toml");
    std::fs::write(config, "allow_names = [\"LD_PRELOAD\", \"EDITOR\"]\n").unwrap();
    world.run(["env", "--", "printenv", "EDITOR"]).success();
}

#[test]
fn two_secrets_do_not_become_one_variable() {
    let world = world();
    world
        .run(["env", "--map", "ONE_KEY=TWO_KEY", "--", "true"])
        .fails(2)
        .stderr_has("two secrets would become TWO_KEY")
        .stderr_has("hint: give one another name with `--map`");
    world.run(["env", "--map", "ONE_KEY=A=B", "--", "true"]).fails(2).stderr_has("A=B cannot be");
}

#[test]
fn values_are_bytes_and_what_no_variable_holds_is_named() {
    let world = acme();
    let odd = b"$HOME `id` \"'\\\n\xff\x01 end";
    world.secrets(["create", "ODD"]).stdin(odd).run().success();
    let wanted = [&odd[..], b"\n"].concat();
    world.run(["env", "--", "printenv", "ODD"]).success().stdout_is(wanted);
    world.secrets(["create", "NUL"]).stdin(b"be\0hind").run().success();
    world.run(["env", "--", "touch", "started"]).fails(125).stderr_is(
        "secrets: error: NUL cannot be a variable\n\
         secrets: because: its value holds a NUL byte, which the system takes for the end\n\
         secrets: hint: leave it out with `--except NUL`\n",
    );
    let large = vec![b'x'; 200 << 10];
    world.secrets(["create", "LARGE"]).stdin(large).run().success();
    world
        .run(["env", "--except", "NUL", "--", "touch", "started"])
        .fails(125)
        .stderr_has("LARGE is too large for a variable");
    assert!(!world.work().join("started").exists());
}

#[test]
fn the_command_is_itself() {
    let world = world();
    world.run(["env", "--", "sh", "-c", "exit 42"]).exits(42);
    world.run(["env", "--", "no-such-command"]).fails(127).stderr_has("no command named no-such");
    world.run(["env", "--", "./none"]).fails(127).stderr_has("there is no ./none");
    std::fs::write(world.work().join("plain"), "text").unwrap();
    world.run(["env", "--", "./plain"]).fails(126).stderr_has("cannot run ./plain");
    world.run(["env"]).fails(2);
    world.secrets(["env", "--", "cat"]).stdin("passed on").run().success().stdout_is("passed on");
    let killed = world.run(["env", "--", "sh", "-c", "kill -TERM $$"]);
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&killed.status), Some(15));
    world
        .run(["env", "--", "printf", "%s|", "a b", "--only", ""])
        .success()
        .stdout_is("a b|--only||");
}

#[test]
fn who_is_locked_out_starts_nothing() {
    let world = world();
    let bob = join(&world, "bob", Some((Role::Writer, "development")));
    bob.run(["env", "--", "touch", "started"]).fails(4).stderr_is(
        "secrets: error: bob may not reveal anything in acme/development\n\
         secrets: because: bob is writer there\n\
         secrets: hint: ask an owner or admin: alice\n",
    );
    bob.run(["env", "--only", "ONE_KEY", "--", "touch", "started"])
        .fails(4)
        .stderr_has("bob may not reveal ONE_KEY in acme/development");
    let stranger = world.secrets(["env", "--", "touch", "started"]).person("mallory");
    stranger.variable("SECRETS_VAULT", vault(&world)).run().fails(4);
    let (_, text) = secrets::crypto::identity::new_identity("2026-11-20T08:30:00Z");
    let other = world.path("inputs/other.txt");
    std::fs::write(&other, text.expose()).unwrap();
    world
        .run(["env", "-i", other.to_str().unwrap(), "--", "touch", "started"])
        .fails(4)
        .stderr_has("no key here opens this vault");
    assert!(!world.work().join("started").exists());
}

#[test]
fn a_conflict_warns_and_the_command_runs() {
    let world = world();
    let other = copy(&world, "laptop");
    other.secrets(["update", "ONE_KEY"]).value("from the laptop").run().success();
    other.secrets(["create", "NEW_KEY"]).value("made on the laptop").run().success();
    update(&world, "ONE_KEY", "from this machine");
    create(&world, "NEW_KEY", "made on this machine");
    other.unite();
    let run = world.run(["env", "--", "printenv", "NEW_KEY"]).success();
    assert_eq!(run.text(), "made on the laptop\n");
    run.stderr_has("warning: ONE_KEY is in conflict: `secrets history ONE_KEY` lists the versions")
        .stderr_has("is not given: another secret has its name");
    let list = world.run(["list", "--json"]).json();
    let shadowed = list["secrets"].as_array().unwrap().iter().find(|s| s["status"] == "shadowed");
    let mark = format!("NEW_KEY~{}", &shadowed.unwrap()["id"].as_str().unwrap()[..4]);
    let mapped = format!("{mark}=OTHER_KEY");
    let both = given(&world, &["--map", &mapped]);
    assert_eq!(
        (&*both["NEW_KEY"], &*both["OTHER_KEY"]),
        ("made on the laptop", "made on this machine")
    );
    let only = given(&world, &["--only", &mark]);
    assert_eq!(only["NEW_KEY"], "made on this machine");
    world.run(["env", "--only", &mark, "--only", "NEW_KEY", "--", "true"]).fails(2);
    let quiet = world.run(["env", "--only", "TWO_KEY", "--", "true"]).success();
    quiet.stderr_lacks("in conflict");
}

#[test]
fn a_warm_start_reads_only_what_it_needs() {
    let world = world();
    if world.program("sh", ["-c", "command -v strace"]).run().status.code() != Some(0) {
        return;
    }
    world.run(["env", "--", "true"]).success();
    for words in [&["env", "--", "/bin/true"][..], &["reveal", "ONE_KEY"]] {
        let log = world.path("inputs/strace.log");
        let strace = ["-e", "trace=openat,pread64,execve", "-o", log.to_str().unwrap()];
        let args = strace.iter().chain(&[crate::harness::SECRETS]).chain(words);
        world.program("strace", args).reveals().run().success();
        let log = std::fs::read_to_string(log).unwrap();
        let ours = log.split("execve(").nth(1).unwrap();
        let home = world.home().display().to_string();
        let mut opened: Vec<&str> = ours
            .lines()
            .filter(|line| line.contains(&home) && !line.contains("ENOENT"))
            .filter_map(|line| line.split('"').nth(1)?.rsplit('/').next())
            .map(|name| if name.starts_with("values-") { "values" } else { name })
            .collect();
        opened.sort_unstable();
        // the data folder, `secrets`, is looked through for its only vault
        let wanted = ["acme.vault", "identity.txt", "index", "pins", "secrets", "values"];
        assert_eq!(opened, wanted, "{words:?}");
        assert!(!ours.contains("/dev/tty"));
        let size = std::fs::metadata(vault(&world)).unwrap().len();
        assert!(!ours.contains(&format!(", {size}, 0)")), "the whole vault was read");
    }
}
