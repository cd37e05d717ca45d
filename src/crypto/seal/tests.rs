//! Boxes: what is sealed opens, what was touched does not, and sizes are known beforehand.

use super::shape::{CHUNK_BYTES, MAX_STANZAS, TAG_BYTES};
use super::*;
use crate::crypto::random::random;

const LIMIT: usize = 1 << 20;

fn bytes(count: usize) -> Vec<u8> {
    let pattern: [u8; 251] = random();
    pattern.iter().copied().cycle().take(count).collect()
}

#[test]
fn what_was_sealed_opens_the_same_at_every_size() {
    let key = AgeKey::generate();
    let edges = [0, 1, 15, 16, 17, 65_535, 65_536, 65_537, 131_072, 131_073];
    let chosen = (0..60).map(|_| u32::from_le_bytes(random()) as usize % 100_001);
    for size in edges.into_iter().chain(chosen) {
        let plaintext = bytes(size);
        let sealed = seal(&[key.recipient()], &plaintext).unwrap();
        let opened = open(&key, &sealed.file, LIMIT).unwrap();
        assert!(opened.plaintext.expose() == plaintext, "{size} bytes");
        assert_eq!(opened.file_key.expose(), sealed.file_key.expose());
        let remembered = FileKeyBytes::from_bytes(*sealed.file_key.expose());
        let again = open_with_file_key(&remembered, &sealed.file, LIMIT).unwrap();
        assert!(again.expose() == plaintext, "{size} bytes by file key");
    }
}

#[test]
fn every_recipient_opens_and_nobody_else() {
    let keys: Vec<AgeKey> = (0..3).map(|_| AgeKey::generate()).collect();
    let recipients: Vec<&str> = keys.iter().map(AgeKey::recipient).collect();
    let sealed = seal(&recipients, b"value").unwrap();
    for key in &keys {
        assert_eq!(open(key, &sealed.file, LIMIT).unwrap().plaintext.expose(), b"value");
    }
    let stranger = open(&AgeKey::generate(), &sealed.file, LIMIT);
    assert_eq!(stranger.err(), Some(OpenError::NoMatch));
    let other_file = seal(&recipients, b"value").unwrap().file_key;
    assert!(matches!(
        open_with_file_key(&other_file, &sealed.file, LIMIT),
        Err(OpenError::Damaged(_))
    ));
}

#[test]
fn every_flipped_bit_and_every_cut_is_noticed() {
    let key = AgeKey::generate();
    let sealed = seal(&[key.recipient()], b"value").unwrap();
    let bits = sealed.file.len() * 8;
    for at in 0..bits {
        let mut flipped = sealed.file.clone();
        flipped[at / 8] ^= 1 << (at % 8);
        assert!(open(&key, &flipped, LIMIT).is_err(), "bit {at}");
        assert!(open_with_file_key(&sealed.file_key, &flipped, LIMIT).is_err(), "bit {at}");
    }
    for cut in 0..sealed.file.len() {
        assert!(open(&key, &sealed.file[..cut], LIMIT).is_err(), "cut at {cut}");
    }
    let longer = [sealed.file.as_slice(), b"x"].concat();
    assert!(matches!(open(&key, &longer, LIMIT), Err(OpenError::Damaged(_))));
}

#[test]
fn a_cut_between_chunks_is_noticed() {
    let key = AgeKey::generate();
    let sealed = seal(&[key.recipient()], &bytes(2 * CHUNK_BYTES)).unwrap();
    let cut = sealed.file.len() - CHUNK_BYTES - TAG_BYTES;
    let opened = open(&key, &sealed.file[..cut], LIMIT);
    assert!(matches!(opened, Err(OpenError::Damaged(_))));
}

#[test]
fn the_limit_is_the_plaintexts() {
    let key = AgeKey::generate();
    for size in [0, 100, CHUNK_BYTES, 2 * CHUNK_BYTES + 1] {
        let sealed = seal(&[key.recipient()], &bytes(size)).unwrap();
        assert!(open(&key, &sealed.file, size).is_ok());
        if let Some(less) = size.checked_sub(1) {
            assert_eq!(open(&key, &sealed.file, less).err(), Some(OpenError::TooLarge));
        }
    }
}

#[test]
fn files_with_too_many_stanzas_are_not_tried() {
    let key = AgeKey::generate();
    let keys: Vec<AgeKey> = (1..MAX_STANZAS).map(|_| AgeKey::generate()).collect();
    let others: Vec<&str> = keys.iter().map(AgeKey::recipient).collect();
    let with_own = |count: usize| [&others[..count], &[key.recipient()]].concat();
    // One more is age's own grease.
    let most = seal(&with_own(MAX_STANZAS - 2), b"").unwrap().file;
    assert!(open(&key, &most, LIMIT).is_ok());
    assert!(seal(&with_own(MAX_STANZAS - 1), b"").is_err(), "it would not open again");
    let recipients: Vec<age::x25519::Recipient> =
        with_own(MAX_STANZAS - 1).iter().map(|text| text.parse().unwrap()).collect();
    let too_many = super::encrypt(recipients.iter().map(|to| to as &dyn age::Recipient), b"");
    assert_eq!(
        open(&key, &too_many.unwrap(), LIMIT).err(),
        Some(OpenError::damaged("its header has too many stanzas"))
    );
}

#[test]
fn sealing_to_nobody_or_to_nonsense_is_refused() {
    assert_eq!(seal(&[], b"").err(), Some(SealError::NoRecipient));
    let good = AgeKey::generate();
    for bad in ["", "age1", "ssh-ed25519 AAAA", &good.recipient().to_uppercase()] {
        let refused = seal(&[good.recipient(), bad], b"").err();
        assert_eq!(refused, Some(SealError::BadRecipient(bad.to_owned())));
    }
}

#[test]
fn a_passphrase_is_never_asked_of_a_box() {
    let passphrase = SecretBytes::copy_of(b"correct horse");
    let armored = crate::crypto::identity::seal_with_passphrase(b"text", &passphrase, 2).unwrap();
    let file = crate::crypto::identity::dearmor(&armored).unwrap();
    let opened = open(&AgeKey::generate(), &file, LIMIT);
    assert!(matches!(opened, Err(OpenError::Damaged(_))));
}
