//! How large things may be, and why. Checked before anything is allocated.

/// A certificate chain is some 10 KiB; a megabyte holds any secret that is one.
pub const VALUE_BYTES: usize = 1 << 20;

/// A note is a line or two for people.
pub const NOTE_BYTES: usize = 16 << 10;

/// A removal in an organisation of a thousand writes a wrap of some 1 KiB for each.
pub const LINE_BYTES: usize = 16 << 20;

/// An import of ten thousand secrets is some 4 MiB of records.
pub const BODY_BYTES: usize = 8 << 20;

/// As many copies may diverge before they are merged.
pub const PARENTS: usize = 1024;

/// An import writes a box for each value.
pub const BOXES: usize = 20_000;

/// One for each holder of each ring that a removal renews.
pub const WRAPS: usize = 20_000;

/// Generations made in one entry: every ring of an organisation with thousands of grants.
pub const RINGS: usize = 10_000;

/// A wrap or member box holds keys and comments.
pub const KEYS_BYTES: usize = 1 << 20;

/// A request is a card and a box; larger is a flood.
pub const REQUEST_BYTES: usize = 4 << 10;

/// The header of an age file to so many rings.
pub const BOX_OVERHEAD_BYTES: usize = 256 << 10;

/// A vault that grew by accident should say so before memory is gone.
pub const VAULT_BYTES: u64 = 1 << 30;
