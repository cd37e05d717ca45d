//! `secrets verify`: check the whole vault.

use crate::cli::VerifyArgs;
use crate::context::Context;
use crate::error::{Error, Result};

pub fn run(_: &VerifyArgs, _: &mut Context) -> Result<()> {
    Err(Error::failed("this command is not here yet"))
}
