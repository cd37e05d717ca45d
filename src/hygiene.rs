//! What the process does at its start so that no value ends up in a file or another's hands.
//!
//! No core file is written and nobody else's debugger may look in. Both are undone for a program
//! that takes our place: the limit by [`release`], the other by the system, which resets it for
//! every program that is started. Files are close-on-exec wherever they are opened.
//! Not promised: anything against root, or against malware that runs as the user.

use std::sync::OnceLock;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

static INHERITED_CORE_LIMIT: OnceLock<Rlimit> = OnceLock::new();

/// Called first thing. A system that refuses leaves us as safe as any other program.
pub fn protect() {
    let inherited = getrlimit(Resource::Core);
    // only the soft limit: raising the hard one again would need a privilege
    let none = Rlimit { current: Some(0), maximum: inherited.maximum };
    if setrlimit(Resource::Core, none).is_ok() {
        INHERITED_CORE_LIMIT.get_or_init(|| inherited);
    }
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// Gives a program that is about to take our place the limit that we were started with.
pub fn release() {
    if let Some(inherited) = INHERITED_CORE_LIMIT.get() {
        let _ = setrlimit(Resource::Core, *inherited);
    }
}

/// The limits are the whole process's: tests that change them take turns.
#[cfg(test)]
pub(crate) static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_core_file_while_we_live_and_the_old_limit_afterwards() {
        let _turn = TURN.lock();
        let before = getrlimit(Resource::Core);
        protect();
        assert_eq!(getrlimit(Resource::Core).current, Some(0));
        assert_eq!(getrlimit(Resource::Core).maximum, before.maximum);
        #[cfg(target_os = "linux")]
        assert_eq!(
            rustix::process::dumpable_behavior().unwrap(),
            rustix::process::DumpableBehavior::NotDumpable
        );
        release();
        assert_eq!(getrlimit(Resource::Core), before);
    }
}
