//! `secrets history`: the versions of a secret.

use crate::cli::HistoryArgs;
use crate::context::Context;
use crate::error::{Error, Result};

pub fn run(_: &HistoryArgs, _: &mut Context) -> Result<()> {
    Err(Error::failed("this command is not here yet"))
}
