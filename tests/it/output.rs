//! What a command did, and what a test may demand of it.

use std::process::ExitStatus;

/// What a command did.
#[derive(Debug)]
pub struct Output {
    pub shown: String,
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Output {
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "{self}");
        self
    }

    #[track_caller]
    pub fn success(self) -> Self {
        self.exits(0)
    }

    /// Refused: this exit code, nothing on stdout, an error in our own voice.
    #[track_caller]
    pub fn fails(self, code: i32) -> Self {
        let output = self.exits(code);
        assert!(output.stdout.is_empty(), "a refusal is on stderr\n{output}");
        let mut lines =
            output.stderr.lines().filter(|line| !line.starts_with("secrets: warning: "));
        let is_error = lines.next().is_some_and(|line| line.starts_with("secrets: error: "));
        assert!(is_error, "an error is said first, after warnings\n{output}");
        output
    }

    #[track_caller]
    pub fn stdout_is(self, wanted: impl AsRef<[u8]>) -> Self {
        let wanted = wanted.as_ref();
        assert!(self.stdout == wanted, "wanted {:?}\n{self}", String::from_utf8_lossy(wanted));
        self
    }

    #[track_caller]
    pub fn stdout_has(self, wanted: &str) -> Self {
        assert!(self.text().contains(wanted), "wanted {wanted:?}\n{self}");
        self
    }

    #[track_caller]
    pub fn stderr_is(self, wanted: &str) -> Self {
        assert!(self.stderr == wanted, "wanted {wanted:?}\n{self}");
        self
    }

    #[track_caller]
    pub fn stderr_has(self, wanted: &str) -> Self {
        assert!(self.stderr.contains(wanted), "wanted {wanted:?}\n{self}");
        self
    }

    #[track_caller]
    pub fn stderr_lacks(self, unwanted: &str) -> Self {
        assert!(!self.stderr.contains(unwanted), "unwanted {unwanted:?}\n{self}");
        self
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|e| panic!("no JSON: {e}\n{self}"))
    }
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { shown, status, stderr, .. } = self;
        write!(f, "$ {shown}\n{status}\n--- stdout\n{}\n--- stderr\n{stderr}", self.text())
    }
}
