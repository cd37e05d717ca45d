//! The one place that joins `org`, `format`, `crypto` and `storage`: open a vault, change it, commit.
//!
//! Invariants: a change happens in memory and is visible only through one `commit`; nothing read
//! from the file counts before its signature and hash are checked, by this run or by the memory of
//! an earlier one.

pub mod card;
pub mod commit;
pub mod copies;
pub mod draft;
pub mod found;
pub mod full;
pub mod generate;
pub mod heads;
pub mod hot;
pub mod identity;
pub mod key_file;
pub mod keys;
pub mod memory;
pub mod merge;
pub mod mirror;
pub mod naming;
pub mod open;
pub mod reading;
pub mod remember;
pub mod repair;
pub mod rewrite;
pub mod scan;
pub mod tail;
pub mod unlocked;
pub mod unlocker;
pub mod values;
pub mod verify;
pub mod work_tree;
pub mod write;
