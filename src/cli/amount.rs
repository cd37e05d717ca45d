//! Option values that are more than text: a length, a time, a pair of names.
//!
//! Invariant: a refusal says what is wanted and never repeats what was typed.

use std::time::Duration;

/// `NAME=OTHER`: the secret NAME reaches the command as OTHER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    pub name: String,
    pub variable: String,
}

pub fn mapping(text: &str) -> Result<Mapping, &'static str> {
    match text.split_once('=') {
        Some((name, variable)) if !name.is_empty() && !variable.is_empty() => {
            Ok(Mapping { name: name.into(), variable: variable.into() })
        }
        _ => Err("it needs two names, NAME=OTHER"),
    }
}

pub fn lifetime(text: &str) -> Result<Duration, &'static str> {
    const WANTED: &str = "it needs a time such as 30m, 8h or 2d";
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit_s: u64 = match text.get(digits.len()..) {
        Some("s") => 1,
        Some("m") => 60,
        Some("h") => 60 * 60,
        Some("d") => 24 * 60 * 60,
        _ => return Err(WANTED),
    };
    let count: u64 = digits.parse().map_err(|_| WANTED)?;
    match count.checked_mul(unit_s) {
        Some(0) | None => Err(WANTED),
        Some(lifetime_s) => Ok(Duration::from_secs(lifetime_s)),
    }
}

pub fn length(text: &str) -> Result<usize, &'static str> {
    match text.parse() {
        Ok(length) if length > 0 => Ok(length),
        _ => Err("it needs a number of characters, 1 or more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_a_number_and_a_unit() {
        for (text, seconds) in [("45s", 45), ("30m", 1800), ("8h", 28_800), ("2d", 172_800)] {
            assert_eq!(lifetime(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in
            ["", "8", "h", "0h", "8 h", "8H", "1h30m", "-1h", "+-1h", "8é", "99999999999999999d"]
        {
            assert!(lifetime(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_mapping_has_two_names() {
        let both = Mapping { name: "A".into(), variable: "B".into() };
        assert_eq!(mapping("A=B"), Ok(both));
        for text in ["", "A", "A=", "=B", "="] {
            assert!(mapping(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_length_is_at_least_one() {
        assert_eq!(length("32"), Ok(32));
        for text in ["", "0", "-1", "ten", "99999999999999999999999"] {
            assert!(length(text).is_err(), "{text}");
        }
    }
}
