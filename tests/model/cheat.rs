//! The cheat: signs anything with any key they ever had, on any past, at any time.

use secrets::org::entry::{BoxClaim, NewGeneration, Previous, Wrap};
use secrets::org::ids::{Id, MemberId};
use secrets::org::record::{Change, Grant, Kind, NewSecret, NewVersion, Record, SecretType};
use secrets::org::rings::RingName;
use secrets::org::roles::{Grantee, Object, Reach, Rights, Role};

use crate::builder::{Draft, World};
use crate::symbols::*;

impl World {
    /// Puts a lie into a copy.
    pub fn lie(&mut self, copy: usize, who: usize) -> usize {
        let key = *self.rng.pick(&self.people[who].keys.clone()).unwrap();
        let author = public_key(key);
        let known: Vec<usize> = self.copies[copy].known.iter().copied().collect();
        let mut parents = vec![];
        match self.rng.below(10) {
            0..=3 => parents.push(self.entries[*self.rng.pick(&known).unwrap()].id),
            4 | 5 => {
                parents.push(self.entries[*self.rng.pick(&known).unwrap()].id);
                parents.push(self.entries[*self.rng.pick(&known).unwrap()].id);
            }
            6 if self.rng.chance(20) => parents.push(entry_id(self.rng.next())),
            _ => parents.clone_from(&self.copies[copy].heads),
        }
        let count = 1 + self.rng.below(2);
        let mut draft = Draft {
            author,
            parents,
            time: self.rng.below(200) as i64 - 50,
            members: self.entries[0].header.members.clone(),
            changes: vec![],
            boxes: vec![],
            rings: vec![],
            wraps: vec![],
        };
        for _ in 0..count {
            if let Some(record) = self.any_record(who, &mut draft) {
                draft.changes.push(Change::Known(record));
            }
        }
        if self.rng.chance(5) {
            draft.changes.push(Change::Unknown("marvel".to_owned()));
        }
        self.lie_about_keys(&mut draft, key);
        self.smuggle(copy, draft)
    }

    /// Ghost wraps, given-away keys, made-up generations.
    fn lie_about_keys(&mut self, draft: &mut Draft, own: u64) {
        if self.rng.chance(20) {
            let opens = self.rng.pick(&self.pool.recipients.clone()).cloned().into_iter().collect();
            let to = if self.rng.chance(50) { recipient(own) } else { recipient(self.fresh()) };
            let copied =
                self.rng.pick(&self.pool.boxes.clone()).copied().filter(|_| self.rng.chance(30));
            let key_box = copied.unwrap_or_else(|| box_id(self.fresh()));
            draft.wraps.push(Wrap { to, opens, key_box });
        }
        if self.rng.chance(15) {
            let Some(ring) = self.rng.pick(&self.pool.rings.clone()).cloned() else { return };
            let old = self.rng.pick(&self.pool.recipients.clone()).cloned();
            let previous =
                old.map(|recipient| Previous { recipient, key_box: box_id(self.fresh()) });
            let new = recipient(self.fresh());
            draft.rings.push(NewGeneration {
                ring,
                recipient: new,
                previous: previous.into_iter().collect(),
            });
        }
    }

    fn anybody(&mut self) -> MemberId {
        let who = self.rng.below(self.people.len());
        self.people[who].member
    }

    fn any_secret(&mut self) -> Option<Id> {
        self.rng.pick(&self.pool.secrets.clone()).cloned()
    }

    fn any_value(&mut self, draft: &mut Draft) -> secrets::org::ids::BoxId {
        let copied =
            self.rng.pick(&self.pool.boxes.clone()).copied().filter(|_| self.rng.chance(30));
        let id = copied.unwrap_or_else(|| box_id(self.fresh()));
        let to = self.rng.pick(&self.pool.recipients.clone()).cloned();
        draft.boxes.push(BoxClaim { id, to: to.into_iter().collect() });
        id
    }

    /// Any record at all, about anything.
    fn any_record(&mut self, who: usize, draft: &mut Draft) -> Option<Record> {
        let member = if self.rng.chance(25) { self.people[who].member } else { self.anybody() };
        let environment = self.rng.pick(&self.pool.environments.clone()).cloned()?;
        let role = *self.rng.pick(&[
            Role::Viewer,
            Role::Writer,
            Role::Editor,
            Role::Admin,
            Role::Owner,
        ])?;
        let reach =
            if self.rng.chance(60) { Reach::Org } else { Reach::Environment(environment.clone()) };
        Some(match self.rng.below(34) {
            0..=2 => Record::Raise { member, role, reach },
            3..=5 => Record::Lower { member, role, reach },
            6..=9 => Record::Remove { member, keep: vec![] },
            10 => {
                let key = self.fresh();
                let kind = *self.rng.pick(&[
                    Kind::Person,
                    Kind::Provisional,
                    Kind::Machine { expires: None },
                ])?;
                let card = card("mallory", key);
                self.people.push(crate::builder::Person {
                    member: card.key,
                    name: "mallory".to_owned(),
                    keys: vec![key],
                    first: key,
                    cheat: true,
                });
                Record::Admit { card, kind }
            }
            11 => {
                let whose = self.rng.below(self.people.len());
                // A card's proof names whom it is for: only a first card can be shown again.
                let key = self.people[whose].first;
                let kind = *self.rng.pick(&[
                    Kind::Person,
                    Kind::Provisional,
                    Kind::Machine { expires: None },
                ])?;
                Record::Admit { card: card("again", key), kind }
            }
            12 | 13 => {
                let key = self.fresh();
                if let Some(whose) = self.people.iter().position(|person| person.member == member) {
                    let at = self.people[whose].keys.len() - 1; // never the current one
                    self.people[whose].keys.insert(at, key);
                }
                Record::ChangeKey { member, card: card("mallory", key) }
            }
            14 => Record::JoinGroup {
                group: self.rng.pick(&self.pool.groups.clone())?.clone(),
                member,
            },
            15 => Record::LeaveGroup {
                group: self.rng.pick(&self.pool.groups.clone())?.clone(),
                member,
            },
            16 => Record::DeleteGroup { group: self.rng.pick(&self.pool.groups.clone())?.clone() },
            17..=19 => {
                let on = match self.rng.pick(&self.pool.projects.clone()) {
                    Some(project) if self.rng.chance(50) => Object::Project(project.clone()),
                    _ => Object::Secret(self.any_secret()?),
                };
                let to = match self.rng.pick(&self.pool.groups.clone()) {
                    Some(group) if self.rng.chance(50) => Grantee::Group(group.clone()),
                    _ => Grantee::Member(member),
                };
                let rights = *self.rng.pick(&[Rights::Read, Rights::ReadWrite])?;
                let grant = Grant { to, on, environment, rights };
                if self.rng.chance(50) { Record::Grant(grant) } else { Record::Revoke(grant) }
            }
            20 => Record::DeleteProject {
                project: self.rng.pick(&self.pool.projects.clone())?.clone(),
            },
            21 => {
                let projects = self.pool.projects.clone();
                Record::Assign { secret: self.any_secret()?, projects }
            }
            22 => {
                let projects = self.pool.projects.clone();
                Record::Unassign { secret: self.any_secret()?, projects }
            }
            23 | 24 => {
                let used = self
                    .rng
                    .pick(&self.pool.nonces.clone())
                    .copied()
                    .filter(|_| self.rng.chance(30));
                let number = used.unwrap_or_else(|| self.fresh());
                let value = self.any_value(draft);
                let projects =
                    self.rng.pick(&self.pool.projects.clone()).cloned().into_iter().collect();
                self.pool.secrets.push(Id::derive(&draft.author, &nonce(number)));
                Record::Create(NewSecret {
                    nonce: nonce(number),
                    name: secret_name("TOKEN"),
                    kind: SecretType::Value,
                    environment,
                    scope: None,
                    projects,
                    note: None,
                    rotate_days: None,
                    value,
                })
            }
            25..=27 => Record::Update(NewVersion {
                secret: self.any_secret()?,
                number: self.rng.below(9) as u32,
                value: self.any_value(draft),
                after: self.pool.boxes.clone(),
                restores: None,
                assign: if self.rng.chance(30) { self.pool.projects.clone() } else { vec![] },
            }),
            28 => Record::Reseal {
                secret: self.any_secret()?,
                replaces: *self.rng.pick(&self.pool.boxes.clone())?,
                value: self.any_value(draft),
            },
            29 => Record::Delete { secret: self.any_secret()?, boxes: self.pool.boxes.clone() },
            30 => Record::Drop { boxes: self.pool.boxes.clone() },
            31 => Record::Resolve {
                secret: self.any_secret()?,
                take: *self.rng.pick(&self.pool.boxes.clone())?,
                after: self.pool.boxes.clone(),
            },
            32 => {
                let ring = self.rng.pick(&self.pool.rings.clone())?.clone();
                let name = if self.rng.chance(50) {
                    RingName::Members
                } else {
                    RingName::Environment(environment)
                };
                Record::Ring { ring, name }
            }
            _ => Record::Format { records: vec!["marvel".to_owned()] },
        })
    }
}
