//! The program: arguments in, exit code out.

use secrets::cli::{self, Asked};
use secrets::error::Error;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::parse(std::env::args_os()).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report(&error),
    }
}

fn run(asked: Asked) -> Result<(), Error> {
    match asked {
        // Whoever closes the pipe early has read enough.
        Asked::Read(text) => std::io::stdout().write_all(text.as_bytes()).or(Ok(())),
        Asked::Run(_) => Err(Error::failed("this command is not here yet")),
    }
}

fn report(error: &Error) -> ExitCode {
    let mut stderr = std::io::stderr().lock();
    let mut line = |label: &str, text: &str| {
        let text: String = text.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
        let _ = writeln!(stderr, "secrets: {label}: {text}");
    };
    line("error", &error.what);
    error.because.iter().for_each(|cause| line("because", cause));
    error.hint.iter().for_each(|hint| line("hint", hint));
    ExitCode::from(error.kind as u8)
}
