//! `secrets identity`: the keys that a person unlocks with.

use crate::cli::IdentityArgs;
use crate::context::Context;
use crate::error::{Error, Result};

pub fn run(_: &IdentityArgs, _: &mut Context) -> Result<()> {
    Err(Error::failed("this command is not here yet"))
}
