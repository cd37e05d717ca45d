//! The standard streams without the library's buffers: those would keep a value in memory.
//!
//! Each write is a system call, so whoever prints puts a whole text together first.

use std::io::{self, Read, Write};

use rustix::stdio::{stderr, stdin, stdout};
use rustix::termios::{isatty, tcgetwinsize};

use super::Terminals;

pub(super) struct Stdin;
pub(super) struct Stdout;
pub(super) struct Stderr;

impl Read for Stdin {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(stdin(), into)?)
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(stdout(), bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(stderr(), bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) fn terminals() -> Terminals {
    Terminals { stdin: isatty(stdin()), stdout: isatty(stdout()), stderr: isatty(stderr()) }
}

pub(super) fn width() -> Option<u16> {
    let size = tcgetwinsize(stdout()).or_else(|_| tcgetwinsize(stderr())).ok()?;
    Some(size.ws_col).filter(|&columns| columns > 0)
}
