//! What an entry does: its records, as they stand in a body.
//!
//! A record says which way it goes (`raise`, `lower`; never `set`) and addresses things by id. The
//! names of the variants are the format: `docs/format.md` lists them.

use serde::{Deserialize, Serialize};

use super::ids::{BoxId, Id, MemberId, Nonce, PublicKey, Recipient};
use super::names::{PlaceName, SecretName, Title};
use super::rings::RingName;
use super::roles::{Grantee, Object, Reach, Rights, Role};
use super::time::Time;

/// A member as they present themselves: signed by the key it names.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    pub name: Title,
    pub key: PublicKey,
    pub recipient: Recipient,
    /// The box that holds the member key, sealed to the identities below.
    #[serde(rename = "box")]
    pub member_box: BoxId,
    pub identities: Vec<String>,
    /// The signature of `key` over all the above and the vault's id.
    pub proof: String,
}

/// A person, or a machine account that ends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Person,
    /// Somebody else made this person's first member key; theirs replaces it.
    Provisional,
    Machine {
        expires: Option<Time>,
    },
}

/// What a secret is to whoever receives it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretType {
    Value,
    KubernetesSecret,
    ExternalSecret,
}

impl SecretType {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::KubernetesSecret => "kubernetes-secret",
            Self::ExternalSecret => "external-secret",
        }
    }
}

/// A new environment of the first entry.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPlace {
    pub nonce: Nonce,
    pub name: PlaceName,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewSecret {
    pub nonce: Nonce,
    pub name: SecretName,
    #[serde(rename = "type")]
    pub kind: SecretType,
    pub environment: Id,
    /// The one project it belongs to; none: it belongs to the organisation.
    pub scope: Option<Id>,
    pub projects: Vec<Id>,
    pub note: Option<BoxId>,
    pub rotate_days: Option<u32>,
    #[serde(rename = "box")]
    pub value: BoxId,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewVersion {
    pub secret: Id,
    /// One more than the highest its author saw.
    pub number: u32,
    #[serde(rename = "box")]
    pub value: BoxId,
    /// The current and concurrent versions that its author knew: what it comes after.
    pub after: Vec<BoxId>,
    /// The number of the version it restores.
    pub restores: Option<u32>,
    /// Projects it is assigned to from now on: how a writer sets them.
    pub assign: Vec<Id>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    pub to: Grantee,
    pub on: Object,
    pub environment: Id,
    pub rights: Rights,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Record {
    /// The first entry's: the organisation, its founder, its environments.
    Found {
        org: Title,
        card: Card,
        environments: Vec<NewPlace>,
    },
    Admit {
        card: Card,
        kind: Kind,
    },
    Raise {
        member: MemberId,
        role: Role,
        reach: Reach,
    },
    Lower {
        member: MemberId,
        role: Role,
        reach: Reach,
    },
    /// Of oneself: leaving. Machines whose token the removed person saw end too, but for `keep`.
    Remove {
        member: MemberId,
        keep: Vec<MemberId>,
    },
    ChangeKey {
        member: MemberId,
        card: Card,
    },
    /// The same key in a new box: an identity more or less, another name.
    Card {
        card: Card,
    },
    /// A machine account's new end.
    Renew {
        member: MemberId,
        expires: Option<Time>,
    },

    CreateGroup {
        nonce: Nonce,
        name: Title,
    },
    RenameGroup {
        group: Id,
        name: Title,
    },
    DeleteGroup {
        group: Id,
    },
    JoinGroup {
        group: Id,
        member: MemberId,
    },
    LeaveGroup {
        group: Id,
        member: MemberId,
    },
    Grant(Grant),
    Revoke(Grant),

    CreateProject {
        nonce: Nonce,
        name: PlaceName,
    },
    RenameProject {
        project: Id,
        name: PlaceName,
    },
    DeleteProject {
        project: Id,
    },
    CreateEnvironment {
        nonce: Nonce,
        name: PlaceName,
    },
    RenameEnvironment {
        environment: Id,
        name: PlaceName,
    },
    DeleteEnvironment {
        environment: Id,
    },
    /// Which ring a ring id in the header stands for.
    Ring {
        ring: Id,
        name: RingName,
    },

    Create(NewSecret),
    Update(NewVersion),
    /// The same value, sealed to other rings: same number.
    Reseal {
        secret: Id,
        replaces: BoxId,
        #[serde(rename = "box")]
        value: BoxId,
    },
    Rename {
        secret: Id,
        name: SecretName,
    },
    Note {
        secret: Id,
        #[serde(rename = "box")]
        note: Option<BoxId>,
    },
    Rotation {
        secret: Id,
        days: Option<u32>,
    },
    Assign {
        secret: Id,
        projects: Vec<Id>,
    },
    Unassign {
        secret: Id,
        projects: Vec<Id>,
    },
    /// For ever; erases only the boxes it lists.
    Delete {
        secret: Id,
        boxes: Vec<BoxId>,
    },
    /// Ends a conflict: of the concurrent versions in `after`, `take` is current.
    Resolve {
        secret: Id,
        take: BoxId,
        after: Vec<BoxId>,
    },
    /// Gives up proposed versions.
    Drop {
        boxes: Vec<BoxId>,
    },

    /// From here on these record types count; a program that lacks one stops writing.
    Format {
        records: Vec<String>,
    },
}

/// A record as read: one this program knows, or the name of one it does not.
#[derive(Clone, PartialEq, Debug)]
pub enum Change {
    Known(Record),
    Unknown(String),
}

impl Record {
    /// Every type this program knows, as it stands in `do`.
    pub const VERBS: &'static [&'static str] = &[
        "found",
        "admit",
        "raise",
        "lower",
        "remove",
        "change-key",
        "card",
        "renew",
        "create-group",
        "rename-group",
        "delete-group",
        "join-group",
        "leave-group",
        "grant",
        "revoke",
        "create-project",
        "rename-project",
        "delete-project",
        "create-environment",
        "rename-environment",
        "delete-environment",
        "ring",
        "create",
        "update",
        "reseal",
        "rename",
        "note",
        "rotation",
        "assign",
        "unassign",
        "delete",
        "resolve",
        "drop",
        "format",
    ];

    /// The secret that a record changes, if it changes one.
    pub fn secret(&self) -> Option<&Id> {
        match self {
            Self::Update(NewVersion { secret, .. })
            | Self::Reseal { secret, .. }
            | Self::Rename { secret, .. }
            | Self::Note { secret, .. }
            | Self::Rotation { secret, .. }
            | Self::Assign { secret, .. }
            | Self::Unassign { secret, .. }
            | Self::Delete { secret, .. }
            | Self::Resolve { secret, .. } => Some(secret),
            _ => None,
        }
    }

    /// The card that a record brings, if it brings one.
    pub fn card(&self) -> Option<&Card> {
        match self {
            Self::Found { card, .. }
            | Self::Admit { card, .. }
            | Self::ChangeKey { card, .. }
            | Self::Card { card } => Some(card),
            _ => None,
        }
    }
}
