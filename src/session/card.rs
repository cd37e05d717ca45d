//! My card: the identities that open my member key, one more or one less.
//!
//! One more is the same member key in a new box. One less is a new member key: whoever has the removed
//! identity may have opened the old one, so it must open nothing any more.

use crate::context::Context;
use crate::crypto::identity::IdentityRecipient;
use crate::crypto::member::MemberKey;
use crate::error::{Error, Result};
use crate::org::record::Record;
use crate::org::roles::Reach;
use crate::org::state::{Member, State};

use crate::format::card::Purpose;

use super::found::{UNNAMED, new_card, seal_member_box_as};
use super::identity::{Person, Source, seal_targets};
use super::open::Session;
use super::unlocked;

/// What `identity show` tells of me.
pub struct Me {
    pub name: String,
    pub id: String,
    pub key: String,
    pub recipient: String,
    /// Each with where it holds.
    pub roles: Vec<(String, String)>,
    pub identities: Vec<String>,
}

impl Session {
    pub fn card(&mut self) -> Result<Me> {
        let state = self.state()?.clone();
        let me = self.me(&state)?;
        let place = |reach: &Reach| match reach {
            Reach::Org => "everywhere".to_owned(),
            Reach::Environment(id) => environment(&state, id),
        };
        let roles = me.roles.iter();
        Ok(Me {
            name: me.name.to_string(),
            id: me.id.to_string(),
            key: me.key.to_string(),
            recipient: me.recipient.to_string(),
            roles: roles.map(|(role, reach)| (role.as_str().to_owned(), place(reach))).collect(),
            identities: me.identities.clone(),
        })
    }

    /// The name of the identity in use, and whether it is unlocked.
    pub fn identity_in_use(&self, ctx: &Context) -> Result<(String, bool)> {
        let name = Source::find(&self.settings, ctx)?.name();
        let identities = Source::find(&self.settings, ctx)?.load(ctx)?;
        let asks = identities.ask_somebody();
        let kept = || unlocked::get(ctx, self.vault, identities.mark()).is_some();
        Ok((name, asks && kept()))
    }

    /// Lets another identity open my member key. Returns its text.
    pub fn add_identity(&mut self, typed: &str, ctx: &mut Context) -> Result<String> {
        let new = parse(typed)?;
        let text = new.text().unwrap_or_default();
        let unnamed = self.unnamed(ctx)?;
        let (person, vault) = (Person::of(ctx), self.vault);
        let member = copy_of(&self.member)?;
        self.commit(ctx, |draft| {
            if draft.me.identities.contains(&text) {
                return Err(Error::conflict("this identity opens the vault for you already"));
            }
            let mut all = sealable(&draft.me.identities, &unnamed)?;
            all.push(new.clone());
            let name = draft.me.name.clone();
            let file = seal_member_box_as(person.clone(), &member, &name, &all)?;
            let card = new_card(Some(vault), Purpose::Card, &member, &name, &file, &all)?;
            draft.member_box(file);
            draft.record(Record::Card { card })
        })?;
        Ok(text)
    }

    /// Stops an identity from opening anything: a new member key, for the others. Returns its text.
    pub fn remove_identity(&mut self, typed: &str, ctx: &mut Context) -> Result<()> {
        let text = self.identity_called(typed)?;
        let unnamed = if text == UNNAMED { vec![] } else { self.unnamed(ctx)? };
        let (person, vault) = (Person::of(ctx), self.vault);
        self.commit(ctx, |draft| {
            let left = without(draft.me, &text)?;
            let all = sealable(&left, &unnamed)?;
            let name = draft.me.name.clone();
            let member = MemberKey::generate();
            let file = seal_member_box_as(person.clone(), &member, &name, &all)?;
            let card = new_card(
                Some(vault),
                Purpose::ChangeKey(draft.me.id),
                &member,
                &name,
                &file,
                &all,
            )?;
            draft.change_key(card, member, file)
        })
    }

    /// The identity of mine that was typed, as the card has it; refuses to take the only one.
    pub fn identity_called(&mut self, typed: &str) -> Result<String> {
        let text = match typed.trim() {
            UNNAMED => UNNAMED.to_owned(),
            typed => parse(typed)?.text().unwrap_or_default(),
        };
        let state = self.state()?.clone();
        without(self.me(&state)?, &text)?;
        Ok(text)
    }

    /// My identities whose public half is known to their plugin alone, from the file in use.
    fn unnamed(&mut self, ctx: &Context) -> Result<Vec<IdentityRecipient>> {
        let state = self.state()?.clone();
        if !self.me(&state)?.identities.iter().any(|text| text == UNNAMED) {
            return Ok(vec![]);
        }
        let identities = Source::find(&self.settings, ctx)?.load(ctx)?;
        let targets = seal_targets(&identities)?;
        Ok(targets.into_iter().filter(|target| target.text().is_none()).collect())
    }
}

fn environment(state: &State, id: &crate::org::ids::Id) -> String {
    state.environments.get(id).map_or_else(|| id.to_string(), |place| place.name.to_string())
}

fn parse(typed: &str) -> Result<IdentityRecipient> {
    IdentityRecipient::parse(typed).ok_or_else(|| {
        Error::usage("what was typed is no public half of a key")
            .because("it begins with age1, ssh-ed25519 or ssh-rsa")
            .hint("`secrets identity new` makes a key and prints it")
    })
}

/// All my identities as something to seal to.
fn sealable(texts: &[String], unnamed: &[IdentityRecipient]) -> Result<Vec<IdentityRecipient>> {
    let (nameless, named): (Vec<&String>, Vec<&String>) =
        texts.iter().partition(|text| *text == UNNAMED);
    if nameless.len() != unnamed.len() {
        return Err(Error::denied("one of your identities is known to its plugin alone")
            .because("your member key has to be sealed to it again")
            .hint("name its file with `-i`"));
    }
    let parsed = named.into_iter().map(|text| {
        IdentityRecipient::parse(text).ok_or_else(|| {
            Error::failed("your card names an identity that this program cannot seal to")
                .because(text)
        })
    });
    parsed.chain(unnamed.iter().cloned().map(Ok)).collect()
}

/// My identities but for one.
fn without(me: &Member, text: &str) -> Result<Vec<String>> {
    let mut left = me.identities.clone();
    let Some(at) = left.iter().position(|known| known == text) else {
        return Err(Error::not_found("no identity of yours in this vault is that one")
            .hint("`secrets identity show` lists them"));
    };
    left.remove(at);
    if left.is_empty() {
        return Err(Error::conflict("it is the only identity that opens the vault for you")
            .hint("`secrets identity add` another one first"));
    }
    Ok(left)
}

fn copy_of(member: &MemberKey) -> Result<MemberKey> {
    MemberKey::decode(member.encode("").expose())
        .ok_or_else(|| Error::failed("your member key is malformed"))
}
