//! What the user sees and is asked: the only printing besides `main`.
//!
//! Results go to stdout, everything else to stderr. Whatever may come out of a vault is escaped
//! here, so no caller can forget it; only `print_bytes` is exact, for a value that was asked for.

mod escape;
mod input;
mod json;
mod progress;
mod prompt;
mod say;
mod table;
mod time;

pub use escape::{escape, escape_bytes, escape_lines};
pub use input::{Ending, Source, VALUE_MAX_BYTES, read_file, read_new_value, read_stdin};
pub use json::print_json;
pub use progress::Progress;
pub use prompt::{ask_hidden, ask_line, ask_new_hidden, confirm, confirm_by_name};
pub use say::{print, print_bytes, say, show_error, warn};
pub use table::{Table, print_table};
pub use time::{ago, show_time};
