//! One bit flipped, a file cut off, lines gone: noticed, never a wrong value, and put right again.
//!
//! Thousands of times within this process, some times through the program. The places come from a seed
//! that is printed; `SECRETS_SEED` sets it, `SECRETS_DAMAGES` how many times.

#![allow(clippy::print_stderr, reason = "a seed is only of use to whoever reads the log")]

use crate::harness::World;
use chrono::{DateTime, Utc};
use secrets::config::{ProjectConfig, Settings, UserConfig};
use secrets::context::Context;
use secrets::session::open::Session;
use secrets::session::repair::examine;
use secrets::session::verify::{Subject, Verdict};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const VALUES: [(&str, &str); 4] = [
    ("TOKEN", "the first of four values"),
    ("URL", "postgres://db.acme.example"),
    ("EMPTY_ISH", " "),
    ("LONG", "a value that is somewhat longer than what fits the first bucket of sixty-four"),
];

/// One damage of so many is repaired as well.
const REPAIRED: usize = 10;

fn settings(vault: &Path) -> Settings {
    Settings {
        vault: vault.to_owned(),
        vault_id: None,
        identity: None,
        project: ProjectConfig::default(),
        user: UserConfig::default(),
    }
}

/// Numbers that look random: a flaw of theirs would only make the test a little weaker.
struct Dice(u64);

impl Dice {
    fn new(what: &str) -> Self {
        // The same places in every run; another seed looks at others.
        let seed: u64 =
            std::env::var("SECRETS_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
        eprintln!("{what}: SECRETS_SEED={seed}");
        Self(seed.wrapping_mul(2).wrapping_add(1))
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit).unwrap()).unwrap()
    }
}

fn times() -> usize {
    std::env::var("SECRETS_DAMAGES").ok().and_then(|times| times.parse().ok()).unwrap_or(2000)
}

/// A vault with some history, and what this machine remembers of it.
struct Bench {
    world: World,
    vault: PathBuf,
    good: Vec<u8>,
    memory: BTreeMap<PathBuf, Vec<u8>>,
}

impl Bench {
    fn new() -> Self {
        let world = World::new();
        world.run(["init", "acme", "--no-passphrase"]).success();
        for (name, value) in VALUES {
            world.secrets(["create", name, "--note", "a note"]).value("to be changed").run();
            world.secrets(["update", name]).value(value).run().success();
        }
        let vault = world.home().join(".local/share/secrets/acme.vault");
        let good = std::fs::read(&vault).unwrap();
        let memory = files_in(&memory_folder(&world));
        Self { world, vault, good, memory }
    }

    fn context(&self) -> Context {
        let now: DateTime<Utc> = std::time::SystemTime::now().into();
        let mut ctx = Context::detached(self.world.work(), now).0;
        ctx.env.insert("HOME".into(), self.world.home().into());
        ctx.yes = true;
        ctx
    }

    /// The vault file as damaged; the machine as it was before.
    fn lay_out(&self, bytes: &[u8]) {
        let folder = memory_folder(&self.world);
        for path in files_in(&folder).keys().filter(|path| !self.memory.contains_key(*path)) {
            std::fs::remove_file(path).unwrap();
        }
        for (path, bytes) in &self.memory {
            std::fs::write(path, bytes).unwrap();
        }
        std::fs::write(&self.vault, bytes).unwrap();
    }

    /// What `verify` would exit with: 0 is unnoticed.
    fn is_noticed(&self) -> bool {
        let ctx = self.context();
        let Ok(subject) = Subject::read(settings(&self.vault), &ctx) else { return true };
        let parts = subject.parts();
        let scanned = parts.scan(&|_, _| {});
        let Ok(mut keys) = subject.unlock(&scanned, &ctx) else { return true };
        let checked = parts.check(scanned, &mut keys, &|_, _| {});
        let findings = parts.open_boxes(&checked, &|_, _| {});
        parts.report(&checked, &keys, findings).verdict != Verdict::Whole
    }

    /// Whatever opens is what was put in.
    fn no_value_is_wrong(&self) {
        let Ok(mut session) = Session::open(settings(&self.vault), &self.context()) else { return };
        for at in 0..session.index.current.len() {
            let name = session.index.current[at].name.to_string();
            let number = session.index.current[at].number;
            let Ok(values) = session.open_current(&[at]) else { continue };
            let (_, last) = VALUES.iter().find(|(known, _)| *known == name).unwrap();
            let wanted = if number == 2 { last } else { "to be changed" };
            assert!(values[0].expose() == wanted.as_bytes(), "{name} {number} has a wrong value");
        }
    }

    fn repairs(&self) {
        let mut ctx = self.context();
        let diagnosis = examine(settings(&self.vault), vec![], &ctx).unwrap();
        assert!(!diagnosis.plan.is_nothing(), "there is something to repair");
        assert!(diagnosis.plan.lost.is_empty() && diagnosis.plan.forgotten.is_empty());
        let (_, done) = diagnosis.repair(&mut ctx).unwrap();
        std::fs::remove_file(done.kept.unwrap()).unwrap();
        let mended = std::fs::read(&self.vault).unwrap();
        assert!(lines(&mended) == lines(&self.good), "a repaired vault has the lines it had");
        assert!(!self.is_noticed(), "a repaired vault is whole");
    }

    /// Repairing syncs to the disk, which takes most of the time: not every damage is repaired.
    fn damage(&self, bytes: &[u8], repaired: bool, what: &str) {
        self.lay_out(bytes);
        let tried = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            assert!(self.is_noticed(), "unnoticed by verify");
            self.no_value_is_wrong();
            if repaired {
                self.lay_out(bytes);
                self.repairs();
            }
        }));
        if let Err(panic) = tried {
            eprintln!("{what}");
            std::panic::resume_unwind(panic);
        }
    }
}

fn memory_folder(world: &World) -> PathBuf {
    let state = world.home().join(".local/state/secrets");
    let mut folders = std::fs::read_dir(state).unwrap().map(|entry| entry.unwrap().path());
    folders.find(|path| path.join("pins").exists()).unwrap()
}

fn files_in(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

fn lines(bytes: &[u8]) -> BTreeSet<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

#[test]
fn a_flipped_bit_is_noticed_and_repaired_wherever_it_is() {
    let bench = Bench::new();
    let mut dice = Dice::new("flipped bits");
    for round in 0..times() {
        let (at, bit) = (dice.below(bench.good.len()), dice.below(8));
        let mut bytes = bench.good.clone();
        bytes[at] ^= 1 << bit;
        bench.damage(&bytes, round % REPAIRED == 0, &format!("bit {bit} of byte {at}"));
    }
    bench.lay_out(&bench.good);
}

#[test]
fn a_cut_is_noticed_and_repaired_wherever_it_is() {
    let bench = Bench::new();
    let mut dice = Dice::new("cuts");
    let ends: Vec<usize> =
        (0..bench.good.len()).filter(|at| *at > 0 && bench.good[at - 1] == b'\n').collect();
    for at in ends {
        bench.damage(&bench.good[..at], true, &format!("cut at the line's end {at}"));
    }
    for round in 0..times() {
        let at = dice.below(bench.good.len());
        bench.damage(&bench.good[..at], round % REPAIRED == 0, &format!("cut at {at}"));
    }
    bench.lay_out(&bench.good);
}

#[test]
fn a_line_that_is_gone_is_noticed_and_repaired() {
    let bench = Bench::new();
    let all: Vec<&[u8]> = bench.good.split_inclusive(|byte| *byte == b'\n').collect();
    for gone in 1..all.len() {
        let kept = all.iter().enumerate().filter(|(at, _)| *at != gone).map(|(_, line)| *line);
        bench.damage(&kept.collect::<Vec<_>>().concat(), true, &format!("line {gone} gone"));
    }
    bench.lay_out(&bench.good);
}

#[test]
fn the_program_notices_refuses_and_repairs() {
    let bench = Bench::new();
    let mut dice = Dice::new("through the program");
    let world = &bench.world;
    for round in 0..20 {
        let at = dice.below(bench.good.len());
        let mut bytes = bench.good.clone();
        match round % 2 {
            0 => bytes[at] ^= 1 << dice.below(8),
            _ => bytes.truncate(at),
        }
        bench.lay_out(&bytes);
        let verify = world.run(["verify"]);
        assert_ne!(verify.status.code(), Some(0), "byte {at}, round {round}\n{verify}");
        for (name, value) in VALUES {
            let reveal = world.run(["reveal", name]);
            let right = reveal.stdout.is_empty()
                || reveal.stdout == value.as_bytes()
                || reveal.stdout == b"to be changed";
            assert!(right, "byte {at}, round {round}\n{reveal}");
        }
        world.run(["repair", "--yes"]).success();
        world.run(["verify"]).success();
        for (name, value) in VALUES {
            world.run(["reveal", name]).success().stdout_is(value);
        }
    }
}
