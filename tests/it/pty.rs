//! The program on a real terminal: a person who reads, types, and presses Ctrl-C.
//!
//! Everything the terminal showed counts as said: the harness hunts in it for values.

use crate::harness::{Run, Watchdog, World};
use pty_process::blocking::{Command, Pty};
use rustix::termios::{LocalModes, tcgetattr};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, ExitStatus};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);

impl<'w> Run<'w> {
    /// Starts the command on a terminal of 100 columns. Its stdin bytes are not used.
    #[track_caller]
    pub fn on_terminal(self) -> Terminal<'w> {
        let (pty, pts) = pty_process::blocking::open().unwrap();
        pty.resize(pty_process::Size::new(40, 100)).unwrap();
        let mut command = self.command();
        command.env("TERM", "xterm-256color");
        let child = Command::from(command).spawn(pts).unwrap();
        let screen = shown_by(File::from(pty.as_fd().try_clone_to_owned().unwrap()));
        Terminal {
            world: self.world,
            shown: self.shown(),
            reveals: self.may_reveal(),
            watchdog: Watchdog::over(child.id()),
            pty,
            child,
            screen,
            seen: Vec::new(),
            read_to: 0,
        }
    }
}

/// What appears, piece by piece, until the terminal is closed.
fn shown_by(mut terminal: File) -> Receiver<Vec<u8>> {
    let (sender, screen) = mpsc::channel();
    std::thread::spawn(move || {
        let mut piece = [0; 4096];
        // Reading fails with EIO once the last program has left the terminal.
        while let Ok(count @ 1..) = terminal.read(&mut piece) {
            if sender.send(piece[..count].to_vec()).is_err() {
                return;
            }
        }
    });
    screen
}

pub struct Terminal<'w> {
    world: &'w World,
    shown: String,
    reveals: bool,
    watchdog: Watchdog,
    pty: Pty,
    child: Child,
    screen: Receiver<Vec<u8>>,
    seen: Vec<u8>,
    read_to: usize,
}

impl Terminal<'_> {
    /// Waits until `text` appears after what was expected before.
    #[track_caller]
    pub fn expect(&mut self, text: &str) -> &mut Self {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let unread = &self.seen[self.read_to..];
            let found = unread.windows(text.len()).position(|window| window == text.as_bytes());
            if let Some(at) = found {
                self.read_to += at + text.len();
                return self;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.screen.recv_timeout(left) {
                Ok(piece) => self.seen.extend(piece),
                Err(_) => panic!("{}: no {text:?} on\n{}", self.shown, self.text()),
            }
        }
    }

    pub fn type_text(&mut self, text: &str) -> &mut Self {
        self.pty.write_all(text.as_bytes()).unwrap();
        self
    }

    pub fn type_line(&mut self, line: &str) -> &mut Self {
        self.type_text(line).type_text("\n")
    }

    /// A value, typed once nothing that is typed can be seen; hunted for afterwards.
    #[track_caller]
    pub fn type_hidden(&mut self, value: &str) -> &mut Self {
        self.world.remember(value);
        self.await_echo_off().type_line(value)
    }

    pub fn ctrl_c(&mut self) -> &mut Self {
        self.type_text("\x03")
    }

    pub fn ctrl_d(&mut self) -> &mut Self {
        self.type_text("\x04")
    }

    /// Whether the terminal shows what is typed.
    pub fn echoes(&self) -> bool {
        tcgetattr(&self.pty).unwrap().local_modes.contains(LocalModes::ECHO)
    }

    /// A prompt may be shown a moment before the echo is turned off.
    #[track_caller]
    pub fn await_echo_off(&mut self) -> &mut Self {
        let deadline = Instant::now() + PATIENCE;
        while self.echoes() {
            assert!(
                Instant::now() < deadline,
                "{} shows what is typed\n{}",
                self.shown,
                self.text()
            );
            std::thread::sleep(Duration::from_millis(1));
        }
        self
    }

    /// Waits for the end of the command.
    #[track_caller]
    pub fn finish(mut self) -> Screen {
        let status = self.child.wait().unwrap();
        assert!(
            self.watchdog.stop(),
            "{} hung on\n{}",
            self.shown,
            String::from_utf8_lossy(&self.seen)
        );
        // On Linux the terminal outlives its programs until the last piece was read.
        while let Ok(piece) = self.screen.recv_timeout(Duration::from_secs(5)) {
            self.seen.extend(piece);
        }
        if !self.reveals {
            self.world.hear(format!("terminal of `{}`", self.shown), &self.seen);
        }
        let echoed = tcgetattr(&self.pty).unwrap().local_modes.contains(LocalModes::ECHO);
        let text = String::from_utf8_lossy(&self.seen).into_owned();
        Screen { shown: self.shown, status, text, echoes: echoed }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.seen).into_owned()
    }
}

/// How it ended, and all that the terminal showed.
#[derive(Debug)]
pub struct Screen {
    pub shown: String,
    pub status: ExitStatus,
    pub text: String,
    /// Whether the terminal was left as it was found: showing what is typed.
    pub echoes: bool,
}

impl Screen {
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.status.code(),
            Some(code),
            "{}: {}\n{}",
            self.shown,
            self.status,
            self.text
        );
        self
    }

    #[track_caller]
    pub fn success(self) -> Self {
        self.exits(0)
    }

    #[track_caller]
    pub fn killed_by(self, signal: i32) -> Self {
        let ended = std::os::unix::process::ExitStatusExt::signal(&self.status);
        assert_eq!(ended, Some(signal), "{}: {}\n{}", self.shown, self.status, self.text);
        self
    }

    #[track_caller]
    pub fn has(self, wanted: &str) -> Self {
        assert!(self.text.contains(wanted), "{}: no {wanted:?} on\n{}", self.shown, self.text);
        self
    }

    #[track_caller]
    pub fn lacks(self, unwanted: &str) -> Self {
        assert!(!self.text.contains(unwanted), "{}: {unwanted:?} on\n{}", self.shown, self.text);
        self
    }

    /// The terminal shows again what is typed.
    #[track_caller]
    pub fn leaves_echo_on(self) -> Self {
        assert!(self.echoes, "{} left the echo off", self.shown);
        self
    }
}
