//! A world of its own for each test: home, working folder, temporary folder, a cleared environment.
//!
//! Invariants: nothing of the machine's user is read or written. When a test ends well, every vault
//! in its world passes `secrets verify`, and no value that was handed in lies anywhere in the world
//! or in what a command said. Which encodings are hunted for is in `hunt`.

use crate::hunt::{self, Needles};
use crate::output::Output;
use std::cell::{Cell, RefCell};
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

pub const SECRETS: &str = env!("CARGO_BIN_EXE_secrets");

/// Commands whose stdout is asked to hold values.
const REVEALING: &[&str] = &["reveal", "env"];

/// A command that takes longer hangs, and is ended.
const PATIENCE: Duration = Duration::from_secs(120);

/// What `secrets verify` has to say when the test is over.
#[derive(Clone, Copy)]
enum AtEnd {
    VerifyExits(i32),
    NoVerify,
}

pub struct World {
    root: tempfile::TempDir,
    values: RefCell<Vec<Vec<u8>>>,
    said: RefCell<Vec<Said>>,
    spared: RefCell<Vec<PathBuf>>,
    at_end: Cell<AtEnd>,
}

/// Text that came out of a command and must hold no value.
struct Said {
    whence: String,
    bytes: Vec<u8>,
}

impl World {
    pub fn new() -> Self {
        let root = tempfile::Builder::new().prefix("secrets-it-").tempdir().unwrap();
        for folder in ["home", "work", "tmp", "inputs"] {
            std::fs::create_dir(root.path().join(folder)).unwrap();
        }
        Self {
            root,
            values: RefCell::default(),
            said: RefCell::default(),
            spared: RefCell::default(),
            at_end: Cell::new(AtEnd::VerifyExits(0)),
        }
    }

    /// The folder in which commands run.
    pub fn work(&self) -> PathBuf {
        self.root.path().join("work")
    }

    pub fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    pub fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.root.path().join(below)
    }

    /// A value that must turn up nowhere from now on.
    pub fn remember(&self, value: impl AsRef<[u8]>) {
        let value = value.as_ref();
        let value = value.strip_suffix(b"\n").unwrap_or(value);
        self.values.borrow_mut().push(value.to_vec());
    }

    /// A file with a value in it, in a folder that is not searched.
    pub fn value_file(&self, name: &str, value: impl AsRef<[u8]>) -> PathBuf {
        self.remember(&value);
        let path = self.path("inputs").join(name);
        std::fs::write(&path, value).unwrap();
        path
    }

    /// A file that the test made hold a value on purpose.
    pub fn spare(&self, path: impl Into<PathBuf>) {
        self.spared.borrow_mut().push(path.into());
    }

    /// The vault is damaged or rolled back on purpose: `verify` has to exit with `code`.
    pub fn expect_verify(&self, code: i32) {
        self.at_end.set(AtEnd::VerifyExits(code));
    }

    /// What is left behind is no vault that anybody could verify.
    pub fn skip_verify(&self) {
        self.at_end.set(AtEnd::NoVerify);
    }

    /// `secrets` with these arguments, not yet started.
    pub fn secrets<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Run<'_> {
        self.program(SECRETS, args)
    }

    /// Any other program, in the same world.
    pub fn program<A: AsRef<OsStr>>(
        &self,
        program: impl Into<OsString>,
        args: impl IntoIterator<Item = A>,
    ) -> Run<'_> {
        Run {
            world: self,
            program: program.into(),
            args: args.into_iter().map(|arg| arg.as_ref().to_owned()).collect(),
            stdin: Vec::new(),
            variables: Vec::new(),
            folder: self.work(),
            home: self.home(),
            reveals: false,
        }
    }

    pub fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Output {
        self.secrets(args).run()
    }

    /// `git` in `folder`, with nobody's configuration.
    pub fn git<A: AsRef<OsStr>>(
        &self,
        folder: impl AsRef<Path>,
        args: impl IntoIterator<Item = A>,
    ) -> Output {
        let settings = ["user.name=alice", "user.email=alice@acme.example"]
            .into_iter()
            .chain(["init.defaultBranch=main", "commit.gpgSign=false", "gc.auto=0"])
            .flat_map(|setting| [OsString::from("-c"), setting.into()]);
        let args = args.into_iter().map(|arg| arg.as_ref().to_owned());
        self.program("git", settings.chain(args)).folder(folder).run()
    }

    /// Every vault in this world.
    pub fn vaults(&self) -> Vec<PathBuf> {
        let is_vault = |path: &PathBuf| path.extension() == Some(OsStr::new("vault"));
        hunt::files_below(self.root.path()).into_iter().filter(is_vault).collect()
    }

    pub fn hear(&self, whence: impl Into<String>, bytes: &[u8]) {
        let said = Said { whence: whence.into(), bytes: bytes.to_vec() };
        self.said.borrow_mut().push(said);
    }

    /// Where a value lies that should lie nowhere.
    pub fn leaks(&self) -> Vec<String> {
        let needles = Needles::of(&self.values.borrow());
        let inputs = self.path("inputs");
        let spared = self.spared.borrow();
        let mut leaks = Vec::new();
        for said in self.said.borrow().iter() {
            let found = needles.found_in(&said.bytes).into_iter();
            leaks.extend(found.map(|form| format!("{form} in {}", said.whence)));
        }
        for path in hunt::files_below(self.root.path()) {
            if path.starts_with(&inputs) || spared.contains(&path) {
                continue;
            }
            let bytes = std::fs::read(&path).unwrap_or_default();
            let found = needles.found_in(&bytes).into_iter();
            leaks.extend(found.map(|form| format!("{form} in {}", path.display())));
        }
        leaks
    }

    fn verify_vaults(&self) {
        let AtEnd::VerifyExits(code) = self.at_end.get() else { return };
        for vault in self.vaults() {
            let verify = [OsStr::new("verify"), OsStr::new("--vault"), vault.as_os_str()];
            self.run(verify).exits(code);
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        self.verify_vaults();
        let leaks = self.leaks();
        assert!(leaks.is_empty(), "a value leaked:\n{}", leaks.join("\n"));
    }
}

/// A command about to be run.
pub struct Run<'w> {
    pub(crate) world: &'w World,
    program: OsString,
    args: Vec<OsString>,
    stdin: Vec<u8>,
    variables: Vec<(OsString, OsString)>,
    folder: PathBuf,
    home: PathBuf,
    pub(crate) reveals: bool,
}

impl Run<'_> {
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Bytes for stdin that are nobody's secret.
    pub fn stdin(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.stdin = bytes.as_ref().to_vec();
        self
    }

    /// A value for stdin, which is hunted for afterwards.
    pub fn value(self, value: impl AsRef<[u8]>) -> Self {
        self.world.remember(&value);
        self.stdin(value)
    }

    pub fn variable(mut self, name: impl Into<OsString>, text: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), text.into()));
        self
    }

    pub fn folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.folder = folder.as_ref().to_owned();
        self
    }

    /// Somebody else, with a home of their own.
    pub fn person(mut self, name: &str) -> Self {
        self.home = self.world.path("homes").join(name);
        std::fs::create_dir_all(&self.home).unwrap();
        self
    }

    /// What this command prints may hold values.
    pub fn reveals(mut self) -> Self {
        self.reveals = true;
        self
    }

    pub fn shown(&self) -> String {
        let program = Path::new(&self.program).file_name().unwrap_or_default();
        let words = std::iter::once(program).chain(self.args.iter().map(OsString::as_os_str));
        words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn may_reveal(&self) -> bool {
        let verb = self.args.first().and_then(|verb| verb.to_str()).unwrap_or_default();
        self.reveals || (self.program == SECRETS && REVEALING.contains(&verb))
    }

    /// The process as the standard library starts it.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).current_dir(&self.folder).env_clear();
        command.env("PATH", path_with_secrets()).env("HOME", &self.home);
        command.env("TMPDIR", self.world.path("tmp")).env("LANG", "C.UTF-8").env("TZ", "UTC");
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0");
        command.envs(self.variables.iter().map(|(name, text)| (name, text)));
        command
    }

    #[track_caller]
    pub fn run(self) -> Output {
        let mut command = self.command();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{}: {e}", self.shown()));
        let watchdog = Watchdog::over(child.id());
        let mut stdin = child.stdin.take().unwrap();
        let bytes = self.stdin.clone();
        // A command that does not read its stdin closes it, which is no failure.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&bytes)));
        let done = child.wait_with_output().unwrap();
        writer.join().unwrap();
        assert!(watchdog.stop(), "{} hung for {PATIENCE:?}", self.shown());
        self.heard(done.status, done.stdout, done.stderr)
    }

    fn heard(&self, status: ExitStatus, stdout: Vec<u8>, stderr: Vec<u8>) -> Output {
        let shown = self.shown();
        self.world.hear(format!("stderr of `{shown}`"), &stderr);
        if !self.may_reveal() {
            self.world.hear(format!("stdout of `{shown}`"), &stdout);
        }
        Output { shown, status, stdout, stderr: String::from_utf8_lossy(&stderr).into_owned() }
    }
}

/// The user's own PATH with the program under test in front, for what calls it by name.
fn path_with_secrets() -> OsString {
    let folder = Path::new(SECRETS).parent().unwrap().to_owned();
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder).chain(std::env::split_paths(&inherited));
    std::env::join_paths(folders).unwrap()
}

/// Ends a process that hangs, so that the test fails instead of waiting for ever.
pub struct Watchdog {
    done: mpsc::Sender<()>,
    thread: std::thread::JoinHandle<bool>,
}

impl Watchdog {
    pub fn over(pid: u32) -> Self {
        let (done, patience) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let in_time = patience.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout);
            if !in_time && let Some(pid) = rustix::process::Pid::from_raw(pid.cast_signed()) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
            in_time
        });
        Self { done, thread }
    }

    /// Whether the process ended by itself.
    pub fn stop(self) -> bool {
        let _ = self.done.send(());
        self.thread.join().unwrap()
    }
}
