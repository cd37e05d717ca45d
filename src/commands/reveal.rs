//! `secrets reveal`: a secret's value.

use crate::cli::RevealArgs;
use crate::context::Context;
use crate::error::{Error, Result};

pub fn run(_: &RevealArgs, _: &mut Context) -> Result<()> {
    Err(Error::failed("this command is not here yet"))
}
