//! The pure core against random histories, a naive model, an oracle of reachable keys and a table of
//! rights. Keys and boxes are symbols: no files, no cryptography.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "the whole crate is a test: what is wrong must stop it"
)]
#![allow(
    clippy::too_many_lines,
    clippy::type_complexity,
    clippy::collapsible_match,
    reason = "one match over every type of record reads best whole"
)]

mod builder;
mod cheat;
mod honest;
mod log;
mod matrix;
mod naive;
mod oracle;
mod properties;
mod speed;
mod symbols;
mod tables;
