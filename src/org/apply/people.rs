//! Members: who is admitted, raised, lowered, removed; keys and cards.

use std::collections::BTreeSet;

use super::Apply;
use crate::org::ids::MemberId;
use crate::org::names::Title;
use crate::org::record::{Card, Kind, NewPlace};
use crate::org::roles::{Reach, Role, Standing};
use crate::org::state::{KeyOwner, Member, Place};
use crate::org::takings::Taken;
use crate::org::time::Time;

impl Apply<'_> {
    pub(super) fn found(&mut self, org: &Title, card: &Card, places: &[NewPlace]) {
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

    /// Of two admissions of one key beside each other, the one that says less against it counts:
    /// whoever knows a member's key can always keep quiet about it.
    pub(super) fn admit(&mut self, card: &Card, kind: Kind) {
        let seen = !matches!(kind, Kind::Person);
        if let Some(member) = self.state.members.get_mut(&card.key) {
            return say_less(member, card, kind, self.judged.author);
        }
        if self.state.keys.contains_key(&card.key) {
            return;
        }
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
            seen_by: seen.then_some(self.judged.author).into_iter().collect(),
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
        let ended = self.beside().ends_member(id);
        self.state.members.get_mut(&id).filter(|member| member.is_active() && !ended)
    }

    pub(super) fn raise(&mut self, id: MemberId, role: Role, reach: &Reach) {
        let below = self.judged.standing.below();
        let Some(member) = self.active(id) else { return };
        if let (Role::Owner, Standing::Owner(below)) = (role, below) {
            let held = member.owner_depth.filter(|_| member.has(Role::Owner));
            member.owner_depth = Some(held.map_or(below, |held| held.min(below)));
        }
        member.roles.insert((role, role.reach(reach).clone()));
    }

    pub(super) fn lower(&mut self, id: MemberId, role: Role, reach: &Reach) {
        if let Some(member) = self.state.members.get_mut(&id) {
            member.roles.remove(&(role, role.reach(reach).clone()));
        }
    }

    /// A removed key never returns: nothing clears `removed`.
    /// What those who end knew of a kept machine is forgiven, by whoever keeps it.
    pub(super) fn remove(&mut self, id: MemberId, keep: &[MemberId], taken: &[Taken]) {
        let by = self.stamp();
        for ended in taken.iter().filter_map(Taken::ended_or_lowered) {
            if let Some(member) =
                self.state.members.get_mut(&ended).filter(|member| member.is_active())
            {
                member.removed = Some(by.clone());
                member.roles.clear();
            }
        }
        for kept in keep {
            if let Some(machine) =
                self.state.members.get_mut(kept).filter(|member| member.is_machine())
            {
                machine.seen_by.remove(&id);
                taken.iter().filter_map(Taken::ended_or_lowered).for_each(|ended| {
                    machine.seen_by.remove(&ended);
                });
            }
        }
    }

    /// A key that was ever anybody's is nobody's new one.
    pub(super) fn change_key(&mut self, id: MemberId, card: &Card) {
        if self.state.keys.contains_key(&card.key) {
            return;
        }
        let author = self.judged.author;
        let Some(member) = self.active(id) else { return };
        set_card(member, card);
        member.seen_by.clear();
        if author == id {
            if member.kind == Kind::Provisional {
                member.kind = Kind::Person;
            }
        } else {
            member.seen_by.insert(author);
        }
        self.own_key(card, id);
    }

    pub(super) fn card(&mut self, card: &Card) {
        let author = self.judged.author;
        if let Some(member) =
            self.active(author).filter(|member| member.recipient == card.recipient)
        {
            set_card(member, card);
        }
    }

    pub(super) fn renew(&mut self, id: MemberId, end: Option<Time>) {
        if let Some(member) = self.active(id)
            && let Kind::Machine { expires } = &mut member.kind
        {
            *expires = end;
        }
    }
}

fn set_card(member: &mut Member, card: &Card) {
    member.name = card.name.clone();
    member.key = card.key;
    member.recipient = card.recipient.clone();
    member.member_box = card.member_box;
    member.identities.clone_from(&card.identities);
}

/// A second admission, beside the first. What a change of key has settled since stays settled.
fn say_less(member: &mut Member, card: &Card, kind: Kind, by: MemberId) {
    let changed = member.key != card.key;
    member.kind = member.kind.min(kind);
    match member.kind {
        Kind::Person if !changed => member.seen_by.clear(),
        Kind::Provisional if changed && member.seen_by.is_empty() => member.kind = Kind::Person,
        _ if !changed => member.seen_by.extend([by]),
        _ => {}
    }
}
