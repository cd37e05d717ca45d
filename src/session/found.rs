//! A new vault: its first entry, its founder, its rings.

use std::rc::Rc;

use crate::config::Settings;
use crate::context::Context;
use crate::crypto::identity::{IdentityRecipient, seal_to_identities};
use crate::crypto::member::MemberKey;
use crate::crypto::random::random;
use crate::error::{Error, Explain, Result};
use crate::format::card::{self, Purpose};
use crate::format::line;
use crate::org::ids::{BoxId, EntryId, Nonce, PublicKey, Recipient};
use crate::org::names::{PlaceName, Title};
use crate::org::record::{Card, NewPlace, Record};
use crate::org::state::State;
use crate::org::time::Time;
use crate::storage::{self, Permissions};

use super::commit::{Content, Pen, write};
use super::full;
use super::identity::Person;
use super::keys::RingKeys;
use super::memory::Folder;
use super::open::Session;
use super::scan::no_progress;
use super::write::AGENT;

/// The environments that every vault has from the start.
pub const ENVIRONMENTS: [&str; 3] = ["development", "staging", "production"];

/// Stands on a card for an identity whose public half only its plugin knows.
pub const UNNAMED: &str = "a plugin's key";

/// Makes the vault file that the settings name; it must not be there.
pub fn found(
    settings: Settings,
    org: &Title,
    name: &Title,
    identities: &[IdentityRecipient],
    ctx: &mut Context,
) -> Result<Session> {
    let folder = Folder::of(&ctx.paths()?.state, &settings.vault);
    let place = settings.vault.parent().unwrap_or(&settings.vault);
    if !place.exists() {
        storage::private_folder(place).or_failed(|| format!("cannot use {}", place.display()))?;
    }
    let member = MemberKey::generate();
    let member_box = seal_member_box(&member, name, identities, ctx)?;
    let card = new_card(None, Purpose::Found, &member, name, &member_box, identities)?;
    let places = ENVIRONMENTS.iter().filter_map(|name| PlaceName::parse(name));
    let environments = places.map(|name| NewPlace { nonce: Nonce(random()), name }).collect();
    let content = Content {
        records: vec![Record::Found { org: org.clone(), card, environments }],
        pending: vec![],
        sealed: vec![(BoxId::of(&member_box), member_box)],
    };
    let pen = Pen {
        vault: None,
        parents: vec![],
        member: &member,
        rings: &RingKeys::default(),
        time: Time::from_millis(ctx.now().timestamp_millis()),
        agent: AGENT.to_owned(),
        host: ctx.host(),
    };
    let written = write(&pen, &State::empty(EntryId::new([0; 32])), content)?;
    let bytes = [line::MAGIC.as_bytes(), &written.lines].concat();
    let stamp = storage::create_new(&settings.vault, &bytes, Permissions::Private)
        .or_failed(|| format!("cannot make the vault {}", settings.vault.display()))?;
    folder.forget();
    let key = || MemberKey::decode(member.encode("").expose());
    let unlock = |_: &[Vec<u8>]| Ok(key().into_iter().collect());
    let checked = full::check(&bytes, 0, Some(written.entry.id), &unlock, &no_progress)?;
    Session::from_checked(Rc::new(settings), Rc::new(folder), checked, &bytes, stamp, &[], true, "")
}

/// The box that holds a member key, sealed to whatever its owner unlocks with.
pub fn seal_member_box(
    member: &MemberKey,
    name: &Title,
    identities: &[IdentityRecipient],
    ctx: &Context,
) -> Result<Vec<u8>> {
    seal_member_box_as(Person::of(ctx), member, name, identities)
}

/// The same while the context is at work elsewhere.
pub fn seal_member_box_as(
    person: Person,
    member: &MemberKey,
    name: &Title,
    identities: &[IdentityRecipient],
) -> Result<Vec<u8>> {
    let plaintext = member.encode(name.as_str());
    seal_to_identities(identities, plaintext.expose(), person)
        .or_failed(|| "cannot seal to your identity".to_owned())
}

/// A card, signed by the key that it names.
pub fn new_card(
    vault: Option<EntryId>,
    purpose: Purpose,
    member: &MemberKey,
    name: &Title,
    member_box: &[u8],
    identities: &[IdentityRecipient],
) -> Result<Card> {
    let key = PublicKey::parse(&member.signing.public());
    let recipient = Recipient::parse(member.age.recipient());
    let (Some(key), Some(recipient)) = (key, recipient) else {
        return Err(Error::failed("a new member key is malformed"));
    };
    let identities =
        identities.iter().map(|identity| identity.text().unwrap_or_else(|| UNNAMED.to_owned()));
    let mut card = Card {
        name: name.clone(),
        key,
        recipient,
        member_box: BoxId::of(member_box),
        identities: identities.collect(),
        proof: String::new(),
    };
    card.proof = member.signing.sign(card::CONTEXT, &card::signed_bytes(vault, purpose, &card));
    Ok(card)
}
