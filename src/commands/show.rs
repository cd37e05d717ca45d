//! `secrets show`: what is known of a secret.

use crate::cli::ShowArgs;
use crate::context::Context;
use crate::error::{Error, Result};

pub fn run(_: &ShowArgs, _: &mut Context) -> Result<()> {
    Err(Error::failed("this command is not here yet"))
}
