//! `secrets lock`: forget what unlock keeps.

use crate::cli::LockArgs;
use crate::context::Context;
use crate::error::{Error, Result};

pub fn run(_: &LockArgs, _: &mut Context) -> Result<()> {
    Err(Error::failed("this command is not here yet"))
}
