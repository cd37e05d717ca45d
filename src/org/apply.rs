//! What an accepted record does to the state.
//!
//! Nothing here asks for rights. A record about something that is not there does nothing; what was
//! taken beside it cannot be given back by it.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::entry::Entry;
use super::ids::{BoxId, EntryId, Id, MemberId, PublicKey};
use super::policy::{Judge, grant_key};
use super::record::{Card, Kind, NewSecret, NewVersion, Record};
use super::roles::{Grantee, Reach, Rights, Role};
use super::secrets::{Deletion, Origin, Secret, Stamp, Version};
use super::state::{Group, KeyOwner, Member, Place, Proposed, State};
use super::takings::{Beside, Taken, removed_with};

/// One accepted entry at work on the state.
pub struct Apply<'a> {
    pub state: &'a mut State,
    pub entry: &'a Entry,
    pub author: MemberId,
    pub beside: Beside<'a>,
}

impl Apply<'_> {
    pub fn record(&mut self, record: &Record) {
        match record {
            Record::Found { org, card, environments } => self.found(org, card, environments),
            Record::Admit { card, kind } => self.admit(card, *kind),
            Record::Raise { member, role, reach } => self.raise(*member, *role, reach),
            Record::Lower { member, role, reach } => self.lower(*member, *role, reach),
            Record::Remove { member, keep } => self.remove(*member, keep),
            Record::ChangeKey { member, card } => self.change_key(*member, card),
            Record::Card { card } => self.card(card),
            Record::Renew { member, expires } => self.renew(*member, *expires),
            Record::CreateGroup { .. }
            | Record::RenameGroup { .. }
            | Record::DeleteGroup { .. }
            | Record::JoinGroup { .. }
            | Record::LeaveGroup { .. } => self.group(record),
            Record::Grant(grant) => {
                if !self.beside.takes_grant(&grant.to, &grant.on, &grant.environment, grant.rights)
                {
                    let rights = self.state.grants.entry(grant_key(grant)).or_insert(grant.rights);
                    *rights = (*rights).max(grant.rights);
                }
            }
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
            Record::Create(new) => self.create(new),
            Record::Update(version) => self.update(version),
            Record::Reseal { secret, replaces, value } => self.reseal(secret, *replaces, *value),
            Record::Delete { secret, boxes } => self.delete(secret, boxes),
            Record::Drop { boxes } => self.drop_proposed(boxes),
            Record::Format { records } => self.state.formats.extend(records.iter().cloned()),
            other => self.change_secret(other),
        }
    }

    fn stamp(&self) -> Stamp {
        Stamp { entry: self.entry.id, author: self.author, time: self.entry.header.time }
    }

    fn id(&self, nonce: &super::ids::Nonce) -> Id {
        Id::derive(&self.entry.header.author, nonce)
    }

    fn found(
        &mut self,
        org: &super::names::Title,
        card: &Card,
        places: &[super::record::NewPlace],
    ) {
        self.state.org = Some(org.clone());
        self.admit(card, Kind::Person);
        if let Some(founder) = self.state.members.get_mut(&card.key) {
            founder.owner_depth = Some(0);
            founder.seen_by.clear();
            founder.roles.insert((Role::Owner, Reach::Org));
        }
        for place in places {
            let created = self.stamp();
            let new = Place { name: place.name.clone(), created, deleted: false };
            self.state.environments.insert(self.id(&place.nonce), new);
        }
    }

    /// A second admission of the same key changes nothing.
    fn admit(&mut self, card: &Card, kind: Kind) {
        if self.state.keys.contains_key(&card.key) {
            return;
        }
        let seen = !matches!(kind, Kind::Person);
        let member = Member {
            id: card.key,
            name: card.name.clone(),
            kind,
            key: card.key,
            recipient: card.recipient.clone(),
            member_box: card.member_box,
            identities: card.identities.clone(),
            roles: BTreeSet::new(),
            owner_depth: None,
            seen_by: seen.then_some(self.author).into_iter().collect(),
            admitted: self.stamp(),
            removed: None,
        };
        self.own_key(card, card.key);
        self.state.members.insert(card.key, member);
    }

    fn own_key(&mut self, card: &Card, member: MemberId) {
        let owner = KeyOwner { member, recipient: card.recipient.clone() };
        self.state.keys.insert(card.key, owner);
    }

    fn active(&mut self, id: MemberId) -> Option<&mut Member> {
        let ended = self.beside.ends_member(id);
        self.state.members.get_mut(&id).filter(|member| member.is_active() && !ended)
    }

    fn raise(&mut self, id: MemberId, role: Role, reach: &Reach) {
        let depth = self.state.members.get(&self.author).and_then(|author| author.owner_depth);
        let taken = self.beside.takes_role(id, role, reach);
        let Some(member) = self.active(id).filter(|_| !taken) else { return };
        let reach = if role >= Role::Admin { &Reach::Org } else { reach };
        if role == Role::Owner {
            let below = depth.unwrap_or(u32::MAX).saturating_add(1);
            let held = member.owner_depth.filter(|_| member.has(Role::Owner));
            member.owner_depth = Some(held.map_or(below, |held| held.min(below)));
        }
        member.roles.insert((role, reach.clone()));
    }

    fn lower(&mut self, id: MemberId, role: Role, reach: &Reach) {
        if let Some(member) = self.state.members.get_mut(&id) {
            member.roles.remove(&(role, reach.clone()));
        }
    }

    /// A removed key never returns: nothing clears `removed`.
    fn remove(&mut self, id: MemberId, keep: &[MemberId]) {
        let by = self.stamp();
        for taken in removed_with(self.state, id, keep) {
            let Taken::Membership(member) = taken else { continue };
            if let Some(member) =
                self.state.members.get_mut(&member).filter(|member| member.is_active())
            {
                member.removed = Some(by.clone());
                member.roles.clear();
            }
        }
    }

    /// A key that was ever anybody's is nobody's new one.
    fn change_key(&mut self, id: MemberId, card: &Card) {
        if self.state.keys.contains_key(&card.key) {
            return;
        }
        let author = self.author;
        let Some(member) = self.active(id) else { return };
        set_card(member, card);
        if author == id {
            member.seen_by.clear();
            if member.kind == Kind::Provisional {
                member.kind = Kind::Person;
            }
        } else {
            member.seen_by.insert(author);
        }
        self.own_key(card, id);
    }

    fn card(&mut self, card: &Card) {
        let author = self.author;
        if let Some(member) =
            self.active(author).filter(|member| member.recipient == card.recipient)
        {
            set_card(member, card);
        }
    }

    fn renew(&mut self, id: MemberId, end: Option<super::time::Time>) {
        if let Some(member) = self.active(id)
            && let Kind::Machine { expires } = &mut member.kind
        {
            *expires = end;
        }
    }

    fn group(&mut self, record: &Record) {
        let beside = self.beside;
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

    fn revoke(&mut self, grant: &super::record::Grant) {
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

    fn version(&self, number: u32, value: BoxId, origin: Origin) -> Version {
        let to = self.entry.claim(value).map(|claim| claim.to.clone()).unwrap_or_default();
        Version { number, value, to, origin, by: self.stamp(), replaced: vec![] }
    }

    fn create(&mut self, new: &NewSecret) {
        let id = self.id(&new.nonce);
        if self.state.secrets.contains_key(&id) {
            return;
        }
        let by = self.stamp();
        let by_role =
            self.state.members.get(&self.author).is_some_and(|author| {
                Judge::new(self.state, author).creates_by_role(&new.environment)
            });
        let secret = Secret {
            id: id.clone(),
            name: new.name.clone(),
            kind: new.kind,
            environment: new.environment.clone(),
            scope: new.scope.clone(),
            projects: new.projects.iter().cloned().collect(),
            note: new.note,
            notes: new.note.into_iter().collect(),
            rotate_days: new.rotate_days,
            versions: vec![self.version(1, new.value, Origin::Created)],
            heads: vec![new.value],
            by_grant: !by_role,
            etag: next_etag(self.state.vault, by.entry),
            updated: by.clone(),
            created: by,
            deleted: None,
        };
        self.state.secrets.insert(id, secret);
    }

    /// A version of what is deleted or was never accepted is proposed.
    fn update(&mut self, new: &NewVersion) {
        let origin = new.restores.map_or(Origin::Updated, Origin::Restored);
        let version = self.version(new.number, new.value, origin);
        let fits =
            |secret: &&mut Secret| secret.is_live() && secret.version_of(new.value).is_none();
        let Some(secret) = self.state.secrets.get_mut(&new.secret).filter(fits) else {
            let deleted = self.state.secrets.get(&new.secret).filter(|secret| !secret.is_live());
            let why = deleted.map_or("its secret is not in effect", |_| "its secret was deleted");
            propose(self.state, &new.secret, None, version, why);
            return;
        };
        secret.heads.retain(|head| !new.after.contains(head));
        secret.heads.push(new.value);
        secret.updated = version.by.clone();
        secret.versions.push(version);
        secret.projects.extend(new.assign.iter().cloned());
        secret.etag = next_etag(secret.etag, self.entry.id);
    }

    fn reseal(&mut self, id: &Id, replaces: BoxId, value: BoxId) {
        let to = self.entry.claim(value).map(|claim| claim.to.clone()).unwrap_or_default();
        let Some(secret) = self.state.secrets.get_mut(id).filter(|secret| secret.is_live()) else {
            return;
        };
        if secret.version_of(value).is_some() {
            return;
        }
        let Some(version) = secret.versions.iter_mut().find(|version| version.value == replaces)
        else {
            return;
        };
        version.replaced.push(std::mem::replace(&mut version.value, value));
        version.to = to;
        secret.heads.iter_mut().filter(|head| **head == replaces).for_each(|head| *head = value);
        secret.etag = next_etag(secret.etag, self.entry.id);
    }

    /// Erases what it lists, of this secret; versions it did not know are proposed.
    fn delete(&mut self, id: &Id, boxes: &[BoxId]) {
        let by = self.stamp();
        let listed: BTreeSet<BoxId> = boxes.iter().copied().collect();
        let proposed = self.state.proposed.iter().filter(|proposed| proposed.secret == *id);
        let mut own: BTreeSet<BoxId> = proposed.map(|proposed| proposed.value).collect();
        let Some(secret) = self.state.secrets.get_mut(id) else { return };
        own.extend(secret.boxes());
        let erased: BTreeSet<BoxId> = own.intersection(&listed).copied().collect();
        let unknown: Vec<Version> = secret
            .versions
            .iter()
            .filter(|version| secret.is_live() && !erased.contains(&version.value))
            .cloned()
            .collect();
        secret.etag = next_etag(secret.etag, by.entry);
        secret.updated = by.clone();
        match &mut secret.deleted {
            Some(deletion) => deletion.boxes.extend(erased.iter().copied()),
            None => secret.deleted = Some(Deletion { by, boxes: erased.clone() }),
        }
        let name = secret.name.clone();
        self.state.proposed.retain(|proposed| !erased.contains(&proposed.value));
        self.state.erased.extend(erased);
        for version in unknown {
            propose(self.state, id, Some(&name), version, "its secret was deleted");
        }
    }

    fn drop_proposed(&mut self, boxes: &[BoxId]) {
        let (dropped, kept): (Vec<Proposed>, Vec<Proposed>) =
            self.state.proposed.drain(..).partition(|proposed| boxes.contains(&proposed.value));
        self.state.proposed = kept;
        self.state.erased.extend(dropped.iter().map(|proposed| proposed.value));
    }

    /// What changes a living secret without a new version.
    fn change_secret(&mut self, record: &Record) {
        let (Record::Rename { secret: id, .. }
        | Record::Note { secret: id, .. }
        | Record::Rotation { secret: id, .. }
        | Record::Assign { secret: id, .. }
        | Record::Unassign { secret: id, .. }
        | Record::Resolve { secret: id, .. }) = record
        else {
            return;
        };
        let by = self.stamp();
        let beside = self.beside;
        let Some(secret) = self.state.secrets.get_mut(id).filter(|secret| secret.is_live()) else {
            return;
        };
        match record {
            Record::Rename { name, .. } => secret.name = name.clone(),
            Record::Note { note, .. } => {
                secret.notes.extend(note);
                secret.note = *note;
            }
            Record::Rotation { days, .. } => secret.rotate_days = *days,
            Record::Assign { projects, .. } => {
                let kept = projects.iter().filter(|project| !beside.takes_assignment(id, project));
                secret.projects.extend(kept.cloned());
            }
            Record::Unassign { projects, .. } => {
                secret.projects.retain(|project| !projects.contains(project))
            }
            Record::Resolve { take, after, .. } if secret.heads.contains(take) => {
                secret.heads.retain(|head| head == take || !after.contains(head));
                secret.heads.sort_by_key(|head| head == take);
            }
            _ => {}
        }
        secret.etag = next_etag(secret.etag, by.entry);
        secret.updated = by;
    }
}

/// The etag after one more entry. The same record types in the same order: the same tag.
fn next_etag(etag: EntryId, entry: EntryId) -> EntryId {
    EntryId::new(
        Sha256::new()
            .chain_update(etag.as_bytes())
            .chain_update(entry.as_bytes())
            .finalize()
            .into(),
    )
}

fn set_card(member: &mut Member, card: &Card) {
    member.name = card.name.clone();
    member.key = card.key;
    member.recipient = card.recipient.clone();
    member.member_box = card.member_box;
    member.identities.clone_from(&card.identities);
}

/// Keeps a value that has no effect, unless it is kept or erased already.
pub fn propose(
    state: &mut State,
    secret: &Id,
    name: Option<&super::names::SecretName>,
    version: Version,
    why: &str,
) {
    let known = state.proposed.iter().any(|proposed| proposed.value == version.value);
    if known || state.erased.contains(&version.value) {
        return;
    }
    let current = || state.secrets.get(secret).map(|secret| secret.name.clone());
    let name = name.cloned().or_else(current);
    state.proposed.push(Proposed {
        secret: secret.clone(),
        name,
        number: version.number,
        value: version.value,
        to: version.to,
        by: version.by,
        why: why.to_owned(),
    });
}

/// The values an entry without effect would have brought: they become proposed versions.
pub fn propose_all(state: &mut State, entry: &Entry, author: MemberId, why: &str) {
    let stamp = Stamp { entry: entry.id, author, time: entry.header.time };
    let version = |number, value| Version {
        number,
        value,
        to: entry.claim(value).map(|claim| claim.to.clone()).unwrap_or_default(),
        origin: Origin::Updated,
        by: stamp.clone(),
        replaced: vec![],
    };
    for record in entry.records() {
        match record {
            Record::Create(new) => {
                let id = Id::derive(&entry.header.author, &new.nonce);
                propose(state, &id, Some(&new.name), version(1, new.value), why);
            }
            Record::Update(new) => {
                propose(state, &new.secret, None, version(new.number, new.value), why)
            }
            _ => {}
        }
    }
}

/// The grants that reach a member: directly and through groups.
pub fn grants_of(state: &State, member: MemberId) -> BTreeSet<Grantee> {
    let groups =
        state.groups.iter().filter(|(_, group)| !group.deleted && group.members.contains(&member));
    std::iter::once(Grantee::Member(member))
        .chain(groups.map(|(id, _)| Grantee::Group(id.clone())))
        .collect()
}

/// The key an entry is signed with belongs to this member, if to anybody.
pub fn author_of(state: &State, key: &PublicKey) -> MemberId {
    state.keys.get(key).map_or(*key, |owner| owner.member)
}
