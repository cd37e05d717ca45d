//! The command line before any command runs: help that is complete and true, refusals that say what
//! to do, and no value ever repeated.

use crate::harness::{SECRETS, World};
use crate::output::Output;
use clap::Command;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

const VALUE: &str = "hunter2-is-a-value";

fn refused(args: &[&str]) -> Output {
    World::new().run(args).fails(2)
}

/// Every command with the words that name it, the ones in groups too.
fn commands() -> Vec<(Vec<String>, Command)> {
    let mut tree = secrets::cli::command();
    tree.build();
    let mut commands = Vec::new();
    let mut groups = vec![(Vec::new(), tree)];
    while let Some((words, group)) = groups.pop() {
        for command in group.get_subcommands() {
            let words: Vec<_> = words.iter().cloned().chain([command.get_name().into()]).collect();
            groups.push((words, command.clone()));
        }
        commands.push((words, group));
    }
    commands.sort_by(|(one, _), (other, _)| one.cmp(other));
    commands
}

fn help(words: &[String]) -> String {
    let args = words.iter().map(String::as_str).chain(["--help"]);
    let output = World::new().run(args).success();
    assert!(output.stderr.is_empty(), "{output}");
    output.text()
}

// --- values among the arguments

#[test]
fn create_and_update_repeat_no_value_in_whatever_shape_it_is_typed() {
    let pairs = [
        format!("NAME={VALUE}"),
        format!("--value={VALUE}"),
        format!("--valu={VALUE}"),
        format!("--verbatim={VALUE}"),
        format!("--generate={VALUE}"),
        format!("--no-input={VALUE}"),
        format!("--{VALUE}"),
        format!("--{VALUE}={VALUE}"),
        format!("-{VALUE}"),
        format!("-v{VALUE}"),
        format!("-x={VALUE}"),
    ];
    let pairs = pairs.iter().map(String::as_str);
    for verb in ["create", "update"] {
        let mut shapes: Vec<Vec<&str>> = vec![
            vec![verb, "NAME", VALUE],
            vec![verb, "NAME", VALUE, VALUE],
            vec![verb, "NAME", "--", VALUE],
            vec![verb, "--", "NAME", VALUE],
            vec![verb, "NAME", "=", VALUE],
            vec![verb, "NAME", "--value", VALUE],
            vec![verb, "--value", VALUE, "NAME"],
            vec![verb, "NAME", "-v", VALUE],
            vec![verb, "NAME", "--generate", VALUE],
            vec![verb, "NAME", "--from-file", "a", "--from-file", VALUE],
            vec![verb, "NAME", "--generate", "--from-file", VALUE],
            vec!["-e", "production", verb, "NAME", VALUE],
            vec!["--value", VALUE, verb, "NAME"],
            vec!["--", verb, "NAME", VALUE],
            vec!["craete", "NAME", VALUE],
        ];
        shapes.extend(pairs.clone().map(|pair| vec![verb, pair]));
        shapes.extend(pairs.clone().map(|pair| vec![verb, "NAME", pair]));
        for args in shapes {
            refused(&args).stderr_lacks("hunter").stderr_lacks("is-a-value");
        }
    }
}

#[test]
fn other_commands_repeat_nothing_after_an_equals_sign() {
    let pair = format!("NAME={VALUE}");
    let option = format!("--option={VALUE}");
    let shapes: [&[&str]; 8] = [
        &[&pair],
        &[&option, "list"],
        &["list", &pair],
        &["list", &option],
        &["reveal", "NAME", &pair],
        &["env", &pair, "--", "true"],
        &["env", &option, "--", "true"],
        &["identity", &pair],
    ];
    for args in shapes {
        refused(args).stderr_lacks("hunter");
    }
}

#[test]
fn a_typed_value_is_answered_with_the_pipe_to_use() {
    refused(&["create", "NAME", VALUE]).stderr_is(
        "secrets: error: create takes no value from its arguments\n\
         secrets: because: other programs and the shell's history can see them\n\
         secrets: hint: `printf %s \"$X\" | secrets create NAME`, or `secrets create NAME` to be \
         asked for it\n",
    );
    refused(&["update", "NAME=x"]).stderr_has("`printf %s \"$X\" | secrets update NAME`");
    refused(&["create", "NAME", "--generate", "32"]).stderr_has("`--generate=LENGTH`");
}

#[test]
fn a_private_key_among_the_arguments_is_refused_and_not_repeated() {
    let key = "AGE-SECRET-KEY-1QQQSYQCYQ5RQWZQFPG9SCRGWPUGPZYSNZS23V9CCRYDPK8QARC0SPZ0C9H";
    for action in ["add", "remove"] {
        let lower = key.to_lowercase();
        for key in [key, &lower] {
            let output = refused(&["identity", action, key]);
            output.stderr_has("public half").stderr_lacks("QQSYQ").stderr_lacks("qqsyq");
        }
    }
}

// --- what cannot be read

#[test]
fn refusals_say_what_and_what_next() {
    let table: &[(&[&str], &str, &str)] = &[
        (
            &[],
            "no command given",
            "`secrets --help` lists the commands; `secrets init` makes a vault",
        ),
        (&["craete"], "no command named craete", "did you mean `secrets create`?"),
        (&["set", "A"], "no command named set", "did you mean `secrets create`?"),
        (&["get", "A"], "no command named get", "did you mean `secrets reveal`?"),
        (&["run", "--", "a"], "no command named run", "did you mean `secrets env`?"),
        (&["xyzzy"], "no command named xyzzy", "`secrets --help` lists the commands"),
        (&["identity", "ad"], "no command named ad", "did you mean `secrets identity add`?"),
        (
            &["identity"],
            "identity needs to know what to do",
            "`secrets identity show`, or new, add, remove",
        ),
        (
            &["-e", "production", "list"],
            "unknown option -e",
            "options follow the command, as in `secrets list -e production`",
        ),
        (&["list", "--envv", "a"], "list knows no option --envv", "did you mean `--env`?"),
        (&["list", "a"], "list takes no further argument a", "`secrets list --help` says more"),
        (&["delete"], "delete needs NAME", "`secrets delete --help` says more"),
        (
            &["restore"],
            "restore needs NAME and --version VERSION",
            "`secrets restore --help` says more",
        ),
        (
            &["identity", "add"],
            "identity add needs RECIPIENT",
            "`secrets identity add --help` says more",
        ),
        (&["env"], "env needs a command to run", "`secrets env -- ./app`"),
        (&["env", "./app"], "env needs `--` before the command it runs", "`secrets env -- ./app`"),
        (
            &["env", "--map", "A", "--", "a"],
            "--map: it needs two names, NAME=OTHER",
            "`secrets env --help` says more",
        ),
        (
            &["unlock", "--for", "ever"],
            "--for: it needs a time such as 30m, 8h or 2d",
            "`secrets unlock --help` says more",
        ),
        (
            &["create", "A", "--generate=0"],
            "--generate: it needs a number of characters, 1 or more",
            "`secrets create --help` says more",
        ),
        (
            &["create", "A", "--note"],
            "a value is missing: --note TEXT",
            "`secrets create --help` says more",
        ),
        (
            &["create", "A", "--generate", "--from-file=a"],
            "--generate and --from-file exclude each other",
            "`secrets create --help` says more",
        ),
        (
            &["create", "A", "--note=a", "--note=b"],
            "--note can be given once",
            "`secrets create --help` says more",
        ),
        (&["list", "--json=a"], "--json takes no value", "`secrets list --help` says more"),
    ];
    for (args, error, hint) in table {
        let text = format!("secrets: error: {error}\nsecrets: hint: {hint}\n");
        refused(args).stderr_is(&text);
    }
}

#[test]
fn invalid_utf8_is_refused_wherever_it_stands() {
    let bad = OsStr::from_bytes(b"a\xffb");
    let glued = OsStr::from_bytes(b"--env=a\xffb");
    let unknown = OsStr::from_bytes(b"--\xff");
    let [create, reveal, list, env] = ["create", "reveal", "list", "env"].map(OsStr::new);
    let [name, note, short] = ["NAME", "--note", "-e"].map(OsStr::new);
    let shapes: [&[&OsStr]; 11] = [
        &[bad],
        &[unknown],
        &[create, bad],
        &[create, name, bad],
        &[create, name, note, bad],
        &[create, unknown],
        &[reveal, bad],
        &[list, short, bad],
        &[list, glued],
        &[list, unknown],
        &[env, bad],
    ];
    for args in shapes {
        World::new().run(args).fails(2);
    }
    World::new().run([reveal, bad]).stderr_has("an argument is not valid UTF-8");
}

#[test]
fn a_control_character_in_an_argument_does_not_reach_the_terminal() {
    let output = refused(&["list", "a\x1b[31mb\x07"]);
    assert!(!output.stderr.contains(['\x1b', '\x07']), "{output}");
}

#[test]
fn what_env_runs_may_be_any_bytes_and_look_like_options() {
    let args = ["secrets", "env", "--", "--odd", "-x", "a=b"].map(OsString::from);
    let args = args.into_iter().chain([OsStr::from_bytes(b"\xff").to_owned()]);
    let Ok(secrets::cli::Asked::Run(verb)) = secrets::cli::parse(args) else { panic!("refused") };
    let secrets::cli::Verb::Env(env) = *verb else { panic!("another command") };
    assert_eq!(env.command.len(), 4);
}

#[test]
fn no_arguments_at_all_is_no_panic() {
    assert!(secrets::cli::parse([]).is_err());
}

// --- help

#[test]
fn help_and_version_are_results() {
    let version = World::new().run(["--version"]).success();
    version.stdout_is(concat!("secrets ", env!("CARGO_PKG_VERSION"), "\n")).stderr_is("");
    for asked in [&["--help"][..], &["-h"], &["create", "-h"], &["identity", "add", "--help"]] {
        World::new().run(asked).success().stderr_is("").stdout_has("Usage: secrets");
    }
}

#[test]
fn a_reader_of_help_may_leave_early() {
    let world = World::new();
    let script = format!("{SECRETS} --help | true; {SECRETS} --help | head -n 1");
    world.program("sh", ["-c", &script]).run().success().stderr_is("");
}

#[test]
fn the_first_help_lists_every_command_with_its_own_words() {
    let text = help(&[]);
    let listed: Vec<_> = text.lines().map(|line| line.trim_start()).collect();
    for (_, command) in commands().iter().filter(|(words, _)| words.len() == 1) {
        let line = format!("{:<10}{}", command.get_name(), command.get_about().unwrap());
        assert!(listed.contains(&line.as_str()), "no line {line:?}");
    }
    for code in ["0", "1", "2", "3", "4", "5", "6", "7", "125, 126, 127"] {
        let codes = text.split("Exit codes:\n").nth(1).unwrap();
        assert!(codes.lines().any(|line| line.starts_with(&format!("  {code}  "))), "no {code}");
    }
}

/// Subcommands are built only when named; their help has to be whole all the same.
#[test]
fn every_argument_of_every_command_is_in_its_help_and_explained() {
    for (words, command) in commands() {
        let text = help(&words);
        for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
            let shown = match arg.get_long() {
                Some(long) => format!("--{long}"),
                None => format!("{}]", arg.get_id().as_str().to_uppercase()),
            };
            let named = arg.get_value_names().is_some_and(|names| text.contains(names[0].as_str()));
            assert!(text.contains(&shown) || named, "{words:?}: no {shown}\n{text}");
            assert!(arg.get_help().is_some() || words.is_empty(), "{words:?}: {shown} has no help");
        }
        let width = text.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(width <= 100, "{words:?}: {width} columns");
        assert!(text.contains("Example") || words.is_empty(), "{words:?} has no example");
    }
}

/// What stands in the help has to be readable by the program that prints it.
#[test]
fn every_example_can_be_typed() {
    let mut count = 0;
    for (words, _) in commands() {
        for line in help(&words).lines() {
            let Some(at) = line.find("secrets ").filter(|_| line.starts_with("  ")) else {
                continue;
            };
            let is_example = line[..at].trim().is_empty() || line[..at].ends_with("| ");
            let is_entry = line.trim_start().starts_with("secrets of");
            if !is_example || is_entry {
                continue;
            }
            let args = shell_words(line[at..].split(" > ").next().unwrap());
            let read = secrets::cli::parse(args);
            assert!(matches!(read, Ok(secrets::cli::Asked::Run(_))), "cannot be read: {line}");
            count += 1;
        }
    }
    assert!(count > 30, "only {count} examples were found");
}

fn shell_words(line: &str) -> Vec<OsString> {
    let script = format!("printf '%s\\0' {line}");
    let output = World::new().program("sh", ["-c", &script]).run();
    let words = output.stdout.strip_suffix(b"\0").unwrap().split(|byte| *byte == 0);
    words.map(|word| OsStr::from_bytes(word).to_owned()).collect()
}

/// All help in one file, so that a change of words is seen in review. `BLESS=1` rewrites it.
#[test]
fn the_help_is_the_committed_one() {
    let mut all = String::new();
    for (words, _) in commands() {
        let line = words.iter().map(|word| format!("{word} ")).collect::<String>();
        all += &format!("$ secrets {line}--help\n{}\n", help(&words));
    }
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/snapshots/help.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &all).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    for (at, (is, was)) in all.lines().zip(committed.lines()).enumerate() {
        assert_eq!(is, was, "help.txt line {}; `BLESS=1 cargo test` rewrites it", at + 1);
    }
    assert_eq!(all.len(), committed.len(), "help.txt has another length; BLESS=1 rewrites it");
}
