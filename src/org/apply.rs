//! What an accepted record does to the state.
//!
//! Nothing here asks for rights: that was judged, by the entry's own past. What was taken beside a
//! record cannot be given back by it.

mod people;
mod secrets;

use std::collections::BTreeSet;

pub use secrets::propose_all;

use super::entry::Entry;
use super::ids::{Id, MemberId, Nonce, PublicKey};
use super::policy::grant_key;
use super::record::{Grant, Record};
use super::roles::Rights;
use super::secrets::Stamp;
use super::state::{Group, Place, State};
use super::step::{Effect, Judged};
use super::takings::Beside;

/// One accepted entry at work on the state.
pub struct Apply<'a> {
    pub state: &'a mut State,
    pub entry: &'a Entry,
    pub judged: &'a Judged,
}

impl<'a> Apply<'a> {
    pub fn record(&mut self, index: usize, record: &Record) {
        let nothing = Effect::default();
        let effect = self.judged.effects.get(index).unwrap_or(&nothing);
        if effect.idle {
            return self.keep_value(record, "its secret is not in effect");
        }
        match record {
            Record::Found { org, card, environments } => self.found(org, card, environments),
            Record::Admit { card, kind } => self.admit(card, *kind),
            Record::Raise { member, role, reach } => self.raise(*member, *role, reach),
            Record::Lower { member, role, reach } => self.lower(*member, *role, reach),
            Record::Remove { member, keep } => self.remove(*member, keep, &effect.taken),
            Record::ChangeKey { member, card } => self.change_key(*member, card),
            Record::Card { card } => self.card(card),
            Record::Renew { member, expires } => self.renew(*member, *expires),
            Record::CreateGroup { .. }
            | Record::RenameGroup { .. }
            | Record::DeleteGroup { .. }
            | Record::JoinGroup { .. }
            | Record::LeaveGroup { .. } => self.group(record),
            Record::Grant(grant) => self.grant(grant),
            Record::Revoke(grant) => self.revoke(grant),
            Record::CreateProject { .. }
            | Record::RenameProject { .. }
            | Record::DeleteProject { .. }
            | Record::CreateEnvironment { .. }
            | Record::RenameEnvironment { .. }
            | Record::DeleteEnvironment { .. } => self.place(record),
            Record::Ring { ring, name } => {
                self.state.rings.names.entry(ring.clone()).or_insert_with(|| name.clone());
            }
            Record::Create(new) => self.create(new, effect.by_grant),
            Record::Update(version) => self.update(version),
            Record::Reseal { secret, replaces, value } => self.reseal(secret, *replaces, *value),
            Record::Delete { secret, boxes } => self.delete(secret, boxes),
            Record::Drop { boxes } => self.drop_proposed(boxes),
            Record::Format { records } => self.state.formats.extend(records.iter().cloned()),
            other => self.change_secret(other),
        }
    }

    fn stamp(&self) -> Stamp {
        Stamp { entry: self.entry.id, author: self.judged.author, time: self.entry.header.time }
    }

    fn id(&self, nonce: &Nonce) -> Id {
        Id::derive(&self.entry.header.author, nonce)
    }

    fn beside(&self) -> Beside<'a> {
        Beside(&self.judged.beside)
    }

    fn group(&mut self, record: &Record) {
        let beside = self.beside();
        if let Record::CreateGroup { nonce, name } = record {
            let new = Group { name: name.clone(), members: BTreeSet::new(), deleted: false };
            self.state.groups.entry(self.id(nonce)).or_insert(new);
        }
        let groups = &mut self.state.groups;
        let mut change = |id: &Id, change: &mut dyn FnMut(&mut Group)| {
            if let Some(group) = groups.get_mut(id) {
                change(group);
            }
        };
        match record {
            Record::RenameGroup { group, name } => {
                change(group, &mut |group| group.name = name.clone())
            }
            Record::DeleteGroup { group } => change(group, &mut |group| group.deleted = true),
            Record::JoinGroup { group, member } if !beside.takes_group(group, *member) => {
                change(group, &mut |group| {
                    group.members.insert(*member);
                });
            }
            Record::LeaveGroup { group, member } => change(group, &mut |group| {
                group.members.remove(member);
            }),
            _ => {}
        }
    }

    fn grant(&mut self, grant: &Grant) {
        let taken =
            |rights| self.beside().takes_grant(&grant.to, &grant.on, &grant.environment, rights);
        let given = [Rights::ReadWrite, Rights::Read]
            .into_iter()
            .find(|rights| *rights <= grant.rights && !taken(*rights));
        if let Some(given) = given {
            let rights = self.state.grants.entry(grant_key(grant)).or_insert(given);
            *rights = (*rights).max(given);
        }
    }

    fn revoke(&mut self, grant: &Grant) {
        let key = grant_key(grant);
        match grant.rights {
            Rights::Read => {
                self.state.grants.remove(&key);
            }
            Rights::ReadWrite => {
                if let Some(rights) = self.state.grants.get_mut(&key) {
                    *rights = Rights::Read;
                }
            }
        }
    }

    fn place(&mut self, record: &Record) {
        let created = self.stamp();
        let state = &mut *self.state;
        let author = self.entry.header.author;
        let (places, id) = match record {
            Record::CreateProject { nonce, .. } => {
                (&mut state.projects, Id::derive(&author, nonce))
            }
            Record::RenameProject { project, .. } | Record::DeleteProject { project } => {
                (&mut state.projects, project.clone())
            }
            Record::CreateEnvironment { nonce, .. } => {
                (&mut state.environments, Id::derive(&author, nonce))
            }
            Record::RenameEnvironment { environment, .. }
            | Record::DeleteEnvironment { environment } => {
                (&mut state.environments, environment.clone())
            }
            _ => return,
        };
        match record {
            Record::CreateProject { name, .. } | Record::CreateEnvironment { name, .. } => {
                places.entry(id).or_insert(Place { name: name.clone(), created, deleted: false });
            }
            Record::RenameProject { name, .. } | Record::RenameEnvironment { name, .. } => {
                if let Some(place) = places.get_mut(&id) {
                    place.name = name.clone();
                }
            }
            _ => {
                if let Some(place) = places.get_mut(&id) {
                    place.deleted = true;
                }
            }
        }
    }
}

/// The key an entry is signed with belongs to this member, if to anybody.
pub fn author_of(state: &State, key: &PublicKey) -> MemberId {
    state.keys.get(key).map_or(*key, |owner| owner.member)
}
