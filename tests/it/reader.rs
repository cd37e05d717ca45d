//! The second reader (`tests/reader`) was written from `docs/format.md` alone and opens everything
//! with the stock `age`: whatever a vault holds, it and the program say the same.
//!
//! Vaults of many people, and dishonest ones, come from `tests/reader/forge.py`, which knows the
//! document and nothing else.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::harness::World;
use crate::told::{sorted, told};

/// Random histories in a test run; READER_HISTORIES asks for more.
const HISTORIES: usize = 12;

/// The Python that has the packaged verifier: the system's own, or the first on the path.
fn interpreter() -> &'static str {
    let has = |python: &&str| {
        let tried = Command::new(python).args(["-c", "import cryptography"]).output();
        tried.is_ok_and(|tried| tried.status.success())
    };
    ["/usr/bin/python3", "python3"].into_iter().find(has).expect("python3-cryptography is missing")
}

fn python(script: &str, args: &[&str]) -> std::process::Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reader").join(script);
    Command::new(interpreter()).arg("-B").arg(script).args(args).output().unwrap()
}

/// A forged vault and the identities of its people.
struct Forged(tempfile::TempDir);

impl Forged {
    fn new(scenario: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let args: Vec<&str> = scenario.iter().copied().chain(folder.path().to_str()).collect();
        let done = python("forge.py", &args);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        Self(folder)
    }

    fn vault(&self) -> PathBuf {
        self.0.path().join("acme.vault")
    }

    fn identity(&self, name: &str) -> PathBuf {
        self.0.path().join(format!("{name}.txt"))
    }
}

/// What the second reader says; None: it does not read the file at all.
fn read(vault: &Path, identity: &Path) -> Option<Value> {
    let done = python("reader.py", &[vault.to_str().unwrap(), identity.to_str().unwrap()]);
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert!(!stderr.contains("Traceback"), "{stderr}");
    done.status.success().then(|| serde_json::from_slice(&done.stdout).unwrap())
}

/// The reader's document without what only it says, and its lists in `told`'s order.
fn as_told(mut document: Value) -> Value {
    let classes = document["refused"].as_object().unwrap().keys().cloned().map(Value::from);
    document["refused"] = sorted(classes);
    document["bad_lines"] = document["bad_lines"].as_array().unwrap().len().into();
    let keep = ["secret", "name", "number", "box", "author"];
    for proposed in document["proposed"].as_array_mut().unwrap() {
        proposed.as_object_mut().unwrap().retain(|key, _| keep.contains(&key.as_str()));
    }
    for environment in document["environments"].as_array_mut().unwrap() {
        for secret in environment["secrets"].as_array_mut().unwrap() {
            secret.as_object_mut().unwrap().remove("shown_as");
            for version in secret["versions"].as_array_mut().unwrap() {
                version.as_object_mut().unwrap().remove("why");
            }
        }
        sort(environment, "secrets");
    }
    for list in ["heads", "members", "projects", "environments", "grants", "groups", "proposed"] {
        sort(&mut document, list);
    }
    document
}

fn sort(document: &mut Value, list: &str) {
    let values = std::mem::take(document[list].as_array_mut().unwrap());
    document[list] = sorted(values.into_iter());
}

/// Both say the same; what they say.
#[track_caller]
fn assert_equal(vault: &Path, identity: &Path, what: &str) -> Option<Value> {
    let ours = told(&std::fs::read(vault).unwrap(), &std::fs::read_to_string(identity).unwrap());
    let theirs = read(vault, identity).map(as_told);
    match (&ours, &theirs) {
        (Some(ours), Some(theirs)) => {
            for (key, value) in ours.as_object().unwrap() {
                assert_eq!(&theirs[key], value, "{key}, {what}: the reader on the left");
            }
        }
        _ => assert_eq!(ours.is_none(), theirs.is_none(), "{what}: read by one of both"),
    }
    theirs
}

#[test]
fn random_histories_of_many_people_are_read_alike() {
    let wanted = std::env::var("READER_HISTORIES").ok().and_then(|text| text.parse().ok());
    for seed in 1..=wanted.unwrap_or(HISTORIES) {
        let forged = Forged::new(&["random", &seed.to_string()]);
        for name in ["alice", "bob"] {
            assert_equal(&forged.vault(), &forged.identity(name), &format!("seed {seed}, {name}"));
        }
    }
}

#[test]
fn dishonest_vaults_are_read_alike() {
    for scenario in ["drop", "backdate", "ring"] {
        let forged = Forged::new(&[scenario]);
        assert_equal(&forged.vault(), &forged.identity("alice"), scenario).unwrap();
    }
}

/// The second reader's word; the program's is the same.
#[track_caller]
fn forged(scenario: &str) -> (Forged, Value) {
    let forged = Forged::new(&[scenario]);
    let document = assert_equal(&forged.vault(), &forged.identity("alice"), scenario).unwrap();
    (forged, document)
}

#[test]
fn a_body_that_nobody_can_open_stops_nobody() {
    let (_, document) = forged("lock");
    assert_eq!(document["locked"], serde_json::json!([]));
    assert_eq!(document["refused"].as_array().unwrap().len(), 2);
}

#[test]
fn another_rings_key_is_no_generation_of_ones_own() {
    let (_, document) = forged("other_ring");
    assert_eq!(document["refused"].as_array().unwrap().len(), 1);
}

#[test]
fn a_thousand_takings_of_nothing_take_no_time() {
    let start = std::time::Instant::now();
    forged("flood");
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

#[test]
fn naming_a_value_as_a_key_does_not_keep_it() {
    let (forged, document) = forged("keep");
    let secret = &document["environments"][0]["secrets"];
    let all = document["environments"].as_array().unwrap().iter();
    let deleted = all.flat_map(|it| it["secrets"].as_array().unwrap()).next().unwrap_or(secret);
    assert!(deleted["versions"][0]["value"].is_null(), "{deleted}");
    drop(forged);
}

/// A small generator of places; the seed is in the message of what fails.
struct Places(u64);

impl Places {
    fn next(&mut self, below: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % below
    }
}

#[test]
fn damaged_files_are_read_alike() {
    let forged = Forged::new(&["random", "7"]);
    let whole = std::fs::read(forged.vault()).unwrap();
    let damaged = forged.0.path().join("damaged.vault");
    for seed in 0..24 {
        let mut places = Places(seed);
        let (what, bytes) = damage(&whole, seed, &mut places);
        std::fs::write(&damaged, bytes).unwrap();
        assert_equal(&damaged, &forged.identity("alice"), &format!("seed {seed}: {what}"));
    }
}

fn damage(whole: &[u8], seed: u64, places: &mut Places) -> (&'static str, Vec<u8>) {
    let mut bytes = whole.to_vec();
    let mut lines: Vec<Vec<u8>> =
        whole.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let line = places.next(lines.len());
    match seed % 6 {
        0 => {
            let at = places.next(bytes.len());
            bytes[at] ^= 1 << places.next(8);
            return ("a flipped bit", bytes);
        }
        1 => {
            bytes.truncate(places.next(bytes.len()));
            return ("cut off", bytes);
        }
        2 => {
            lines.remove(line);
            return ("a missing line", lines.concat());
        }
        3 => lines.insert(line, b"entry of \xff nobody\r\n".to_vec()),
        4 => lines.push(lines[line].clone()),
        _ => {
            for at in (1..lines.len()).rev() {
                lines.swap(at, places.next(at + 1));
            }
        }
    }
    ("more lines, or another order", lines.concat())
}

fn vault_of_the_tool() -> World {
    let world = World::new();
    world.run(["init", "acme", "--no-passphrase"]).success();
    for (name, value) in [("DB_URL", "postgres://acme"), ("TOKEN", ""), ("TLS_KEY", "line\nline\n")]
    {
        world.secrets(["create", name, "--verbatim", "--allow-empty"]).value(value).run().success();
    }
    world
}

fn identity_in(world: &World) -> PathBuf {
    let mut found = crate::hunt::files_below(&world.home()).into_iter();
    found.find(|path| path.ends_with("identity.txt")).unwrap()
}

/// The secrets of `development`, by the second reader, which agrees with the program.
#[track_caller]
fn secrets_in(world: &World) -> Vec<Value> {
    let vault = world.vaults().remove(0);
    let document = assert_equal(&vault, &identity_in(world), "by the tool").unwrap();
    let environments = document["environments"].as_array().unwrap();
    let development = environments.iter().find(|it| it["name"] == "development").unwrap();
    development["secrets"].as_array().unwrap().clone()
}

fn versions_of<'a>(secrets: &'a [Value], name: &str) -> &'a [Value] {
    let secret = secrets.iter().find(|it| it["name"] == name).unwrap();
    secret["versions"].as_array().unwrap()
}

#[test]
fn what_the_tool_creates_is_read_alike() {
    let world = vault_of_the_tool();
    let secrets = secrets_in(&world);
    assert_eq!(secrets.len(), 3);
    assert_eq!(versions_of(&secrets, "TLS_KEY")[0]["value"], "bGluZQpsaW5lCg==");
    assert_eq!(versions_of(&secrets, "TOKEN")[0]["value"], "");
}

#[test]
fn what_the_tool_changes_is_read_alike() {
    let world = vault_of_the_tool();
    for number in 2..9 {
        world
            .secrets(["update", "DB_URL"])
            .value(format!("postgres://acme/{number}"))
            .run()
            .success();
    }
    world.run(["restore", "DB_URL", "--version", "3"]).success();
    world.run(["update", "TOKEN", "--rename", "API_TOKEN"]).success();
    world.run(["delete", "TLS_KEY", "--yes"]).success();
    let secrets = secrets_in(&world);
    let versions = versions_of(&secrets, "DB_URL");
    assert_eq!(versions.len(), 9);
    assert_eq!(
        (&versions[8]["value"], &versions[8]["restores"]),
        (&versions[2]["value"], &3.into())
    );
    assert!(versions_of(&secrets, "TLS_KEY")[0]["value"].is_null());
    versions_of(&secrets, "API_TOKEN");
}

#[test]
fn a_key_change_of_the_tool_is_read_alike() {
    let world = vault_of_the_tool();
    let lost = world.path("inputs").join("lost.txt");
    let args = ["identity", "new", "--no-passphrase", "--out", lost.to_str().unwrap()];
    let recipient = world.run(args).success().text().trim().to_owned();
    world.run(["identity", "add", &recipient]).success();
    world.run(["identity", "remove", &recipient, "--yes"]).success();
    world.secrets(["update", "DB_URL"]).value("postgres://acme/after").run().success();
    assert_eq!(versions_of(&secrets_in(&world), "DB_URL").len(), 2);
}

#[test]
fn what_the_tool_merges_is_read_alike() {
    let world = vault_of_the_tool();
    let vault = world.vaults().remove(0);
    let other = world.path("inputs").join("other.copy");
    std::fs::copy(&vault, &other).unwrap();
    let (vault, other) = (vault.to_str().unwrap(), other.to_str().unwrap());
    let update = |copy: &str, name: &str, value: &str| {
        world.secrets(["update", name, "--vault", copy]).value(value).run().success();
    };
    update(vault, "DB_URL", "postgres://here");
    update(other, "DB_URL", "postgres://there");
    for (copy, value) in [(vault, "one"), (other, "another")] {
        world.secrets(["create", "BOTH", "--vault", copy]).value(value).run().success();
    }
    world.run(["delete", "TOKEN", "--yes", "--vault", vault]).success();
    update(other, "TOKEN", "late");
    world.run(["merge", other, "--vault", vault]).success();
    let secrets = secrets_in(&world);
    let versions = versions_of(&secrets, "DB_URL");
    assert_eq!(versions.iter().filter(|version| version["head"] == true).count(), 2);
    assert_eq!(secrets.iter().filter(|secret| secret["name"] == "BOTH").count(), 2);
}

/// What the commands print of a vault is what the second reader finds in it.
#[test]
fn the_commands_say_what_the_reader_finds() {
    let world = vault_of_the_tool();
    world.secrets(["update", "DB_URL"]).value("postgres://acme/2").run().success();
    world.run(["delete", "TOKEN", "--yes"]).success();
    let document = read(&world.vaults().remove(0), &identity_in(&world)).unwrap();
    assert_verify(&world, &document);
    let secrets = secrets_in(&world);
    let live: Vec<&Value> = secrets.iter().filter(|it| it["deleted"].is_null()).collect();
    let listed = world.run(["list", "--json"]).success().json();
    let listed = listed["secrets"].as_array().unwrap();
    assert_eq!(listed.len(), live.len());
    for secret in live {
        let row = listed.iter().find(|row| row["id"] == secret["id"]).unwrap();
        for key in ["name", "type", "etag", "rotate_days"] {
            assert_eq!(row[key], secret[key], "{key}");
        }
        assert_history(&world, secret);
    }
}

#[track_caller]
fn assert_verify(world: &World, document: &Value) {
    let verified = world.run(["verify", "--json"]).success().json();
    for (reader, tool) in [("vault", "id"), ("org", "org"), ("heads", "heads")] {
        assert_eq!(document[reader], verified[tool], "{reader}");
    }
    for list in ["bad_lines", "strangers", "waiting", "missing_boxes", "refused", "proposed"] {
        let count =
            |it: &Value| it.as_array().map_or_else(|| it.as_object().unwrap().len(), Vec::len);
        assert_eq!(count(&document[list]), count(&verified[list]), "{list}");
    }
}

/// The same versions, and `reveal` gives each its value.
#[track_caller]
fn assert_history(world: &World, secret: &Value) {
    let id = secret["id"].as_str().unwrap();
    let history = world.run(["history", id, "--json"]).success().json();
    let told = history["versions"].as_array().unwrap();
    let versions = secret["versions"].as_array().unwrap();
    assert_eq!(told.len(), versions.len());
    for version in versions {
        let row = told.iter().find(|row| row["box"] == version["box"]).unwrap();
        for (reader, tool) in [
            ("label", "version"),
            ("number", "number"),
            ("time", "at"),
            ("restores", "restored_from"),
        ] {
            assert_eq!(row[tool], version[reader], "{reader}");
        }
        assert_eq!(row["current"], version["current"]);
        let value = secrets::format::base64::decode(version["value"].as_str().unwrap()).unwrap();
        let label = version["label"].as_str().unwrap();
        world.run(["reveal", id, "--version", label]).success().stdout_is(value);
    }
}

/// The document's own lines, run as they stand there.
#[test]
fn stock_age_and_a_shell_recover_a_value() {
    let document = include_str!("../../docs/format.md");
    let section = document.split("## 19. ").nth(1).unwrap().split("## 20. ").next().unwrap();
    let script: Vec<&str> = section.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    let last = "id=$(headers | jq -r .body | while read -r body; do echo \"$body\" | base64 -d | age -d -i rings | \
                head -n 1; done | jq -r '.records[] | select(.do == \"create\") | .box'); value \"$id\" > value";
    let forged = Forged::new(&["backdate"]);
    std::fs::copy(forged.identity("alice"), forged.0.path().join("me")).unwrap();
    let script = format!("{}\n{last}\n", script.join("\n"));
    let done =
        Command::new("sh").args(["-c", &script]).current_dir(forged.0.path()).output().unwrap();
    let value = std::fs::read(forged.0.path().join("value")).unwrap_or_default();
    assert_eq!(value, b"the owner's", "{}", String::from_utf8_lossy(&done.stderr));
}
