//! `secrets`: an organisation's secrets in one file. The modules, in walking order.

pub mod cli;
pub mod commands;
pub mod config;
pub mod context;
pub mod hygiene;
pub mod launch;
pub mod session;
pub mod terminal;

pub mod org;

pub mod format;

pub mod crypto;

pub mod storage;

pub mod error;
pub mod points;
pub mod secret;
