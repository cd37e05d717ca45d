//! Rights that were taken, as seen by what was written beside the taking.
//!
//! An entry that neither precedes nor follows an accepted taking is judged as if the right were
//! gone already, and cannot give it back. So a false clock gains nothing.

use super::ids::{Id, MemberId, PublicKey};
use super::record::{Grant, Record};
use super::roles::{Grantee, Object, Reach, Rights, Role};
use super::state::{Member, State};

/// What one taking takes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Taken {
    /// Everything of a member.
    Membership(MemberId),
    /// Everything signed with a key that was given up.
    Key(PublicKey),
    Role(MemberId, Role, Reach),
    Grant {
        to: Grantee,
        on: Object,
        environment: Id,
        rights: Rights,
    },
    InGroup(Id, Option<MemberId>),
    /// A secret's place in a project, and what grants on the project gave on it.
    Assignment {
        secret: Option<Id>,
        project: Id,
    },
}

/// The takings that the entry being judged was written beside.
#[derive(Clone, Copy)]
pub struct Beside<'a>(pub &'a [Taken]);

impl Taken {
    /// The member this is taken from, if it is membership or a role.
    pub fn ended_or_lowered(&self) -> Option<MemberId> {
        match self {
            Self::Membership(member) | Self::Role(member, ..) => Some(*member),
            _ => None,
        }
    }
}

impl<'a> Beside<'a> {
    pub const NOTHING: Beside<'static> = Beside(&[]);

    fn any(self, test: impl FnMut(&'a Taken) -> bool) -> bool {
        self.0.iter().any(test)
    }

    pub fn ends_author(self, member: MemberId, key: PublicKey) -> bool {
        self.ends_member(member) || self.takes_key(key)
    }

    pub fn ends_member(self, member: MemberId) -> bool {
        self.any(|taken| *taken == Taken::Membership(member))
    }

    pub fn takes_key(self, key: PublicKey) -> bool {
        self.any(|taken| *taken == Taken::Key(key))
    }

    pub fn takes_role(self, member: MemberId, role: Role, reach: &Reach) -> bool {
        self.any(|taken| matches!(taken, Taken::Role(m, r, a) if *m == member && *r == role && a == reach))
    }

    /// Whether these rights, or the writing half of them, are taken.
    pub fn takes_grant(self, to: &Grantee, on: &Object, environment: &Id, rights: Rights) -> bool {
        self.any(|taken| {
            matches!(taken, Taken::Grant { to: t, on: o, environment: e, rights: r }
                if t == to && o == on && e == environment && (*r == Rights::Read || rights == Rights::ReadWrite))
        })
    }

    pub fn takes_group(self, group: &Id, member: MemberId) -> bool {
        self.any(|taken| matches!(taken, Taken::InGroup(g, m) if g == group && m.is_none_or(|m| m == member)))
    }

    pub fn takes_project(self, project: &Id) -> bool {
        self.any(
            |taken| matches!(taken, Taken::Assignment { secret: None, project: p } if p == project),
        )
    }

    pub fn takes_assignment(self, secret: &Id, project: &Id) -> bool {
        self.any(|taken| {
            matches!(taken, Taken::Assignment { secret: s, project: p }
                if p == project && s.as_ref().is_none_or(|s| s == secret))
        })
    }
}

/// What an accepted record takes, given the state before it.
pub fn taken_by(state: &State, author: &Member, record: &Record) -> Vec<Taken> {
    match record {
        Record::Remove { member, keep } => removed_with(state, author, *member, keep),
        Record::ChangeKey { member, .. } => {
            state.members.get(member).map(|member| Taken::Key(member.key)).into_iter().collect()
        }
        Record::Lower { member, role, reach } => {
            vec![Taken::Role(*member, *role, role.reach(reach).clone())]
        }
        Record::Revoke(Grant { to, on, environment, rights }) => vec![Taken::Grant {
            to: to.clone(),
            on: on.clone(),
            environment: environment.clone(),
            rights: *rights,
        }],
        Record::LeaveGroup { group, member } => vec![Taken::InGroup(group.clone(), Some(*member))],
        Record::DeleteGroup { group } => vec![Taken::InGroup(group.clone(), None)],
        Record::Unassign { secret, projects } => projects
            .iter()
            .map(|project| Taken::Assignment {
                secret: Some(secret.clone()),
                project: project.clone(),
            })
            .collect(),
        Record::DeleteProject { project } => {
            vec![Taken::Assignment { secret: None, project: project.clone() }]
        }
        _ => vec![],
    }
}

/// Who ends with a member: those whose member key the member knows, or somebody who ends with the
/// member, and who stand lower than whoever removes (of one's own leaving: not higher). A machine may
/// be kept by name, a provisional person may not.
pub fn removed_with(
    state: &State,
    author: &Member,
    member: MemberId,
    keep: &[MemberId],
) -> Vec<Taken> {
    let standing = state.standing(author);
    let reached = |other: &&Member| match author.id == member {
        true => state.standing(other) >= standing,
        false => state.standing(other) > standing,
    };
    let kept = |other: &&Member| other.is_machine() && keep.contains(&other.id);
    let falls: Vec<&Member> = state.active().filter(reached).filter(|other| !kept(other)).collect();
    let mut ended = vec![member];
    let mut next = 0;
    while let Some(gone) = ended.get(next).copied() {
        let known = falls.iter().filter(|other| other.seen_by.contains(&gone));
        let known: Vec<MemberId> =
            known.map(|other| other.id).filter(|id| !ended.contains(id)).collect();
        ended.extend(known);
        next += 1;
    }
    ended.into_iter().map(Taken::Membership).collect()
}

/// Whether a record takes only from its own author.
pub fn takes_from_self(record: &Record, author: MemberId) -> bool {
    match record {
        Record::Remove { member, .. }
        | Record::ChangeKey { member, .. }
        | Record::Lower { member, .. }
        | Record::LeaveGroup { member, .. } => *member == author,
        Record::Revoke(grant) => grant.to == Grantee::Member(author),
        _ => false,
    }
}
