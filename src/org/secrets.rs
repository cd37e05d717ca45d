//! A secret and its versions, as folded.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::ids::{BoxId, EntryId, Id, MemberId, Recipient};
use super::names::SecretName;
use super::record::SecretType;
use super::time::Time;

/// Who changed something, when, and in which entry.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Stamp {
    pub entry: EntryId,
    pub author: MemberId,
    pub time: Time,
}

/// How a version came to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Origin {
    Created,
    Updated,
    Restored(u32),
}

/// A version is its box.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Version {
    pub number: u32,
    pub value: BoxId,
    /// The ring recipients the box is sealed to, by its author's word.
    pub to: Vec<Recipient>,
    pub origin: Origin,
    pub by: Stamp,
    /// Boxes that a reseal replaced: the same value, sealed to other rings.
    pub replaced: Vec<BoxId>,
}

impl Version {
    /// Every box that holds this version's value.
    pub fn boxes(&self) -> impl Iterator<Item = BoxId> {
        std::iter::once(self.value).chain(self.replaced.iter().copied())
    }

    /// Whether one of these boxes is this version's.
    pub fn is_among(&self, boxes: &[BoxId]) -> bool {
        self.boxes().any(|own| boxes.contains(&own))
    }
}

/// Who deleted a secret. The name stays in history.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Deletion {
    pub by: Stamp,
    pub boxes: BTreeSet<BoxId>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Secret {
    pub id: Id,
    pub name: SecretName,
    pub kind: SecretType,
    pub environment: Id,
    pub scope: Option<Id>,
    pub projects: BTreeSet<Id>,
    pub note: Option<BoxId>,
    /// Every note it ever had, so that a delete can erase them.
    pub notes: BTreeSet<BoxId>,
    pub rotate_days: Option<u32>,
    /// In order; the current one is the last unless a resolve took another.
    pub versions: Vec<Version>,
    /// Versions that no other comes after. More than one: in conflict.
    pub heads: Vec<BoxId>,
    pub created: Stamp,
    pub updated: Stamp,
    pub deleted: Option<Deletion>,
    /// Created by way of a grant: it never takes the bare name from one that a role created.
    pub by_grant: bool,
    /// A hash over the entries in effect on the secret, in order.
    pub etag: EntryId,
}

impl Secret {
    pub fn is_live(&self) -> bool {
        self.deleted.is_none()
    }

    /// The later in order of the versions nothing comes after.
    pub fn current(&self) -> Option<&Version> {
        self.heads.last().and_then(|head| self.version_of(*head))
    }

    pub fn in_conflict(&self) -> bool {
        self.heads.len() > 1
    }

    /// The version that a box holds or, before a reseal, held.
    pub fn version_of(&self, value: BoxId) -> Option<&Version> {
        self.versions.iter().find(|version| version.boxes().any(|own| own == value))
    }

    pub fn version_of_mut(&mut self, value: BoxId) -> Option<&mut Version> {
        self.versions.iter_mut().find(|version| version.boxes().any(|own| own == value))
    }

    /// The versions with this number: more than one when two were written at the same time.
    pub fn numbered(&self, number: u32) -> impl Iterator<Item = &Version> {
        self.versions.iter().filter(move |version| version.number == number)
    }

    pub fn next_number(&self) -> u32 {
        self.versions.iter().map(|version| version.number).max().unwrap_or(0).saturating_add(1)
    }

    /// `4`, or `4~9f3c` when another version has the same number.
    pub fn label(&self, version: &Version) -> String {
        if self.numbered(version.number).count() > 1 {
            format!("{}~{}", version.number, version.value.short())
        } else {
            version.number.to_string()
        }
    }

    /// A new version comes after these: heads among them are heads no more.
    pub fn pass(&mut self, after: &[BoxId]) {
        let passed = self
            .versions
            .iter()
            .filter(|version| version.is_among(after))
            .map(|version| version.value);
        let passed: Vec<BoxId> = passed.collect();
        self.heads.retain(|head| !passed.contains(head));
    }

    /// Of the heads in `after`, `take` is the one that stays; it is current.
    pub fn settle(&mut self, take: BoxId, after: &[BoxId]) {
        let Some(take) = self.version_of(take).map(|version| version.value) else { return };
        if self.heads.contains(&take) {
            self.pass(after);
            self.heads.retain(|head| *head != take);
            self.heads.push(take);
        }
    }

    /// Every box that holds something of this secret.
    pub fn boxes(&self) -> BTreeSet<BoxId> {
        self.versions.iter().flat_map(Version::boxes).chain(self.notes.iter().copied()).collect()
    }
}
