//! Rings: named age keys with generations, and who was ever given which.
//!
//! Everything here comes from the log: creations by those who may hold the ring, wraps by those who
//! held the key. A wrap from somebody who never held what it says it opens is a ghost: reported,
//! never counted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::ids::{BoxId, EntryId, Id, MemberId, Recipient};

/// What a ring is for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum RingName {
    Members,
    Reads,
    Environment(Id),
    Project { project: Id, environment: Id },
    Secret(Id),
}

impl RingName {
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        match parts.as_slice() {
            ["members"] => Some(Self::Members),
            ["reads"] => Some(Self::Reads),
            ["env", id] => Id::parse(id).map(Self::Environment),
            ["project", project, environment] => Some(Self::Project {
                project: Id::parse(project)?,
                environment: Id::parse(environment)?,
            }),
            ["secret", id] => Id::parse(id).map(Self::Secret),
            _ => None,
        }
    }
}

impl fmt::Display for RingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Members => f.write_str("members"),
            Self::Reads => f.write_str("reads"),
            Self::Environment(id) => write!(f, "env/{id}"),
            Self::Project { project, environment } => write!(f, "project/{project}/{environment}"),
            Self::Secret(id) => write!(f, "secret/{id}"),
        }
    }
}

impl Serialize for RingName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RingName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("not a ring's name"))
    }
}

/// One accepted key pair of a ring.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Generation {
    pub ring: RingName,
    pub recipient: Recipient,
    /// Generations whose keys are sealed to this one.
    pub previous: Vec<Recipient>,
    pub entry: EntryId,
}

/// A wrap as an entry states it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct WrapNote {
    pub entry: EntryId,
    pub author: MemberId,
    pub to: Recipient,
    pub opens: Vec<Recipient>,
    pub key_box: BoxId,
    /// Its author never held what it says it opens.
    pub ghost: bool,
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Rings {
    /// What the ring ids of headers stand for.
    pub names: BTreeMap<Id, RingName>,
    /// Accepted generations, in order.
    pub generations: Vec<Generation>,
    /// Member recipients that each generation was wrapped to. By ring too: who calls another ring's key
    /// one of theirs changes nothing about the other ring.
    pub held: BTreeMap<(RingName, Recipient), BTreeSet<Recipient>>,
    pub wraps: Vec<WrapNote>,
    /// Every recipient that any entry called a generation.
    pub stated: BTreeSet<Recipient>,
}

impl Rings {
    pub fn of<'a>(&'a self, ring: &'a RingName) -> impl DoubleEndedIterator<Item = &'a Generation> {
        self.generations.iter().filter(move |generation| generation.ring == *ring)
    }

    pub fn exists(&self, ring: &RingName) -> bool {
        self.of(ring).next().is_some()
    }

    /// The id that headers use for a ring, if it has one.
    pub fn id_of(&self, ring: &RingName) -> Option<&Id> {
        self.names.iter().find(|(_, name)| *name == ring).map(|(id, _)| id)
    }

    /// Every member recipient that can have this generation's key: wrapped to, or by way of a later
    /// generation.
    pub fn ever_held(&self, generation: &Generation) -> BTreeSet<Recipient> {
        let mut holders = BTreeSet::new();
        let mut open = vec![&generation.recipient];
        let mut seen = BTreeSet::new();
        while let Some(next) = open.pop() {
            if !seen.insert(next) {
                continue;
            }
            let direct = self.held.get(&(generation.ring.clone(), next.clone()));
            holders.extend(direct.into_iter().flatten().cloned());
            let later = self.of(&generation.ring).filter(|later| later.previous.contains(next));
            open.extend(later.map(|later| &later.recipient));
        }
        holders
    }

    /// The generations whose keys `key` can have.
    pub fn held_by(&self, key: &Recipient) -> BTreeSet<(&RingName, &Recipient)> {
        let direct = self.held.iter().filter(|(_, to)| to.contains(key));
        let mut open: Vec<(&RingName, &Recipient)> =
            direct.map(|((ring, recipient), _)| (ring, recipient)).collect();
        let mut held = BTreeSet::new();
        while let Some(next) = open.pop() {
            if held.insert(next) {
                let same = self.of(next.0).filter(|generation| generation.recipient == *next.1);
                let previous = same.flat_map(|generation| &generation.previous);
                open.extend(previous.map(|recipient| (next.0, recipient)));
            }
        }
        held
    }

    /// Generations of a ring that no later one carries: with these keys, all of it opens.
    pub fn roots<'a>(&'a self, ring: &'a RingName) -> Vec<&'a Generation> {
        self.roots_among(ring, &|_| true)
    }

    /// The same of some generations only: what nobody has carries nothing.
    pub fn roots_among<'a>(
        &'a self,
        ring: &'a RingName,
        counts: &dyn Fn(&Recipient) -> bool,
    ) -> Vec<&'a Generation> {
        let among = || self.of(ring).filter(|generation| counts(&generation.recipient));
        let carried: BTreeSet<&Recipient> = among().flat_map(|later| &later.previous).collect();
        among().filter(|generation| !carried.contains(&generation.recipient)).collect()
    }
}
