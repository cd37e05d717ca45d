//! A world apart from the system's: for tests that run a command within their own process.

use std::cell::OnceCell;
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};

use super::{Clock, Context, Prompter, SCRYPT_WORK_FACTOR, Terminals};
use crate::secret::SecretBytes;

impl Context {
    /// An empty environment, no terminal, nothing on stdin, a clock that stands; what is printed
    /// can be read from the two captures (stdout, stderr).
    pub fn detached(cwd: impl Into<PathBuf>, now: DateTime<Utc>) -> (Self, Capture, Capture) {
        let (stdout, stderr) = (Capture::default(), Capture::default());
        let context = Self {
            clock: Clock::Fixed(now),
            env: BTreeMap::new(),
            cwd: cwd.into(),
            stdin: Box::new(io::empty()),
            stdout: Box::new(stdout.clone()),
            stderr: Box::new(stderr.clone()),
            terminals: Terminals::default(),
            width: Some(80),
            no_input: false,
            yes: false,
            person: Arc::new(Nobody),
            scrypt_work_factor: SCRYPT_WORK_FACTOR,
            paths: OnceCell::new(),
        };
        (context, stdout, stderr)
    }
}

/// What was written to a stream.
#[derive(Clone, Default)]
pub struct Capture(Arc<Mutex<Vec<u8>>>);

impl Capture {
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn take_text(&self) -> String {
        String::from_utf8_lossy(&self.take()).into_owned()
    }
}

impl Write for Capture {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Nobody;

impl Prompter for Nobody {
    fn is_there(&self) -> bool {
        false
    }

    fn line(&self, _: &str) -> io::Result<String> {
        Err(io::ErrorKind::UnexpectedEof.into())
    }

    fn hidden(&self, _: &str) -> io::Result<SecretBytes> {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

/// Somebody who gives prepared answers and remembers what they were asked.
#[derive(Default)]
pub struct ScriptedPerson {
    answers: Mutex<VecDeque<String>>,
    questions: Mutex<Vec<String>>,
}

impl ScriptedPerson {
    pub fn new(answers: &[&str]) -> Self {
        let answers = answers.iter().map(ToString::to_string).collect();
        Self { answers: Mutex::new(answers), questions: Mutex::default() }
    }

    pub fn questions(&self) -> Vec<String> {
        self.questions.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Prompter for ScriptedPerson {
    fn is_there(&self) -> bool {
        true
    }

    fn line(&self, question: &str) -> io::Result<String> {
        self.questions.lock().unwrap_or_else(PoisonError::into_inner).push(question.to_owned());
        let answer = self.answers.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        answer.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn hidden(&self, question: &str) -> io::Result<SecretBytes> {
        self.line(question).map(SecretBytes::from)
    }
}
