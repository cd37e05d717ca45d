//! Who may do what: one pure function, asked before signing and again while folding.
//!
//! It judges rights, never existence or names: a record about something unknown is allowed and has
//! no effect. Every way to a right is one of: standing, a role here, a grant here.

use std::collections::{BTreeMap, BTreeSet};

use super::ids::{Id, MemberId, PublicKey};
use super::record::{Grant, Kind, NewSecret, NewVersion, Record};
use super::rings::RingName;
use super::roles::{Grantee, Object, Reach, Rights, Role, Standing};
use super::secrets::Secret;
use super::state::{Member, Proposed, State};
use super::takings::Beside;

/// Why not, in words that follow "alice, who …,".
pub type Verdict = Result<(), String>;

/// A member's rights in a state, less what was taken beside.
#[derive(Clone, Copy)]
pub struct Judge<'a> {
    pub state: &'a State,
    pub author: &'a Member,
    pub beside: Beside<'a>,
}

impl<'a> Judge<'a> {
    pub fn new(state: &'a State, author: &'a Member) -> Self {
        Self { state, author, beside: Beside::NOTHING }
    }

    /// May the author write this record?
    pub fn allows(&self, record: &Record) -> Verdict {
        match record {
            Record::Found { .. } => refuse("only the first entry founds a vault"),
            Record::Admit { .. } | Record::Renew { .. } => self.as_admin("admit members"),
            Record::Raise { member, role, .. } => self.may_raise(*member, *role),
            Record::Lower { member, role, .. } => self.may_lower(*member, *role),
            Record::Remove { member, .. } => self.may_take_from(*member, "remove members"),
            Record::ChangeKey { member, .. } => self.may_change_key(*member),
            Record::Card { card } => self.own_card(card.key == self.author.key),
            Record::CreateGroup { .. }
            | Record::RenameGroup { .. }
            | Record::DeleteGroup { .. }
            | Record::JoinGroup { .. } => self.as_admin("change groups"),
            Record::LeaveGroup { member, .. } if *member == self.author.id => Ok(()),
            Record::LeaveGroup { .. } => self.as_admin("change groups"),
            Record::Revoke(grant) if grant.to == Grantee::Member(self.author.id) => Ok(()),
            Record::Grant(_) | Record::Revoke(_) => self.as_admin("change grants"),
            Record::CreateProject { .. }
            | Record::RenameProject { .. }
            | Record::DeleteProject { .. } => self.as_admin("change projects"),
            Record::CreateEnvironment { .. }
            | Record::RenameEnvironment { .. }
            | Record::DeleteEnvironment { .. } => self.as_admin("change environments"),
            Record::Ring { name, .. } => self.makes_generation(name),
            Record::Format { .. } => self.as_owner("declare record types"),
            Record::Create(new) => self.may_create(new),
            Record::Update(version) => self.may_update(version),
            Record::Resolve { secret, .. }
            | Record::Rename { secret, .. }
            | Record::Note { secret, .. }
            | Record::Rotation { secret, .. } => self.on_secret(secret, Self::writes, "change"),
            Record::Reseal { secret, .. }
            | Record::Assign { secret, .. }
            | Record::Unassign { secret, .. } => self.on_secret(secret, Self::edits, "assign"),
            Record::Delete { .. } => self.as_admin("delete secrets"),
            Record::Drop { .. } => Ok(()), // of what others proposed it drops nothing: see `drops`
        }
    }

    /// May the author make a new generation of this ring?
    pub fn makes_generation(&self, ring: &RingName) -> Verdict {
        let holds = super::access::holds(self.state, self.author, ring, self.beside);
        if holds { Ok(()) } else { refuse(&format!("may not hold the ring {ring}")) }
    }

    pub fn standing(&self) -> Standing {
        let member = self.author;
        match member.owner_depth {
            Some(depth) if self.has_org(Role::Owner) => Standing::Owner(depth),
            _ if self.has_org(Role::Admin) => Standing::Admin,
            _ => Standing::Other,
        }
    }

    fn has_org(&self, role: Role) -> bool {
        self.has(role, &Reach::Org)
    }

    fn has(&self, role: Role, reach: &Reach) -> bool {
        self.author.roles.contains(&(role, reach.clone()))
            && !self.beside.takes_role(self.author.id, role, reach)
    }

    pub fn is_admin(&self) -> bool {
        self.standing() <= Standing::Admin
    }

    /// At least this role in an environment.
    fn at_least(&self, least: Role, environment: &Id) -> bool {
        let reaches = [Reach::Org, Reach::Environment(environment.clone())];
        let roles = [Role::Writer, Role::Editor].into_iter().filter(|role| *role >= least);
        self.is_admin()
            || roles
                .flat_map(|role| reaches.iter().map(move |at| (role, at)))
                .any(|(r, at)| self.has(r, at))
    }

    /// A grant on one of these objects, to the author or a group of theirs.
    fn granted(&self, least: Rights, objects: &[Object], environment: &Id) -> bool {
        self.grantees().iter().any(|to| {
            objects.iter().any(|on| {
                let key = (to.clone(), on.clone(), environment.clone());
                self.state.grants.get(&key).is_some_and(|rights| *rights >= least)
                    && !self.beside.takes_grant(to, on, environment, least)
                    && !self.is_gone(on)
            })
        })
    }

    /// A deleted project gives nothing any more.
    fn is_gone(&self, on: &Object) -> bool {
        let Object::Project(project) = on else { return false };
        self.state.projects.get(project).is_some_and(|place| place.deleted)
            || self.beside.takes_project(project)
    }

    /// The author, and the groups the author is in.
    fn grantees(&self) -> Vec<Grantee> {
        let id = self.author.id;
        let groups = self.state.groups.iter().filter(|(group_id, group)| {
            !group.deleted && group.members.contains(&id) && !self.beside.takes_group(group_id, id)
        });
        std::iter::once(Grantee::Member(id))
            .chain(groups.map(|(id, _)| Grantee::Group(id.clone())))
            .collect()
    }

    /// What a grant could be on that reaches this secret.
    fn objects_of(&self, secret: &Secret) -> Vec<Object> {
        let assigned = secret
            .projects
            .iter()
            .filter(|project| !self.beside.takes_assignment(&secret.id, project));
        assigned.cloned().map(Object::Project).chain([Object::Secret(secret.id.clone())]).collect()
    }

    pub fn reveals(&self, secret: &Secret) -> bool {
        self.at_least(Role::Editor, &secret.environment)
            || self.granted(Rights::Read, &self.objects_of(secret), &secret.environment)
    }

    pub fn writes(&self, secret: &Secret) -> bool {
        self.at_least(Role::Writer, &secret.environment)
            || self.granted(Rights::ReadWrite, &self.objects_of(secret), &secret.environment)
    }

    /// Assigning and resealing: what needs the value and a role.
    pub fn edits(&self, secret: &Secret) -> bool {
        self.at_least(Role::Editor, &secret.environment)
    }

    pub fn creates_in(&self, environment: &Id, projects: &[Id]) -> bool {
        let all_granted = || {
            !projects.is_empty()
                && projects.iter().all(|project| {
                    self.granted(
                        Rights::ReadWrite,
                        &[Object::Project(project.clone())],
                        environment,
                    )
                })
        };
        self.at_least(Role::Writer, environment) || all_granted()
    }

    /// Whether creating here is a role's right, not a grant's.
    pub fn creates_by_role(&self, environment: &Id) -> bool {
        self.at_least(Role::Writer, environment)
    }

    /// Holds `env/<environment>`: may reveal everything there.
    pub fn reveals_all_of(&self, environment: &Id) -> bool {
        self.at_least(Role::Editor, environment)
    }

    pub fn reads_project(&self, project: &Id, environment: &Id) -> bool {
        self.is_admin()
            || self.granted(Rights::Read, &[Object::Project(project.clone())], environment)
    }

    pub fn reads_secret_by_grant(&self, secret: &Secret) -> bool {
        let on = [Object::Secret(secret.id.clone())];
        self.is_admin() || self.granted(Rights::Read, &on, &secret.environment)
    }

    /// Whether the record does nothing, because its past and its entry so far lack what it is about,
    /// or have it already.
    pub fn is_idle(&self, record: &Record, own: &Own) -> bool {
        let state = self.state;
        let member = |id: &MemberId| state.members.get(id).filter(|member| member.is_active());
        let nobody = |id: &MemberId| member(id).is_none() && !own.members.contains(id);
        match record {
            Record::Admit { card, .. } => state.keys.contains_key(&card.key),
            Record::Raise { member: id, role, reach } => {
                let taken = self.beside.takes_role(*id, *role, role.reach(reach));
                taken || self.beside.ends_member(*id) || nobody(id)
            }
            Record::Lower { member: id, role, reach } => {
                let held = (*role, role.reach(reach).clone());
                let has = member(id).is_some_and(|member| member.roles.contains(&held));
                !has && !own.raised.contains(&(*id, held.0, held.1))
            }
            Record::Remove { member: id, .. } | Record::Renew { member: id, .. } => nobody(id),
            Record::Revoke(grant) => {
                let key = grant_key(grant);
                let given = state.grants.get(&key).max(own.granted.get(&key));
                given.is_none_or(|given| *given < grant.rights)
            }
            Record::LeaveGroup { group: id, member } => {
                let has = state.groups.get(id).is_some_and(|group| group.members.contains(member));
                !has && !own.joined.contains(&(id.clone(), *member))
            }
            Record::ChangeKey { member: id, card } => {
                let given_up = |member: &Member| self.beside.takes_key(member.key);
                state.keys.contains_key(&card.key) || member(id).is_none_or(given_up)
            }
            Record::RenameGroup { group: id, .. }
            | Record::DeleteGroup { group: id }
            | Record::JoinGroup { group: id, .. } => own.lacks(&state.groups, id),
            Record::RenameProject { project: id, .. } | Record::DeleteProject { project: id } => {
                own.lacks(&state.projects, id)
            }
            Record::RenameEnvironment { environment: id, .. }
            | Record::DeleteEnvironment { environment: id } => own.lacks(&state.environments, id),
            Record::Ring { ring, .. } => state.rings.names.contains_key(ring),
            Record::Create(new) => {
                state.secrets.contains_key(&Id::derive(&self.author.key, &new.nonce))
            }
            other => other.secret().is_some_and(|id| own.lacks(&state.secrets, id)),
        }
    }

    fn as_admin(&self, what: &str) -> Verdict {
        if self.is_admin() { Ok(()) } else { refuse(&format!("is no admin and may not {what}")) }
    }

    fn as_owner(&self, what: &str) -> Verdict {
        let owner = matches!(self.standing(), Standing::Owner(_));
        if owner { Ok(()) } else { refuse(&format!("is no owner and may not {what}")) }
    }

    /// A machine account has only grants.
    fn may_raise(&self, member: MemberId, role: Role) -> Verdict {
        if self.state.members.get(&member).is_some_and(Member::is_machine) {
            return refuse("may not give a machine account a role");
        }
        if role == Role::Owner { self.as_owner("make owners") } else { self.as_admin("give roles") }
    }

    fn may_lower(&self, member: MemberId, role: Role) -> Verdict {
        if role == Role::Owner {
            self.as_owner("take ownership")?;
        }
        self.may_take_from(member, "take roles")
    }

    /// From oneself, or as an admin from somebody of lower standing.
    fn may_take_from(&self, member: MemberId, what: &str) -> Verdict {
        if member == self.author.id {
            return Ok(());
        }
        self.as_admin(what)?;
        let Some(target) = self.state.members.get(&member) else { return Ok(()) };
        if self.standing() < self.state.standing(target) {
            Ok(())
        } else {
            refuse(&format!(
                "may not take rights from {}, whose standing is not lower",
                target.name
            ))
        }
    }

    /// One's own; or, as an admin, a machine account's.
    fn may_change_key(&self, member: MemberId) -> Verdict {
        let target = self.state.members.get(&member);
        match target {
            _ if member == self.author.id => Ok(()),
            Some(target) if matches!(target.kind, Kind::Machine { .. }) => {
                self.may_take_from(member, "renew machines")
            }
            _ => refuse("may not change somebody else's key"),
        }
    }

    fn own_card(&self, own: bool) -> Verdict {
        if own { Ok(()) } else { refuse("may not change somebody else's card") }
    }

    fn may_create(&self, new: &NewSecret) -> Verdict {
        if self.creates_in(&new.environment, &new.projects) {
            Ok(())
        } else {
            refuse(&format!(
                "may not create secrets in {}",
                self.environment_name(&new.environment)
            ))
        }
    }

    fn may_update(&self, version: &NewVersion) -> Verdict {
        let Some(secret) = self.state.secrets.get(&version.secret) else { return Ok(()) };
        let assigns = version.assign.is_empty() || self.at_least(Role::Writer, &secret.environment);
        let restores = version.restores.is_none() || self.reveals(secret);
        if self.writes(secret) && assigns && restores {
            return Ok(());
        }
        let what = if version.restores.is_some() { "restore" } else { "change" };
        self.refuse_secret(secret, what)
    }

    fn on_secret(&self, id: &Id, right: fn(&Self, &Secret) -> bool, what: &str) -> Verdict {
        let Some(secret) = self.state.secrets.get(id) else { return Ok(()) };
        if right(self, secret) { Ok(()) } else { self.refuse_secret(secret, what) }
    }

    fn refuse_secret(&self, secret: &Secret, what: &str) -> Verdict {
        let place = self.environment_name(&secret.environment);
        refuse(&format!("may not {what} {} in {place}", secret.name))
    }

    /// Admins drop any proposed version, others their own. No reason to void an entry: what is
    /// proposed hangs on the order of values, and rights must not.
    pub fn drops(&self, proposed: &Proposed) -> bool {
        self.is_admin() || proposed.by.author == self.author.id
    }

    fn environment_name(&self, id: &Id) -> String {
        self.state
            .environments
            .get(id)
            .map_or_else(|| id.to_string(), |place| place.name.to_string())
    }
}

/// What an entry itself has made, up to the record at hand.
#[derive(Default)]
pub struct Own {
    members: BTreeSet<MemberId>,
    ids: BTreeSet<Id>,
    raised: BTreeSet<(MemberId, Role, Reach)>,
    granted: BTreeMap<(Grantee, Object, Id), Rights>,
    joined: BTreeSet<(Id, MemberId)>,
}

impl Own {
    pub fn add(&mut self, author: &PublicKey, record: &Record) {
        match record {
            Record::Admit { card, .. } => self.members.extend([card.key]),
            Record::CreateGroup { nonce, .. }
            | Record::CreateProject { nonce, .. }
            | Record::CreateEnvironment { nonce, .. }
            | Record::Create(NewSecret { nonce, .. }) => {
                self.ids.extend([Id::derive(author, nonce)])
            }
            Record::Raise { member, role, reach } => {
                self.raised.insert((*member, *role, role.reach(reach).clone()));
            }
            Record::Grant(grant) => {
                let given = self.granted.entry(grant_key(grant)).or_insert(grant.rights);
                *given = (*given).max(grant.rights);
            }
            Record::JoinGroup { group, member } => {
                self.joined.insert((group.clone(), *member));
            }
            _ => {}
        }
    }

    fn lacks<V>(&self, state: &BTreeMap<Id, V>, id: &Id) -> bool {
        !state.contains_key(id) && !self.ids.contains(id)
    }
}

/// Unused grants are compared by what they are on, never by who asks.
pub fn grant_key(grant: &Grant) -> (Grantee, Object, Id) {
    (grant.to.clone(), grant.on.clone(), grant.environment.clone())
}

fn refuse(why: &str) -> Verdict {
    Err(why.to_owned())
}
