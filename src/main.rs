//! The program: arguments in, exit code out.

use std::process::ExitCode;

use secrets::cli::{self, Asked};
use secrets::context::Context;
use secrets::error::Result;
use secrets::{commands, hygiene, terminal};

fn main() -> ExitCode {
    hygiene::protect();
    let mut ctx = Context::from_system();
    match run(&mut ctx) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::show_error(&mut ctx, &error);
            ExitCode::from(error.kind as u8)
        }
    }
}

fn run(ctx: &mut Context) -> Result<()> {
    match cli::parse(std::env::args_os())? {
        Asked::Read(text) => terminal::print_bytes(ctx, text.as_bytes()),
        Asked::Run(verb) => commands::run(&verb, ctx),
    }
}
