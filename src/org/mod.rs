//! What a vault means: names, records, order, fold, policy, access. Pure: no files, keys, clock or
//! terminal.
//!
//! Invariant: [`fold::fold`] is a function of the set of entries alone. Not here: bytes (`format`),
//! signatures and boxes (`crypto`), memory and commit (`session`).

pub mod access;
pub mod apply;
pub mod boxes;
pub mod entry;
pub mod fold;
pub mod ids;
pub mod names;
pub mod order;
pub mod past;
pub mod plan;
pub mod policy;
pub mod record;
pub mod rings;
pub mod roles;
pub mod secrets;
pub mod state;
pub mod step;
pub mod takings;
pub mod time;
pub mod todo;
pub mod views;
