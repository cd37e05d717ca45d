//! A line on stderr for work that takes longer than a second; gone when the work is done.

use std::io::Write;
use std::time::{Duration, Instant};

use super::escape::escape;
use crate::context::Context;

const QUIET: Duration = Duration::from_secs(1);
const REDRAW: Duration = Duration::from_millis(100);
const BAR_COLUMNS: u64 = 24;

pub struct Progress {
    label: &'static str,
    total: u64,
    next_draw: Instant,
    is_drawn: bool,
}

impl Progress {
    pub fn start(label: &'static str, total: u64) -> Self {
        Self { label, total, next_draw: Instant::now() + QUIET, is_drawn: false }
    }

    /// Tells how much is done; cheap enough to be called for every line of a vault.
    pub fn reach(&mut self, ctx: &mut Context, done: u64) {
        if !ctx.terminals.stderr {
            return;
        }
        let now = Instant::now();
        if now >= self.next_draw {
            self.next_draw = now + REDRAW;
            self.is_drawn = true;
            let _ = ctx.stderr.write_all(self.line(done).as_bytes());
        }
    }

    pub fn finish(self, ctx: &mut Context) {
        if self.is_drawn {
            let _ = ctx.stderr.write_all(b"\r\x1b[K");
        }
    }

    fn line(&self, done: u64) -> String {
        let parts = |of: u64| done.min(self.total).saturating_mul(of) / self.total.max(1);
        let full = "#".repeat(usize::try_from(parts(BAR_COLUMNS)).unwrap_or_default());
        let (label, percent) = (escape(self.label), parts(100));
        format!("\r{label} [{full:<24}] {percent:>3} %\x1b[K")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    #[test]
    fn nothing_is_drawn_before_a_second_has_passed_or_without_a_terminal() {
        let (mut ctx, _, stderr) = Context::detached("/", DateTime::UNIX_EPOCH);
        let mut progress = Progress::start("checking", 4);
        progress.next_draw = Instant::now();
        progress.reach(&mut ctx, 1);
        ctx.terminals.stderr = true;
        progress.next_draw = Instant::now() + QUIET;
        progress.reach(&mut ctx, 1);
        progress.finish(&mut ctx);
        assert_eq!(stderr.take_text(), "");
    }

    #[test]
    fn it_draws_seldom_and_cleans_up() {
        let (mut ctx, _, stderr) = Context::detached("/", DateTime::UNIX_EPOCH);
        ctx.terminals.stderr = true;
        let mut progress = Progress::start("checking", 4);
        progress.next_draw = Instant::now();
        progress.reach(&mut ctx, 1);
        progress.reach(&mut ctx, 2);
        let drawn = "\rchecking [######                  ]  25 %\x1b[K";
        assert_eq!(stderr.take_text(), drawn);
        progress.finish(&mut ctx);
        assert_eq!(stderr.take_text(), "\r\x1b[K");
    }

    #[test]
    fn no_total_and_too_much_done_are_harmless() {
        assert!(Progress::start("x", 0).line(5).contains("  0 %"));
        assert!(Progress::start("x", 2).line(5).contains("100 %"));
    }
}
