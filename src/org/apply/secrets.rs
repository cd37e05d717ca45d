//! Secrets: versions, reseals, deletes, and values that stay although they have no effect.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::Apply;
use crate::org::entry::Entry;
use crate::org::ids::{BoxId, EntryId, Id, MemberId, Recipient};
use crate::org::names::SecretName;
use crate::org::record::{NewSecret, NewVersion, Record};
use crate::org::roles::Standing;
use crate::org::secrets::{Deletion, Origin, Secret, Stamp, Version};
use crate::org::state::{Proposed, State};

impl Apply<'_> {
    fn claimed(&self, value: BoxId) -> Vec<Recipient> {
        self.entry.claim(value).map(|claim| claim.to.clone()).unwrap_or_default()
    }

    fn version(&self, number: u32, value: BoxId, origin: Origin) -> Version {
        Version {
            number,
            value,
            to: self.claimed(value),
            origin,
            by: self.stamp(),
            replaced: vec![],
        }
    }

    /// The projects that were not taken from the secret beside this entry.
    fn assigned(&self, secret: &Id, projects: &[Id]) -> Vec<Id> {
        let kept = |project: &&Id| !self.beside().takes_assignment(secret, project);
        projects.iter().filter(kept).cloned().collect()
    }

    pub(super) fn create(&mut self, new: &NewSecret, by_grant: bool) {
        let id = self.id(&new.nonce);
        if self.state.secrets.contains_key(&id) {
            return self.create_beside(&id, new);
        }
        let by = self.stamp();
        let secret = Secret {
            id: id.clone(),
            name: new.name.clone(),
            kind: new.kind,
            environment: new.environment.clone(),
            scope: new.scope.clone(),
            projects: self.assigned(&id, &new.projects).into_iter().collect(),
            note: new.note,
            notes: new.note.into_iter().collect(),
            rotate_days: new.rotate_days,
            versions: vec![self.version(1, new.value, Origin::Created)],
            heads: vec![new.value],
            by_grant,
            etag: next_etag(self.state.vault, by.entry),
            updated: by.clone(),
            created: by,
            deleted: None,
        };
        self.state.secrets.insert(id, secret);
    }

    /// Who uses a nonce twice makes one secret with two first versions. Where it is, and so who may
    /// read it, is for the lesser entry to say: no clock decides it.
    fn create_beside(&mut self, id: &Id, new: &NewSecret) {
        let (by, version) = (self.stamp(), self.version(1, new.value, Origin::Created));
        let assigned = self.assigned(id, &new.projects);
        let Some(secret) = self.state.secrets.get_mut(id) else { return };
        if by.entry < secret.created.entry {
            secret.environment = new.environment.clone();
            secret.created = by;
        }
        secret.projects.extend(assigned);
        secret.etag = next_etag(secret.etag, self.entry.id);
        if !secret.is_live() {
            propose(self.state, id, Some(&new.name), version, "its secret was deleted");
        } else if secret.version_of(new.value).is_none() {
            secret.heads.push(new.value);
            secret.versions.push(version);
        }
    }

    /// What an idle record would have brought.
    pub(super) fn keep_value(&mut self, record: &Record, why: &str) {
        match record {
            Record::Create(new) => {
                let id = self.id(&new.nonce);
                let version = self.version(1, new.value, Origin::Created);
                propose(self.state, &id, Some(&new.name), version, "its secret exists already");
            }
            Record::Update(new) => {
                let version = self.version(new.number, new.value, origin(new));
                propose(self.state, &new.secret, None, version, why);
            }
            _ => {}
        }
    }

    /// A version of what is deleted is proposed.
    pub(super) fn update(&mut self, new: &NewVersion) {
        let version = self.version(new.number, new.value, origin(new));
        let assigned = self.assigned(&new.secret, &new.assign);
        let Some(secret) =
            self.state.secrets.get_mut(&new.secret).filter(|secret| secret.is_live())
        else {
            return self.keep_value(&Record::Update(new.clone()), "its secret was deleted");
        };
        secret.projects.extend(assigned);
        secret.etag = next_etag(secret.etag, self.entry.id);
        if secret.version_of(new.value).is_some() {
            return; // a box is one version
        }
        secret.pass(&new.after);
        secret.heads.push(new.value);
        secret.updated = version.by.clone();
        secret.versions.push(version);
    }

    /// The same value in another box. Of a deleted version, that box is erased too.
    pub(super) fn reseal(&mut self, id: &Id, replaces: BoxId, value: BoxId) {
        let to = self.claimed(value);
        let Some(secret) = self.state.secrets.get_mut(id) else { return };
        if secret.version_of(value).is_some() {
            return;
        }
        if let Some(deletion) = &mut secret.deleted {
            let held = secret.versions.iter().find(|version| version.is_among(&[replaces]));
            if held.is_some_and(|version| version.boxes().any(|own| deletion.boxes.contains(&own)))
            {
                deletion.boxes.insert(value);
                secret.etag = next_etag(secret.etag, self.entry.id);
                self.state.erased.insert(value);
            }
            return;
        }
        let Some(version) = secret.version_of_mut(replaces) else { return };
        let before = std::mem::replace(&mut version.value, value);
        version.replaced.push(before);
        version.to = to;
        secret.heads.iter_mut().filter(|head| **head == before).for_each(|head| *head = value);
        secret.etag = next_etag(secret.etag, self.entry.id);
    }

    /// Erases the versions of which it lists a box, and the notes it lists; versions it did not know
    /// are proposed.
    pub(super) fn delete(&mut self, id: &Id, boxes: &[BoxId]) {
        let by = self.stamp();
        let Some(secret) = self.state.secrets.get_mut(id) else { return };
        let (known, unknown): (Vec<&Version>, Vec<&Version>) =
            secret.versions.iter().partition(|version| version.is_among(boxes));
        let notes = secret.notes.iter().copied().filter(|note| boxes.contains(note));
        let mut erased: BTreeSet<BoxId> =
            known.into_iter().flat_map(Version::boxes).chain(notes).collect();
        let proposed = self.state.proposed.iter().filter(|proposed| proposed.secret == *id);
        erased
            .extend(proposed.map(|proposed| proposed.value).filter(|value| boxes.contains(value)));
        let unknown: Vec<Version> =
            unknown.into_iter().filter(|_| secret.is_live()).cloned().collect();
        secret.etag = next_etag(secret.etag, by.entry);
        secret.updated = by.clone();
        let deletion =
            secret.deleted.get_or_insert_with(|| Deletion { by, boxes: BTreeSet::new() });
        deletion.boxes.extend(erased.iter().copied());
        let name = secret.name.clone();
        self.state
            .proposed
            .retain(|proposed| proposed.secret != *id || !erased.contains(&proposed.value));
        self.state.erased.extend(erased);
        for version in unknown {
            propose(self.state, id, Some(&name), version, "its secret was deleted");
        }
    }

    /// Admins drop any proposed version, others their own.
    pub(super) fn drop_proposed(&mut self, boxes: &[BoxId]) {
        let any = self.judged.standing <= Standing::Admin;
        let author = self.judged.author;
        let given_up = |proposed: &Proposed| {
            boxes.contains(&proposed.value) && (any || proposed.by.author == author)
        };
        let (dropped, kept): (Vec<Proposed>, Vec<Proposed>) =
            self.state.proposed.drain(..).partition(given_up);
        self.state.proposed = kept;
        self.state.erased.extend(dropped.iter().map(|proposed| proposed.value));
    }
    /// What changes a living secret without a new version.
    pub(super) fn change_secret(&mut self, record: &Record) {
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
        let assigned = match record {
            Record::Assign { projects, .. } => self.assigned(id, projects),
            _ => vec![],
        };
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
            Record::Assign { .. } => secret.projects.extend(assigned),
            Record::Unassign { projects, .. } => {
                secret.projects.retain(|project| !projects.contains(project))
            }
            Record::Resolve { take, after, .. } => secret.settle(*take, after),
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

fn origin(new: &NewVersion) -> Origin {
    new.restores.map_or(Origin::Updated, Origin::Restored)
}

/// Keeps a value that has no effect, unless it is kept or erased already.
fn propose(state: &mut State, secret: &Id, name: Option<&SecretName>, version: Version, why: &str) {
    let same = |proposed: &Proposed| {
        let (secret_, value, by) = (&proposed.secret, proposed.value, proposed.by.author);
        (secret_, value, by) == (secret, version.value, version.by.author)
    };
    let deletion = state.secrets.get(secret).and_then(|secret| secret.deleted.as_ref());
    let deleted = deletion.is_some_and(|deletion| deletion.boxes.contains(&version.value));
    if deleted || state.proposed.iter().any(same) {
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
