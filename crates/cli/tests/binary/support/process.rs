//! The binary.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};

use super::{PATIENCE, eventually};

/// A command of the binary in this folder, with an empty environment.
pub(crate) fn offhook(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_offhook"));
    command.args(arguments).current_dir(folder).env_clear().stdin(Stdio::null());
    command
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Its standard output as one JSON document.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// It ended with this code, and said all of this on stderr.
    pub(crate) fn failed_with(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:#?}");
        for word in words {
            assert!(self.stderr.contains(word), "does not say {word:?}: {}", self.stderr);
        }
    }

    /// It ended well.
    pub(crate) fn succeeded(&self) {
        assert_eq!(self.code, Some(0), "{self:#?}");
    }
}

/// Runs a command to its end, which must come by itself.
pub(crate) fn run(command: &mut Command) -> Ended {
    run_into(command, None)
}

/// The same, with its standard output going elsewhere.
pub(crate) fn run_into(command: &mut Command, elsewhere: Option<Stdio>) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let (stdout, stderr) = (folder.path().join("stdout"), folder.path().join("stderr"));
    let file = File::create(&stdout).unwrap();
    command.stdout(elsewhere.unwrap_or_else(|| file.into())).stderr(File::create(&stderr).unwrap());
    let mut child = Killed(command.spawn().unwrap());
    let status = child.wait("the command ends by itself");
    let read = |path| String::from_utf8(std::fs::read(path).unwrap()).unwrap();
    Ended { code: status.code(), stdout: read(stdout), stderr: read(stderr) }
}

/// A child that does not outlive its test.
#[derive(Debug)]
struct Killed(Child);

impl Killed {
    fn wait(&mut self, what: &str) -> ExitStatus {
        eventually(what, || self.0.try_wait().unwrap())
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A command that runs until it is stopped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Killed,
    lines: Receiver<String>,
}

impl Process {
    /// Starts it. What it says on stderr goes to the end of this file.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Self {
        let log = File::options().create(true).append(true).open(log).unwrap();
        let mut child = Killed(command.stdout(Stdio::piped()).stderr(log).spawn().unwrap());
        let stdout = child.0.stdout.take().unwrap();
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    /// The next line that it prints.
    pub(crate) fn line(&self) -> Option<String> {
        self.lines.recv_timeout(PATIENCE).ok()
    }

    /// Lines up to and with the one that has this word.
    pub(crate) fn lines_to(&self, word: &str) -> String {
        let mut all = String::new();
        while !all.contains(word) {
            let line = self.line().unwrap_or_else(|| panic!("no {word:?} in {all}"));
            all.push_str(&line);
            all.push('\n');
        }
        all
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.0.id()
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let script = format!("kill -{name} {}", self.id());
        let done = Command::new("sh").args([OsStr::new("-c"), script.as_ref()]).status();
        assert!(done.unwrap().success());
    }

    /// Waits for it to end by itself.
    pub(crate) fn ends(&mut self) -> ExitStatus {
        self.child.wait("the process ends by itself")
    }

    /// Whether it runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.0.try_wait().unwrap().is_none()
    }
}
