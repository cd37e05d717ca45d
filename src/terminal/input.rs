//! Reading a value: typed twice on a terminal, from a pipe, or from a file.
//!
//! Invariants: at most the limit is ever read; it lies in buffers that are wiped and never grow.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::prompt::ask_new_hidden;
use crate::context::Context;
use crate::error::{Error, Explain, Result};
use crate::secret::SecretBytes;

/// Larger than any key or certificate chain, small enough to be held in memory many times.
pub const VALUE_MAX_BYTES: usize = 1 << 20;
const PIECE_BYTES: usize = 64 * 1024;

/// Where a value comes from; never an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A hidden prompt if stdin is a terminal, else all of stdin.
    Stdin,
    File(PathBuf),
}

/// What becomes of the newline that most programs and editors put at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// One final newline is not part of the value.
    WithoutNewline,
    Verbatim,
}

pub fn read_new_value(
    ctx: &mut Context,
    name: &str,
    source: &Source,
    ending: Ending,
) -> Result<SecretBytes> {
    match source {
        Source::Stdin if ctx.terminals.stdin => ask_new_hidden(ctx, &format!("value of {name}"))
            .map_err(|error| match error.hint {
                None => error.hint("pipe the value in, or use --from-file or --generate"),
                Some(_) => error,
            }),
        Source::Stdin => read_stdin(ctx, ending),
        Source::File(path) => read_file(ctx, path, ending),
    }
}

/// All of stdin, which must be no terminal.
pub fn read_stdin(ctx: &mut Context, ending: Ending) -> Result<SecretBytes> {
    read_all(&mut *ctx.stdin, ending, || "stdin".to_owned())
}

/// All of a file; a pipe in its place, like a shell's `<(…)`, is as good.
pub fn read_file(ctx: &Context, path: &Path, ending: Ending) -> Result<SecretBytes> {
    let what = || path.display().to_string();
    let mut file =
        File::open(ctx.cwd.join(path)).or_failed(|| format!("cannot read {}", what()))?;
    read_all(&mut file, ending, what)
}

fn read_all(
    reader: &mut dyn Read,
    ending: Ending,
    what: impl Fn() -> String,
) -> Result<SecretBytes> {
    let pieces = read_pieces(reader).or_failed(|| format!("cannot read {}", what()))?;
    let slices: Vec<&[u8]> = pieces.iter().map(|piece| piece.as_slice()).collect();
    let mut value = SecretBytes::join(&slices);
    if ending == Ending::WithoutNewline && value.expose().ends_with(b"\n") {
        value.truncate(value.len() - 1);
    }
    if value.len() > VALUE_MAX_BYTES {
        return Err(Error::usage(format!(
            "what {} holds is larger than a value may be: {VALUE_MAX_BYTES} bytes",
            what()
        )));
    }
    Ok(value)
}

/// Up to the limit, its newline, and one byte more that tells that it is too much.
fn read_pieces(reader: &mut dyn Read) -> io::Result<Vec<Zeroizing<Vec<u8>>>> {
    let mut pieces = Vec::new();
    let mut room = VALUE_MAX_BYTES + 2;
    while room > 0 {
        let mut piece = Zeroizing::new(vec![0; PIECE_BYTES.min(room)]);
        let count = fill(reader, &mut piece)?;
        piece.truncate(count);
        room -= count;
        pieces.push(piece);
        if count < PIECE_BYTES {
            break;
        }
    }
    Ok(pieces)
}

fn fill(reader: &mut dyn Read, piece: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = piece.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test lays out its files itself")]
mod tests {
    use super::*;
    use crate::context::ScriptedPerson;
    use crate::error::Kind;
    use chrono::DateTime;
    use std::sync::Arc;

    fn context(stdin: Vec<u8>) -> Context {
        let mut ctx = Context::detached("/", DateTime::UNIX_EPOCH).0;
        ctx.stdin = Box::new(io::Cursor::new(stdin));
        ctx
    }

    fn piped(stdin: &[u8], ending: Ending) -> Result<Vec<u8>> {
        let mut ctx = context(stdin.to_vec());
        read_new_value(&mut ctx, "KEY", &Source::Stdin, ending).map(|value| value.expose().to_vec())
    }

    #[test]
    fn a_pipe_loses_one_final_newline_unless_verbatim() {
        assert_eq!(piped(b"a\n", Ending::WithoutNewline).unwrap(), b"a");
        assert_eq!(piped(b"a\n\n", Ending::WithoutNewline).unwrap(), b"a\n");
        assert_eq!(piped(b"\xff\0a", Ending::WithoutNewline).unwrap(), b"\xff\0a");
        assert_eq!(piped(b"a\n", Ending::Verbatim).unwrap(), b"a\n");
        assert_eq!(piped(b"", Ending::WithoutNewline).unwrap(), b"");
    }

    #[test]
    fn the_limit_is_exact() {
        let largest = vec![b'x'; VALUE_MAX_BYTES];
        assert!(piped(&largest, Ending::Verbatim).unwrap() == largest);
        let with_newline = [&largest[..], b"\n"].concat();
        assert!(piped(&with_newline, Ending::WithoutNewline).unwrap() == largest);
        assert_eq!(piped(&with_newline, Ending::Verbatim).unwrap_err().kind, Kind::Usage);
        let endless = [&with_newline[..], &largest].concat();
        assert!(piped(&endless, Ending::WithoutNewline).is_err());
    }

    #[test]
    fn a_terminal_is_asked_twice() {
        let mut ctx = context(b"not read".to_vec());
        ctx.terminals.stdin = true;
        ctx.person = Arc::new(ScriptedPerson::new(&["typed", "typed"]));
        let value = read_new_value(&mut ctx, "KEY", &Source::Stdin, Ending::Verbatim);
        assert_eq!(value.ok().unwrap().expose(), b"typed");
        ctx.no_input = true;
        let error = read_new_value(&mut ctx, "KEY", &Source::Stdin, Ending::Verbatim);
        let error = error.err().unwrap();
        assert_eq!((error.kind, &*error.what), (Kind::Usage, "cannot ask: value of KEY"));
        assert!(error.hint.unwrap().contains("--from-file"));
    }

    #[test]
    fn a_file_is_found_from_where_the_user_stands() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("key.pem"), b"PEM\n").unwrap();
        let mut ctx = context(Vec::new());
        ctx.cwd = folder.path().to_path_buf();
        let source = Source::File("key.pem".into());
        let value = read_new_value(&mut ctx, "KEY", &source, Ending::WithoutNewline);
        assert_eq!(value.ok().unwrap().expose(), b"PEM");
        for missing in ["none.pem", "."] {
            let source = Source::File(missing.into());
            let error = read_new_value(&mut ctx, "KEY", &source, Ending::Verbatim).err().unwrap();
            assert_eq!(error.what, format!("cannot read {missing}"));
        }
    }
}
