//! `secrets`: an organisation's secrets in one file. The modules, in walking order.

pub mod cli;
pub mod error;
pub mod secret;
