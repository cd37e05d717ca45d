//! `secrets delete`: secrets for ever.

use crate::cli::DeleteArgs;
use crate::context::Context;
use crate::error::{Error, Result};

pub fn run(_: &DeleteArgs, _: &mut Context) -> Result<()> {
    Err(Error::failed("this command is not here yet"))
}
