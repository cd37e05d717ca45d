//! Identities of every kind: what they open, what they refuse, what they ask for.

use super::*;
use crate::crypto::age_key::AgeKey;
use crate::crypto::seal::{OpenError, SealError, seal};
use bech32::{Bech32, Hrp};
use std::sync::atomic::{AtomicUsize, Ordering};

const LIMIT: usize = 1 << 20;
const LOW_FACTOR: u8 = 2;

/// Answers with the passphrases in turn, and counts the questions.
#[derive(Clone, Default)]
struct Script {
    answers: Vec<&'static str>,
    asked: Arc<AtomicUsize>,
    attempts: Option<usize>,
}

impl Script {
    fn new(answers: &[&'static str]) -> Self {
        Self { answers: answers.to_vec(), ..Self::default() }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Asker for Script {
    fn passphrase(&self, prompt: &str) -> Option<SecretBytes> {
        let at = self.asked.fetch_add(1, Ordering::SeqCst);
        let again = if at == 0 { "" } else { "wrong; " };
        assert_eq!(prompt, format!("{again}passphrase for key.txt"));
        self.answers.get(at).map(|answer| SecretBytes::copy_of(answer.as_bytes()))
    }

    fn message(&self, _: &str) {}

    fn confirm(&self, _: &str, _: &str, _: Option<&str>) -> Option<bool> {
        None
    }

    fn attempts(&self) -> usize {
        self.attempts.unwrap_or(3)
    }
}

fn parse(text: &[u8], asker: Script) -> Result<Identities, IdentityError> {
    Identities::parse(SecretBytes::copy_of(text), "key.txt", asker)
}

fn refusal(text: &str) -> String {
    parse(text.as_bytes(), Script::default()).err().unwrap().to_string()
}

fn secret(key: &AgeKey) -> String {
    String::from_utf8(key.secret_text().expose().to_vec()).unwrap()
}

fn sealed_identity(passphrase: &str) -> (AgeKey, Vec<u8>) {
    let (key, text) = new_identity("2026-01-02T03:04:05Z");
    let passphrase = SecretBytes::copy_of(passphrase.as_bytes());
    let file = seal_with_passphrase(text.expose(), &passphrase, LOW_FACTOR).unwrap();
    (key, file)
}

fn box_for(key: &AgeKey) -> Vec<u8> {
    seal(&[key.recipient()], b"member key").unwrap().file
}

fn plugin_text(hrp: &str) -> String {
    bech32::encode::<Bech32>(Hrp::parse(hrp).unwrap(), &[1, 2, 3]).unwrap()
}

fn plugin_identity(name: &str) -> String {
    plugin_text(&format!("age-plugin-{name}-")).to_uppercase()
}

#[test]
fn a_new_identity_reads_as_age_keygen_writes_it() {
    let (key, text) = new_identity("2026-01-02T03:04:05Z");
    let text = String::from_utf8(text.expose().to_vec()).unwrap();
    let expected = format!(
        "# created: 2026-01-02T03:04:05Z\n# public key: {}\n{}\n",
        key.recipient(),
        secret(&key)
    );
    assert_eq!(text, expected);
    let identities = parse(text.as_bytes(), Script::default()).unwrap();
    assert_eq!(identities.recipients(), [key.recipient()]);
    assert_eq!(identities.describe(), format!("age key {} in key.txt", key.recipient()));
    let opened = identities.open(&box_for(&key), LIMIT).unwrap();
    assert_eq!(opened.plaintext.expose(), b"member key");
}

#[test]
fn any_key_of_several_opens() {
    let keys: Vec<AgeKey> = (0..3).map(|_| AgeKey::generate()).collect();
    let lines: Vec<String> = keys.iter().map(secret).collect();
    let text = format!("# mine\r\n\r\n{}\r\n", lines.join("\r\n# another\r\n"));
    let identities = parse(text.as_bytes(), Script::default()).unwrap();
    assert_eq!(identities.recipients().len(), 3);
    for key in &keys {
        assert!(identities.open(&box_for(key), LIMIT).is_ok());
    }
    let stranger = identities.open(&box_for(&AgeKey::generate()), LIMIT).err().unwrap();
    assert_eq!(stranger.to_string(), "it is not sealed to the key in key.txt");
}

#[test]
fn what_is_no_identity_file_is_named_by_line_and_never_shown() {
    assert_eq!(refusal(""), "key.txt holds no key");
    assert_eq!(refusal("# only a comment\n"), "key.txt holds no key");
    let typo = format!("# x\n{}\n", secret(&AgeKey::generate()).replace("KEY-1", "KEY-1X"));
    assert_eq!(refusal(&typo), "key.txt: line 2 is no age key");
    assert!(matches!(
        parse(&[0xff, 0xfe], Script::default()),
        Err(IdentityError::NotAnIdentity { line: 1, .. })
    ));
}

#[test]
fn the_passphrase_is_asked_for_late_and_once() {
    let (key, file) = sealed_identity("correct horse");
    for form in [file.clone(), dearmor(&file).unwrap()] {
        let asker = Script::new(&["correct horse"]);
        let identities = parse(&form, asker.clone()).unwrap();
        assert!(identities.recipients().is_empty());
        assert_eq!(asker.asked(), 0);
        for _ in 0..2 {
            assert!(identities.open(&box_for(&key), LIMIT).is_ok());
        }
        assert_eq!(asker.asked(), 1);
        assert_eq!(identities.recipients(), [key.recipient()]);
    }
}

#[test]
fn a_wrong_passphrase_may_be_tried_three_times() {
    let (key, file) = sealed_identity("correct horse");
    let third = Script::new(&["a", "b", "correct horse"]);
    assert!(parse(&file, third).unwrap().open(&box_for(&key), LIMIT).is_ok());

    let fourth = Script::new(&["a", "b", "c", "correct horse"]);
    let refused = parse(&file, fourth.clone()).unwrap().open(&box_for(&key), LIMIT).err().unwrap();
    assert_eq!(refused.to_string(), "wrong passphrase for key.txt");
    assert_eq!(fourth.asked(), 3);

    let script = Script { attempts: Some(1), ..Script::new(&["a", "correct horse"]) };
    assert!(parse(&file, script.clone()).unwrap().open(&box_for(&key), LIMIT).is_err());
    assert_eq!(script.asked(), 1);
}

#[test]
fn failures_of_a_sealed_file_are_told_apart() {
    let (key, file) = sealed_identity("correct horse");
    let binary = dearmor(&file).unwrap();
    let open = |file: &[u8], asker: Script| {
        parse(file, asker).and_then(|ids| ids.open(&box_for(&key), LIMIT)).err().unwrap()
    };
    let nobody = open(&file, Script::default());
    assert_eq!(nobody.to_string(), "key.txt needs a passphrase and none was given");

    let mut changed = binary.clone();
    *changed.last_mut().unwrap() ^= 1;
    assert!(matches!(
        open(&changed, Script::new(&["correct horse"])),
        IdentityError::Corrupted { .. }
    ));
    let mut torn_armor = file.clone();
    torn_armor.truncate(file.len() - 10);
    assert!(matches!(open(&torn_armor, Script::default()), IdentityError::Corrupted { .. }));

    let to_a_key = box_for(&key);
    assert_eq!(
        open(&to_a_key, Script::default()).to_string(),
        "key.txt cannot be used: it is sealed to a key, not with a passphrase"
    );

    let stranger = parse(&file, Script::new(&["correct horse"])).unwrap();
    let stranger = stranger.open(&box_for(&AgeKey::generate()), LIMIT).err();
    assert_eq!(stranger, Some(IdentityError::NoMatch { source: "key.txt".to_owned() }));
}

#[test]
fn a_work_factor_that_takes_for_ever_is_not_tried() {
    let (key, file) = sealed_identity("correct horse");
    let text = String::from_utf8_lossy(&dearmor(&file).unwrap()[..80]).into_owned();
    let stanza = text.lines().nth(1).unwrap().to_owned();
    let slow = stanza.replace(" 2", " 23");
    let mut binary = dearmor(&file).unwrap();
    let at = binary.windows(stanza.len()).position(|w| w == stanza.as_bytes()).unwrap();
    binary.splice(at..at + stanza.len(), slow.bytes());
    let identities = parse(&binary, Script::new(&["correct horse"])).unwrap();
    let refused = identities.open(&box_for(&key), LIMIT).err();
    let expected = IdentityError::TooMuchWork { source: "key.txt".to_owned(), factor: 23 };
    assert_eq!(refused, Some(expected));
    let text = SecretBytes::copy_of(b"x");
    for factor in [0, 23, 255] {
        assert!(matches!(seal_with_passphrase(b"", &text, factor), Err(SealError::Failed(_))));
    }
}

#[test]
fn a_damaged_box_is_not_the_identitys_fault() {
    let key = AgeKey::generate();
    let identities = parse(secret(&key).as_bytes(), Script::default()).unwrap();
    let mut file = box_for(&key);
    *file.last_mut().unwrap() ^= 1;
    assert!(matches!(
        identities.open(&file, LIMIT),
        Err(IdentityError::Box(OpenError::Damaged(_)))
    ));
    let limited = identities.open(&box_for(&key), 3).err();
    assert_eq!(limited, Some(IdentityError::Box(OpenError::TooLarge)));
}

#[test]
fn a_missing_plugin_is_named_and_only_when_it_is_needed() {
    let key = AgeKey::generate();
    let text = format!("{}\n{}\n", plugin_identity("absent"), secret(&key));
    let identities = parse(text.as_bytes(), Script::default()).unwrap();
    assert!(identities.open(&box_for(&key), LIMIT).is_ok());
    let stranger = identities.open(&box_for(&AgeKey::generate()), LIMIT).err();
    assert_eq!(stranger, Some(IdentityError::NoMatch { source: "key.txt".to_owned() }));

    let recipient = IdentityRecipient::parse(&plugin_text("age1absent")).unwrap();
    let sealed = seal_to_identities(&[recipient], b"", Script::default()).err().unwrap();
    assert_eq!(sealed, SealError::MissingPlugin("absent".to_owned()));
    assert_eq!(sealed.to_string(), "the program age-plugin-absent is not installed");
}

#[test]
fn the_recipient_noted_above_a_plugin_identity_is_taken() {
    let recipient = plugin_text("age1absent");
    let identity = plugin_identity("absent");
    for note in ["# public key:", "#    Recipient:", "#recipient:"] {
        let text = format!("{note} {recipient}\n# a remark\n{identity}\n");
        let identities = parse(text.as_bytes(), Script::default()).unwrap();
        assert_eq!(identities.recipients(), [recipient.as_str()], "{note}");
    }
    // A note of another kind of key would have the member key sealed to somebody else.
    for other in [AgeKey::generate().recipient(), &plugin_text("age1other"), "nonsense"] {
        let text = format!("# public key: {other}\n{identity}\n");
        let identities = parse(text.as_bytes(), Script::default()).unwrap();
        assert!(identities.recipients().is_empty(), "{other}");
        assert_eq!(identities.seal_targets().unwrap().len(), 1);
    }
}

#[test]
fn a_plugin_name_is_a_short_word_and_never_a_path() {
    let long = "x".repeat(33);
    for name in ["../x", "a/b", ".", "..", "a.b", "a_b", "a+b", "-a", long.as_str(), "ü"] {
        assert!(!recipient::is_plugin_name(name), "{name}");
        let Ok(hrp) = Hrp::parse(&format!("age1{name}")) else { continue };
        let text = bech32::encode::<Bech32>(hrp, &[1]).unwrap();
        assert!(IdentityRecipient::parse(&text).is_none(), "{text}");
        let Ok(hrp) = Hrp::parse(&format!("age-plugin-{name}-")) else { continue };
        let text = bech32::encode::<Bech32>(hrp, &[1]).unwrap().to_uppercase();
        assert!(parse(text.as_bytes(), Script::default()).is_err(), "{text}");
    }
    for name in ["yubikey", "se", "fido2-hmac", "1p"] {
        assert!(recipient::is_plugin_name(name), "{name}");
    }
}

#[test]
fn recipients_are_read_in_all_their_forms() {
    let ed25519 = "ssh-ed25519 \
        AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN";
    let key = AgeKey::generate();
    for text in [key.recipient(), ed25519, &plugin_text("age1yubikey")] {
        let parsed = IdentityRecipient::parse(text).unwrap();
        assert_eq!(parsed.text().as_deref(), Some(text));
    }
    let commented = IdentityRecipient::parse(&format!("{ed25519} alice@acme\n")).unwrap();
    assert_eq!(commented.text().as_deref(), Some(ed25519));
    let upper = key.recipient().to_uppercase();
    for bad in ["", "age1", "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-dss AAAA", upper.as_str()] {
        assert!(IdentityRecipient::parse(bad).is_none(), "{bad}");
    }
    assert_eq!(seal_to_identities(&[], b"", Script::default()).err(), Some(SealError::NoRecipient));
}
