//! The C2SP vectors for age, each through the code that opens such a file here.

use super::age_key::AgeKey;
use super::hash::sha256;
use super::identity::{self, Asker, Identities, IdentityError};
use super::seal::{self, FileKeyBytes, OpenError};
use crate::secret::SecretBytes;
use std::path::PathBuf;

struct Nobody;

impl Asker for Nobody {
    fn passphrase(&self, _: &str) -> Option<SecretBytes> {
        None
    }

    fn message(&self, _: &str) {}

    fn confirm(&self, _: &str, _: &str, _: Option<&str>) -> Option<bool> {
        None
    }
}

struct Vector {
    name: String,
    fields: Vec<(String, String)>,
    file: Vec<u8>,
}

enum Outcome {
    Opened([u8; 32]),
    NoMatch,
    Failed,
}

impl Vector {
    fn read(path: PathBuf) -> Self {
        let bytes = std::fs::read(&path).unwrap();
        let end = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap();
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let fields: Vec<(String, String)> = head
            .lines()
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let body = &bytes[end + 2..];
        let zlib = fields.iter().any(|(field, value)| field == "compressed" && value == "zlib");
        let unpack = |body| miniz_oxide::inflate::decompress_to_vec_zlib(body).unwrap();
        let file = if zlib { unpack(body) } else { body.to_vec() };
        Self { name, fields, file }
    }

    fn all(&self, field: &str) -> Vec<&str> {
        let named = self.fields.iter().filter(|(name, _)| name == field);
        named.map(|(_, value)| value.as_str()).collect()
    }

    fn one(&self, field: &str) -> Option<&str> {
        self.all(field).first().copied()
    }

    fn needs_post_quantum_key(&self) -> bool {
        self.all("identity").iter().any(|key| key.starts_with("AGE-SECRET-KEY-PQ-"))
    }

    /// Boxes are never armored here; identity files are, and this is how those are read.
    fn outcome(&self) -> Outcome {
        let Ok(file) = identity::dearmor(&self.file) else { return Outcome::Failed };
        match self.one("passphrase") {
            Some(passphrase) => open_with_passphrase(&file, passphrase),
            None => self.open_with_identities(&file),
        }
    }

    fn open_with_identities(&self, file: &[u8]) -> Outcome {
        let spare = AgeKey::generate().secret_text();
        let spare = std::str::from_utf8(spare.expose()).unwrap();
        let lines = [self.all("identity"), vec![spare]].concat().join("\n");
        let identities = Identities::parse(SecretBytes::from(lines), "vector", Nobody).unwrap();
        match identities.open(file, usize::MAX) {
            Ok(opened) => {
                self.check_file_key(file, &opened);
                Outcome::Opened(sha256(opened.plaintext.expose()))
            }
            Err(IdentityError::NoMatch { .. }) => Outcome::NoMatch,
            Err(IdentityError::Box(OpenError::Damaged(_))) => Outcome::Failed,
            Err(other) => panic!("{}: {other}", self.name),
        }
    }

    fn check_file_key(&self, file: &[u8], opened: &seal::Opened) {
        let hex: String =
            opened.file_key.expose().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(Some(hex.as_str()), self.one("file key"), "{}", self.name);
        let key = FileKeyBytes::from_bytes(*opened.file_key.expose());
        let again = seal::open_with_file_key(&key, file, usize::MAX).unwrap();
        assert!(again.expose() == opened.plaintext.expose(), "{}", self.name);
    }
}

fn open_with_passphrase(file: &[u8], passphrase: &str) -> Outcome {
    match Identities::parse(SecretBytes::copy_of(file), "vector", Nobody) {
        Err(IdentityError::Unsupported { .. }) => return Outcome::NoMatch,
        Err(_) => return Outcome::Failed,
        Ok(_) => {}
    }
    match identity::open_with_passphrase(file, passphrase.to_owned().into(), "vector") {
        Ok(text) => Outcome::Opened(sha256(text.expose())),
        Err(IdentityError::WrongPassphrase { .. }) => Outcome::NoMatch,
        Err(_) => Outcome::Failed,
    }
}

fn folder() -> Option<PathBuf> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let places = ["../shared/vectors/age", "../../shared/vectors/age"];
    places.iter().map(|place| here.join(place)).find(|place| place.is_dir())
}

#[test]
fn every_vector_ends_as_published() {
    let Some(folder) = folder() else {
        println!("skipped: ../shared/vectors/age is not beside this checkout");
        return;
    };
    let (mut checked, mut skipped) = (0, 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let vector = Vector::read(entry.unwrap().path());
        if vector.needs_post_quantum_key() {
            skipped += 1;
            continue;
        }
        checked += 1;
        let hash = |hash: &[u8; 32]| hash.iter().map(|b| format!("{b:02x}")).collect::<String>();
        match (vector.one("expect").unwrap(), vector.outcome()) {
            ("success", Outcome::Opened(payload)) => {
                assert_eq!(Some(hash(&payload).as_str()), vector.one("payload"), "{}", vector.name);
            }
            ("no match", Outcome::NoMatch) => {}
            ("success" | "no match", _) => panic!("{}: another end", vector.name),
            (_, Outcome::Failed) => {}
            (expected, _) => panic!("{}: wanted {expected}", vector.name),
        }
    }
    println!("{checked} vectors checked; {skipped} need a key type that age 0.12 has not");
    assert!(checked > 100, "only {checked} vectors found");
}
