//! What the system passes on to a program: a bare "argument list too long" names nothing.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use crate::error::{Error, Kind, Result};
use crate::secret::SecretBytes;

type Env<'a> = BTreeMap<&'a OsStr, &'a OsStr>;

/// The `=` between name and value, and the NUL behind them.
const SIGNS: usize = 2;
/// Two pointers' worth for each string, and what the system adds of its own (a script's
/// interpreter, the program's name): rather refuse here than unexplained there.
const POINTER_BYTES: usize = size_of::<usize>();
const SLACK_BYTES: usize = 4096;

pub(super) fn require_room(
    command: &[OsString],
    env: &Env<'_>,
    secrets: &[(OsString, SecretBytes)],
) -> Result<()> {
    if let Some(limit) = system::string_max_bytes() {
        for (name, value) in secrets {
            let size = name.len() + value.len() + SIGNS;
            if size > limit {
                let name = name.to_string_lossy();
                return Err(too_large(&name, size, limit, "one variable"));
            }
        }
    }
    let (size, limit) = (total(command, env), system::total_max_bytes());
    let largest = secrets.iter().max_by_key(|(_, value)| value.len());
    match largest {
        Some((name, value)) if size > limit => {
            let because = format!(
                "arguments and environment take {size} bytes, the system allows {limit}; \
                 the largest secret has {}",
                value.len()
            );
            let name = name.to_string_lossy();
            Err(Error::new(Kind::NotLaunched, "the environment would be too large")
                .because(because)
                .hint(format!("leave it out with `--except {name}`, or pick with --only")))
        }
        _ => Ok(()),
    }
}

fn too_large(name: &str, size: usize, limit: usize, what: &str) -> Error {
    Error::new(Kind::NotLaunched, format!("{name} is too large for a variable"))
        .because(format!("it takes {size} bytes, and the system allows {limit} for {what}"))
        .hint(format!("leave it out with `--except {name}`, and `secrets reveal {name}` to a file"))
}

fn total(command: &[OsString], env: &Env<'_>) -> usize {
    let arguments: usize = command.iter().map(|word| word.len() + 1 + POINTER_BYTES).sum();
    let variable =
        |(name, value): (&&OsStr, &&OsStr)| name.len() + value.len() + SIGNS + POINTER_BYTES;
    arguments + env.iter().map(variable).sum::<usize>() + SLACK_BYTES
}

#[cfg(target_os = "linux")]
mod system {
    use rustix::process::{Resource, getrlimit};

    /// 32 pages, its NUL included (`MAX_ARG_STRLEN`).
    pub fn string_max_bytes() -> Option<usize> {
        Some(32 * rustix::param::page_size())
    }

    /// A quarter of the stack, between 128 KiB and 6 MiB (`bprm_stack_limits`).
    pub fn total_max_bytes() -> usize {
        let stack = getrlimit(Resource::Stack).current.unwrap_or(u64::MAX);
        usize::try_from(stack / 4).unwrap_or(usize::MAX).clamp(128 << 10, 6 << 20)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    pub fn string_max_bytes() -> Option<usize> {
        None
    }

    /// `ARG_MAX` of macOS.
    pub fn total_max_bytes() -> usize {
        1 << 20
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::launch::{Inherit, Plan};
    use std::process::Command;

    fn secrets(sizes: &[usize]) -> Vec<(OsString, SecretBytes)> {
        let name = |at| OsString::from(format!("KEY_{at}"));
        let value = |size: &usize| SecretBytes::new(vec![b'x'; *size]);
        sizes.iter().enumerate().map(|(at, size)| (name(at), value(size))).collect()
    }

    fn refusal(sizes: &[usize]) -> Option<Error> {
        let (command, env) = ([OsString::from("true")], BTreeMap::new());
        Plan::new(&command, &env, Inherit::Nothing, &secrets(sizes)).err()
    }

    fn runs(sizes: &[usize]) -> bool {
        let text = |size: &usize| "x".repeat(*size);
        let envs = sizes.iter().enumerate().map(|(at, size)| (format!("KEY_{at}"), text(size)));
        Command::new("/bin/true").env_clear().envs(envs).status().is_ok()
    }

    #[test]
    fn the_limit_of_one_variable_is_that_of_the_system() {
        let largest = system::string_max_bytes().unwrap() - "KEY_0=\0".len();
        assert!(refusal(&[largest]).is_none() && runs(&[largest]));
        let error = refusal(&[1, largest - 1, largest + 1]).unwrap();
        assert_eq!(error.what, "KEY_2 is too large for a variable");
        assert!(!runs(&[largest + 1]));
    }

    #[test]
    fn the_limit_of_all_together_is_close_to_that_of_the_system() {
        let each = 100_000;
        let fitting = (system::total_max_bytes() - 2 * SLACK_BYTES) / (each + 20);
        let fits = vec![each; fitting];
        assert!(refusal(&fits).is_none() && runs(&fits));
        let mut over = vec![each; fitting + 1];
        over[3] = each + 5;
        let error = refusal(&over).unwrap();
        assert_eq!(error.what, "the environment would be too large");
        assert!(error.hint.unwrap().contains("`--except KEY_3`"));
        assert!(!runs(&over));
    }
}
