//! Keys, ids and chance, all out of counters.

use std::cell::RefCell;

use secrets::org::ids::{BoxId, EntryId, Nonce, PublicKey, Recipient};
use secrets::org::names::{PlaceName, SecretName, Title};
use secrets::org::record::Card;
use secrets::org::time::Time;

/// A small generator whose whole state is its seed (splitmix64).
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }

    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for end in (1..list.len()).rev() {
            list.swap(end, self.below(end + 1));
        }
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn bytes(kind: u64, n: u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (index, chunk) in bytes.chunks_mut(8).enumerate() {
        chunk.copy_from_slice(&mix(mix(n ^ (kind << 48)).wrapping_add(index as u64)).to_le_bytes());
    }
    bytes
}

pub fn entry_id(n: u64) -> EntryId {
    EntryId::new(bytes(1, n))
}

pub fn box_id(n: u64) -> BoxId {
    BoxId::new(bytes(2, n))
}

pub fn public_key(n: u64) -> PublicKey {
    PublicKey::new(bytes(3, n))
}

pub fn nonce(n: u64) -> Nonce {
    let mut half = [0; 16];
    half.copy_from_slice(&bytes(4, n)[..16]);
    Nonce(half)
}

thread_local! {
    static RECIPIENTS: RefCell<Vec<Recipient>> = const { RefCell::new(vec![]) };
}

/// Recipients are the same in every history: they are checked once.
pub fn recipient(n: u64) -> Recipient {
    RECIPIENTS.with_borrow_mut(|made| {
        while made.len() <= n as usize {
            let hrp = bech32::Hrp::parse("age").unwrap();
            let mut point = bytes(5, made.len() as u64);
            point[31] &= 0x3f; // below p
            let text = bech32::encode::<bech32::Bech32>(hrp, &point).unwrap();
            made.push(Recipient::parse(&text).unwrap());
        }
        made[n as usize].clone()
    })
}

pub fn time(n: i64) -> Time {
    Time::from_millis(1_800_000_000_000 + n * 1000)
}

pub fn title(text: &str) -> Title {
    Title::parse(text).unwrap()
}

pub fn place_name(text: &str) -> PlaceName {
    PlaceName::parse(text).unwrap()
}

pub fn secret_name(text: &str) -> SecretName {
    SecretName::parse(text).unwrap()
}

/// The card of key number `n`: its signing key, its recipient and its box go by that number.
pub fn card(name: &str, n: u64) -> Card {
    Card {
        name: title(name),
        key: public_key(n),
        recipient: recipient(n),
        member_box: box_id(1_000_000 + n),
        identities: vec![],
        proof: String::new(),
    }
}
