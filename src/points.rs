//! The numbers below p = 2^255 - 19, in which both our curves write their points.
//!
//! Here because the curve crates accept several spellings of one point, and a key that can be
//! spelled twice could stand twice where it may stand once.

/// Little-endian p.
const P: [u8; 32] = {
    let mut p = [0xff; 32];
    p[0] = 0xed;
    p[31] = 0x7f;
    p
};

/// u-coordinates of X25519 points of low order (0, 1, two of order 8, p - 1): sealing to one of
/// them would seal to everybody.
const LOW_ORDER: [[u8; 32]; 5] = [
    [0; 32],
    {
        let mut one = [0; 32];
        one[0] = 1;
        one
    },
    [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4,
        0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49,
        0xb8, 0x00,
    ],
    [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef,
        0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f,
        0x11, 0x57,
    ],
    {
        let mut minus_one = P;
        minus_one[0] -= 1;
        minus_one
    },
];

/// Whether the little-endian number is below p: its only spelling.
pub fn is_canonical(number: &[u8; 32]) -> bool {
    number.iter().rev().lt(P.iter().rev())
}

pub fn is_low_order(u: &[u8; 32]) -> bool {
    LOW_ORDER.contains(u)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::age_key::AgeKey;
    use age_core::format::Stanza;
    use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};

    /// age itself calls a share of low order a broken header; with any other share a stanza that
    /// is not ours is merely not ours.
    fn age_refuses_share(u: &[u8; 32]) -> bool {
        let stanza = Stanza {
            tag: "X25519".into(),
            args: vec![BASE64_STANDARD_NO_PAD.encode(u)],
            body: vec![0; 32],
        };
        age::Identity::unwrap_stanza(AgeKey::generate().identity(), &stanza).is_some()
    }

    #[test]
    fn the_list_is_what_age_finds_low() {
        for u in &LOW_ORDER {
            assert!(age_refuses_share(u), "{u:x?}");
            assert!(is_low_order(u) && is_canonical(u));
        }
        let mut nine = [0; 32];
        nine[0] = 9;
        assert!(!age_refuses_share(&nine) && !is_low_order(&nine));
    }

    #[test]
    fn only_numbers_below_p_are_canonical() {
        let mut above = P;
        assert!(!is_canonical(&P));
        above[0] = 0xee;
        assert!(!is_canonical(&above));
        assert!(!is_canonical(&[0xff; 32]));
        let mut top_bit = [0; 32];
        top_bit[31] = 0x80;
        assert!(!is_canonical(&top_bit));
        assert!(is_canonical(&[0; 32]));
    }
}
