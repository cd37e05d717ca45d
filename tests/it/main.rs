//! The program from outside: one test crate, a file a verb, a file a promise.
//!
//! Everything runs through `harness`, which keeps a test away from the user's own files and, when
//! the test is over, verifies the vault and hunts for every value that was handed in.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that meets the unexpected should stop there and say so"
)]

mod acme;
mod cli;
mod create;
mod damage;
mod delete;
mod env;
mod git;
mod harness;
mod history;
mod hunt;
mod identity;
mod init;
mod layers;
mod list;
mod merge;
mod output;
mod promises;
mod pty;
mod reader;
mod repair;
mod reveal;
mod selftest;
mod stress;
mod told;
mod unlock;
mod update;
mod verify;
