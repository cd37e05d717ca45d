//! Roles, where they hold, what a grant gives, and standing.

use serde::{Deserialize, Serialize};

use super::ids::{Id, MemberId};

/// From least to most.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    Viewer,
    Writer,
    Editor,
    Admin,
    Owner,
}

impl Role {
    /// Owner and admin hold everywhere, whatever a record says.
    pub fn reach(self, said: &Reach) -> &Reach {
        if self >= Self::Admin { &Reach::Org } else { said }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Writer => "writer",
            Self::Editor => "editor",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }
}

/// Where a role holds. Owner and admin hold everywhere.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    Org,
    Environment(Id),
}

/// Whom a grant is for. A machine account is a member.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grantee {
    Member(MemberId),
    Group(Id),
}

/// What a grant is on.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Object {
    Project(Id),
    Secret(Id),
}

/// What a grant gives: reading, or reading and writing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rights {
    Read,
    ReadWrite,
}

/// Whose taking counts first. Smaller is higher; rights are taken only from a larger one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Standing {
    /// The founder is 0, an owner one more than whoever made them owner.
    Owner(u32),
    Admin,
    Other,
}

impl Standing {
    /// The standing of whom an owner makes owner.
    pub fn below(self) -> Self {
        match self {
            Self::Owner(depth) => Self::Owner(depth.saturating_add(1)),
            other => other,
        }
    }
}
