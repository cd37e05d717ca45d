//! `secrets unlock`: keep the member key at hand.

use crate::cli::UnlockArgs;
use crate::context::Context;
use crate::error::{Error, Result};

pub fn run(_: &UnlockArgs, _: &mut Context) -> Result<()> {
    Err(Error::failed("this command is not here yet"))
}
