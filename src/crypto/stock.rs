//! Ours against the real programs: `age`, `ssh-keygen`, and a plugin that speaks the protocol.

use super::age_key::AgeKey;
use super::identity::{
    Asker, Identities, IdentityError, IdentityRecipient, new_identity, seal_to_identities,
    seal_with_passphrase,
};
use super::member::{MemberKey, encode_ring_keys};
use super::seal::{open, seal};
use crate::secret::SecretBytes;
use bech32::{Bech32, Hrp};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const LIMIT: usize = 1 << 20;
const PLUGIN_FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/plugin");
const VALUE: &[u8] = b"postgres://db.acme.example\n";

#[derive(Clone)]
struct Knows(&'static str);

impl Asker for Knows {
    fn passphrase(&self, _: &str) -> Option<SecretBytes> {
        Some(SecretBytes::copy_of(self.0.as_bytes()))
    }

    fn message(&self, text: &str) {
        assert_eq!(text, "touch the key");
    }

    fn confirm(&self, _: &str, _: &str, _: Option<&str>) -> Option<bool> {
        None
    }
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Private from the start: `ssh-keygen` and `age` look at that.
    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        use std::os::unix::fs::OpenOptionsExt;
        let path = self.path(name);
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(&path).unwrap();
        file.write_all(bytes).unwrap();
        path
    }

    fn identities(&self, name: &str, asker: Knows) -> Identities {
        let contents = std::fs::read(self.path(name)).unwrap();
        Identities::parse(SecretBytes::new(contents), name, asker).unwrap()
    }

    /// An SSH key pair in `name` and `name.pub`.
    fn ssh_keygen(&self, name: &str, kind: &str, passphrase: &str, extra: &[&str]) {
        let path = self.path(name);
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-t", kind, "-N", passphrase, "-C", "alice@acme"]).args(extra);
        finish(command.arg("-f").arg(path), b"");
    }

    fn public(&self, name: &str) -> IdentityRecipient {
        let line = std::fs::read_to_string(self.path(&format!("{name}.pub"))).unwrap();
        IdentityRecipient::parse(&line).unwrap()
    }
}

fn finish(command: &mut Command, input: &[u8]) -> Vec<u8> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = run(command, input);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {said}");
    output.stdout
}

fn run(command: &mut Command, input: &[u8]) -> Output {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|cause| panic!("this test needs the program {name}: {cause}"));
    let mut stdin = child.stdin.take().unwrap();
    // Beside the reading: both pipes are smaller than what goes through them.
    std::thread::scope(|scope| {
        // A program that refuses early closes its end; its exit tells, not this write.
        scope.spawn(move || stdin.write_all(input).unwrap_or(()));
        child.wait_with_output().unwrap()
    })
}

fn age_open(identity: &Path, file: &[u8]) -> Vec<u8> {
    finish(Command::new("age").arg("-d").arg("-i").arg(identity), file)
}

fn age_seal(recipient: &str, plaintext: &[u8]) -> Vec<u8> {
    finish(Command::new("age").args(["-r", recipient]), plaintext)
}

#[test]
fn age_opens_what_we_seal_and_we_open_what_age_seals() {
    let folder = Folder::new();
    let key = AgeKey::generate();
    let path = folder.put("key.txt", key.secret_text().expose());
    for plaintext in [b"".as_slice(), VALUE, &[0xff; 200_000]] {
        let sealed = seal(&[key.recipient()], plaintext).unwrap();
        assert!(age_open(&path, &sealed.file) == plaintext);
        let opened = open(&key, &age_seal(key.recipient(), plaintext), LIMIT).unwrap();
        assert!(opened.plaintext.expose() == plaintext);
    }
}

/// The line of shell that the format promises: identity, member box, wrap box, value box.
#[test]
fn age_alone_walks_from_an_identity_to_a_value() {
    let folder = Folder::new();
    let (identity, text) = new_identity("2026-01-02T03:04:05Z");
    let (member, ring) = (MemberKey::generate(), AgeKey::generate());
    let boxes = [
        ("me", text.expose().to_vec()),
        ("member", seal(&[identity.recipient()], member.encode("alice").expose()).unwrap().file),
        ("wrap", {
            let keys = [("members", &AgeKey::generate()), ("env/production", &ring)];
            seal(&[member.age.recipient()], encode_ring_keys(&keys).expose()).unwrap().file
        }),
        ("value", seal(&[ring.recipient()], VALUE).unwrap().file),
    ];
    for (name, bytes) in &boxes {
        folder.put(name, bytes);
    }
    let line = "age -d -i me member | age -d -i - wrap | age -d -i - value";
    let mut shell = Command::new("sh");
    assert_eq!(finish(shell.args(["-c", line]).current_dir(folder.0.path()), b""), VALUE);
}

#[test]
fn ssh_keys_work_in_both_directions() {
    let folder = Folder::new();
    folder.ssh_keygen("ed25519", "ed25519", "", &[]);
    folder.ssh_keygen("rsa", "rsa", "", &["-b", "2048"]);
    folder.ssh_keygen("pem", "rsa", "", &["-b", "2048", "-m", "PEM"]);
    for name in ["ed25519", "rsa", "pem"] {
        let identities = folder.identities(name, Knows("unused"));
        let public = folder.public(name);
        assert_eq!(identities.recipients(), [public.text().unwrap()], "{name}");
        let file = seal_to_identities(&[public], VALUE, Knows("unused")).unwrap();
        assert_eq!(age_open(&folder.path(name), &file), VALUE, "{name}");
        assert_eq!(identities.open(&file, LIMIT).unwrap().plaintext.expose(), VALUE, "{name}");
        let theirs = age_seal(&identities.recipients()[0], VALUE);
        assert_eq!(identities.open(&theirs, LIMIT).unwrap().plaintext.expose(), VALUE, "{name}");
        let key = AgeKey::generate();
        let stranger = identities.open(&seal(&[key.recipient()], VALUE).unwrap().file, LIMIT).err();
        assert_eq!(stranger, Some(IdentityError::NoMatch { source: name.to_owned() }));
    }
}

#[test]
fn encrypted_ssh_keys_ask_for_their_passphrase() {
    let folder = Folder::new();
    folder.ssh_keygen("plain", "ed25519", "correct horse", &[]);
    folder.ssh_keygen("gcm", "ed25519", "correct horse", &["-Z", "aes256-gcm@openssh.com"]);
    folder.ssh_keygen("rsa", "rsa", "correct horse", &["-b", "2048"]);
    for name in ["plain", "gcm", "rsa"] {
        let file = age_seal(&folder.public(name).text().unwrap(), VALUE);
        let opened = folder.identities(name, Knows("correct horse")).open(&file, LIMIT).unwrap();
        assert_eq!(opened.plaintext.expose(), VALUE, "{name}");
        let wrong = folder.identities(name, Knows("battery")).open(&file, LIMIT).err();
        assert_eq!(wrong, Some(IdentityError::WrongPassphrase { source: name.to_owned() }));
    }
}

#[test]
fn ssh_keys_that_cannot_unlock_say_why() {
    let folder = Folder::new();
    folder.ssh_keygen("ecdsa", "ecdsa", "", &[]);
    folder.ssh_keygen("pem", "rsa", "correct horse", &["-b", "2048", "-m", "PEM"]);
    for (name, word) in [("ecdsa", "ecdsa-sha2-nistp256"), ("pem", "ssh-keygen -o -p")] {
        let contents = SecretBytes::new(std::fs::read(folder.path(name)).unwrap());
        let refused = Identities::parse(contents, name, Knows("unused")).err().unwrap();
        assert!(matches!(refused, IdentityError::Unsupported { .. }), "{name}");
        assert!(refused.to_string().contains(word), "{refused}");
    }
    let mut torn = std::fs::read(folder.path("ecdsa")).unwrap();
    torn.truncate(100);
    let refused = Identities::parse(SecretBytes::new(torn), "torn", Knows("unused")).err().unwrap();
    assert!(matches!(refused, IdentityError::Corrupted { .. }), "{refused}");
}

/// `age` reads passphrases from a terminal only; `script` gives it one.
fn on_a_terminal(folder: &Folder, line: &str, answers: &[&str]) {
    let mut child = Command::new("script")
        .args(["-qec", line, "/dev/null"])
        .current_dir(folder.0.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|cause| panic!("this test needs the program script: {cause}"));
    let mut terminal = child.stdin.take().unwrap();
    for answer in answers {
        std::thread::sleep(Duration::from_millis(700));
        writeln!(terminal, "{answer}").unwrap();
    }
    let status = child.wait().unwrap();
    drop(terminal);
    assert!(status.success(), "{line}");
}

#[test]
fn passphrase_files_work_in_both_directions() {
    let folder = Folder::new();
    let (key, text) = new_identity("2026-01-02T03:04:05Z");
    let passphrase = SecretBytes::copy_of(b"correct horse");
    folder.put("ours", &seal_with_passphrase(text.expose(), &passphrase, 10).unwrap());
    folder.put("plain", text.expose());
    folder.put("box", &seal(&[key.recipient()], VALUE).unwrap().file);
    on_a_terminal(&folder, "age -d -i ours -o opened box", &["correct horse"]);
    assert_eq!(std::fs::read(folder.path("opened")).unwrap(), VALUE);

    on_a_terminal(&folder, "age -p -a -o theirs plain", &["correct horse", "correct horse"]);
    let sealed = std::fs::read(folder.path("box")).unwrap();
    let opened = folder.identities("theirs", Knows("correct horse")).open(&sealed, LIMIT).unwrap();
    assert_eq!(opened.plaintext.expose(), VALUE);
}

/// The search path belongs to the process, so the test runs again in one that has the plugin on it.
#[test]
fn plugins_are_sealed_to_and_open() {
    let folders: Vec<PathBuf> = std::env::split_paths(&search_path()).collect();
    if folders.iter().any(|folder| folder == Path::new(PLUGIN_FOLDER)) {
        return with_the_plugin_on_the_path();
    }
    let path = std::env::join_paths([PathBuf::from(PLUGIN_FOLDER)].into_iter().chain(folders));
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "crypto::stock::plugins_are_sealed_to_and_open"]);
    let said = finish(child.env("PATH", path.unwrap()), b"");
    assert!(String::from_utf8_lossy(&said).contains("1 passed"));
}

#[allow(clippy::disallowed_methods, reason = "a test adds a folder to the search path")]
fn search_path() -> std::ffi::OsString {
    std::env::var_os("PATH").unwrap()
}

fn with_the_plugin_on_the_path() {
    let text = |hrp: &str| bech32::encode::<Bech32>(Hrp::parse(hrp).unwrap(), &[1]).unwrap();
    let recipient = text("age1testing");
    let identity = text("age-plugin-testing-").to_uppercase();
    let folder = Folder::new();
    folder.put("noted", format!("# public key: {recipient}\n{identity}\n").as_bytes());
    folder.put("bare", format!("{identity}\n").as_bytes());
    for name in ["noted", "bare"] {
        let identities = folder.identities(name, Knows("1234"));
        let targets = identities.seal_targets().unwrap();
        let file = seal_to_identities(&targets, VALUE, Knows("1234")).unwrap();
        assert_eq!(identities.open(&file, LIMIT).unwrap().plaintext.expose(), VALUE);
        let refused = folder.identities(name, Knows("0000")).open(&file, LIMIT).err().unwrap();
        assert!(refused.to_string().contains("the PIN is wrong"), "{refused}");
    }
    let theirs = age_seal(&recipient, VALUE);
    let identities = folder.identities("noted", Knows("1234"));
    assert_eq!(identities.open(&theirs, LIMIT).unwrap().plaintext.expose(), VALUE);
}
