//! Times: the user's own on a terminal, UTC for programs.

use chrono::{DateTime, Local, SecondsFormat, TimeDelta, Utc};

use crate::context::Context;

/// For stdout: `2026-11-20 13:45` local time on a terminal, `2026-11-20T12:45:00Z` in a pipe.
pub fn show_time(ctx: &Context, time: DateTime<Utc>) -> String {
    if ctx.terminals.stdout {
        time.with_timezone(&Local).format("%Y-%m-%d %H:%M").to_string()
    } else {
        time.to_rfc3339_opts(SecondsFormat::Secs, true)
    }
}

/// `3 days ago`, `in 2 hours`, `just now`.
pub fn ago(ctx: &Context, time: DateTime<Utc>) -> String {
    let passed = ctx.now() - time;
    match (passed > TimeDelta::zero(), amount(passed.abs())) {
        (_, None) => "just now".to_owned(),
        (true, Some(amount)) => format!("{amount} ago"),
        (false, Some(amount)) => format!("in {amount}"),
    }
}

fn amount(span: TimeDelta) -> Option<String> {
    let days = span.num_days();
    let scales = [
        (days / 365, "year"),
        (days / 30, "month"),
        (days, "day"),
        (span.num_hours(), "hour"),
        (span.num_minutes(), "minute"),
    ];
    let (count, unit) = scales.into_iter().find(|(count, _)| *count > 0)?;
    Some(if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_get_utc() {
        let mut ctx = Context::detached("/", DateTime::UNIX_EPOCH).0;
        assert_eq!(show_time(&ctx, DateTime::UNIX_EPOCH), "1970-01-01T00:00:00Z");
        ctx.terminals.stdout = true;
        let local = show_time(&ctx, DateTime::UNIX_EPOCH + TimeDelta::days(2));
        assert!(local.starts_with("1970-01-0") && local.len() == 16, "{local}");
    }

    #[test]
    fn ago_names_the_largest_unit() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(1000);
        let ctx = Context::detached("/", now).0;
        let cases = [
            (TimeDelta::seconds(59), "just now"),
            (TimeDelta::seconds(60), "1 minute ago"),
            (TimeDelta::hours(3), "3 hours ago"),
            (TimeDelta::days(3), "3 days ago"),
            (TimeDelta::days(31), "1 month ago"),
            (TimeDelta::days(800), "2 years ago"),
            (TimeDelta::hours(-5), "in 5 hours"),
        ];
        for (passed, expected) in cases {
            assert_eq!(ago(&ctx, now - passed), expected);
        }
    }
}
