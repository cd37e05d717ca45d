//! The bytes of a card that its key signs: the card, the vault, and what it is used for.
//!
//! So a card that somebody made for one thing cannot be replayed for another: a newcomer's for a key
//! change, or one member's new key for another member.

use serde::Serialize;

use crate::org::ids::{BoxId, EntryId, MemberId, PublicKey, Recipient};
use crate::org::names::Title;
use crate::org::record::{Card, Record};

/// The context of the signature, in front of the bytes.
pub const CONTEXT: &str = "secrets-vault 1 card\n";

/// What a card is for: the record that brings it, and whose key it changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    Found,
    Admit,
    ChangeKey(MemberId),
    Card,
}

#[derive(Serialize)]
struct Signed<'a> {
    vault: String,
    r#for: &'a str,
    member: String,
    name: &'a Title,
    key: &'a PublicKey,
    recipient: &'a Recipient,
    #[serde(rename = "box")]
    member_box: &'a BoxId,
    identities: &'a [String],
}

impl Purpose {
    /// The card in a record, and what it is for.
    pub fn of(record: &Record) -> Option<(Self, &Card)> {
        let purpose = match record {
            Record::Found { .. } => Self::Found,
            Record::Admit { .. } => Self::Admit,
            Record::ChangeKey { member, .. } => Self::ChangeKey(*member),
            _ => Self::Card,
        };
        record.card().map(|card| (purpose, card))
    }

    fn verb(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Admit => "admit",
            Self::ChangeKey(_) => "change-key",
            Self::Card => "card",
        }
    }

    fn member(self) -> String {
        match self {
            Self::ChangeKey(member) => member.to_string(),
            Self::Found | Self::Admit | Self::Card => String::new(),
        }
    }
}

/// Compact JSON of the vault's id (empty for the founder's card), the purpose and the card without
/// its proof.
pub fn signed_bytes(vault: Option<EntryId>, purpose: Purpose, card: &Card) -> Vec<u8> {
    let signed = Signed {
        vault: vault.map(|vault| vault.to_string()).unwrap_or_default(),
        r#for: purpose.verb(),
        member: purpose.member(),
        name: &card.name,
        key: &card.key,
        recipient: &card.recipient,
        member_box: &card.member_box,
        identities: &card.identities,
    };
    serde_json::to_vec(&signed).unwrap_or_default() // strings and lists only: cannot fail
}
