//! What the hot path costs: printed, not judged (`cargo test --release figures -- --ignored --nocapture`).

use super::local::{memory_key, open_local, seal_local};
use super::member::MemberKey;
use super::seal::{open, open_with_file_key, seal};
use super::sign::verify;
use std::time::Instant;

const VALUE: &[u8] = &[b'x'; 64];
const LIMIT: usize = 1 << 20;

/// The fastest of several rounds, for one run of `work`.
fn measure(name: &str, mut work: impl FnMut()) {
    const RUNS: u32 = 200;
    let rounds = (0..20).map(|_| {
        let start = Instant::now();
        (0..RUNS).for_each(|_| work());
        start.elapsed() / RUNS
    });
    println!("{name}: {:.2} µs", rounds.min().unwrap().as_secs_f64() * 1e6);
}

#[test]
#[ignore = "measures, proves nothing"]
fn figures() {
    let member = MemberKey::generate();
    let sealed = seal(&[member.age.recipient()], VALUE).unwrap();
    let key = memory_key(&member, "acme");
    let memory = seal_local(&key, VALUE).unwrap();
    let (public, signature) = (member.signing.public(), member.signing.sign("entry\n", VALUE));
    let text = member.encode("alice");
    measure("seal, one recipient", || drop(seal(&[member.age.recipient()], VALUE).unwrap()));
    measure("open, X25519", || drop(open(&member.age, &sealed.file, LIMIT).unwrap()));
    measure("open_with_file_key", || {
        drop(open_with_file_key(&sealed.file_key, &sealed.file, LIMIT).unwrap());
    });
    measure("seal_local", || drop(seal_local(&key, VALUE).unwrap()));
    measure("open_local", || drop(open_local(&key, &memory).unwrap()));
    measure("memory_key", || drop(memory_key(&member, "acme")));
    measure("MemberKey::decode", || drop(MemberKey::decode(text.expose()).unwrap()));
    measure("verify", || assert!(verify(&public, "entry\n", VALUE, &signature)));
}
