//! `secrets verify`.

use crate::acme::{acme, copy, create, identity, join, memory, session, update, vault, write};
use crate::harness::World;
use crate::output::Output;
use secrets::crypto::age_key::AgeKey;
use secrets::crypto::member::encode_ring_keys;
use secrets::crypto::seal::seal;
use secrets::format::line::Line;
use secrets::format::{body, header, plaintext};
use secrets::org::entry::{BoxClaim, Header, Wrap};
use secrets::org::ids::{BoxId, Id, PublicKey, Recipient};
use secrets::org::record::{NewVersion, Record};
use secrets::org::rings::RingName;
use secrets::org::roles::Role;
use secrets::org::time::Time;
use secrets::secret::SecretBytes;
use secrets::session::open::Session;
use secrets::session::scan::ENTRY_CONTEXT;
use serde_json::json;

const VALUE: &str = "a value to be verified";

fn verify(world: &World) -> Output {
    world.run(["verify"])
}

fn report(world: &World, code: i32) -> serde_json::Value {
    world.run(["verify", "--json"]).exits(code).json()
}

fn lines(world: &World) -> Vec<String> {
    let text = std::fs::read_to_string(vault(world)).unwrap();
    text.split_inclusive('\n').map(str::to_owned).collect()
}

fn put(world: &World, lines: &[String]) {
    std::fs::write(vault(world), lines.concat()).unwrap();
}

/// Takes the last line away that begins so, and tells which it was.
fn drop_last(world: &World, start: &str) -> usize {
    let mut all = lines(world);
    let at = all.iter().rposition(|line| line.starts_with(start)).unwrap();
    all.remove(at);
    put(world, &all);
    at + 1
}

#[test]
fn a_whole_vault() {
    let world = acme();
    world.secrets(["create", "TOKEN", "--note", "a note"]).value(VALUE).run().success();
    update(&world, "TOKEN", "another value");
    let said = verify(&world).success().stderr_is("");
    said.stdout_has("acme, vault ")
        .stdout_has("3 entries, 5 boxes, 1 secret, 1 member\n")
        .stdout_has("opened 3 entries, 2 values, 1 note, 1 key box\n")
        .stdout_has("the vault is whole\n");
    let report = report(&world, 0);
    assert_eq!(report["verdict"], "whole");
    assert_eq!(report["org"], "acme");
    assert_eq!(report["heads"].as_array().unwrap().len(), 1);
    let opened = json!({"bodies": 3, "values": 2, "notes": 1, "keys": 1, "not_mine": 0});
    assert_eq!(report["opened"], opened);
    let lists = ["bad_lines", "strangers", "waiting", "missing_boxes", "wrong_boxes"];
    for list in lists.iter().chain(&["wrong_wraps", "ghost_wraps", "refused", "forgotten"]) {
        assert_eq!(report[list], json!([]), "{list}");
    }
    assert_eq!((&report["torn_bytes"], &report["no_key"]), (&json!(0), &json!(null)));
}

#[test]
fn it_needs_no_memory_and_leaves_none() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    std::fs::remove_dir_all(world.home().join(".local/state")).unwrap();
    verify(&world).success().stdout_has("the vault is whole");
    assert!(!world.home().join(".local/state/secrets").exists());
}

#[test]
fn a_bad_line_is_damage() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    let mut all = lines(&world);
    all.insert(2, "box of chocolates\n".to_owned());
    put(&world, &all);
    let said = verify(&world).exits(6).stdout_has("bad line 3: the box has no well-formed id");
    said.stderr_is(
        "secrets: error: the vault is damaged\nsecrets: hint: `secrets repair` puts back what this \
         machine or another copy still has\n",
    );
    assert_eq!(report(&world, 6)["bad_lines"][0]["line"], 3);
    world.run(["reveal", "TOKEN"]).success().stdout_is(VALUE);
    update(&world, "TOKEN", "a write moves it aside");
}

#[test]
fn a_missing_box_is_named_with_its_author() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    drop_last(&world, "box ");
    let missing = "missing: version 1 of TOKEN in development, written by alice\n";
    verify(&world).exits(6).stdout_has(missing);
    let report = report(&world, 6);
    assert_eq!(report["verdict"], "damaged");
    assert_eq!(report["missing_boxes"][0]["author"], "alice");
    world.run(["repair", "--yes"]).success();
}

#[test]
fn missing_keys_of_mine_are_damage_not_being_behind() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    let mut all = lines(&world);
    all.remove(2); // the member box stands first, then the keys for the founder
    put(&world, &all);
    let said = verify(&world).exits(6);
    said.stdout_has("missing: ");
    world.run(["reveal", "TOKEN"]).exits(4);
    world.run(["repair", "--yes"]).success();
    world.run(["reveal", "TOKEN"]).success().stdout_is(VALUE);
}

#[test]
fn an_unfinished_end_is_told_and_is_no_damage() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    let mut all = lines(&world);
    all.push("entry of a write that was never ack".to_owned());
    put(&world, &all);
    let said = verify(&world).success();
    said.stdout_has("unfinished: the last 35 bytes were never acknowledged");
    assert_eq!(report(&world, 0)["torn_bytes"], 35);
}

#[test]
fn a_vault_that_went_back_is_noticed_by_the_heads_seen_here() {
    let world = acme();
    let before = lines(&world);
    create(&world, "TOKEN", VALUE);
    put(&world, &before);
    verify(&world).exits(7).stdout_has("gone: entry ").stderr_has("went back");
    assert_eq!(report(&world, 7)["verdict"], "rolled-back");
    std::fs::remove_dir_all(memory(&world)).unwrap();
    verify(&world).success();
}

#[test]
fn another_vault_in_its_place_is_noticed() {
    let world = acme();
    let other = world.work().join("other.vault");
    world.run(["init", "other", "--vault", "other.vault"]).success();
    std::fs::copy(&other, vault(&world)).unwrap();
    verify(&world).exits(7).stdout_has("other, vault ");
    world.expect_verify(7);
    std::fs::remove_file(other).unwrap();
}

#[test]
fn without_a_key_lines_and_signatures_are_checked() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    let stranger = |args: &[&str]| {
        world.secrets(args).person("bob").variable("SECRETS_VAULT", vault(&world)).run()
    };
    let said = stranger(&["verify"]).exits(4);
    said.stdout_has("2 entries, 3 boxes").stderr_has("bodies could not be opened");
    let report = stranger(&["verify", "--json"]).exits(4).json();
    assert_eq!((&report["verdict"], &report["locked"]), (&json!("unopened"), &json!(2)));
    assert_eq!(report["strangers"], json!([]), "nobody can tell without bodies");
    let mut all = lines(&world);
    let entry = all.iter().position(|line| line.starts_with("entry ")).unwrap();
    all.remove(entry);
    put(&world, &all);
    stranger(&["verify"]).exits(6);
    world.run(["repair", "--yes"]).success();
}

#[test]
fn an_entry_of_another_vault_is_nobodys() {
    let world = acme();
    world.run(["init", "other", "--vault", "other.vault"]).success();
    let other = std::fs::read_to_string(world.work().join("other.vault")).unwrap();
    let foreign = other.lines().find(|line| line.starts_with("entry ")).unwrap();
    world.secrets(["create", "X", "--vault", "other.vault"]).value(VALUE).run().success();
    let other = std::fs::read_to_string(world.work().join("other.vault")).unwrap();
    let later = other.lines().rfind(|line| line.starts_with("entry ")).unwrap();
    assert_ne!(foreign, later);
    let mut all = lines(&world);
    all.push(format!("{later}\n"));
    put(&world, &all);
    let line = all.len();
    verify(&world).success().stdout_has(&format!("line {line}: an entry of no member: ignored"));
    assert_eq!(report(&world, 0)["strangers"][0]["line"], line);
    create(&world, "NEXT", "a write moves it aside");
    assert_eq!(report(&world, 0)["strangers"], json!([]));
}

#[test]
fn entries_without_effect_and_proposed_values_are_named() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    let bob = join(&world, "bob", Some((Role::Writer, "development")));
    let there = copy(&world, "bob");
    let update = bob.on(&there.vault, ["update", "TOKEN"]).value("written beside the removal");
    update.run().success();
    write(&world, Record::Remove { member: bob.id, keep: vec![] });
    there.unite();
    let said = verify(&world).success();
    said.stdout_has("no effect: an entry by bob: ")
        .stdout_has("proposed: version 2 of TOKEN by bob");
    let report = report(&world, 0);
    assert_eq!(report["refused"][0]["author"], "bob");
    assert_eq!(report["proposed"][0]["secret"], "TOKEN");
    bob.run(["verify"]).exits(4).stderr_has("bodies could not be opened");
}

#[test]
fn what_a_member_may_not_open_is_counted() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    let bob = join(&world, "bob", Some((Role::Writer, "development")));
    let report = bob.run(["verify", "--json"]).success().json();
    assert_eq!(
        (&report["opened"]["values"], &report["opened"]["not_mine"]),
        (&json!(0), &json!(1))
    );
    assert_eq!((&report["verdict"], &report["members"]), (&json!("whole"), &json!(2)));
}

#[test]
fn conflicts_are_named() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    let there = copy(&world, "laptop");
    there.secrets(["update", "TOKEN"]).value("changed there").run().success();
    there.secrets(["create", "TWICE"]).value("made there").run().success();
    update(&world, "TOKEN", "changed here");
    create(&world, "TWICE", "made here");
    there.unite();
    verify(&world)
        .success()
        .stdout_has("in conflict: TOKEN in development\n")
        .stdout_has("in conflict: TWICE in development (two of that name)\n");
}

#[test]
fn files_that_are_no_vault() {
    let world = World::new();
    world.skip_verify();
    let path = world.work().join("file");
    let refused = |bytes: &str, code| {
        std::fs::write(&path, bytes).unwrap();
        world.run(["verify", "--vault", "file"]).fails(code)
    };
    refused("just a text\n", 1).stderr_has("file is no vault");
    refused("secrets-vault 2\n", 1).stderr_has("of format 2").stderr_has("install a newer");
    refused("", 6).stderr_has("is empty");
    refused("secrets-vault 1\n", 6).stderr_has("no first entry");
    refused("secrets-vault 1\nbox x\n", 6).stderr_has("line 2: the line is of no known kind");
    std::fs::remove_file(&path).unwrap();
    world.run(["verify", "--vault", "file"]).fails(3).stderr_has("there is no vault at");
    world.run(["verify", "--vault", "."]).fails(1).stderr_has("not a regular file");
}

#[test]
fn the_id_that_was_asked_for() {
    let world = acme();
    let id = report(&world, 0)["id"].as_str().unwrap().to_owned();
    world.run(["verify", "--vault-id", &id]).success();
    let last = if id.ends_with('A') { 'E' } else { 'A' };
    let other = format!("{}{last}", &id[..42]);
    let code = world.run(["verify", "--vault-id", &other]).status.code();
    assert_eq!(code, Some(7));
    std::fs::remove_file(identity(&world)).unwrap();
    world.run(["verify", "--vault-id", &id]).exits(4);
    world.expect_verify(4);
}

// --- entries that no honest program writes

/// What alice's keys can put into the file, whatever honesty says.
struct Forger {
    session: Session,
    header: Header,
    records: Vec<Record>,
    boxes: Vec<Vec<u8>>,
}

impl Forger {
    fn new(world: &World) -> Self {
        let (mut session, _) = session(world, &vault(world));
        let state = session.state().unwrap().clone();
        let members = state.rings.of(&RingName::Members).last().unwrap().recipient.clone();
        let header = Header {
            vault: Some(session.vault),
            time: Time::from_millis(1_800_000_000_000),
            parents: session.index.heads.clone(),
            author: PublicKey::parse(&session.member.signing.public()).unwrap(),
            members,
            boxes: vec![],
            rings: vec![],
            wraps: vec![],
        };
        Self { session, header, records: vec![], boxes: vec![] }
    }

    fn write(self, world: &World) {
        let plaintext = body::encode("a forger", "nowhere", &self.records);
        let sealed = seal(&[self.header.members.as_str()], plaintext.expose()).unwrap();
        let text = header::encode(&self.header, &sealed.file);
        let signature = self.session.member.signing.sign(ENTRY_CONTEXT, text.as_bytes());
        let mut all = lines(world);
        all.extend(self.boxes.iter().map(|file| Line::for_box(BoxId::of(file), file)));
        all.push(Line::for_entry(&signature, &text));
        put(world, &all);
    }
}

fn ids(world: &World, name: &str) -> (Id, Id, BoxId) {
    let (mut session, _) = session(world, &vault(world));
    let state = session.state().unwrap();
    let secret = state.secrets.values().find(|it| it.name.as_str() == name).unwrap();
    (secret.id.clone(), secret.environment.clone(), secret.heads[0])
}

#[test]
fn a_box_that_says_it_is_another_secrets_is_damage_with_its_author() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    create(&world, "OTHER", "a value that passes for another");
    let (token, environment, head) = ids(&world, "TOKEN");
    let (other, ..) = ids(&world, "OTHER");
    let mut forger = Forger::new(&world);
    let ring = RingName::Environment(environment.clone());
    let state = forger.session.state().unwrap();
    let to = state.rings.of(&ring).last().unwrap().recipient.clone();
    let value = SecretBytes::copy_of(b"a value in the wrong place");
    let plaintext = plaintext::encode_value(&other, &environment, 2, &value);
    let sealed = seal(&[to.as_str()], plaintext.expose()).unwrap();
    let id = BoxId::of(&sealed.file);
    forger.header.boxes.push(BoxClaim { id, to: vec![to] });
    forger.boxes.push(sealed.file);
    forger.records.push(update_of(&token, id, head));
    forger.write(&world);
    let said = verify(&world).exits(6);
    said.stdout_has(
        "wrong: version 2 of TOKEN in development, written by alice: its box holds the value of \
         something else\n",
    );
    world.run(["reveal", "TOKEN"]).exits(6);
    world.run(["env", "--", "true"]).exits(6);
    world.expect_verify(6);
}

fn update_of(secret: &Id, value: BoxId, after: BoxId) -> Record {
    Record::Update(NewVersion {
        secret: secret.clone(),
        number: 2,
        value,
        after: vec![after],
        restores: None,
        assign: vec![],
    })
}

#[test]
fn who_points_at_anothers_box_answers_for_it() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    let (_, _, victims) = ids(&world, "TOKEN");
    let bob = join(&world, "bob", Some((Role::Writer, "development")));
    bob.secrets(["create", "MINE"]).value("a value of bob's").run().success();
    let (mine, _, head) = ids(&world, "MINE");
    let mut forger = Forger::new(&world);
    forger.records.push(update_of(&mine, victims, head));
    forger.write(&world);
    let report = report(&world, 6);
    let wrong = report["wrong_boxes"].as_array().unwrap();
    assert_eq!(wrong.len(), 1, "{report}");
    assert_eq!(wrong[0]["why"], "its entry does not say what it is sealed to");
    world.run(["reveal", "TOKEN"]).success().stdout_is(VALUE);
    world.expect_verify(6);
}

fn wrap(forger: &mut Forger, opens: Recipient, holds: &AgeKey) {
    let to = forger.session.member.age.recipient().to_owned();
    let keys = encode_ring_keys(&[("a ring", holds)]);
    let sealed = seal(&[&to], keys.expose()).unwrap();
    let key_box = BoxId::of(&sealed.file);
    let to = Recipient::parse(&to).unwrap();
    forger.header.wraps.push(Wrap { to, opens: vec![opens], key_box });
    forger.boxes.push(sealed.file);
}

#[test]
fn a_wrap_that_holds_another_key_than_it_says_is_told_with_its_author() {
    let world = acme();
    let mut forger = Forger::new(&world);
    let members = forger.header.members.clone();
    wrap(&mut forger, members, &AgeKey::generate());
    forger.write(&world);
    let said = verify(&world).success();
    said.stdout_has(
        "wrong: keys for alice, written by alice: it opens to another key than it says",
    );
    assert_eq!(report(&world, 0)["wrong_wraps"].as_array().unwrap().len(), 1);
}

#[test]
fn keys_that_their_giver_never_had_are_ignored_and_told() {
    let world = acme();
    let mut forger = Forger::new(&world);
    let key = AgeKey::generate();
    wrap(&mut forger, Recipient::parse(key.recipient()).unwrap(), &key);
    forger.write(&world);
    verify(&world).success().stdout_has("ignored: alice gave away keys that they never had");
    assert_eq!(report(&world, 0)["ghost_wraps"][0]["author"], "alice");
}
