//! The pure core against random histories, a naive model, an oracle of reachable keys and a table of
//! rights. Keys and boxes are symbols: no files, no cryptography.

mod builder;
mod cheat;
mod honest;
mod properties;
mod symbols;
