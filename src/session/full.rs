//! The full check: every line, signature, right and box, from nothing but the bytes of the file.

use std::collections::{BTreeMap, BTreeSet};

use crate::crypto::member::MemberKey;
use crate::crypto::{seal, sign};
use crate::error::{Error, Result};
use crate::format::body;
use crate::format::card::{self, Purpose};
use crate::format::limits::BODY_BYTES;
use crate::org::boxes::{Boxes, Named};
use crate::org::entry::{Body, Entry};
use crate::org::fold::fold;
use crate::org::ids::{BoxId, EntryId};
use crate::org::order::{Ordered, order};
use crate::org::record::{Card, Change};
use crate::org::state::State;

use super::keys::RingKeys;
use super::scan::{Progress, Scanned, SignedEntry, box_at, scan};

/// A card lists what a person unlocks with: a few keys.
const CARD_IDENTITIES: usize = 32;
const CARD_IDENTITY_BYTES: usize = 4096;

/// Everything a file says, checked.
pub struct Checked {
    pub vault: EntryId,
    pub scanned: Scanned,
    pub state: State,
    pub heads: Vec<EntryId>,
    /// Entries without effect until a parent is found, with the parent.
    pub waiting: Vec<(EntryId, EntryId)>,
    pub strangers: Vec<EntryId>,
    pub boxes: Boxes,
    pub missing: Vec<(BoxId, Named)>,
    pub rings: RingKeys,
    /// My member key; none if no identity here opens a box of a present member.
    pub member: Option<MemberKey>,
    /// Wraps to me that hold another key than they say.
    pub wrong_wraps: Vec<BoxId>,
    /// Who wrote with which program on which host, by entry.
    pub origins: BTreeMap<EntryId, (String, String)>,
}

/// Opens my member boxes: every one that my identities, or the keyring, can open.
pub type Unlock<'a> = &'a dyn Fn(&[Vec<u8>]) -> Result<Vec<MemberKey>>;

/// Checks all of `bytes`. `wanted` is the vault's id, where it is known.
pub fn check(
    bytes: &[u8],
    trusted: usize,
    wanted: Option<EntryId>,
    unlock: Unlock<'_>,
    progress: Progress<'_>,
) -> Result<Checked> {
    let scanned = scan(bytes, trusted, progress);
    let vault = the_vault(&scanned, wanted)?;
    let keys = unlock(&member_boxes(bytes, &scanned, vault))?;
    Ok(check_with(bytes, scanned, vault, keys, progress))
}

/// The rest of the check, once lines are scanned and member keys are had: nothing here asks anybody.
pub fn check_with(
    bytes: &[u8],
    scanned: Scanned,
    vault: EntryId,
    keys: Vec<MemberKey>,
    progress: Progress<'_>,
) -> Checked {
    let source = |id: BoxId| box_at(bytes.get(scanned.boxes.get(&id)?.clone())?, id);
    let mut rings = RingKeys::default();
    let mut wrong_wraps = vec![];
    for key in &keys {
        let headers = scanned.entries.values().map(|entry| &entry.header);
        wrong_wraps.extend(rings.collect(key, headers, &source));
    }
    let mut origins = BTreeMap::new();
    let entries = open_bodies(&scanned, vault, &rings, &mut origins, progress);
    let ordered = order(vault, &entries);
    let state = fold(vault, &ordered);
    let boxes = Boxes::sort(&state, ordered.entries.iter().copied());
    let missing = boxes.missing(|id| scanned.boxes.contains_key(id));
    let heads = ordered.heads();
    let waiting: Vec<(EntryId, EntryId)> =
        ordered.waiting.iter().map(|(entry, parent)| (entry.id, *parent)).collect();
    let strangers = outside(&entries, &ordered);
    let member = keys.into_iter().find(|key| member_of(&state, key).is_some());
    Checked {
        vault,
        state,
        heads,
        waiting,
        strangers,
        boxes,
        missing,
        rings,
        member,
        wrong_wraps,
        origins,
        scanned,
    }
}

/// Entries that are not part of the vault: of strangers, of another vault, second beginnings.
fn outside(entries: &[Entry], ordered: &Ordered<'_>) -> Vec<EntryId> {
    let inside: BTreeSet<EntryId> = ordered
        .entries
        .iter()
        .map(|entry| entry.id)
        .chain(ordered.waiting.iter().map(|(entry, _)| entry.id))
        .collect();
    entries.iter().map(|entry| entry.id).filter(|id| !inside.contains(id)).collect()
}

/// The member whose current key this is.
pub fn member_of<'a>(state: &'a State, key: &MemberKey) -> Option<&'a crate::org::state::Member> {
    let public = crate::org::ids::PublicKey::parse(&key.signing.public())?;
    state.member_with_key(&public)
}

/// Which vault the file is: the wanted one, or the only one.
pub(super) fn the_vault(scanned: &Scanned, wanted: Option<EntryId>) -> Result<EntryId> {
    let first =
        |entry: &&SignedEntry| entry.header.vault.is_none() && entry.header.parents.is_empty();
    let found: Vec<EntryId> =
        scanned.entries.values().filter(first).map(|entry| entry.id).collect();
    match (wanted, found.as_slice()) {
        (Some(wanted), _) if found.contains(&wanted) => Ok(wanted),
        (_, []) => Err(Error::damaged("the vault has no first entry")
            .hint("`secrets repair --from FILE` takes it from another copy")),
        (Some(wanted), _) => Err(Error::rolled_back("this is another vault than it must be")
            .because(format!("the vault {wanted} does not begin in this file"))
            .hint("`secrets repair` puts back what this machine has seen; `--vault-id` accepts another")),
        (None, [one]) => Ok(*one),
        (None, _) => Err(Error::conflict("the file holds the entries of several vaults")
            .because(found.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
            .hint("say which with `--vault-id`")),
    }
}

/// The files of all member boxes, newest first.
pub(super) fn member_boxes(bytes: &[u8], scanned: &Scanned, vault: EntryId) -> Vec<Vec<u8>> {
    let ours = |entry: &&SignedEntry| entry.id == vault || entry.header.vault == Some(vault);
    let mut entries: Vec<&SignedEntry> = scanned.entries.values().filter(ours).collect();
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.header.time));
    let claims =
        entries.iter().flat_map(|entry| &entry.header.boxes).filter(|claim| claim.to.is_empty());
    let mut seen = BTreeSet::new();
    claims
        .filter(|claim| seen.insert(claim.id))
        .filter_map(|claim| box_at(bytes.get(scanned.boxes.get(&claim.id)?.clone())?, claim.id))
        .collect()
}

type Origins = BTreeMap<EntryId, (String, String)>;

const THREADS: usize = 2;

fn open_bodies(
    scanned: &Scanned,
    vault: EntryId,
    rings: &RingKeys,
    origins: &mut Origins,
    progress: Progress<'_>,
) -> Vec<Entry> {
    let signed: Vec<&SignedEntry> = scanned.entries.values().collect();
    let size = signed.len().div_ceil(THREADS).max(1);
    let done = std::sync::atomic::AtomicUsize::new(0);
    let open = |part: &[&SignedEntry]| -> Vec<(Entry, Option<(String, String)>)> {
        let open_one = |entry: &&SignedEntry| {
            let opened = open_body(entry, vault, rings);
            progress(done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1, signed.len());
            opened
        };
        part.iter().map(open_one).collect()
    };
    let opened: Vec<_> = std::thread::scope(|scope| {
        let parts: Vec<_> = signed.chunks(size).map(|part| scope.spawn(|| open(part))).collect();
        parts.into_iter().filter_map(|part| part.join().ok()).flatten().collect()
    });
    let mut entries = Vec::with_capacity(opened.len());
    for (entry, origin) in opened {
        origin.map(|origin| origins.insert(entry.id, origin));
        entries.push(entry);
    }
    entries
}

/// Opens a body with the generation its header names, never by trial.
pub fn open_body(
    entry: &SignedEntry,
    vault: EntryId,
    rings: &RingKeys,
) -> (Entry, Option<(String, String)>) {
    let Some(key) = rings.get(&entry.header.members) else {
        return (entry.with_body(Body::Locked), None);
    };
    let said = match seal::open(key, &entry.body, BODY_BYTES) {
        Ok(opened) => body::decode(&opened.plaintext),
        Err(_) => Err("its body does not open with the generation it names".to_owned()),
    };
    match said {
        Ok(said) if cards_hold(entry, vault, &said.changes) => {
            (entry.with_body(Body::Opened(said.changes)), Some((said.agent, said.host)))
        }
        Ok(_) => (
            entry.with_body(Body::Garbled("a card in it is not signed by its key".to_owned())),
            None,
        ),
        Err(why) => (entry.with_body(Body::Garbled(why)), None),
    }
}

/// Every card is signed by the key that it names, for this vault.
fn cards_hold(entry: &SignedEntry, vault: EntryId, changes: &[Change]) -> bool {
    let bound = (entry.id != vault).then_some(vault);
    changes.iter().all(|change| match change {
        Change::Known(record) => {
            Purpose::of(record).is_none_or(|(purpose, card)| card_holds(bound, purpose, card))
        }
        Change::Unknown(_) => true,
    })
}

pub fn card_holds(vault: Option<EntryId>, purpose: Purpose, card: &Card) -> bool {
    let small = card.identities.len() <= CARD_IDENTITIES
        && card.identities.iter().all(|identity| identity.len() <= CARD_IDENTITY_BYTES);
    let key = card.key.to_string();
    small
        && sign::verify(&key, card::CONTEXT, &card::signed_bytes(vault, purpose, card), &card.proof)
}
