//! Rows and columns: aligned on a terminal, tab-separated without a header in a pipe.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table as Drawn};

use super::escape::escape;
use super::say::print_bytes;
use crate::context::Context;
use crate::error::Result;

pub struct Table {
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(header: &[&'static str]) -> Self {
        Self { header: header.to_vec(), rows: Vec::new() }
    }

    /// One cell for each column of the header.
    pub fn row(&mut self, cells: impl IntoIterator<Item = impl AsRef<str>>) {
        let escaped = |cell: &str| escape(cell).into_owned();
        self.rows.push(cells.into_iter().map(|cell| escaped(cell.as_ref())).collect());
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn plain(&self) -> String {
        self.rows.iter().map(|row| row.join("\t") + "\n").collect()
    }

    fn drawn(&self, width: u16) -> String {
        let mut table = Drawn::new();
        table
            .load_style(NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width)
            .set_header(&self.header)
            .add_rows(&self.rows);
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
    }
}

/// The table on stdout; nothing at all if it has no rows.
pub fn print_table(ctx: &mut Context, table: &Table) -> Result<()> {
    if table.is_empty() {
        return Ok(());
    }
    let text = if ctx.terminals.stdout { table.drawn(ctx.width()) } else { table.plain() };
    print_bytes(ctx, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn table() -> Table {
        let mut table = Table::new(&["NAME", "VERSION", "NOTE"]);
        table.row(["DATABASE_URL", "3", "the main\tone"]);
        table.row(["KEY", "12", "密钥 \u{1b}[31m"]);
        table
    }

    fn printed(table: &Table, is_terminal: bool, width: u16) -> String {
        let (mut ctx, stdout, _) = Context::detached("/", DateTime::UNIX_EPOCH);
        ctx.terminals.stdout = is_terminal;
        ctx.width = Some(width);
        print_table(&mut ctx, table).unwrap();
        stdout.take_text()
    }

    #[test]
    fn a_terminal_gets_columns() {
        let expected = "\
NAME          VERSION  NOTE
DATABASE_URL  3        the main\\tone
KEY           12       密钥 \\u{1b}[31m
";
        assert_eq!(printed(&table(), true, 80), expected);
    }

    #[test]
    fn a_narrow_terminal_is_not_overrun() {
        let text = printed(&table(), true, 30);
        assert!(text.lines().all(|line| line.chars().count() <= 30), "{text}");
        assert!(text.lines().count() > 3);
    }

    #[test]
    fn a_pipe_gets_tabs_and_no_header() {
        let expected = "DATABASE_URL\t3\tthe main\\tone\nKEY\t12\t密钥 \\u{1b}[31m\n";
        assert_eq!(printed(&table(), false, 20), expected);
        assert_eq!(printed(&Table::new(&["NAME"]), true, 80), "");
    }
}
