//! Values and notes as a command's arguments ask for them, refused before anything is asked.

use crate::cli::ValueArgs;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::org::names::SecretName;
use crate::secret::SecretBytes;
use crate::session::draft::NOTE_MAX_BYTES;
use crate::terminal::{Ending, Source, read_new_value};

/// The value from wherever the arguments say; an empty one only on purpose.
pub fn new_value(args: &ValueArgs, name: &SecretName, ctx: &mut Context) -> Result<SecretBytes> {
    if let Some(length) = args.generate {
        return crate::session::generate::letters_and_digits(length);
    }
    let source = args.from_file.clone().map_or(Source::Stdin, Source::File);
    let ending = if args.verbatim { Ending::Verbatim } else { Ending::WithoutNewline };
    let value = read_new_value(ctx, name.as_str(), &source, ending)?;
    if value.is_empty() && !args.allow_empty {
        return Err(
            Error::usage("the value is empty").hint("use --allow-empty if it is meant to be")
        );
    }
    Ok(value)
}

/// Whether anything says where a value comes from, or how it is read.
pub fn names_value(args: &ValueArgs) -> bool {
    args.from_file.is_some() || args.generate.is_some() || args.verbatim || args.allow_empty
}

/// A note that fits.
pub fn note(text: Option<&str>) -> Result<Option<SecretBytes>> {
    let Some(text) = text else { return Ok(None) };
    if text.len() > NOTE_MAX_BYTES {
        return Err(Error::usage("the note is too long")
            .because(format!("a note is at most {} KiB", NOTE_MAX_BYTES >> 10)));
    }
    Ok(Some(SecretBytes::copy_of(text.as_bytes())))
}
