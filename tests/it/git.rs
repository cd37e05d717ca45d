//! Real git: two clones that both write, and everything git does to a file behind our back.
//!
//! Nothing that was acknowledged is lost. Where git takes entries away that this machine has seen, that
//! is said (exit 7), and `repair` puts them back.

use crate::harness::World;
use crate::output::Output;
use std::path::{Path, PathBuf};

/// A repository with a vault in it, and a clone: two places, each with a memory of its own.
struct Clones {
    world: World,
    here: PathBuf,
    there: PathBuf,
}

impl Clones {
    fn new() -> Self {
        let world = World::new();
        let (here, there) = (world.work().join("here"), world.work().join("there"));
        std::fs::create_dir(&here).unwrap();
        world.git(&here, ["init", "-q"]).success();
        world.secrets(["init", "acme", "--no-passphrase"]).folder(&here).run().success();
        let clones = Self { world, here, there };
        clones.create(&clones.here, "SHARED");
        clones.commit(&clones.here, "the vault");
        clones.world.git(clones.world.work(), ["clone", "-q", "here", "there"]).success();
        clones
    }

    fn secrets<'a>(&self, folder: &Path, args: impl IntoIterator<Item = &'a str>) -> Output {
        self.world.secrets(args).folder(folder).run()
    }

    #[track_caller]
    fn git<'a>(&self, folder: &Path, args: impl IntoIterator<Item = &'a str>) -> Output {
        self.world.git(folder, args)
    }

    #[track_caller]
    fn create(&self, folder: &Path, name: &str) {
        let run = self.world.secrets(["create", name]).folder(folder).value(value_of(name));
        run.run().success();
    }

    #[track_caller]
    fn commit(&self, folder: &Path, message: &str) {
        self.git(folder, ["add", "-A"]).success();
        self.git(folder, ["commit", "-q", "-m", message]).success();
    }

    /// Creates and commits.
    #[track_caller]
    fn write(&self, folder: &Path, name: &str) {
        self.create(folder, name);
        self.commit(folder, name);
    }

    /// Takes the other clone's branch in, as `git pull` does.
    #[track_caller]
    fn pull(&self, folder: &Path, from: &Path) {
        self.git(folder, ["pull", "-q", "--no-rebase", "--no-edit", text(from), "main"]).success();
    }

    #[track_caller]
    fn has(&self, folder: &Path, names: &[&str]) {
        self.secrets(folder, ["verify"]).success();
        for name in names {
            self.secrets(folder, ["reveal", name]).success().stdout_is(value_of(name));
        }
    }

    #[track_caller]
    fn repairs(&self, folder: &Path, names: &[&str]) {
        self.secrets(folder, ["list"]).fails(7).stderr_has("secrets repair");
        self.secrets(folder, ["verify"]).exits(7);
        self.secrets(folder, ["repair", "--yes"]).success().stderr_has("comes back: ");
        self.has(folder, names);
    }
}

fn value_of(name: &str) -> String {
    format!("the value of {name}")
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn git_merges_two_branches_by_the_attributes_that_init_writes() {
    let clones = Clones::new();
    let (here, there) = (&clones.here, &clones.there);
    clones.write(here, "HERE");
    clones.write(there, "THERE");
    clones.write(there, "THERE_TOO");
    clones.pull(here, there);
    clones.has(here, &["SHARED", "HERE", "THERE", "THERE_TOO"]);
    clones.write(here, "AFTER");
    clones.pull(there, here);
    clones.has(there, &["SHARED", "HERE", "THERE", "THERE_TOO", "AFTER"]);
    let verified = clones.secrets(there, ["verify", "--json"]).success().json();
    assert_eq!(verified["heads"].as_array().unwrap().len(), 1, "the next write joins both heads");
}

#[test]
fn both_sides_change_one_secret() {
    let clones = Clones::new();
    let (here, there) = (&clones.here, &clones.there);
    for (folder, value) in [(here, "changed here"), (there, "changed there")] {
        let run = clones.world.secrets(["update", "SHARED"]).folder(folder).value(value);
        run.run().success();
        clones.commit(folder, "changed");
    }
    clones.pull(here, there);
    let verify = clones.secrets(here, ["verify"]).success();
    verify.stdout_has("in conflict: SHARED in development");
    let history = clones.secrets(here, ["history", "SHARED", "--json"]).success().json();
    assert_eq!(history["versions"].as_array().unwrap().len(), 3, "both are kept\n{history}");
    clones.pull(there, here);
    let revealed = |folder| clones.secrets(folder, ["reveal", "SHARED"]).success().text();
    assert_eq!(revealed(here), revealed(there), "both sides agree which is current");
}

#[test]
fn conflict_markers_are_cleared_away() {
    let clones = Clones::new();
    let (here, there) = (&clones.here, &clones.there);
    std::fs::remove_file(here.join(".gitattributes")).unwrap();
    clones.write(here, "HERE");
    clones.write(there, "THERE");
    let pull = ["pull", "-q", "--no-rebase", "--no-edit", text(there), "main"];
    clones.git(here, pull).exits(1);
    let file = std::fs::read_to_string(here.join("acme.vault")).unwrap();
    assert!(file.contains("<<<<<<< "), "git left its markers");
    clones.secrets(here, ["verify"]).exits(6).stdout_has("bad line ");
    for name in ["SHARED", "HERE", "THERE"] {
        clones.secrets(here, ["reveal", name]).success().stdout_is(value_of(name));
    }
    clones.secrets(here, ["repair", "--yes"]).success().stderr_has("goes: line ");
    clones.has(here, &["SHARED", "HERE", "THERE"]);
    clones.commit(here, "merged");
}

#[test]
fn a_write_clears_conflict_markers_too() {
    let clones = Clones::new();
    let (here, there) = (&clones.here, &clones.there);
    std::fs::remove_file(here.join(".gitattributes")).unwrap();
    clones.write(here, "HERE");
    clones.write(there, "THERE");
    let pull = ["pull", "-q", "--no-rebase", "--no-edit", text(there), "main"];
    clones.git(here, pull).exits(1);
    clones.create(here, "NEXT");
    clones.has(here, &["SHARED", "HERE", "THERE", "NEXT"]);
}

#[test]
fn secrets_merge_takes_the_other_clone() {
    let clones = Clones::new();
    let (here, there) = (&clones.here, &clones.there);
    clones.write(here, "HERE");
    clones.write(there, "THERE");
    let merge = clones.secrets(here, ["merge", "../there/acme.vault"]).success();
    merge.stderr_has("took in 1 entry by ");
    clones.has(here, &["SHARED", "HERE", "THERE"]);
    clones.commit(here, "merged");
    clones.pull(there, here);
    clones.has(there, &["SHARED", "HERE", "THERE"]);
}

#[test]
fn a_cherry_pick_brings_its_entry() {
    let clones = Clones::new();
    let (here, there) = (&clones.here, &clones.there);
    clones.write(here, "HERE");
    clones.write(there, "THERE");
    clones.git(here, ["fetch", "-q", text(there), "main"]).success();
    clones.git(here, ["cherry-pick", "FETCH_HEAD"]).success();
    clones.has(here, &["SHARED", "HERE", "THERE"]);
}

#[test]
fn a_cherry_pick_of_the_second_of_two_is_whole_by_the_attributes() {
    let clones = Clones::new();
    let (here, there) = (&clones.here, &clones.there);
    clones.write(there, "FIRST");
    clones.write(there, "SECOND");
    clones.git(here, ["fetch", "-q", text(there), "main"]).success();
    clones.git(here, ["cherry-pick", "FETCH_HEAD"]).success();
    clones.has(here, &["SHARED", "SECOND"]);
}

/// Two entries are written there; here come the lines of the second alone, as a host may pick them.
fn pick_the_second(clones: &Clones) {
    let (here, there) = (&clones.here, &clones.there);
    clones.write(there, "FIRST");
    let first = std::fs::read(there.join("acme.vault")).unwrap();
    clones.write(there, "SECOND");
    let second = std::fs::read(there.join("acme.vault")).unwrap();
    let vault = here.join("acme.vault");
    let picked = [&std::fs::read(&vault).unwrap(), &second[first.len()..]].concat();
    std::fs::write(&vault, picked).unwrap();
    clones.commit(here, "picked");
}

#[test]
fn a_pick_without_what_it_stands_on_stops_writing_until_repair() {
    let clones = Clones::new();
    let here = &clones.here;
    pick_the_second(&clones);
    clones.secrets(here, ["verify"]).exits(6).stdout_has("waiting: entry ");
    clones.secrets(here, ["reveal", "SHARED"]).success().stdout_is(value_of("SHARED"));
    let refused = clones.world.secrets(["create", "NEXT"]).folder(here).value("never written");
    refused.run().exits(6).stderr_has("secrets repair");
    let repair = clones.secrets(here, ["repair", "--from", "../there/acme.vault", "--yes"]);
    repair.success().stderr_has("there/acme.vault");
    clones.has(here, &["SHARED", "FIRST", "SECOND"]);
}

#[test]
fn a_merge_completes_a_pick() {
    let clones = Clones::new();
    pick_the_second(&clones);
    let merge = clones.secrets(&clones.here, ["merge", "../there/acme.vault"]).success();
    merge.stderr_has("took in 2 entries by ");
    clones.has(&clones.here, &["SHARED", "FIRST", "SECOND"]);
}

#[test]
fn a_pick_whose_past_is_nowhere_is_moved_aside_so_that_work_goes_on() {
    let clones = Clones::new();
    let here = &clones.here;
    pick_the_second(&clones);
    let repair = clones.secrets(here, ["repair", "--yes"]).success();
    repair.stderr_has("because what it stands on is nowhere").stderr_has("the file as it was: ");
    clones.has(here, &["SHARED"]);
    clones.create(here, "NEXT");
    clones.commit(here, "repaired");
    clones.secrets(here, ["merge", "../there/acme.vault"]).success();
    clones.has(here, &["SHARED", "FIRST", "SECOND", "NEXT"]);
}

#[test]
fn a_revert_is_a_way_back_that_is_noticed() {
    let clones = Clones::new();
    let here = &clones.here;
    clones.write(here, "REVERTED");
    clones.git(here, ["revert", "--no-edit", "HEAD"]).success();
    clones.repairs(here, &["SHARED", "REVERTED"]);
}

#[test]
fn a_revert_elsewhere_does_not_take_what_was_seen_here() {
    let clones = Clones::new();
    let (here, there) = (&clones.here, &clones.there);
    clones.write(here, "WRITTEN");
    clones.git(there, ["pull", "-q", text(here), "main"]).success();
    clones.git(there, ["revert", "--no-edit", "HEAD"]).success();
    clones.write(there, "THERE");
    clones.git(here, ["pull", "-q", "--no-rebase", "--no-edit", text(there), "main"]).success();
    clones.repairs(here, &["SHARED", "WRITTEN", "THERE"]);
}

#[test]
fn a_hard_reset_is_noticed_and_undone_by_repair() {
    let clones = Clones::new();
    let here = &clones.here;
    clones.write(here, "ONE");
    clones.write(here, "TWO");
    clones.git(here, ["reset", "-q", "--hard", "HEAD~2"]).success();
    clones.repairs(here, &["SHARED", "ONE", "TWO"]);
}

#[test]
fn a_hard_reset_before_the_first_write_of_this_clone_is_nothing_to_notice() {
    let clones = Clones::new();
    let (here, there) = (&clones.here, &clones.there);
    clones.write(here, "ONE");
    clones.git(there, ["pull", "-q", text(here), "main"]).success();
    clones.git(there, ["reset", "-q", "--hard", "HEAD~1"]).success();
    clones.has(there, &["SHARED"]);
}

#[test]
fn a_stash_and_back() {
    let clones = Clones::new();
    let here = &clones.here;
    clones.create(here, "STASHED");
    clones.git(here, ["stash", "-q"]).success();
    clones.secrets(here, ["list"]).fails(7);
    clones.git(here, ["stash", "pop", "-q"]).success();
    clones.has(here, &["SHARED", "STASHED"]);
}

#[test]
fn a_stash_over_what_came_in_meanwhile() {
    let clones = Clones::new();
    let (here, there) = (&clones.here, &clones.there);
    clones.create(here, "STASHED");
    clones.git(here, ["stash", "-q"]).success();
    clones.write(there, "THERE");
    clones.git(here, ["pull", "-q", text(there), "main"]).success();
    clones.git(here, ["stash", "pop", "-q"]).success();
    clones.has(here, &["SHARED", "STASHED", "THERE"]);
}

#[test]
fn a_rebase_keeps_both_sides() {
    let clones = Clones::new();
    let (here, there) = (&clones.here, &clones.there);
    clones.write(here, "HERE");
    clones.write(here, "HERE_TOO");
    clones.write(there, "THERE");
    clones.git(here, ["pull", "-q", "--rebase", text(there), "main"]).success();
    clones.has(here, &["SHARED", "HERE", "HERE_TOO", "THERE"]);
}

#[test]
fn git_cannot_bring_back_what_was_deleted() {
    let clones = Clones::new();
    let (here, there) = (&clones.here, &clones.there);
    clones.write(here, "DOOMED");
    clones.git(there, ["pull", "-q", text(here), "main"]).success();
    clones.secrets(here, ["delete", "DOOMED", "--yes"]).success();
    clones.commit(here, "deleted");
    clones.write(there, "THERE");
    clones.pull(here, there);
    clones.has(here, &["SHARED", "THERE"]);
    clones.secrets(here, ["reveal", "DOOMED"]).fails(3);
    clones.create(here, "NEXT");
    let verified = clones.secrets(here, ["verify", "--json"]).success().json();
    assert_eq!(verified["dead_boxes"], 0, "a writer drops what git brought back");
}
