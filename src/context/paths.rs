//! Where settings, vaults and this machine's memory live.
//!
//! The `XDG_*` variables count on every system; without them each system's custom does.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    pub config: PathBuf,
    pub data: PathBuf,
    pub state: PathBuf,
}

const OURS: &str = "secrets";

impl Paths {
    /// None without a home folder and without the variables that would replace it.
    pub(super) fn find(env: &BTreeMap<OsString, OsString>) -> Option<Self> {
        let home = absolute(env, "HOME").or_else(home_of_the_account);
        let place = |variable: &str, usual: &str| {
            absolute(env, variable)
                .or_else(|| home.as_ref().map(|home| home.join(usual)))
                .map(|folder| folder.join(OURS))
        };
        let data = place("XDG_DATA_HOME", usual::DATA)?;
        let state = match usual::STATE {
            Some(usual) => place("XDG_STATE_HOME", usual)?,
            None => absolute(env, "XDG_STATE_HOME")
                .map_or_else(|| data.join("state"), |folder| folder.join(OURS)),
        };
        Some(Self { config: place("XDG_CONFIG_HOME", usual::CONFIG)?, data, state })
    }
}

#[cfg(not(target_os = "macos"))]
mod usual {
    pub const CONFIG: &str = ".config";
    pub const DATA: &str = ".local/share";
    pub const STATE: Option<&str> = Some(".local/state");
}

#[cfg(target_os = "macos")]
mod usual {
    pub const CONFIG: &str = "Library/Application Support";
    pub const DATA: &str = "Library/Application Support";
    pub const STATE: Option<&str> = None;
}

/// Relative paths in these variables are to be ignored, says the specification.
fn absolute(env: &BTreeMap<OsString, OsString>, name: &str) -> Option<PathBuf> {
    env.get(OsStr::new(name)).map(Path::new).filter(|path| path.is_absolute()).map(Into::into)
}

fn home_of_the_account() -> Option<PathBuf> {
    directories::BaseDirs::new().map(|folders| folders.home_dir().to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(env: &[(&str, &str)]) -> Option<Paths> {
        Paths::find(&env.iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn without_variables_it_is_the_usual_place_at_home() {
        let paths = find(&[("HOME", "/home/alice"), ("XDG_DATA_HOME", "relative")]).unwrap();
        assert_eq!(paths.config, Path::new("/home/alice/.config/secrets"));
        assert_eq!(paths.data, Path::new("/home/alice/.local/share/secrets"));
        assert_eq!(paths.state, Path::new("/home/alice/.local/state/secrets"));
    }

    #[test]
    fn the_variables_win() {
        let paths = find(&[
            ("HOME", "/home/alice"),
            ("XDG_CONFIG_HOME", "/c"),
            ("XDG_DATA_HOME", "/d"),
            ("XDG_STATE_HOME", "/s"),
        ]);
        let at = |path: &str| PathBuf::from(path);
        let expected =
            Paths { config: at("/c/secrets"), data: at("/d/secrets"), state: at("/s/secrets") };
        assert_eq!(paths, Some(expected));
    }
}
