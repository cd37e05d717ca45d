//! `secrets merge`: take in what other copies have.

use crate::cli::MergeArgs;
use crate::context::Context;
use crate::error::{Error, Result};

pub fn run(_: &MergeArgs, _: &mut Context) -> Result<()> {
    Err(Error::failed("this command is not here yet"))
}
