//! One JSON document on stdout. It may hold values: it lies in one buffer, wiped afterwards.
//!
//! Characters that act on a terminal are written as `\u…`, which means the same to every reader.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};
use zeroize::Zeroizing;

use super::escape::is_dangerous;
use super::say::print_bytes;
use crate::context::Context;
use crate::error::{Explain, Result};

pub fn print_json(ctx: &mut Context, document: &impl Serialize) -> Result<()> {
    let text = encode(document).or_failed(|| "cannot write this as JSON".to_owned())?;
    print_bytes(ctx, &text)
}

/// Measured first, so that the buffer never grows and leaves copies of values behind.
fn encode(document: &impl Serialize) -> serde_json::Result<Zeroizing<Vec<u8>>> {
    let mut size = Size(0);
    write(&mut size, document)?;
    let mut text = Zeroizing::new(Vec::with_capacity(size.0 + 1));
    write(&mut *text, document)?;
    text.push(b'\n');
    Ok(text)
}

fn write(into: impl Write, document: &impl Serialize) -> serde_json::Result<()> {
    document.serialize(&mut Serializer::with_formatter(into, Harmless(PrettyFormatter::new())))
}

struct Size(usize);

impl Write for Size {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// serde_json's indented form, except for the characters in strings.
struct Harmless(PrettyFormatter<'static>);

impl Formatter for Harmless {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        mut fragment: &str,
    ) -> io::Result<()> {
        while let Some(at) = fragment.find(is_dangerous) {
            let (before, rest) = fragment.split_at(at);
            writer.write_all(before.as_bytes())?;
            let mut characters = rest.chars();
            let mut units = [0; 2];
            for unit in characters.next().unwrap_or_default().encode_utf16(&mut units) {
                write!(writer, "\\u{unit:04x}")?;
            }
            fragment = characters.as_str();
        }
        writer.write_all(fragment.as_bytes())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(w, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(w, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn it_is_indented_ends_with_a_newline_and_never_grew() {
        let text = encode(&json!({"name": "KEY", "versions": [1, 2], "none": {}})).unwrap();
        let expected =
            "{\n  \"name\": \"KEY\",\n  \"none\": {},\n  \"versions\": [\n    1,\n    2\n  ]\n}\n";
        assert_eq!(std::str::from_utf8(&text).unwrap(), expected);
        assert_eq!(text.capacity(), text.len());
    }

    #[test]
    fn what_acts_on_a_terminal_is_escaped_and_means_the_same() {
        let value = "é\u{1b}[0m\u{9b}\u{202e}\u{e0001}\n\"x";
        let text = encode(&value).unwrap();
        let shown = std::str::from_utf8(&text).unwrap();
        assert_eq!(shown, "\"é\\u001b[0m\\u009b\\u202e\\udb40\\udc01\\n\\\"x\"\n");
        assert_eq!(serde_json::from_slice::<String>(&text).unwrap(), value);
    }
}
