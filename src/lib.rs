//! `secrets`: an organisation's secrets in one file. The modules, in walking order.

pub mod crypto;
pub mod error;
pub mod format;
pub mod org;
pub mod secret;
