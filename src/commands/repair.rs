//! `secrets repair`: put back what the vault file lost.

use crate::cli::RepairArgs;
use crate::context::Context;
use crate::error::{Error, Result};

pub fn run(_: &RepairArgs, _: &mut Context) -> Result<()> {
    Err(Error::failed("this command is not here yet"))
}
