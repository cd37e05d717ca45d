//! `secrets update`: a new value, note or name.

use crate::cli::UpdateArgs;
use crate::context::Context;
use crate::error::{Error, Result};

pub fn run(_: &UpdateArgs, _: &mut Context) -> Result<()> {
    Err(Error::failed("this command is not here yet"))
}
