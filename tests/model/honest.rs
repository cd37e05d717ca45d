//! The honest program: asks the policy, plans rings, seals to fresh generations, knows all heads.

use std::collections::BTreeMap;

use secrets::org::access::{has_key, holders, is_clean, sealing_generation};
use secrets::org::entry::{Body, BoxClaim, Entry, Header, NewGeneration, Previous, Wrap};
use secrets::org::fold::fold_on;
use secrets::org::ids::{BoxId, Id, MemberId, Recipient};
use secrets::org::plan::{all_rings, plan};
use secrets::org::policy::Judge;
use secrets::org::record::{Change, Grant, Kind, NewSecret, NewVersion, Record, SecretType};
use secrets::org::rings::RingName;
use secrets::org::roles::{Grantee, Object, Reach, Rights, Role};
use secrets::org::secrets::Secret;
use secrets::org::state::{Member, State};

use crate::builder::{Draft, World};
use crate::symbols::*;

/// What a command wants written: records, and boxes with the secret they are of.
#[derive(Default)]
pub struct Wish {
    pub records: Vec<Record>,
    pub values: Vec<(BoxId, Id)>,
    pub notes: Vec<BoxId>,
    pub cards: Vec<BoxId>,
    /// Keys that come to be if it succeeds: of a person in the list, or of somebody new.
    pub keys: Vec<(Option<usize>, String, u64)>,
}

impl Wish {
    fn of(record: Record) -> Self {
        Self { records: vec![record], ..Self::default() }
    }
}

impl World {
    /// One person tries one thing on one copy. The place of the entry, if there is one.
    pub fn act(&mut self, copy: usize, who: usize) -> Option<usize> {
        let state = self.copies[copy].state.clone();
        let me = state.member_with_key(&self.people[who].key())?.clone();
        let wish = self.wish(&state, &me, who)?;
        self.write(copy, who, wish)
    }

    /// Writes as the honest program does, or is refused.
    pub fn write(&mut self, copy: usize, who: usize, wish: Wish) -> Option<usize> {
        let state = self.copies[copy].state.clone();
        let author = self.people[who].key();
        let me = state.member_with_key(&author)?;
        let judge = Judge::new(&state, me);
        if !wish.records.iter().all(|record| judge.allows(record).is_ok()) {
            return None;
        }
        let after = self.foresee(copy, who, &wish)?;
        let writer = after.member_with_key(&author).or_else(|| after.members.get(&me.id));
        let writer = writer.filter(|writer| writer.is_active());
        let rings = all_rings(&after);
        let wanted: BTreeMap<BoxId, Vec<RingName>> = wish
            .values
            .iter()
            .map(|(id, secret)| (*id, wanted_rings(&after, &rings, secret)))
            .collect();
        let mut sealed: Vec<RingName> = wanted.values().flatten().cloned().collect();
        sealed.push(RingName::Members);
        let planned = match writer {
            Some(writer) => plan(&after, writer, &sealed).ok()?,
            None => Default::default(),
        };
        let mut records = wish.records.clone();
        let mut made: BTreeMap<RingName, Recipient> = BTreeMap::new();
        let mut generations = vec![];
        for name in &planned.generations {
            let new = recipient(self.fresh());
            let ring = state.rings.id_of(name).cloned().unwrap_or_else(|| {
                let ring = Id::derive(&author, &nonce(self.fresh()));
                records.push(Record::Ring { ring: ring.clone(), name: name.clone() });
                ring
            });
            let roots = state.rings.roots_among(name, &|root| has_key(&state, me, root));
            let previous = roots
                .iter()
                .map(|root| Previous {
                    recipient: root.recipient.clone(),
                    key_box: box_id(self.fresh()),
                })
                .collect();
            self.pool.rings.push(ring.clone());
            self.pool.recipients.push(new.clone());
            generations.push(NewGeneration { ring, recipient: new.clone(), previous });
            made.insert(name.clone(), new);
        }
        let mut gifts: BTreeMap<Recipient, Vec<Recipient>> = BTreeMap::new();
        for wrap in &planned.wraps {
            gifts.entry(wrap.to.clone()).or_default().extend(wrap.opens.iter().cloned());
        }
        for (name, new) in &made {
            for member in holders(&after, name).filter(|member| is_clean(&after, member)) {
                gifts.entry(member.recipient.clone()).or_default().push(new.clone());
            }
        }
        let wraps = gifts
            .into_iter()
            .map(|(to, opens)| Wrap { to, opens, key_box: box_id(self.fresh()) })
            .collect();
        let to = |ring: &RingName| {
            made.get(ring)
                .cloned()
                .or_else(|| sealing_generation(&after, ring).map(|g| g.recipient.clone()))
        };
        let members = to(&RingName::Members)
            .or_else(|| state.rings.of(&RingName::Members).last().map(|g| g.recipient.clone()))?;
        let mut boxes = vec![];
        for (id, rings) in &wanted {
            boxes
                .push(BoxClaim { id: *id, to: rings.iter().map(&to).collect::<Option<Vec<_>>>()? });
        }
        boxes.extend(wish.notes.iter().map(|id| BoxClaim { id: *id, to: vec![members.clone()] }));
        boxes.extend(wish.cards.iter().map(|id| BoxClaim { id: *id, to: vec![] }));
        self.clock += 1;
        let draft = Draft {
            author,
            parents: self.copies[copy].heads.clone(),
            time: self.clock,
            members,
            changes: records.into_iter().map(Change::Known).collect(),
            boxes,
            rings: generations,
            wraps,
        };
        let place = self.append(copy, draft);
        let entry = &self.entries[place];
        assert!(
            self.copies[copy].state.refused.iter().all(|refusal| refusal.entry != entry.id),
            "an honest entry was refused on the copy it was written on: {:?}",
            self.copies[copy].state.refused.last()
        );
        self.learn(&wish, place);
        Some(place)
    }

    fn learn(&mut self, wish: &Wish, place: usize) {
        let author = self.entries[place].header.author;
        let author = self
            .people
            .iter()
            .find(|person| person.keys.iter().any(|key| public_key(*key) == author));
        let author = author.map(|person| person.member).unwrap();
        for record in &wish.records {
            let theirs = match record {
                Record::Admit { kind: Kind::Person, .. } => false,
                Record::Admit { .. } => true,
                Record::ChangeKey { member, .. } => *member != author,
                _ => false,
            };
            self.made.extend(wish.keys.iter().filter(|_| theirs).map(|(.., key)| (author, *key)));
        }
        for (who, name, key) in &wish.keys {
            match who {
                Some(who) => self.people[*who].keys.push(*key),
                None => {
                    let member = public_key(*key);
                    let name = name.clone();
                    let person = crate::builder::Person {
                        member,
                        name,
                        keys: vec![*key],
                        first: *key,
                        cheat: false,
                    };
                    self.people.push(person);
                }
            }
        }
        for record in &wish.records {
            match record {
                Record::Create(new) => self
                    .pool
                    .secrets
                    .push(Id::derive(&self.entries[place].header.author, &new.nonce)),
                Record::CreateProject { nonce, .. } => {
                    self.pool.projects.push(Id::derive(&self.entries[place].header.author, nonce));
                }
                Record::CreateEnvironment { nonce, .. } => {
                    self.pool
                        .environments
                        .push(Id::derive(&self.entries[place].header.author, nonce));
                }
                Record::CreateGroup { nonce, .. } => {
                    self.pool.groups.push(Id::derive(&self.entries[place].header.author, nonce));
                }
                _ => {}
            }
        }
        let resealed: Vec<BoxId> = wish
            .records
            .iter()
            .filter_map(|record| match record {
                Record::Reseal { value, .. } => Some(*value),
                _ => None,
            })
            .collect();
        for (id, _) in &wish.values {
            self.pool.boxes.push(*id);
            if !resealed.contains(id) {
                self.acknowledged.push((*id, place));
            }
        }
    }

    fn foresee(&self, copy: usize, who: usize, wish: &Wish) -> Option<State> {
        let mut after = self.copies[copy].state.clone();
        let header = Header {
            vault: Some(self.vault),
            time: time(self.clock),
            parents: self.copies[copy].heads.clone(),
            author: self.people[who].key(),
            members: self.entries[0].header.members.clone(),
            boxes: vec![],
            rings: vec![],
            wraps: vec![],
        };
        let changes = wish.records.iter().cloned().map(Change::Known).collect();
        let entry = Entry { id: entry_id(0), header, body: Body::Opened(changes) };
        fold_on(&mut after, &entry);
        let refused = after.refused.last().is_some_and(|refusal| refusal.entry == entry.id);
        (!refused).then_some(after)
    }

    /// Something to try: most of it will be allowed to somebody.
    fn wish(&mut self, state: &State, me: &Member, who: usize) -> Option<Wish> {
        let judge = Judge::new(state, me);
        if judge.is_admin() && self.rng.chance(55) {
            return self.admin_wish(state, me);
        }
        match self.rng.below(20) {
            0..=3 => self.create_wish(state),
            4..=8 => self.update_wish(state),
            9 => {
                let secret = self.some_secret(state)?;
                let name = secret_name(&format!("RENAMED_{}", self.fresh()));
                Some(Wish::of(Record::Rename { secret: secret.id, name }))
            }
            10 => {
                let secret = self.some_secret(state)?;
                let note = box_id(self.fresh());
                let mut wish = Wish::of(Record::Note { secret: secret.id, note: Some(note) });
                wish.notes.push(note);
                Some(wish)
            }
            11 | 12 => self.assign_wish(state),
            13 => {
                let secret = self.some_secret(state)?;
                let projects = secret.projects.into_iter().collect();
                Some(Wish::of(Record::Unassign { secret: secret.id, projects }))
            }
            14 => {
                let secret = self.some_secret(state)?;
                let take = *self.rng.pick(&secret.heads)?;
                Some(Wish::of(Record::Resolve { secret: secret.id, take, after: secret.heads }))
            }
            15 => {
                let own: Vec<_> =
                    state.proposed.iter().filter(|proposed| judge.drops(proposed)).collect();
                Some(Wish::of(Record::Drop { boxes: vec![self.rng.pick(&own)?.value] }))
            }
            16 if me.id != self.people[0].member && self.rng.chance(25) => {
                Some(Wish::of(Record::Remove { member: me.id, keep: vec![] }))
            }
            17 | 18 => {
                let key = self.fresh();
                let card = card(&self.people[who].name, key);
                let mut wish = Wish { cards: vec![card.member_box], ..Wish::default() };
                wish.records.push(Record::ChangeKey { member: me.id, card });
                wish.keys.push((Some(who), String::new(), key));
                Some(wish)
            }
            _ => Some(Wish::default()),
        }
    }

    pub fn admin_wish(&mut self, state: &State, me: &Member) -> Option<Wish> {
        let others: Vec<MemberId> =
            state.active().map(|member| member.id).filter(|id| *id != me.id).collect();
        match self.rng.below(22) {
            0..=3 => Some(self.admit_wish()),
            4..=6 => {
                let member = *self.rng.pick(&others)?;
                let (role, reach) = self.some_role(state)?;
                Some(Wish::of(Record::Raise { member, role, reach }))
            }
            7 | 8 => {
                let member = *self.rng.pick(&others)?;
                let roles: Vec<_> = state.members[&member].roles.iter().cloned().collect();
                let (role, reach) = self.rng.pick(&roles)?.clone();
                Some(Wish::of(Record::Lower { member, role, reach }))
            }
            9..=11 => {
                let member = *self.rng.pick(&others)?;
                let machines: Vec<MemberId> = state
                    .active()
                    .filter(|other| other.is_machine())
                    .map(|other| other.id)
                    .collect();
                let keep = if self.rng.chance(30) { machines } else { vec![] };
                Some(Wish::of(Record::Remove { member, keep }))
            }
            12 => Some(Wish::of(Record::CreateGroup {
                nonce: nonce(self.fresh()),
                name: title("team"),
            })),
            13 => {
                let group = pick_key(&mut self.rng, &state.groups)?;
                let member = *self.rng.pick(&others)?;
                Some(Wish::of(match self.rng.below(4) {
                    0 => Record::LeaveGroup { group, member },
                    1 if self.rng.chance(30) => Record::DeleteGroup { group },
                    _ => Record::JoinGroup { group, member },
                }))
            }
            14 | 15 => self.grant_wish(state, &others),
            16 => {
                let grants: Vec<_> = state.grants.iter().collect();
                let ((to, on, environment), rights) = self.rng.pick(&grants)?;
                let (to, on, environment) = (to.clone(), on.clone(), environment.clone());
                Some(Wish::of(Record::Revoke(Grant { to, on, environment, rights: **rights })))
            }
            17 => {
                let name = place_name(&format!("project-{}", self.fresh()));
                Some(Wish::of(Record::CreateProject { nonce: nonce(self.fresh()), name }))
            }
            18 if self.rng.chance(30) => {
                let project = pick_key(&mut self.rng, &state.projects)?;
                Some(Wish::of(Record::DeleteProject { project }))
            }
            18 if self.rng.chance(30) => {
                let name = place_name(&format!("place-{}", self.fresh()));
                Some(Wish::of(Record::CreateEnvironment { nonce: nonce(self.fresh()), name }))
            }
            19 => {
                let secret = self.some_secret(state)?;
                let boxes = secret.boxes().into_iter().collect();
                Some(Wish::of(Record::Delete { secret: secret.id, boxes }))
            }
            20 => self.machine_key_wish(state),
            _ => self.update_wish(state),
        }
    }

    /// An owner, two admins and a writer whom everybody knows: takings meet at every standing.
    pub fn admit_peers(&mut self) {
        for role in [Role::Owner, Role::Admin, Role::Admin, Role::Writer] {
            let key = self.fresh();
            let card = card(&format!("person-{key}"), key);
            let member = card.key;
            let mut wish = Wish { cards: vec![card.member_box], ..Wish::default() };
            wish.records.push(Record::Admit { card, kind: Kind::Person });
            wish.records.push(Record::Raise { member, role, reach: Reach::Org });
            wish.keys.push((None, format!("person-{key}"), key));
            self.write(0, 0, wish).unwrap();
        }
        (1..self.copies.len()).for_each(|copy| self.merge(copy, 0));
    }

    pub fn admit_wish(&mut self) -> Wish {
        let key = self.fresh();
        let name = format!("person-{key}");
        let kind = match self.rng.below(8) {
            0 => Kind::Provisional,
            1 => Kind::Machine { expires: None },
            2 => Kind::Machine { expires: Some(time(self.clock + 40)) },
            _ => Kind::Person,
        };
        let card = card(&name, key);
        let member = card.key;
        let mut wish = Wish { cards: vec![card.member_box], ..Wish::default() };
        wish.records.push(Record::Admit { card, kind });
        wish.keys.push((None, name, key));
        if matches!(kind, Kind::Person | Kind::Provisional) && self.rng.chance(70) {
            let role =
                *self.rng.pick(&[Role::Writer, Role::Editor, Role::Admin, Role::Viewer]).unwrap();
            wish.records.push(Record::Raise { member, role, reach: Reach::Org });
        }
        wish
    }

    fn machine_key_wish(&mut self, state: &State) -> Option<Wish> {
        let machines: Vec<MemberId> =
            state.active().filter(|m| m.is_machine()).map(|m| m.id).collect();
        let member = *self.rng.pick(&machines)?;
        let who = self.people.iter().position(|person| person.member == member)?;
        let key = self.fresh();
        let card = card("machine", key);
        let mut wish = Wish { cards: vec![card.member_box], ..Wish::default() };
        wish.records.push(Record::ChangeKey { member, card });
        wish.keys.push((Some(who), String::new(), key));
        Some(wish)
    }

    /// A grant, and the values that it reaches sealed again.
    fn grant_wish(&mut self, state: &State, others: &[MemberId]) -> Option<Wish> {
        let group = pick_key(&mut self.rng, &state.groups);
        let to = match group {
            Some(group) if self.rng.chance(40) => Grantee::Group(group),
            _ => Grantee::Member(*self.rng.pick(others)?),
        };
        let project = pick_key(&mut self.rng, &state.projects);
        let (on, environment) = match project {
            Some(project) if self.rng.chance(60) => {
                (Object::Project(project), self.some_environment(state)?)
            }
            _ => {
                let secret = self.some_secret(state)?;
                (Object::Secret(secret.id), secret.environment)
            }
        };
        let rights = *self.rng.pick(&[Rights::Read, Rights::ReadWrite])?;
        let mut wish = Wish::of(Record::Grant(Grant {
            to,
            on: on.clone(),
            environment: environment.clone(),
            rights,
        }));
        let reached = state.live_secrets().filter(|secret| {
            secret.environment == environment
                && match &on {
                    Object::Project(project) => secret.projects.contains(project),
                    Object::Secret(id) => secret.id == *id,
                }
        });
        for secret in reached.cloned().collect::<Vec<_>>() {
            self.reseal(&secret, &mut wish);
        }
        Some(wish)
    }

    fn reseal(&mut self, secret: &Secret, wish: &mut Wish) {
        for head in &secret.heads {
            let value = box_id(self.fresh());
            wish.records.push(Record::Reseal { secret: secret.id.clone(), replaces: *head, value });
            wish.values.push((value, secret.id.clone()));
        }
    }

    fn assign_wish(&mut self, state: &State) -> Option<Wish> {
        let secret = self.some_secret(state)?;
        let project = pick_key(&mut self.rng, &state.projects)?;
        let mut wish =
            Wish::of(Record::Assign { secret: secret.id.clone(), projects: vec![project] });
        self.reseal(&secret, &mut wish);
        Some(wish)
    }

    fn create_wish(&mut self, state: &State) -> Option<Wish> {
        let environment = self.some_environment(state)?;
        let project = pick_key(&mut self.rng, &state.projects).filter(|_| self.rng.chance(40));
        let value = box_id(self.fresh());
        let number = self.fresh();
        self.pool.nonces.push(number);
        let name = secret_name(["DATABASE_URL", "API_KEY", "TOKEN"][self.rng.below(3)]);
        let new = NewSecret {
            nonce: nonce(number),
            name,
            kind: SecretType::Value,
            environment,
            scope: None,
            projects: project.into_iter().collect(),
            note: None,
            rotate_days: None,
            value,
        };
        let mut wish = Wish::of(Record::Create(new));
        wish.values.push((value, Id::parse("aaaaaaaaaaaaaaaaaaaa").unwrap()));
        Some(wish)
    }

    pub fn update_wish(&mut self, state: &State) -> Option<Wish> {
        let secret = self.some_secret(state)?;
        let value = box_id(self.fresh());
        let restores = self.rng.chance(15).then_some(1);
        let update = NewVersion {
            secret: secret.id.clone(),
            number: secret.next_number(),
            value,
            after: secret.heads.clone(),
            restores,
            assign: vec![],
        };
        let mut wish = Wish::of(Record::Update(update));
        wish.values.push((value, secret.id));
        Some(wish)
    }

    fn some_secret(&mut self, state: &State) -> Option<Secret> {
        let live: Vec<&Secret> = state.live_secrets().collect();
        self.rng.pick(&live).map(|secret| (*secret).clone())
    }

    fn some_environment(&mut self, state: &State) -> Option<Id> {
        let live: Vec<&Id> = state
            .environments
            .iter()
            .filter(|(_, place)| !place.deleted)
            .map(|(id, _)| id)
            .collect();
        self.rng.pick(&live).map(|id| (*id).clone())
    }

    fn some_role(&mut self, state: &State) -> Option<(Role, Reach)> {
        let role = *self.rng.pick(&[
            Role::Viewer,
            Role::Writer,
            Role::Editor,
            Role::Admin,
            Role::Owner,
        ])?;
        let reach = match role {
            Role::Admin | Role::Owner => Reach::Org,
            _ if self.rng.chance(50) => Reach::Environment(self.some_environment(state)?),
            _ => Reach::Org,
        };
        Some((role, reach))
    }
}

fn pick_key<V>(rng: &mut Rng, map: &BTreeMap<Id, V>) -> Option<Id> {
    let keys: Vec<&Id> = map.keys().collect();
    rng.pick(&keys).map(|id| (*id).clone())
}

/// The rings that a value should be sealed with.
pub fn wanted_rings(after: &State, all: &[RingName], secret: &Id) -> Vec<RingName> {
    // What was just created is the only secret whose first version the foreseen entry stamped.
    let created = || after.secrets.values().find(|secret| secret.created.entry == entry_id(0));
    let Some(secret) = after.secrets.get(secret).or_else(created) else { return vec![] };
    let projects = secret.projects.iter().map(|project| RingName::Project {
        project: project.clone(),
        environment: secret.environment.clone(),
    });
    let optional =
        projects.chain([RingName::Secret(secret.id.clone())]).filter(|ring| all.contains(ring));
    std::iter::once(RingName::Environment(secret.environment.clone())).chain(optional).collect()
}
