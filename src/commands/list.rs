//! `secrets list`: the secrets of an environment.

use crate::cli::ListArgs;
use crate::context::Context;
use crate::error::{Error, Result};

pub fn run(_: &ListArgs, _: &mut Context) -> Result<()> {
    Err(Error::failed("this command is not here yet"))
}
