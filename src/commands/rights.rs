//! What I may do, and whom to ask for more.

use crate::error::{Error, Result};
use crate::org::ids::{Id, MemberId};
use crate::org::policy::Judge;
use crate::org::roles::{Reach, Role};
use crate::org::state::{Member, State};

use super::secret::Place;

/// What I may do.
pub fn judge(state: &State, me: MemberId) -> Result<Judge<'_>> {
    let me = state.members.get(&me).filter(|me| me.is_active());
    me.map(|me| Judge::new(state, me))
        .ok_or_else(|| Error::denied("you are not a member of this vault any more"))
}

/// Why somebody may not, and who can change that.
pub fn not_allowed(judge: &Judge<'_>, what: &str, place: &Place) -> Error {
    let me = judge.author;
    let error = Error::denied(format!("{} may not {what} in {place}", me.name)).because(format!(
        "{} is {}",
        me.name,
        roles_at(me, &place.id)
    ));
    let admins = judge.state.active().filter(|member| Judge::new(judge.state, member).is_admin());
    let names: Vec<String> =
        admins.filter(|admin| admin.id != me.id).map(|admin| admin.name.to_string()).collect();
    if names.is_empty() {
        return error;
    }
    error.hint(format!("ask an owner or admin: {}", names.join(", ")))
}

/// `viewer there`, or what else a member is in an environment.
fn roles_at(member: &Member, environment: &Id) -> String {
    let here = |reach: &Reach| match reach {
        Reach::Org => true,
        Reach::Environment(id) => id == environment,
    };
    let roles: Vec<&str> = member
        .roles
        .iter()
        .filter(|(_, reach)| here(reach))
        .map(|(role, _): &(Role, _)| role.as_str())
        .collect();
    match roles.as_slice() {
        [] => "nobody with a role there".to_owned(),
        roles => format!("{} there", roles.join(" and ")),
    }
}
