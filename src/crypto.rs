//! Bytes to bytes: age sealing and opening, identities, member keys, signatures.
//!
//! Invariants: the only cipher for what is in a vault is age; types that hold secrets have neither
//! `Debug` nor `Clone`; no error names a secret. What the bytes mean is `format`'s and `org`'s.

pub mod age_key;
pub mod hash;
pub mod identity;
pub mod local;
pub mod member;
pub mod random;
pub mod seal;
pub mod sign;
#[cfg(test)]
mod stock;
#[cfg(test)]
mod vectors;
pub mod words;
