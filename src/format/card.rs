//! The bytes of a card that its key signs.

use serde::Serialize;

use crate::org::ids::{BoxId, EntryId, PublicKey, Recipient};
use crate::org::names::Title;
use crate::org::record::Card;

/// The context of the signature, in front of the bytes.
pub const CONTEXT: &str = "secrets-vault 1 card\n";

#[derive(Serialize)]
struct Signed<'a> {
    vault: String,
    name: &'a Title,
    key: &'a PublicKey,
    recipient: &'a Recipient,
    #[serde(rename = "box")]
    member_box: &'a BoxId,
    identities: &'a [String],
}

/// Compact JSON of the vault's id (empty for the founder's card) and the card without its proof.
pub fn signed_bytes(vault: Option<EntryId>, card: &Card) -> Vec<u8> {
    let signed = Signed {
        vault: vault.map(|vault| vault.to_string()).unwrap_or_default(),
        name: &card.name,
        key: &card.key,
        recipient: &card.recipient,
        member_box: &card.member_box,
        identities: &card.identities,
    };
    serde_json::to_vec(&signed).unwrap_or_default() // strings and lists only: cannot fail
}
