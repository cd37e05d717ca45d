//! What the accepted entries add up to.
//!
//! Maps are ordered, so that equal states have equal bytes. A state holds names and recipients, no
//! value and no key.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::ids::{BoxId, EntryId, Id, MemberId, PublicKey, Recipient};
use super::names::{PlaceName, SecretName, Title};
use super::record::Kind;
use super::rings::{RingName, Rings};
use super::roles::{Grantee, Object, Reach, Rights, Role, Standing};
use super::secrets::{Secret, Stamp};
use super::time::Time;

/// A member or a machine account; removed ones stay, as history.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Member {
    pub id: MemberId,
    pub name: Title,
    pub kind: Kind,
    pub key: PublicKey,
    pub recipient: Recipient,
    pub member_box: BoxId,
    pub identities: Vec<String>,
    pub roles: BTreeSet<(Role, Reach)>,
    /// How far from the founder, once an owner.
    pub owner_depth: Option<u32>,
    /// Members who know this one's member key because they made it.
    pub seen_by: BTreeSet<MemberId>,
    pub admitted: Stamp,
    pub removed: Option<Stamp>,
}

impl Member {
    pub fn is_active(&self) -> bool {
        self.removed.is_none()
    }

    pub fn is_machine(&self) -> bool {
        matches!(self.kind, Kind::Machine { .. })
    }

    pub fn has(&self, role: Role) -> bool {
        self.roles.iter().any(|(held, _)| *held == role)
    }
}

/// Whose a signing key is, and the recipient that came with it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct KeyOwner {
    pub member: MemberId,
    pub recipient: Recipient,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Group {
    pub name: Title,
    pub members: BTreeSet<MemberId>,
    pub deleted: bool,
}

/// A project or an environment.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Place {
    pub name: PlaceName,
    pub created: Stamp,
    pub deleted: bool,
}

/// A value that did not take effect: never current, never lost.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Proposed {
    pub secret: Id,
    /// Known for a secret that was to be created.
    pub name: Option<SecretName>,
    pub number: u32,
    pub value: BoxId,
    pub to: Vec<Recipient>,
    pub by: Stamp,
    pub why: String,
}

/// An entry without effect, and why.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Refusal {
    pub entry: EntryId,
    pub author: PublicKey,
    pub why: String,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct State {
    pub vault: EntryId,
    pub org: Option<Title>,
    pub members: BTreeMap<MemberId, Member>,
    /// Every signing key that ever was a member's.
    pub keys: BTreeMap<PublicKey, KeyOwner>,
    pub groups: BTreeMap<Id, Group>,
    pub projects: BTreeMap<Id, Place>,
    pub environments: BTreeMap<Id, Place>,
    pub grants: BTreeMap<(Grantee, Object, Id), Rights>,
    pub secrets: BTreeMap<Id, Secret>,
    pub rings: Rings,
    pub proposed: Vec<Proposed>,
    pub refused: Vec<Refusal>,
    /// Boxes whose erasing was asked for: by a delete or a drop, in effect or not.
    pub erased: BTreeSet<BoxId>,
    /// Boxes that any entry claimed as a value's or a note's.
    pub claimed: BTreeSet<BoxId>,
    /// Boxes of keys, named by accepted entries that knew of no such claim.
    pub key_boxes: BTreeSet<BoxId>,
    /// Record types that an owner declared.
    pub formats: BTreeSet<String>,
    /// A declared record that this program does not know was met: it must not write.
    pub newer: Option<String>,
    /// Entries whose body we cannot open: we are behind.
    pub locked: Vec<EntryId>,
    pub entries: usize,
}

impl State {
    pub fn empty(vault: EntryId) -> Self {
        Self {
            vault,
            org: None,
            members: BTreeMap::new(),
            keys: BTreeMap::new(),
            groups: BTreeMap::new(),
            projects: BTreeMap::new(),
            environments: BTreeMap::new(),
            grants: BTreeMap::new(),
            secrets: BTreeMap::new(),
            rings: Rings::default(),
            proposed: vec![],
            refused: vec![],
            erased: BTreeSet::new(),
            claimed: BTreeSet::new(),
            key_boxes: BTreeSet::new(),
            formats: BTreeSet::new(),
            newer: None,
            locked: vec![],
            entries: 0,
        }
    }

    pub fn active(&self) -> impl Iterator<Item = &Member> {
        self.members.values().filter(|member| member.is_active())
    }

    /// The active member whose current key this is.
    pub fn member_with_key(&self, key: &PublicKey) -> Option<&Member> {
        let member = self.members.get(&self.keys.get(key)?.member)?;
        (member.is_active() && member.key == *key).then_some(member)
    }

    pub fn standing(&self, member: &Member) -> Standing {
        match member.owner_depth {
            Some(depth) if member.has(Role::Owner) => Standing::Owner(depth),
            _ if member.has(Role::Admin) => Standing::Admin,
            _ => Standing::Other,
        }
    }

    pub fn name_of(&self, member: &MemberId) -> String {
        self.members
            .get(member)
            .map_or_else(|| member.to_string(), |member| member.name.to_string())
    }

    pub fn environment_named(&self, name: &PlaceName) -> Option<&Id> {
        live_place(&self.environments, name)
    }

    pub fn project_named(&self, name: &PlaceName) -> Option<&Id> {
        live_place(&self.projects, name)
    }

    pub fn live_secrets(&self) -> impl Iterator<Item = &Secret> {
        self.secrets.values().filter(|secret| {
            let place = self.environments.get(&secret.environment);
            secret.is_live() && place.is_some_and(|place| !place.deleted)
        })
    }

    /// Live secrets of one name in one environment; the first has the bare name.
    pub fn namesakes(&self, environment: &Id, name: &SecretName) -> Vec<&Secret> {
        let same = |secret: &&Secret| secret.environment == *environment && secret.name == *name;
        let mut found: Vec<&Secret> = self.live_secrets().filter(same).collect();
        found.sort_by_key(|secret| rank(secret));
        found
    }

    /// Live secrets whose bare name another has: they are called `NAME~<id4>`.
    pub fn shadowed(&self) -> BTreeSet<&Id> {
        let mut ranked: Vec<&Secret> = self.live_secrets().collect();
        ranked.sort_by_key(|secret| rank(secret));
        let mut named = BTreeSet::new();
        ranked.retain(|secret| !named.insert((secret.environment.clone(), secret.name.clone())));
        ranked.into_iter().map(|secret| &secret.id).collect()
    }

    /// The rings a value of this secret is sealed with, of those that exist.
    pub fn rings_of(
        &self,
        environment: &Id,
        projects: &BTreeSet<Id>,
        secret: &Id,
    ) -> Vec<RingName> {
        let by_project = projects.iter().map(|project| RingName::Project {
            project: project.clone(),
            environment: environment.clone(),
        });
        let optional = by_project.chain([RingName::Secret(secret.clone())]);
        let mut rings = vec![RingName::Environment(environment.clone())];
        rings.extend(optional.filter(|ring| self.rings.exists(ring)));
        rings
    }
}

/// Who has the bare name comes first: what a role created, then the earlier.
fn rank(secret: &Secret) -> (bool, Time, &Id) {
    (secret.by_grant, secret.created.time, &secret.id)
}

fn live_place<'a>(places: &'a BTreeMap<Id, Place>, name: &PlaceName) -> Option<&'a Id> {
    let same = places.iter().filter(|(_, place)| !place.deleted && place.name == *name);
    same.min_by_key(|(id, place)| (place.created.time, (*id).clone())).map(|(id, _)| id)
}
