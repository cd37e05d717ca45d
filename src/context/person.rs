//! The person at the terminal, who is asked on `/dev/tty`: the streams may be pipes.
//!
//! Invariants: what is typed hidden is never shown and lies in one buffer, wiped afterwards;
//! however a hidden prompt ends, Ctrl-C included, the terminal shows what is typed again. (Ctrl-C
//! arrives as a character: as a signal it would end us before we could restore anything.)

use std::fs::File;
use std::io::{self, Read, Write};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios};
use rustix::termios::{tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::secret::SecretBytes;

/// Longer values are not typed: they come from a pipe or a file.
const TYPED_MAX_BYTES: usize = 64 * 1024;
const CHUNK_BYTES: usize = 4096;

const CTRL_C: u8 = 0x03;
const CTRL_D: u8 = 0x04;
const CTRL_U: u8 = 0x15;
const CTRL_W: u8 = 0x17;
const CTRL_BACKSLASH: u8 = 0x1c;
const BACKSPACE: u8 = 0x08;
const ESCAPE: u8 = 0x1b;
const DELETE: u8 = 0x7f;

/// Somebody who can be asked. `Interrupted` means Ctrl-C; `UnexpectedEof`, that nobody answers.
pub trait Prompter: Send + Sync {
    fn is_there(&self) -> bool;
    /// One line, shown while it is typed.
    fn line(&self, question: &str) -> io::Result<String>;
    /// One line, not shown.
    fn hidden(&self, question: &str) -> io::Result<SecretBytes>;
    /// Something to know while waiting: what a plugin says.
    fn tell(&self, _text: &str) {}
}

pub(super) struct AtTheTerminal;

impl Prompter for AtTheTerminal {
    fn tell(&self, text: &str) {
        let safe: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        if let Ok(mut terminal) = open() {
            let _ = terminal.write_all(format!("{safe}\n").as_bytes());
        }
    }

    fn is_there(&self) -> bool {
        open().is_ok()
    }

    fn line(&self, question: &str) -> io::Result<String> {
        let mut terminal = open()?;
        terminal.write_all(question.as_bytes())?;
        let mut bytes = Vec::new();
        let mut byte = [0];
        while !bytes.ends_with(b"\n") && bytes.len() < TYPED_MAX_BYTES {
            match terminal.read(&mut byte) {
                Ok(0) if bytes.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(0) => break,
                Ok(_) => bytes.extend_from_slice(&byte),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let text = String::from_utf8(bytes).map_err(|_| io::ErrorKind::InvalidData)?;
        Ok(text.trim_end_matches(['\n', '\r']).to_owned())
    }

    fn hidden(&self, question: &str) -> io::Result<SecretBytes> {
        let file = open()?;
        let _hiding = Hiding::start(&file)?;
        let mut terminal = &file;
        terminal.write_all(question.as_bytes())?;
        let typed = read_hidden(&mut terminal);
        terminal.write_all(b"\n")?;
        typed
    }
}

fn open() -> io::Result<File> {
    File::options().read(true).write(true).open("/dev/tty")
}

/// While this lives the terminal shows nothing and sends no signals; then it is as before.
struct Hiding<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Hiding<'a> {
    fn start(terminal: &'a File) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut hidden = before.clone();
        hidden.local_modes &=
            !(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
        hidden.special_codes[SpecialCodeIndex::VMIN] = 1;
        hidden.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(terminal, OptionalActions::Now, &hidden)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Hiding<'_> {
    /// What is left of a pasted text of several lines is thrown away: a shell would run it.
    fn drop(&mut self) {
        let _ = tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
    }
}

/// What the line is after a typed byte.
enum Typing {
    GoesOn,
    Ended,
}

/// A line under the hands of whoever types it, with the keys that edit one.
struct Line {
    bytes: Zeroizing<Vec<u8>>,
    escape: Escape,
}

/// How far into the sequence that an arrow or function key sends.
enum Escape {
    No,
    Begun,
    Inside,
}

fn read_hidden(terminal: &mut impl Read) -> io::Result<SecretBytes> {
    let mut line = Line::new();
    let mut chunk = Zeroizing::new([0; CHUNK_BYTES]);
    loop {
        let count = match terminal.read(&mut *chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            result => result?,
        };
        let mut typed = chunk.iter().take(count);
        if count == 0 {
            return line.finish();
        }
        while let Some(&byte) = typed.next() {
            if matches!(line.press(byte)?, Typing::Ended) {
                return if typed.len() == 0 { line.finish() } else { Err(several_lines()) };
            }
        }
    }
}

impl Line {
    /// Room for the longest line from the start: growing would leave copies behind.
    fn new() -> Self {
        Self { bytes: Zeroizing::new(Vec::with_capacity(TYPED_MAX_BYTES)), escape: Escape::No }
    }

    fn finish(&self) -> io::Result<SecretBytes> {
        Ok(SecretBytes::copy_of(&self.bytes))
    }

    fn press(&mut self, byte: u8) -> io::Result<Typing> {
        if self.is_in_escape(byte) {
            return Ok(Typing::GoesOn);
        }
        match byte {
            b'\n' | b'\r' => return Ok(Typing::Ended),
            CTRL_C | CTRL_BACKSLASH => return Err(interrupted()),
            CTRL_D if self.bytes.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
            BACKSPACE | DELETE => self.erase_character(),
            CTRL_U => self.bytes.clear(),
            CTRL_W => self.erase_word(),
            ESCAPE => self.escape = Escape::Begun,
            b'\t' => self.push(byte)?,
            byte if byte.is_ascii_control() => {}
            byte => self.push(byte)?,
        }
        Ok(Typing::GoesOn)
    }

    fn is_in_escape(&mut self, byte: u8) -> bool {
        let (next, swallowed) = match (&self.escape, byte) {
            (Escape::Begun, b'[' | b'O') => (Escape::Inside, true),
            (Escape::Inside, 0x40..=0x7e) => (Escape::No, true),
            (Escape::Inside, 0x20..) => (Escape::Inside, true),
            _ => (Escape::No, false),
        };
        self.escape = next;
        swallowed
    }

    fn push(&mut self, byte: u8) -> io::Result<()> {
        if self.bytes.len() == self.bytes.capacity() {
            let message = format!("more than {TYPED_MAX_BYTES} bytes were typed");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        self.bytes.push(byte);
        Ok(())
    }

    fn erase_character(&mut self) {
        let is_continuation = |byte: &u8| byte & 0xc0 == 0x80;
        while self.bytes.pop().as_ref().is_some_and(is_continuation) {}
    }

    fn erase_word(&mut self) {
        while self.bytes.pop_if(|byte| *byte == b' ').is_some() {}
        while self.bytes.pop_if(|byte| *byte != b' ').is_some() {}
    }
}

fn interrupted() -> io::Error {
    io::Error::new(io::ErrorKind::Interrupted, "interrupted")
}

fn several_lines() -> io::Error {
    let message = "more than one line was typed at once";
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(mut keys: &[u8]) -> io::Result<Vec<u8>> {
        read_hidden(&mut keys).map(|secret| secret.expose().to_vec())
    }

    fn refused(keys: &[u8]) -> io::ErrorKind {
        typed(keys).unwrap_err().kind()
    }

    #[test]
    fn a_line_is_what_was_typed_before_enter() {
        assert_eq!(typed(b"hunter2\n").unwrap(), b"hunter2");
        assert_eq!(typed(b"hunter2\r").unwrap(), b"hunter2");
        assert_eq!(typed(b"a\tb c\n").unwrap(), b"a\tb c");
        assert_eq!(typed(b"\n").unwrap(), b"");
    }

    #[test]
    fn the_usual_keys_edit_it() {
        assert_eq!(typed(b"ab\x7fc\x08d\n").unwrap(), b"ad");
        assert_eq!(typed("a€\x7fb\n".as_bytes()).unwrap(), b"ab");
        assert_eq!(typed(b"wrong\x15right\n").unwrap(), b"right");
        assert_eq!(typed(b"one two \x17three\n").unwrap(), b"one three");
        assert_eq!(typed(b"\x7f\x17\x15x\n").unwrap(), b"x");
        assert_eq!(typed(b"a\x1b[Db\x1bOPc\x1b[1;5Cd\x00\x1a\n").unwrap(), b"abcd");
    }

    #[test]
    fn ctrl_c_and_ctrl_d_end_it() {
        assert_eq!(refused(b"hunt\x03"), io::ErrorKind::Interrupted);
        assert_eq!(refused(b"\x04"), io::ErrorKind::UnexpectedEof);
        assert_eq!(typed(b"a\x04b\n").unwrap(), b"ab");
    }

    #[test]
    fn several_pasted_lines_or_too_much_are_refused() {
        assert_eq!(refused(b"-----BEGIN\nKEY\n"), io::ErrorKind::InvalidInput);
        assert_eq!(refused(&vec![b'x'; TYPED_MAX_BYTES + 1]), io::ErrorKind::FileTooLarge);
    }
}
