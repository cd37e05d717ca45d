//! `secrets`: an organisation's secrets in one file. The modules, in walking order.

pub mod context;
pub mod storage;

pub mod error;
pub mod secret;
