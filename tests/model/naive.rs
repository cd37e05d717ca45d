//! The fold once more, slowly, from the rules' text: ancestor sets, and rights found by looking
//! through everything that was ever given and taken.
//!
//! A right holds for an entry if something in its past gave it and nothing took it that the giving did
//! not know of: in the past, or applied beside the entry.

use std::collections::{BTreeMap, BTreeSet};

use secrets::org::entry::{Body, Entry};
use secrets::org::ids::{BoxId, EntryId, Id, MemberId, PublicKey};
use secrets::org::record::{Change, Kind, Record};
use secrets::org::rings::RingName;
use secrets::org::roles::{Grantee, Object, Reach, Rights, Role, Standing};
use secrets::org::state::State;

type Past = BTreeSet<usize>;

/// What an accepted record did, as settled by its own past.
#[derive(Clone, PartialEq, Debug)]
enum Done {
    Admitted(MemberId, Kind),
    Keyed { member: MemberId, key: PublicKey, by: MemberId },
    Renewed(MemberId, Kind),
    Forgave { machine: MemberId, maker: MemberId },
    Raised(MemberId, Role, Reach, Standing),
    Group(Id),
    Joined(Id, MemberId),
    Granted(Grantee, Object, Id, Rights),
    Project(Id),
    Environment(Id),
    Ring(Id, RingName),
    Created(Id, Id),
    Assigned(Id, Id),
    Format(String),
    Took(Loss),
}

#[derive(Clone, PartialEq, Debug)]
enum Loss {
    Member(MemberId),
    Key(PublicKey),
    Role(MemberId, Role, Reach),
    Grant(Grantee, Object, Id, Rights),
    Joined(Id, MemberId),
    Group(Id),
    Assigned(Id, Id),
    Project(Id),
}

struct Outcome {
    accepted: bool,
    author: MemberId,
    standing: Standing,
    /// By record.
    done: Vec<Vec<Done>>,
    beside: Vec<Loss>,
}

type At = (usize, usize);

#[derive(Default)]
struct Decided {
    applied: Vec<(At, Vec<Loss>)>,
    spent: BTreeSet<At>,
    barred: BTreeSet<usize>,
}

pub struct Naive<'a> {
    entries: Vec<&'a Entry>,
    past: Vec<Past>,
    outcomes: Vec<Outcome>,
}

/// What a part of history adds up to, seen by an entry with these takings beside it.
struct View<'n, 'a> {
    naive: &'n Naive<'a>,
    past: &'n Past,
    beside: &'n [Loss],
}

impl<'a> Naive<'a> {
    pub fn fold(vault: EntryId, all: &'a [Entry]) -> Self {
        let (entries, past) = in_order(vault, all);
        let mut naive = Self { entries, past, outcomes: vec![] };
        let mut decided = Decided::default();
        loop {
            naive.outcomes.clear();
            for place in 0..naive.entries.len() {
                let outcome = naive.judge(place, &decided);
                naive.outcomes.push(outcome);
            }
            if !naive.decide(&mut decided) {
                return naive;
            }
        }
    }

    fn beside(&self, one: usize, other: usize) -> bool {
        one != other && !self.past[one].contains(&other) && !self.past[other].contains(&one)
    }

    /// Whether one record was written knowing of another. Those of one entry know the ones before.
    fn knew(&self, one: At, other: At) -> bool {
        self.past[one.0].contains(&other.0) || (one.0 == other.0 && other.1 < one.1)
    }

    fn judge(&self, place: usize, decided: &Decided) -> Outcome {
        let entry = self.entries[place];
        let applied = decided.applied.iter().filter(|((at, _), _)| self.beside(*at, place));
        let beside: Vec<Loss> = applied.flat_map(|(_, loss)| loss.clone()).collect();
        let view = View { naive: self, past: &self.past[place], beside: &beside };
        let author = view.owner(entry.header.author);
        let first = entry.header.vault.is_none();
        let accepted = !decided.barred.contains(&place) && (first || view.accepts(entry));
        let standing = if first { Standing::Other } else { view.standing(author) };
        let mut done: Vec<Vec<Done>> = vec![];
        for record in entry.records() {
            let own = done.concat();
            done.push(if accepted {
                view.does(entry, author, standing, record, &own, done.len())
            } else {
                vec![]
            });
        }
        for ((_, record), loss) in decided.applied.iter().filter(|((at, _), _)| *at == place) {
            let Some(list) = done.get_mut(*record).filter(|_| accepted) else { continue };
            list.retain(|one| !matches!(one, Done::Took(_)));
            list.extend(loss.iter().cloned().map(Done::Took));
        }
        Outcome { accepted, author, standing, done, beside }
    }

    /// One more decision, always one entry at a time.
    fn decide(&self, decided: &mut Decided) -> bool {
        let fallen: Vec<At> = decided
            .applied
            .iter()
            .map(|(at, _)| *at)
            .filter(|at| !self.outcomes[at.0].accepted)
            .collect();
        if !fallen.is_empty() {
            decided.applied.retain(|(at, _)| !fallen.contains(at));
            decided.spent.extend(fallen);
            return true;
        }
        let mut candidates: Vec<(Standing, bool, At, Vec<Loss>)> = vec![];
        for (place, outcome) in self.outcomes.iter().enumerate() {
            if !(0..self.entries.len()).any(|other| self.beside(place, other)) {
                continue;
            }
            for (index, record) in self.entries[place].records().enumerate() {
                let losses: Vec<Loss> = losses(outcome.done.get(index).map_or(&[], Vec::as_slice));
                let at = (place, index);
                let settled = decided.spent.contains(&at)
                    || decided.applied.iter().any(|(done, _)| *done == at);
                if losses.is_empty() || settled {
                    continue;
                }
                let own = from_self(record, outcome.author);
                let mut standing = outcome.standing;
                if own {
                    let raised = self.raised_beside(place, outcome.author);
                    standing = raised.into_iter().fold(standing, Standing::min);
                }
                candidates.push((standing, !own, at, losses));
            }
        }
        let Some(level) =
            candidates.iter().map(|(standing, others, ..)| (*standing, *others)).min()
        else {
            return false;
        };
        candidates.retain(|(standing, others, ..)| (*standing, *others) == level);
        let known: Vec<usize> = candidates.iter().map(|(_, _, at, _)| at.0).collect();
        let foremost = |place: usize| known.iter().all(|other| !self.past[place].contains(other));
        let next = candidates
            .iter()
            .filter(|(_, _, at, _)| foremost(at.0))
            .min_by_key(|(_, _, at, _)| self.entries[at.0].id);
        let Some(place) = next.map(|(_, _, at, _)| at.0) else { return false };
        candidates
            .into_iter()
            .filter(|(_, _, at, _)| at.0 == place)
            .for_each(|candidate| self.apply(decided, candidate));
        true
    }

    fn apply(
        &self,
        decided: &mut Decided,
        (standing, others, at, losses): (Standing, bool, At, Vec<Loss>),
    ) {
        let too_high = |loss: &Loss| match loss {
            Loss::Member(member) | Loss::Role(member, ..) if others => {
                self.raised_beside(at.0, *member).into_iter().any(|raised| raised <= standing)
            }
            _ => false,
        };
        if losses.first().is_some_and(too_high) {
            decided.spent.insert(at);
            decided.barred.insert(at.0);
        } else {
            decided.applied.push((at, losses.into_iter().filter(|loss| !too_high(loss)).collect()));
        }
    }

    /// The standings somebody was given beside an entry.
    fn raised_beside(&self, place: usize, whom: MemberId) -> Vec<Standing> {
        let beside =
            self.outcomes.iter().enumerate().filter(|(other, _)| self.beside(place, *other));
        beside
            .flat_map(|(_, outcome)| outcome.done.iter().flatten())
            .filter_map(|done| match done {
                Done::Raised(member, role, _, standing)
                    if *member == whom && *role >= Role::Admin =>
                {
                    Some(*standing)
                }
                _ => None,
            })
            .collect()
    }
}

fn losses(done: &[Done]) -> Vec<Loss> {
    let took = |done: &Done| match done {
        Done::Took(loss) => Some(loss.clone()),
        _ => None,
    };
    done.iter().filter_map(took).collect()
}

fn from_self(record: &Record, author: MemberId) -> bool {
    match record {
        Record::Remove { member, .. }
        | Record::ChangeKey { member, .. }
        | Record::Lower { member, .. }
        | Record::LeaveGroup { member, .. } => *member == author,
        Record::Revoke(grant) => grant.to == Grantee::Member(author),
        _ => false,
    }
}

fn everywhere(role: Role, reach: &Reach) -> Reach {
    if matches!(role, Role::Owner | Role::Admin) { Reach::Org } else { reach.clone() }
}

impl View<'_, '_> {
    /// What the past did, in order.
    fn done(&self) -> impl Iterator<Item = (At, &Done)> {
        self.past.iter().flat_map(|place| {
            let records = self.naive.outcomes[*place].done.iter().enumerate();
            records
                .flat_map(move |(index, done)| done.iter().map(move |done| ((*place, index), done)))
        })
    }

    fn losses(&self) -> impl Iterator<Item = (At, &Loss)> {
        self.done().filter_map(|(place, done)| match done {
            Done::Took(loss) => Some((place, loss)),
            _ => None,
        })
    }

    /// Whether what was given at a place was taken since, or beside it.
    fn taken(&self, given: At, loss: impl Fn(&Loss) -> bool) -> bool {
        self.losses().any(|(at, lost)| !self.naive.knew(given, at) && loss(lost))
            || self.naive.outcomes[given.0].beside.iter().any(&loss)
    }

    fn owner(&self, key: PublicKey) -> MemberId {
        let keyed = self.done().find_map(|(_, done)| match done {
            Done::Keyed { member, key: theirs, .. } if *theirs == key => Some(*member),
            _ => None,
        });
        keyed.unwrap_or(key)
    }

    fn admitted(&self, member: MemberId) -> Vec<(MemberId, Kind)> {
        self.done()
            .filter_map(|(place, done)| match done {
                Done::Admitted(id, kind) if *id == member => {
                    Some((self.naive.outcomes[place.0].author, *kind))
                }
                _ => None,
            })
            .collect()
    }

    fn is_active(&self, member: MemberId) -> bool {
        !self.admitted(member).is_empty()
            && !self.losses().any(|(_, loss)| *loss == Loss::Member(member))
    }

    fn members(&self) -> BTreeSet<MemberId> {
        self.done()
            .filter_map(|(_, done)| match done {
                Done::Admitted(id, _) => Some(*id),
                _ => None,
            })
            .collect()
    }

    /// The key that was last changed to; else the first.
    fn last_key(&self, member: MemberId) -> Option<(PublicKey, MemberId)> {
        let keyed = self.done().filter_map(|(_, done)| match done {
            Done::Keyed { member: id, key, by } if *id == member => Some((*key, *by)),
            _ => None,
        });
        keyed
            .enumerate()
            .max_by_key(|(rank, (key, _))| (*key != member, *rank))
            .map(|(_, last)| last)
    }

    fn key_known(&self, key: PublicKey) -> bool {
        self.done().any(|(_, done)| matches!(done, Done::Keyed { key: other, .. } if *other == key))
            || self.done().any(|(_, done)| matches!(done, Done::Admitted(id, _) if *id == key))
    }

    fn kind(&self, member: MemberId) -> Option<Kind> {
        let least = self.admitted(member).into_iter().map(|(_, kind)| kind).min()?;
        let renewed = self.done().filter_map(|(_, done)| match done {
            Done::Renewed(id, kind) if *id == member => Some(*kind),
            _ => None,
        });
        let own_key = self.last_key(member).is_some_and(|(_, by)| by == member);
        let kind = if matches!(least, Kind::Machine { .. }) {
            renewed.last().unwrap_or(least)
        } else {
            least
        };
        Some(if kind == Kind::Provisional && own_key { Kind::Person } else { kind })
    }

    fn is_machine(&self, member: MemberId) -> bool {
        matches!(self.kind(member), Some(Kind::Machine { .. }))
    }

    /// Who knows somebody's key because they made it.
    fn makers(&self, member: MemberId) -> BTreeSet<MemberId> {
        let founder = self.naive.entries.first().map(|first| first.header.author);
        let mut makers: BTreeSet<MemberId> = match self.last_key(member) {
            Some((key, by)) if key != member => {
                [by].into_iter().filter(|by| *by != member).collect()
            }
            _ => {
                let admitted = self.admitted(member);
                let person = admitted.iter().any(|(_, kind)| *kind == Kind::Person);
                if person || Some(member) == founder {
                    BTreeSet::new()
                } else {
                    admitted.into_iter().map(|(by, _)| by).collect()
                }
            }
        };
        for (_, done) in self.done() {
            if let Done::Forgave { machine, maker } = done
                && *machine == member
            {
                makers.remove(maker);
            }
        }
        makers
    }

    fn has_role(&self, member: MemberId, role: Role, reach: &Reach) -> bool {
        self.role_standings(member, role, reach).next().is_some()
    }

    fn role_standings(
        &self,
        member: MemberId,
        role: Role,
        reach: &Reach,
    ) -> impl Iterator<Item = Standing> {
        self.done().filter_map(move |(place, done)| match done {
            Done::Raised(id, given, at, standing)
                if *id == member && *given == role && at == reach =>
            {
                let lost = |loss: &Loss| {
                    *loss == Loss::Role(member, role, reach.clone())
                        || *loss == Loss::Member(member)
                };
                (!self.taken(place, lost)).then_some(*standing)
            }
            _ => None,
        })
    }

    /// Standing without regard to what is beside: how high a target stands.
    fn standing_of(&self, member: MemberId) -> Standing {
        let owner = self.role_standings(member, Role::Owner, &Reach::Org).min();
        let admin = self.has_role(member, Role::Admin, &Reach::Org).then_some(Standing::Admin);
        owner.or(admin).unwrap_or(Standing::Other)
    }

    /// An author's standing, less what was taken beside.
    fn standing(&self, member: MemberId) -> Standing {
        let kept = |role| !self.beside.contains(&Loss::Role(member, role, Reach::Org));
        let owner = self
            .role_standings(member, Role::Owner, &Reach::Org)
            .min()
            .filter(|_| kept(Role::Owner));
        let admin = self.has_role(member, Role::Admin, &Reach::Org) && kept(Role::Admin);
        owner.or(admin.then_some(Standing::Admin)).unwrap_or(Standing::Other)
    }

    fn is_admin(&self, member: MemberId) -> bool {
        self.standing(member) != Standing::Other
    }

    /// Writer or editor here, or more.
    fn role_here(&self, member: MemberId, least: Role, environment: &Id) -> bool {
        let roles = if least == Role::Writer {
            vec![Role::Writer, Role::Editor]
        } else {
            vec![Role::Editor]
        };
        let reaches = [Reach::Org, Reach::Environment(environment.clone())];
        self.is_admin(member)
            || roles.iter().any(|role| {
                reaches.iter().any(|reach| {
                    let lost = Loss::Role(member, *role, reach.clone());
                    self.has_role(member, *role, reach) && !self.beside.contains(&lost)
                })
            })
    }

    fn group_exists(&self, group: &Id) -> bool {
        self.done().any(|(_, done)| matches!(done, Done::Group(id) if id == group))
    }

    fn joined(&self, group: &Id, member: MemberId) -> bool {
        let lost = |loss: &Loss| *loss == Loss::Joined(group.clone(), member);
        // A deleted group stays deleted; joining beside that is nothing.
        let gone = self.losses().any(|(_, loss)| *loss == Loss::Group(group.clone()));
        !gone
            && self.done().any(|(place, done)| {
                *done == Done::Joined(group.clone(), member) && !self.taken(place, lost)
            })
    }

    /// In a deleted group too.
    fn was_joined(&self, group: &Id, member: MemberId) -> bool {
        let lost = |loss: &Loss| *loss == Loss::Joined(group.clone(), member);
        self.done().any(|(place, done)| {
            *done == Done::Joined(group.clone(), member) && !self.taken(place, lost)
        })
    }

    fn project_exists(&self, project: &Id) -> bool {
        self.done().any(|(_, done)| matches!(done, Done::Project(id) if id == project))
    }

    fn project_gone(&self, project: &Id) -> bool {
        let lost = Loss::Project(project.clone());
        self.losses().any(|(_, loss)| *loss == lost) || self.beside.contains(&lost)
    }

    /// What a grant still gives.
    fn grant(&self, to: &Grantee, on: &Object, environment: &Id) -> Option<Rights> {
        [Rights::ReadWrite, Rights::Read].into_iter().find(|rights| {
            self.done().any(|(place, done)| match done {
                Done::Granted(t, o, e, given)
                    if t == to && o == on && e == environment && given >= rights =>
                {
                    !self.taken(place, |loss| takes_grant(loss, to, on, environment, *rights))
                }
                _ => false,
            })
        })
    }

    fn granted(&self, member: MemberId, least: Rights, on: &Object, environment: &Id) -> bool {
        if matches!(on, Object::Project(project) if self.project_gone(project)) {
            return false;
        }
        let groups = self.done().filter_map(|(_, done)| match done {
            Done::Group(id) => Some(id.clone()),
            _ => None,
        });
        let in_group = groups.filter(|group| {
            let lost = [Loss::Joined(group.clone(), member), Loss::Group(group.clone())];
            self.joined(group, member) && !lost.iter().any(|lost| self.beside.contains(lost))
        });
        let mut grantees: Vec<Grantee> = in_group.map(Grantee::Group).collect();
        grantees.push(Grantee::Member(member));
        grantees.iter().any(|to| {
            self.grant(to, on, environment).is_some_and(|rights| rights >= least)
                && !self.beside.iter().any(|loss| takes_grant(loss, to, on, environment, least))
        })
    }

    /// Where a secret is: what its least creation says.
    fn environment_of(&self, secret: &Id) -> Option<Id> {
        let created = self.done().filter_map(|(place, done)| match done {
            Done::Created(id, environment) if id == secret => {
                Some((self.naive.entries[place.0].id, place.1, environment.clone()))
            }
            _ => None,
        });
        created.min().map(|(.., environment)| environment)
    }

    fn projects_of(&self, secret: &Id) -> BTreeSet<Id> {
        let mut projects = BTreeSet::new();
        for (place, done) in self.done() {
            let Done::Assigned(id, project) = done else { continue };
            let off = self.losses().any(|(at, loss)| match loss {
                Loss::Assigned(s, p) => s == secret && p == project && !self.naive.knew(place, at),
                Loss::Project(p) => p == project && self.naive.beside(at.0, place.0),
                _ => false,
            });
            let blocked = self.naive.outcomes[place.0].beside.iter().any(|loss| {
                *loss == Loss::Assigned(secret.clone(), project.clone())
                    || *loss == Loss::Project(project.clone())
            });
            if id == secret && !off && !blocked {
                projects.insert(project.clone());
            }
        }
        projects
    }

    fn by_grant(&self, member: MemberId, least: Rights, secret: &Id, environment: &Id) -> bool {
        let projects = self.projects_of(secret).into_iter().filter(|project| {
            !self.beside.contains(&Loss::Assigned(secret.clone(), project.clone()))
        });
        let mut objects: Vec<Object> = projects.map(Object::Project).collect();
        objects.push(Object::Secret(secret.clone()));
        objects.iter().any(|on| self.granted(member, least, on, environment))
    }

    fn may_write(&self, member: MemberId, secret: &Id) -> bool {
        let Some(environment) = self.environment_of(secret) else { return true };
        self.role_here(member, Role::Writer, &environment)
            || self.by_grant(member, Rights::ReadWrite, secret, &environment)
    }

    fn may_read(&self, member: MemberId, secret: &Id) -> bool {
        let Some(environment) = self.environment_of(secret) else { return true };
        self.role_here(member, Role::Editor, &environment)
            || self.by_grant(member, Rights::Read, secret, &environment)
    }

    fn may_edit(&self, member: MemberId, secret: &Id) -> bool {
        self.environment_of(secret)
            .is_none_or(|environment| self.role_here(member, Role::Editor, &environment))
    }

    fn holds(&self, member: MemberId, ring: &RingName) -> bool {
        match ring {
            RingName::Members => true,
            RingName::Reads => self.is_admin(member),
            RingName::Environment(environment) => self.role_here(member, Role::Editor, environment),
            RingName::Project { project, environment } => {
                self.is_admin(member)
                    || self.granted(
                        member,
                        Rights::Read,
                        &Object::Project(project.clone()),
                        environment,
                    )
            }
            RingName::Secret(secret) => {
                self.is_admin(member)
                    || self.environment_of(secret).is_some_and(|environment| {
                        self.granted(
                            member,
                            Rights::Read,
                            &Object::Secret(secret.clone()),
                            &environment,
                        )
                    })
            }
        }
    }

    fn ring(&self, id: &Id) -> Option<RingName> {
        self.done().find_map(|(_, done)| match done {
            Done::Ring(ring, name) if ring == id => Some(name.clone()),
            _ => None,
        })
    }

    fn accepts(&self, entry: &Entry) -> bool {
        let Body::Opened(changes) = &entry.body else { return false };
        let key = entry.header.author;
        let author = self.owner(key);
        let current = self.last_key(author).is_some_and(|(last, _)| last == key);
        let gone =
            self.beside.contains(&Loss::Member(author)) || self.beside.contains(&Loss::Key(key));
        if !self.is_active(author) || !current || gone {
            return false;
        }
        if matches!(self.kind(author), Some(Kind::Machine { expires: Some(end) }) if entry.header.time > end)
        {
            return false;
        }
        let known = changes.iter().all(|change| match change {
            Change::Known(record) => self.allows(author, record),
            Change::Unknown(name) => {
                self.done().any(|(_, done)| *done == Done::Format(name.clone()))
            }
        });
        let rings = entry.header.rings.iter().all(|new| {
            let own = entry.records().find_map(|record| match record {
                Record::Ring { ring, name } if *ring == new.ring => Some(name.clone()),
                _ => None,
            });
            self.ring(&new.ring).or(own).is_none_or(|name| self.holds(author, &name))
        });
        known && rings
    }

    /// Taking from somebody else needs an admin who stands higher.
    fn may_take(&self, author: MemberId, member: MemberId) -> bool {
        let known = !self.admitted(member).is_empty();
        let lower = !known || {
            let gone = !self.is_active(member);
            let theirs = if gone { Standing::Other } else { self.standing_of(member) };
            self.standing(author) < theirs
        };
        member == author || (self.is_admin(author) && lower)
    }

    fn allows(&self, author: MemberId, record: &Record) -> bool {
        let owner = || matches!(self.standing(author), Standing::Owner(_));
        let admin = || self.is_admin(author);
        match record {
            Record::Found { .. } => false,
            Record::Raise { member, .. } if self.is_machine(*member) => false,
            Record::Raise { role: Role::Owner, .. } | Record::Format { .. } => owner(),
            Record::Lower { member, role, .. } => {
                (*role != Role::Owner || owner()) && self.may_take(author, *member)
            }
            Record::Remove { member, .. } => self.may_take(author, *member),
            Record::ChangeKey { member, .. } => {
                *member == author || (self.is_machine(*member) && self.may_take(author, *member))
            }
            Record::Card { card } => self.last_key(author).is_some_and(|(key, _)| key == card.key),
            Record::LeaveGroup { member, .. } => *member == author || admin(),
            Record::Revoke(grant) => grant.to == Grantee::Member(author) || admin(),
            Record::Drop { .. } => true,
            Record::Ring { name, .. } => self.holds(author, name),
            Record::Create(new) => {
                self.role_here(author, Role::Writer, &new.environment)
                    || (!new.projects.is_empty()
                        && new.projects.iter().all(|project| {
                            let on = Object::Project(project.clone());
                            self.granted(author, Rights::ReadWrite, &on, &new.environment)
                        }))
            }
            Record::Update(new) => {
                let Some(environment) = self.environment_of(&new.secret) else {
                    return (1..=self.past.len()).contains(&(new.number as usize));
                };
                (1..=self.past.len()).contains(&(new.number as usize))
                    && self.may_write(author, &new.secret)
                    && (new.assign.is_empty() || self.role_here(author, Role::Writer, &environment))
                    && (new.restores.is_none() || self.may_read(author, &new.secret))
            }
            Record::Resolve { secret, .. }
            | Record::Rename { secret, .. }
            | Record::Note { secret, .. }
            | Record::Rotation { secret, .. } => self.may_write(author, secret),
            Record::Reseal { secret, .. }
            | Record::Assign { secret, .. }
            | Record::Unassign { secret, .. } => self.may_edit(author, secret),
            _ => admin(),
        }
    }

    /// What an accepted record does, in the light of its past.
    fn does(
        &self,
        entry: &Entry,
        author: MemberId,
        standing: Standing,
        record: &Record,
        own: &[Done],
        own_count: usize,
    ) -> Vec<Done> {
        // What the entry itself made before this record is there too.
        let here = |id: MemberId| {
            self.is_active(id)
                || own.iter().any(|done| matches!(done, Done::Admitted(m, _) if *m == id))
        };
        let group = |id: &Id| self.group_exists(id) || own.contains(&Done::Group(id.clone()));
        let project = |id: &Id| self.project_exists(id) || own.contains(&Done::Project(id.clone()));
        let created = |id: &Id| {
            self.environment_of(id).is_some()
                || own.iter().any(|done| matches!(done, Done::Created(s, _) if s == id))
        };
        let lost = |loss: Loss| self.beside.contains(&loss);
        let id = |nonce| Id::derive(&entry.header.author, nonce);
        let mut done = vec![];
        match record {
            Record::Found { card, environments, .. } => {
                done.push(Done::Admitted(card.key, Kind::Person));
                done.push(Done::Keyed { member: card.key, key: card.key, by: card.key });
                done.push(Done::Raised(card.key, Role::Owner, Reach::Org, Standing::Owner(0)));
                done.extend(environments.iter().map(|new| Done::Environment(id(&new.nonce))));
            }
            Record::Admit { card, kind } if !self.key_known(card.key) => {
                done.push(Done::Admitted(card.key, *kind));
                done.push(Done::Keyed { member: card.key, key: card.key, by: author });
            }
            Record::Raise { member, role, reach } => {
                let reach = everywhere(*role, reach);
                let given = if *role == Role::Owner {
                    match standing {
                        Standing::Owner(depth) => Standing::Owner(depth + 1),
                        other => other,
                    }
                } else {
                    Standing::Admin
                };
                let taken =
                    lost(Loss::Role(*member, *role, reach.clone())) || lost(Loss::Member(*member));
                if here(*member) && !taken {
                    done.push(Done::Raised(*member, *role, reach, given));
                }
            }
            Record::Lower { member, role, reach }
                if (self.is_active(*member)
                    && self.has_role(*member, *role, &everywhere(*role, reach)))
                    || entry.records().take(own_count).any(|before| {
                        matches!(before, Record::Raise { member: m, role: r, reach: at }
                            if m == member && r == role && everywhere(*r, at) == everywhere(*role, reach))
                    }) =>
            {
                done.push(Done::Took(Loss::Role(*member, *role, everywhere(*role, reach))));
            }
            Record::Remove { member, keep } if here(*member) => {
                done.push(Done::Took(Loss::Member(*member)));
                let mine = self.standing_of(author);
                let mut ended = BTreeSet::from([*member]);
                loop {
                    let falls = self.members().into_iter().find(|other| {
                        let theirs = self.standing_of(*other);
                        let reached = if *member == author { theirs >= mine } else { theirs > mine };
                        let kept = self.is_machine(*other) && keep.contains(other);
                        let made = self.makers(*other).intersection(&ended).next().is_some();
                        made && reached && !kept && !ended.contains(other) && self.is_active(*other)
                    });
                    let Some(other) = falls else { break };
                    ended.insert(other);
                    done.push(Done::Took(Loss::Member(other)));
                }
                for machine in keep.iter().filter(|other| self.is_machine(**other)) {
                    let forgave = |maker: &MemberId| Done::Forgave { machine: *machine, maker: *maker };
                    done.extend(ended.iter().map(forgave));
                }
            }
            Record::ChangeKey { member, card }
                if self.is_active(*member) && !self.key_known(card.key) =>
            {
                let Some((old, _)) = self.last_key(*member) else { return done };
                // Who is removed earlier in the entry, or beside it, gets no key; the old one is taken.
                let ended =
                    own.contains(&Done::Took(Loss::Member(*member))) || lost(Loss::Member(*member));
                if !lost(Loss::Key(old)) && ended {
                    done.push(Done::Took(Loss::Key(old)));
                } else if !lost(Loss::Key(old)) {
                    done.push(Done::Keyed { member: *member, key: card.key, by: author });
                    done.push(Done::Took(Loss::Key(old)));
                }
            }
            Record::Renew { member, expires } if here(*member) => {
                done.push(Done::Renewed(*member, Kind::Machine { expires: *expires }));
            }
            Record::CreateGroup { nonce, .. } => done.push(Done::Group(id(nonce))),
            Record::DeleteGroup { group: group_id } if group(group_id) => {
                done.push(Done::Took(Loss::Group(group_id.clone())))
            }
            Record::JoinGroup { group: group_id, member } if group(group_id) => {
                if !lost(Loss::Joined(group_id.clone(), *member))
                    && !lost(Loss::Group(group_id.clone()))
                {
                    done.push(Done::Joined(group_id.clone(), *member));
                }
            }
            Record::LeaveGroup { group: group_id, member }
                if self.was_joined(group_id, *member)
                    || entry.records().take(own_count).any(|before| {
                        matches!(before, Record::JoinGroup { group: g, member: m } if g == group_id && m == member)
                    }) =>
            {
                done.push(Done::Took(Loss::Joined(group_id.clone(), *member)));
            }
            Record::Grant(grant) => {
                let (to, on, environment) = (&grant.to, &grant.on, &grant.environment);
                let open = [Rights::ReadWrite, Rights::Read].into_iter().find(|rights| {
                    let taken = self
                        .beside
                        .iter()
                        .any(|loss| takes_grant(loss, to, on, environment, *rights));
                    *rights <= grant.rights && !taken
                });
                done.extend(open.map(|rights| {
                    Done::Granted(to.clone(), on.clone(), environment.clone(), rights)
                }));
            }
            Record::Revoke(grant)
                if self
                    .grant(&grant.to, &grant.on, &grant.environment)
                    .is_some_and(|given| given >= grant.rights)
                    || entry.records().take(own_count).any(|before| {
                        matches!(before, Record::Grant(g)
                            if (&g.to, &g.on, &g.environment) == (&grant.to, &grant.on, &grant.environment)
                                && g.rights >= grant.rights)
                    }) =>
            {
                let (to, on) = (grant.to.clone(), grant.on.clone());
                done.push(Done::Took(Loss::Grant(to, on, grant.environment.clone(), grant.rights)));
            }
            Record::CreateProject { nonce, .. } => done.push(Done::Project(id(nonce))),
            Record::CreateEnvironment { nonce, .. } => done.push(Done::Environment(id(nonce))),
            Record::DeleteProject { project: gone } if project(gone) => {
                done.push(Done::Took(Loss::Project(gone.clone())));
            }
            Record::Ring { ring, name } if self.ring(ring).is_none() => {
                done.push(Done::Ring(ring.clone(), name.clone()))
            }
            Record::Create(new) => {
                let secret = id(&new.nonce);
                if self.environment_of(&secret).is_none() {
                    done.push(Done::Created(secret.clone(), new.environment.clone()));
                    done.extend(
                        new.projects
                            .iter()
                            .map(|project| Done::Assigned(secret.clone(), project.clone())),
                    );
                }
            }
            Record::Update(new) if created(&new.secret) => {
                done.extend(
                    new.assign
                        .iter()
                        .map(|project| Done::Assigned(new.secret.clone(), project.clone())),
                );
            }
            Record::Assign { secret, projects } if created(secret) => {
                done.extend(
                    projects.iter().map(|project| Done::Assigned(secret.clone(), project.clone())),
                );
            }
            Record::Unassign { secret, projects } if created(secret) => {
                let took =
                    projects.iter().map(|project| Loss::Assigned(secret.clone(), project.clone()));
                done.extend(took.map(Done::Took));
            }
            Record::Format { records } => done.extend(records.iter().cloned().map(Done::Format)),
            _ => {}
        }
        done
    }
}

fn takes_grant(loss: &Loss, to: &Grantee, on: &Object, environment: &Id, rights: Rights) -> bool {
    matches!(loss, Loss::Grant(t, o, e, r)
        if t == to && o == on && e == environment && (*r == Rights::Read || rights == Rights::ReadWrite))
}

/// Entries in order with their pasts: of what may come next, the earliest counted time, then the id.
fn in_order(vault: EntryId, all: &[Entry]) -> (Vec<&Entry>, Vec<Past>) {
    let mut named: BTreeSet<PublicKey> =
        all.iter().filter(|entry| entry.id == vault).map(|entry| entry.header.author).collect();
    let ours = |entry: &&Entry| {
        let first = entry.id == vault;
        first == entry.header.parents.is_empty() && (first || entry.header.vault == Some(vault))
    };
    loop {
        let known = all.iter().filter(ours).filter(|entry| named.contains(&entry.header.author));
        let cards: BTreeSet<PublicKey> = known
            .flat_map(|entry| entry.records())
            .filter_map(|record| record.card())
            .map(|card| card.key)
            .collect();
        if cards.is_subset(&named) {
            break;
        }
        named.extend(cards);
    }
    let mut left: Vec<&Entry> =
        all.iter().filter(ours).filter(|entry| named.contains(&entry.header.author)).collect();
    left.sort_by_key(|entry| entry.id);
    left.dedup_by_key(|entry| entry.id);
    let mut entries: Vec<&Entry> = vec![];
    let mut times = vec![];
    let mut past: Vec<Past> = vec![];
    loop {
        let place = |id: &EntryId| entries.iter().position(|entry| entry.id == *id);
        let ready = left.iter().enumerate().filter_map(|(index, entry)| {
            let parents: Option<Vec<usize>> = entry.header.parents.iter().map(place).collect();
            let parents = parents?;
            let time =
                parents.iter().map(|parent| times[*parent]).fold(entry.header.time, std::cmp::max);
            Some((time, entry.id, index, parents))
        });
        let Some((time, _, index, parents)) = ready.min() else { return (entries, past) };
        let mut known: Past = parents.iter().copied().collect();
        parents.iter().for_each(|parent| known.extend(past[*parent].clone()));
        past.push(known);
        times.push(time);
        entries.push(left.remove(index));
    }
}

/// A secret as a plain replay of the accepted records leaves it.
#[derive(Default, PartialEq, Debug)]
struct Plain {
    versions: Vec<(u32, Vec<BoxId>)>,
    heads: BTreeSet<BoxId>,
    current: Option<BoxId>,
    deleted: bool,
    erased: BTreeSet<BoxId>,
    notes: BTreeSet<BoxId>,
}

type Proposals = BTreeSet<(Id, BoxId, MemberId)>;

impl Naive<'_> {
    /// Compares everything the two folds say.
    pub fn compare(&self, state: &State) {
        let whole: Past = (0..self.entries.len()).collect();
        let view = View { naive: self, past: &whole, beside: &[] };
        let refused: BTreeSet<EntryId> =
            state.refused.iter().map(|refusal| refusal.entry).collect();
        let void = self.entries.iter().zip(&self.outcomes).filter(|(_, outcome)| !outcome.accepted);
        assert_eq!(refused, void.map(|(entry, _)| entry.id).collect(), "refused entries");
        assert_eq!(state.entries, self.entries.len());
        self.compare_members(&view, state);
        self.compare_groups_and_grants(&view, state);
        self.compare_secrets(&view, state);
    }

    fn compare_members(&self, view: &View<'_, '_>, state: &State) {
        assert_eq!(view.members(), state.members.keys().copied().collect(), "members");
        for (id, member) in &state.members {
            assert_eq!(view.is_active(*id), member.is_active(), "membership of {}", member.name);
            if !member.is_active() {
                continue;
            }
            assert_eq!(
                view.last_key(*id).map(|(key, _)| key),
                Some(member.key),
                "key of {}",
                member.name
            );
            assert_eq!(view.kind(*id), Some(member.kind), "kind of {}", member.name);
            assert_eq!(view.makers(*id), member.seen_by, "makers of the key of {}", member.name);
            assert_eq!(
                view.standing_of(*id),
                state.standing(member),
                "standing of {}",
                member.name
            );
            let mut roles = BTreeSet::new();
            for (_, done) in view.done() {
                if let Done::Raised(whom, role, reach, _) = done
                    && whom == id
                    && view.has_role(*id, *role, reach)
                {
                    roles.insert((*role, reach.clone()));
                }
            }
            assert_eq!(roles, member.roles, "roles of {}", member.name);
        }
    }

    fn compare_groups_and_grants(&self, view: &View<'_, '_>, state: &State) {
        for (id, group) in state.groups.iter().filter(|(_, group)| !group.deleted) {
            let joined: BTreeSet<MemberId> = view
                .done()
                .filter_map(|(_, done)| match done {
                    Done::Joined(of, member) if of == id && view.joined(id, *member) => {
                        Some(*member)
                    }
                    _ => None,
                })
                .collect();
            assert_eq!(joined, group.members, "members of a group");
        }
        let mut grants = BTreeMap::new();
        for (_, done) in view.done() {
            if let Done::Granted(to, on, environment, _) = done
                && let Some(rights) = view.grant(to, on, environment)
            {
                grants.insert((to.clone(), on.clone(), environment.clone()), rights);
            }
        }
        assert_eq!(grants, state.grants, "grants");
        for (id, project) in &state.projects {
            assert!(view.project_exists(id));
            assert_eq!(view.project_gone(id), project.deleted, "a deleted project");
        }
    }

    fn compare_secrets(&self, view: &View<'_, '_>, state: &State) {
        let (plain, proposed) = self.replay();
        assert_eq!(
            plain.keys().collect::<Vec<_>>(),
            state.secrets.keys().collect::<Vec<_>>(),
            "secrets"
        );
        for (id, secret) in &state.secrets {
            let versions = secret
                .versions
                .iter()
                .map(|version| (version.number, version.boxes().collect::<Vec<_>>()))
                .collect();
            let current = secret.current().map(|version| version.value);
            let erased =
                secret.deleted.iter().flat_map(|deletion| deletion.boxes.iter().copied()).collect();
            let heads = secret.heads.iter().copied().collect();
            let (deleted, notes) = (!secret.is_live(), secret.notes.clone());
            let theirs = Plain { versions, heads, current, deleted, erased, notes };
            assert_eq!(plain[id], theirs, "a secret's versions");
            assert_eq!(view.environment_of(id).as_ref(), Some(&secret.environment));
            if secret.is_live() {
                assert_eq!(view.projects_of(id), secret.projects, "a secret's projects");
            }
        }
        let theirs: Proposals =
            state.proposed.iter().map(|p| (p.secret.clone(), p.value, p.by.author)).collect();
        assert_eq!(proposed, theirs, "proposed values");
    }

    /// Values, in order: what each accepted record says, and what the void ones would have said.
    fn replay(&self) -> (BTreeMap<Id, Plain>, Proposals) {
        let mut secrets: BTreeMap<Id, Plain> = BTreeMap::new();
        let mut proposed: Proposals = BTreeSet::new();
        for (place, (entry, outcome)) in self.entries.iter().zip(&self.outcomes).enumerate() {
            let view = View { naive: self, past: &self.past[place], beside: &[] };
            for (index, record) in entry.records().enumerate() {
                let mut propose = |secrets: &BTreeMap<Id, Plain>, secret: &Id, value: BoxId| {
                    if !secrets
                        .get(secret)
                        .is_some_and(|plain| plain.deleted && plain.erased.contains(&value))
                    {
                        proposed.insert((secret.clone(), value, outcome.author));
                    }
                };
                let own = outcome.done.iter().take(index).flatten();
                let own: Vec<&Id> = own
                    .filter_map(|done| match done {
                        Done::Created(id, _) => Some(id),
                        _ => None,
                    })
                    .collect();
                let idle = |secret: &Id| {
                    !outcome.accepted
                        || (view.environment_of(secret).is_none() && !own.contains(&secret))
                };
                match record {
                    Record::Create(new) => {
                        let id = Id::derive(&entry.header.author, &new.nonce);
                        let known = view.environment_of(&id).is_some();
                        let deleted = secrets.get(&id).is_some_and(|plain| plain.deleted);
                        if !outcome.accepted || known || deleted {
                            propose(&secrets, &id, new.value);
                        } else {
                            secrets.entry(id).or_default().add(1, new.value);
                        }
                    }
                    Record::Update(new) => {
                        let live = secrets.get(&new.secret).is_some_and(|plain| !plain.deleted);
                        match secrets.get_mut(&new.secret).filter(|_| live && !idle(&new.secret)) {
                            None => propose(&secrets, &new.secret, new.value),
                            Some(plain) if plain.has(new.value) => {}
                            Some(plain) => {
                                plain.pass(&new.after);
                                plain.add(new.number, new.value);
                            }
                        }
                    }
                    Record::Reseal { secret, replaces, value } if !idle(secret) => {
                        if let Some(plain) = secrets.get_mut(secret) {
                            plain.reseal(*replaces, *value);
                        }
                    }
                    Record::Resolve { secret, take, after } if !idle(secret) => {
                        if let Some(plain) = secrets.get_mut(secret).filter(|plain| !plain.deleted)
                        {
                            plain.resolve(*take, after);
                        }
                    }
                    Record::Delete { secret, boxes } if !idle(secret) => {
                        let Some(plain) = secrets.get_mut(secret) else { continue };
                        let was_live = !plain.deleted;
                        plain.deleted = true;
                        let listed: Vec<(Id, BoxId, MemberId)> = proposed
                            .iter()
                            .filter(|(id, value, _)| id == secret && boxes.contains(value))
                            .cloned()
                            .collect();
                        plain.erased.extend(listed.iter().map(|(_, value, _)| *value));
                        let mut unknown = vec![];
                        for (_, own) in &plain.versions {
                            if own.iter().any(|one| boxes.contains(one)) {
                                plain.erased.extend(own);
                            } else if was_live {
                                unknown.push(own[0]);
                            }
                        }
                        proposed
                            .retain(|(id, value, _)| id != secret || !plain.erased.contains(value));
                        // Proposed in the name of whoever wrote them.
                        let writers = unknown
                            .into_iter()
                            .map(|value| (secret.clone(), value, self.writer(value, secret)));
                        proposed.extend(writers);
                        plain.erased.extend(boxes.iter().filter(|one| plain.notes.contains(one)));
                    }
                    Record::Note { secret, note } if !idle(secret) => {
                        if let Some(plain) = secrets.get_mut(secret).filter(|plain| !plain.deleted)
                        {
                            plain.notes.extend(note);
                        }
                    }
                    Record::Drop { boxes } if outcome.accepted => {
                        let any = outcome.standing <= Standing::Admin;
                        proposed.retain(|(_, value, by)| {
                            !boxes.contains(value) || !(any || *by == outcome.author)
                        });
                    }
                    _ => {}
                }
            }
        }
        (secrets, proposed)
    }

    /// Who first brought a box in effect to a secret.
    fn writer(&self, value: BoxId, secret: &Id) -> MemberId {
        let found = self.entries.iter().zip(&self.outcomes).find(|(entry, outcome)| {
            outcome.accepted
                && entry.records().any(|record| match record {
                    Record::Create(new) => {
                        new.value == value
                            && Id::derive(&entry.header.author, &new.nonce) == *secret
                    }
                    Record::Update(new) => new.value == value && new.secret == *secret,
                    Record::Reseal { value: new, .. } => {
                        *new == value && self.resealed(value, secret, entry)
                    }
                    _ => false,
                })
        });
        let (entry, outcome) = found.unwrap();
        let reseals = entry.records().find_map(|record| match record {
            Record::Reseal { replaces, value: new, .. } if *new == value => Some(*replaces),
            _ => None,
        });
        reseals.map_or(outcome.author, |replaces| self.writer(replaces, secret))
    }

    fn resealed(&self, value: BoxId, secret: &Id, entry: &Entry) -> bool {
        entry.records().any(|record| matches!(record, Record::Reseal { secret: s, value: v, .. } if s == secret && *v == value))
    }
}

impl Plain {
    fn has(&self, value: BoxId) -> bool {
        self.versions.iter().any(|(_, own)| own.contains(&value))
    }

    fn add(&mut self, number: u32, value: BoxId) {
        if !self.has(value) {
            self.versions.push((number, vec![value]));
            self.heads.insert(value);
            self.current = Some(value);
        }
    }

    fn pass(&mut self, after: &[BoxId]) {
        for (_, own) in &self.versions {
            if own.iter().any(|one| after.contains(one)) {
                self.heads.remove(&own[0]);
            }
        }
    }

    fn reseal(&mut self, replaces: BoxId, value: BoxId) {
        if self.has(value) {
            return;
        }
        let Some((_, own)) = self.versions.iter_mut().find(|(_, own)| own.contains(&replaces))
        else {
            return;
        };
        if self.deleted {
            if own.iter().any(|one| self.erased.contains(one)) {
                self.erased.insert(value);
            }
            return;
        }
        let old = own[0];
        own[0] = value;
        own.push(old);
        if self.heads.remove(&old) {
            self.heads.insert(value);
        }
        if self.current == Some(old) {
            self.current = Some(value);
        }
    }

    fn resolve(&mut self, take: BoxId, after: &[BoxId]) {
        let taken =
            self.versions.iter().find(|(_, own)| own.contains(&take)).map(|(_, own)| own[0]);
        let Some(taken) = taken.filter(|taken| self.heads.contains(taken)) else { return };
        self.pass(after);
        self.heads.insert(taken);
        self.current = Some(taken);
    }
}
