//! `secrets restore`: an earlier version made current again.

use crate::cli::RestoreArgs;
use crate::context::Context;
use crate::error::{Error, Result};

pub fn run(_: &RestoreArgs, _: &mut Context) -> Result<()> {
    Err(Error::failed("this command is not here yet"))
}
