//! Every kind of author against every kind of record, everywhere it can point: the policy against a
//! table that is written here from the design's, and shares no code with it.

use std::collections::BTreeMap;

use secrets::org::entry::{Body, Entry, Header};
use secrets::org::fold::fold_on;
use secrets::org::ids::{BoxId, EntryId, Id, MemberId};
use secrets::org::policy::Judge;
use secrets::org::record::{
    Change, Grant, Kind, NewPlace, NewSecret, NewVersion, Record, SecretType,
};
use secrets::org::rings::RingName;
use secrets::org::roles::{Grantee, Object, Reach, Rights, Role};
use secrets::org::state::State;

use crate::symbols::*;

/// What a principal is, for the table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Who {
    Founder,
    Owner1,
    Owner2,
    Admin,
    OrgEditor,
    OrgWriter,
    OrgViewer,
    HereEditor,
    HereWriter,
    HereViewer,
    ElsewhereEditor,
    ElsewhereWriter,
    Plain,
    ReadsProject,
    WritesProject,
    ReadsSecret,
    WritesSecret,
    GroupReadsProject,
    GroupWritesProject,
    GroupWritesSecret,
    WritesProjectElsewhere,
    WritesOtherProject,
    Lapsed,
    MachineReadsProject,
    MachineWritesProject,
    MachineExpired,
    Provisional,
    ProvisionalAdmin,
    Removed,
    MachineOfRemoved,
    KeptMachine,
    OldKey,
    Stranger,
}

use Who::*;

const ALL: [Who; 33] = [
    Founder,
    Owner1,
    Owner2,
    Admin,
    OrgEditor,
    OrgWriter,
    OrgViewer,
    HereEditor,
    HereWriter,
    HereViewer,
    ElsewhereEditor,
    ElsewhereWriter,
    Plain,
    ReadsProject,
    WritesProject,
    ReadsSecret,
    WritesSecret,
    GroupReadsProject,
    GroupWritesProject,
    GroupWritesSecret,
    WritesProjectElsewhere,
    WritesOtherProject,
    Lapsed,
    MachineReadsProject,
    MachineWritesProject,
    MachineExpired,
    Provisional,
    ProvisionalAdmin,
    Removed,
    MachineOfRemoved,
    KeptMachine,
    OldKey,
    Stranger,
];

/// Where a secret is, and what it belongs to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Spot {
    /// In this environment, in the project and under the grants of the table.
    Here,
    /// In this environment, in nothing.
    HereBare,
    /// In this environment, in another project.
    HereOther,
    /// In the other environment, in the project.
    Elsewhere,
    ElsewhereBare,
    /// Made by nobody.
    Nowhere,
}

const SPOTS: [Spot; 6] = [
    Spot::Here,
    Spot::HereBare,
    Spot::HereOther,
    Spot::Elsewhere,
    Spot::ElsewhereBare,
    Spot::Nowhere,
];

struct Org {
    state: State,
    who: BTreeMap<Who, u64>,
    secrets: BTreeMap<Spot, Id>,
    here: Id,
    there: Id,
    project: Id,
    other: Id,
    group: Id,
    next: u64,
    heads: Vec<EntryId>,
}

const KEY: u64 = 100;

impl Org {
    fn new() -> Self {
        let founder = public_key(KEY);
        let vault = entry_id(1);
        let id = |n| Id::derive(&founder, &nonce(n));
        let mut org = Self {
            state: State::empty(vault),
            who: ALL.iter().map(|who| (*who, KEY + *who as u64)).collect(),
            secrets: BTreeMap::new(),
            here: id(1),
            there: id(2),
            project: id(3),
            other: id(4),
            group: id(5),
            next: 10,
            heads: vec![],
        };
        let environments = vec![
            NewPlace { nonce: nonce(1), name: place_name("development") },
            NewPlace { nonce: nonce(2), name: place_name("production") },
        ];
        org.write(
            Founder,
            Record::Found { org: title("acme"), card: card("founder", KEY), environments },
        );
        org.write(Founder, Record::CreateProject { nonce: nonce(3), name: place_name("shop") });
        org.write(Founder, Record::CreateProject { nonce: nonce(4), name: place_name("blog") });
        org.write(Founder, Record::CreateGroup { nonce: nonce(5), name: title("team") });
        org.make_secrets();
        org.make_people();
        org
    }

    /// What must be accepted to set the scene.
    fn write(&mut self, author: Who, record: Record) {
        let key = public_key(self.who[&author]);
        self.write_as(key, record);
        assert!(self.state.refused.is_empty(), "{:?}", self.state.refused);
    }

    fn write_as(&mut self, author: secrets::org::ids::PublicKey, record: Record) {
        let entry = self.entry(author, vec![record], 0);
        self.heads = vec![entry.id];
        fold_on(&mut self.state, &entry);
    }

    fn entry(
        &mut self,
        author: secrets::org::ids::PublicKey,
        records: Vec<Record>,
        at: i64,
    ) -> Entry {
        self.next += 1;
        let first = self.state.entries == 0;
        let header = Header {
            vault: (!first).then_some(self.state.vault),
            time: time(at),
            parents: self.heads.clone(),
            author,
            members: recipient(0),
            boxes: vec![],
            rings: if first { vec![crate::log::unnamed_ring()] } else { vec![] },
            wraps: vec![],
        };
        let id = if first { self.state.vault } else { entry_id(self.next) };
        Entry { id, header, body: Body::Opened(records.into_iter().map(Change::Known).collect()) }
    }

    fn make_secrets(&mut self) {
        let spots = [
            (Spot::Here, self.here.clone(), vec![self.project.clone()]),
            (Spot::HereBare, self.here.clone(), vec![]),
            (Spot::HereOther, self.here.clone(), vec![self.other.clone()]),
            (Spot::Elsewhere, self.there.clone(), vec![self.project.clone()]),
            (Spot::ElsewhereBare, self.there.clone(), vec![]),
        ];
        for (number, (spot, environment, projects)) in spots.into_iter().enumerate() {
            let made = nonce(20 + number as u64);
            self.secrets.insert(spot, Id::derive(&public_key(KEY), &made));
            self.write(Founder, Record::Create(new_secret(made, environment, projects)));
        }
        self.secrets.insert(Spot::Nowhere, Id::parse("aaaaaaaaaaaaaaaaaaaa").unwrap());
    }

    fn make_people(&mut self) {
        let machine = Kind::Machine { expires: None };
        for who in ALL {
            let (by, kind) = match who {
                Founder | Stranger => continue,
                MachineReadsProject | MachineWritesProject => (Founder, machine),
                MachineExpired => (Founder, Kind::Machine { expires: Some(time(5)) }),
                Provisional | ProvisionalAdmin => (Founder, Kind::Provisional),
                MachineOfRemoved | KeptMachine => (Removed, machine),
                _ => (Founder, Kind::Person),
            };
            let card = card(&format!("{who:?}"), self.who[&who]);
            self.write(by, Record::Admit { card, kind });
            if who == Removed {
                self.raise(Founder, who, Role::Admin, Reach::Org);
            }
        }
        let (here, there) =
            (Reach::Environment(self.here.clone()), Reach::Environment(self.there.clone()));
        let roles = [
            (Founder, Owner1, Role::Owner, Reach::Org),
            (Owner1, Owner2, Role::Owner, Reach::Org),
            (Owner1, Admin, Role::Admin, Reach::Org),
            (Admin, OrgEditor, Role::Editor, Reach::Org),
            (Admin, OrgWriter, Role::Writer, Reach::Org),
            (Admin, OrgViewer, Role::Viewer, Reach::Org),
            (Admin, HereEditor, Role::Editor, here.clone()),
            (Admin, HereWriter, Role::Writer, here.clone()),
            (Admin, HereViewer, Role::Viewer, here.clone()),
            (Admin, ElsewhereEditor, Role::Editor, there.clone()),
            (Admin, ElsewhereWriter, Role::Writer, there),
            (Admin, ProvisionalAdmin, Role::Admin, Reach::Org),
            (Admin, OldKey, Role::Admin, Reach::Org),
            (Admin, Lapsed, Role::Writer, here.clone()),
        ];
        for (by, who, role, reach) in roles {
            self.raise(by, who, role, reach);
        }
        self.give_grants();
        self.write(
            Admin,
            Record::Lower { member: self.id(Lapsed), role: Role::Writer, reach: here },
        );
        self.write(
            OldKey,
            Record::ChangeKey { member: self.id(OldKey), card: card("OldKey", KEY + 900) },
        );
        let keep = vec![self.id(KeptMachine)];
        self.write(Owner1, Record::Remove { member: self.id(Removed), keep });
    }

    fn raise(&mut self, by: Who, who: Who, role: Role, reach: Reach) {
        self.write(by, Record::Raise { member: self.id(who), role, reach });
    }

    fn give_grants(&mut self) {
        for who in [GroupReadsProject, GroupWritesProject, GroupWritesSecret] {
            // Each has a group of their own: what another group has is not theirs.
            let number = nonce(40 + who as u64);
            self.write(Admin, Record::CreateGroup { nonce: number, name: title("team") });
            let group = Id::derive(&public_key(self.who[&Admin]), &number);
            self.write(Admin, Record::JoinGroup { group: group.clone(), member: self.id(who) });
            self.grant(who, Grantee::Group(group));
        }
        for who in [
            ReadsProject,
            WritesProject,
            ReadsSecret,
            WritesSecret,
            WritesProjectElsewhere,
            WritesOtherProject,
            Lapsed,
            MachineReadsProject,
            MachineWritesProject,
            MachineExpired,
            MachineOfRemoved,
            KeptMachine,
        ] {
            self.grant(who, Grantee::Member(self.id(who)));
        }
    }

    fn grant(&mut self, who: Who, to: Grantee) {
        let on_project = Object::Project(self.project.clone());
        let on_secret = Object::Secret(self.secrets[&Spot::Here].clone());
        let (on, environment, rights) = match who {
            ReadsProject | GroupReadsProject | MachineReadsProject => {
                (on_project, self.here.clone(), Rights::Read)
            }
            ReadsSecret => (on_secret, self.here.clone(), Rights::Read),
            WritesSecret | GroupWritesSecret => (on_secret, self.here.clone(), Rights::ReadWrite),
            WritesProjectElsewhere => (on_project, self.there.clone(), Rights::ReadWrite),
            WritesOtherProject => {
                (Object::Project(self.other.clone()), self.here.clone(), Rights::ReadWrite)
            }
            _ => (on_project, self.here.clone(), Rights::ReadWrite),
        };
        let grant = Grant { to, on, environment, rights };
        self.write(Admin, Record::Grant(grant.clone()));
        if who == Lapsed {
            self.write(Admin, Record::Revoke(Grant { rights: Rights::Read, ..grant }));
        }
    }

    fn id(&self, who: Who) -> MemberId {
        public_key(self.who[&who])
    }
}

fn new_secret(nonce: secrets::org::ids::Nonce, environment: Id, projects: Vec<Id>) -> NewSecret {
    NewSecret {
        nonce,
        name: secret_name("TOKEN"),
        kind: SecretType::Value,
        environment,
        scope: None,
        projects,
        note: None,
        rotate_days: None,
        value: box_id(1),
    }
}

// ---- the table ----

/// Whether entries of this principal count at all.
fn counts(who: Who) -> bool {
    !matches!(who, MachineExpired | Removed | MachineOfRemoved | OldKey | Stranger)
}

/// From the top: the founder, owners by how far from the founder, admins, everybody else.
fn rank(who: Who) -> u32 {
    match who {
        Founder => 0,
        Owner1 => 1,
        Owner2 => 2,
        // Who gave up a key is still the admin they were, by their new key.
        Admin | ProvisionalAdmin | OldKey => 1000,
        _ => 2000,
    }
}

fn admin(who: Who) -> bool {
    rank(who) <= 1000
}

fn owner(who: Who) -> bool {
    rank(who) < 1000
}

fn edits(who: Who, spot: Spot) -> bool {
    admin(who)
        || who == OrgEditor
        || (who == HereEditor && is_here(spot))
        || (who == ElsewhereEditor && !is_here(spot))
}

fn is_here(spot: Spot) -> bool {
    matches!(spot, Spot::Here | Spot::HereBare | Spot::HereOther)
}

fn writes_by_role(who: Who, here: bool) -> bool {
    admin(who)
        || matches!(who, OrgEditor | OrgWriter)
        || (here && matches!(who, HereEditor | HereWriter))
        || (!here && matches!(who, ElsewhereEditor | ElsewhereWriter))
}

fn writes_by_grant(who: Who, spot: Spot) -> bool {
    match spot {
        Spot::Here => matches!(
            who,
            WritesProject
                | WritesSecret
                | GroupWritesProject
                | GroupWritesSecret
                | MachineWritesProject
                | KeptMachine
        ),
        Spot::HereOther => who == WritesOtherProject,
        Spot::Elsewhere => who == WritesProjectElsewhere,
        _ => false,
    }
}

fn writes(who: Who, spot: Spot) -> bool {
    writes_by_role(who, is_here(spot)) || writes_by_grant(who, spot)
}

fn reveals(who: Who, spot: Spot) -> bool {
    let by_read =
        matches!(who, ReadsProject | ReadsSecret | GroupReadsProject | MachineReadsProject);
    edits(who, spot) || writes_by_grant(who, spot) || (spot == Spot::Here && by_read)
}

/// Who may write this record; `None`: nobody at all.
struct Cell {
    what: String,
    record: Record,
    allowed: Box<dyn Fn(Who) -> bool>,
}

fn cell(what: String, record: Record, allowed: impl Fn(Who) -> bool + 'static) -> Cell {
    Cell { what, record, allowed: Box::new(allowed) }
}

fn is_machine(who: Who) -> bool {
    matches!(
        who,
        MachineReadsProject
            | MachineWritesProject
            | MachineExpired
            | MachineOfRemoved
            | KeptMachine
    )
}

fn cells(org: &Org) -> Vec<Cell> {
    let mut cells = vec![];
    about_members(org, &mut cells);
    about_the_org(org, &mut cells);
    about_secrets(org, &mut cells);
    creating(org, &mut cells);
    cells
}

/// Taking needs to be the target, or an admin who stands higher. Who is gone or unknown stands lowest.
fn takes_from(who: Who, target: Who) -> bool {
    let theirs =
        if matches!(target, Removed | MachineOfRemoved | Stranger) { 2000 } else { rank(target) };
    who == target || (admin(who) && (target == Stranger || rank(who) < theirs))
}

fn about_members(org: &Org, cells: &mut Vec<Cell>) {
    for target in ALL {
        let member = org.id(target);
        cells.push(cell(
            format!("remove {target:?}"),
            Record::Remove { member, keep: vec![] },
            move |who| takes_from(who, target),
        ));
        for role in [Role::Owner, Role::Admin, Role::Editor, Role::Writer, Role::Viewer] {
            for reach in [Reach::Org, Reach::Environment(org.here.clone())] {
                let raise = Record::Raise { member, role, reach: reach.clone() };
                cells.push(cell(format!("raise {target:?} {role:?}"), raise, move |who| {
                    !is_machine(target) && if role == Role::Owner { owner(who) } else { admin(who) }
                }));
                let lower = Record::Lower { member, role, reach };
                cells.push(cell(format!("lower {target:?} {role:?}"), lower, move |who| {
                    takes_from(who, target) && (role != Role::Owner || owner(who))
                }));
            }
        }
        let change = Record::ChangeKey { member, card: card("new", 5000) };
        cells.push(cell(format!("change key of {target:?}"), change, move |who| {
            who == target || (is_machine(target) && takes_from(who, target))
        }));
        let mut own = card("new name", org.who[&target]);
        own.recipient = recipient(org.who[&target]);
        cells.push(cell(format!("card of {target:?}"), Record::Card { card: own }, move |who| {
            who == target
        }));
        let renew = Record::Renew { member, expires: None };
        cells.push(cell(format!("renew {target:?}"), renew, admin));
        let (join, leave) = (
            Record::JoinGroup { group: org.group.clone(), member },
            Record::LeaveGroup { group: org.group.clone(), member },
        );
        cells.push(cell(format!("join {target:?}"), join, admin));
        cells
            .push(cell(format!("leave {target:?}"), leave, move |who| admin(who) || who == target));
        for rights in [Rights::Read, Rights::ReadWrite] {
            for on in [
                Object::Project(org.project.clone()),
                Object::Secret(org.secrets[&Spot::Here].clone()),
            ] {
                let grant = Grant {
                    to: Grantee::Member(member),
                    on,
                    environment: org.here.clone(),
                    rights,
                };
                cells.push(cell(format!("grant {target:?}"), Record::Grant(grant.clone()), admin));
                let revoke = Record::Revoke(grant);
                cells.push(cell(format!("revoke {target:?}"), revoke, move |who| {
                    admin(who) || who == target
                }));
            }
        }
    }
    for kind in [Kind::Person, Kind::Provisional, Kind::Machine { expires: None }] {
        cells.push(cell(
            format!("admit {kind:?}"),
            Record::Admit { card: card("new", 5001), kind },
            admin,
        ));
    }
}

fn about_the_org(org: &Org, cells: &mut Vec<Cell>) {
    let (group, project) = (org.group.clone(), org.project.clone());
    let environment = org.here.clone();
    let by_admins = [
        Record::CreateGroup { nonce: nonce(900), name: title("team") },
        Record::RenameGroup { group: group.clone(), name: title("crew") },
        Record::DeleteGroup { group: group.clone() },
        Record::Grant(Grant {
            to: Grantee::Group(group.clone()),
            on: Object::Project(project.clone()),
            environment: environment.clone(),
            rights: Rights::Read,
        }),
        Record::Revoke(Grant {
            to: Grantee::Group(group),
            on: Object::Project(project.clone()),
            environment: environment.clone(),
            rights: Rights::Read,
        }),
        Record::CreateProject { nonce: nonce(901), name: place_name("new") },
        Record::RenameProject { project: project.clone(), name: place_name("new") },
        Record::DeleteProject { project: project.clone() },
        Record::CreateEnvironment { nonce: nonce(902), name: place_name("new") },
        Record::RenameEnvironment { environment: environment.clone(), name: place_name("new") },
        Record::DeleteEnvironment { environment: environment.clone() },
        Record::Ring { ring: Id::derive(&public_key(1), &nonce(903)), name: RingName::Reads },
    ];
    for record in by_admins {
        cells.push(cell(format!("{record:?}"), record, admin));
    }
    cells.push(cell("format".into(), Record::Format { records: vec!["marvel".into()] }, owner));
    let environments = vec![];
    let found = Record::Found { org: title("evil"), card: card("evil", 5002), environments };
    cells.push(cell("found".into(), found, |_| false));
    cells.push(cell("drop".into(), Record::Drop { boxes: vec![box_id(1)] }, |_| true));
    let rings: [(RingName, fn(Who) -> bool); 5] = [
        (RingName::Members, |_| true),
        (RingName::Environment(org.here.clone()), |who| edits(who, Spot::HereBare)),
        (RingName::Environment(org.there.clone()), |who| edits(who, Spot::ElsewhereBare)),
        (RingName::Project { project, environment }, |who| {
            admin(who)
                || (reveals(who, Spot::Here)
                    && !edits(who, Spot::Here)
                    && !matches!(who, ReadsSecret | WritesSecret | GroupWritesSecret))
        }),
        (RingName::Secret(org.secrets[&Spot::Here].clone()), |who| {
            admin(who) || matches!(who, ReadsSecret | WritesSecret | GroupWritesSecret)
        }),
    ];
    for (name, allowed) in rings {
        let ring = Id::derive(&public_key(2), &nonce(904));
        cells.push(cell(format!("ring {name}"), Record::Ring { ring, name }, allowed));
    }
}

fn about_secrets(org: &Org, cells: &mut Vec<Cell>) {
    for spot in SPOTS {
        let secret = org.secrets[&spot].clone();
        // The policy judges rights, never existence: about what is not there anybody may write.
        let nowhere = spot == Spot::Nowhere;
        let mut add = |what: &str, record: Record, allowed: Box<dyn Fn(Who) -> bool>| {
            cells
                .push(cell(format!("{what} {spot:?}"), record, move |who| nowhere || allowed(who)));
        };
        let boxes: Vec<BoxId> = vec![box_id(1)];
        for (restores, assign) in [(None, false), (Some(1), false), (None, true), (Some(1), true)] {
            let update = NewVersion {
                secret: secret.clone(),
                number: 2,
                value: box_id(2),
                after: boxes.clone(),
                restores,
                assign: if assign { vec![org.project.clone()] } else { vec![] },
            };
            add(
                "update",
                Record::Update(update),
                Box::new(move |who| {
                    writes(who, spot)
                        && (restores.is_none() || reveals(who, spot))
                        && (!assign || writes_by_role(who, is_here(spot)))
                }),
            );
        }
        let by_writers = [
            Record::Rename { secret: secret.clone(), name: secret_name("OTHER") },
            Record::Note { secret: secret.clone(), note: None },
            Record::Rotation { secret: secret.clone(), days: Some(30) },
            Record::Resolve { secret: secret.clone(), take: box_id(1), after: boxes.clone() },
        ];
        for record in by_writers {
            add("write", record, Box::new(move |who| writes(who, spot)));
        }
        for projects in [vec![org.project.clone()], vec![org.other.clone()], vec![]] {
            let by_editors = [
                Record::Assign { secret: secret.clone(), projects: projects.clone() },
                Record::Unassign { secret: secret.clone(), projects },
                Record::Reseal { secret: secret.clone(), replaces: box_id(1), value: box_id(2) },
            ];
            for record in by_editors {
                add("edit", record, Box::new(move |who| edits(who, spot)));
            }
        }
        let delete = Record::Delete { secret, boxes };
        cells.push(cell(format!("delete {spot:?}"), delete, admin));
    }
}

fn creating(org: &Org, cells: &mut Vec<Cell>) {
    for here in [true, false] {
        let environment = if here { org.here.clone() } else { org.there.clone() };
        for (in_project, in_other) in [(false, false), (true, false), (false, true), (true, true)] {
            let mut projects = vec![];
            projects.extend(in_project.then(|| org.project.clone()));
            projects.extend(in_other.then(|| org.other.clone()));
            let new = new_secret(nonce(905), environment.clone(), projects);
            cells.push(cell(format!("create here={here}"), Record::Create(new), move |who| {
                let project = match here {
                    true => matches!(
                        who,
                        WritesProject | GroupWritesProject | MachineWritesProject | KeptMachine
                    ),
                    false => who == WritesProjectElsewhere,
                };
                let other = here && who == WritesOtherProject;
                let granted =
                    (in_project || in_other) && (!in_project || project) && (!in_other || other);
                writes_by_role(who, here) || granted
            }));
        }
    }
}

#[test]
fn every_cell_of_the_policy_is_as_the_table_says() {
    let mut org = Org::new();
    let cells = cells(&org);
    let mut wrong = vec![];
    for who in ALL {
        for cell in &cells {
            let expected = counts(who) && (cell.allowed)(who);
            let key = public_key(org.who[&who]);
            let entry = org.entry(key, vec![cell.record.clone()], 10);
            let mut after = org.state.clone();
            fold_on(&mut after, &entry);
            let folded = after.refused.is_empty();
            if folded != expected {
                wrong.push(format!(
                    "{who:?}: {}: folded {folded}, the table says {expected}",
                    cell.what
                ));
            }
            // The writer is told the same before signing.
            if let Some(author) = org.state.member_with_key(&key).filter(|_| who != MachineExpired)
            {
                let asked = Judge::new(&org.state, author).allows(&cell.record).is_ok();
                assert_eq!(asked, expected, "asked: {who:?}: {}", cell.what);
            }
        }
    }
    let count = ALL.len() * cells.len();
    println!("{count} cells: {} principals, {} records", ALL.len(), cells.len());
    assert!(wrong.is_empty(), "{} wrong cells:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 30_000, "{count}");
}
