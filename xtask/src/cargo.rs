//! Runs cargo, and says so.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::outcome::Failure;

/// A call of cargo that is shown before it runs.
pub(crate) struct Cargo {
    command: Command,
    shown: String,
}

impl Cargo {
    /// `cargo` with these words.
    pub(crate) fn new<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        // `cargo run` describes *this* package to us in variables. Build scripts that watch these
        // (ring's does) would run again each time one changes between `cargo xtask` and `cargo`.
        for (name, _) in std::env::vars_os() {
            let ours = name.to_str().is_some_and(|name| {
                ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|it| name.starts_with(it))
            });
            if ours {
                command.env_remove(name);
            }
        }
        let mut shown = String::from("cargo");
        for word in words {
            command.arg(word);
            shown.push(' ');
            shown.push_str(&quoted(word));
        }
        Self { command, shown }
    }

    /// The same, with a variable of the environment.
    #[must_use]
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self.shown = format!("{name}={} {}", quoted(value), self.shown);
        self
    }

    /// The same, with a variable that nobody needs to see.
    #[must_use]
    pub(crate) fn quiet_env(mut self, name: &str, value: &OsStr) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it with our own output.
    pub(crate) fn run(mut self) -> Result<(), Failure> {
        println!("$ {}", self.shown);
        let status = self.command.stdin(Stdio::null()).status();
        let status = status.map_err(|error| self.unstarted(&error))?;
        if status.success() { Ok(()) } else { Err(self.failed(status)) }
    }

    /// Runs it and gives what it wrote to its standard output, which is shown if it fails.
    pub(crate) fn output(mut self) -> Result<String, Failure> {
        println!("$ {}", self.shown);
        let output = self.command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
        let output = output.map_err(|error| self.unstarted(&error))?;
        if !output.status.success() {
            print!("{}", String::from_utf8_lossy(&output.stdout));
            return Err(self.failed(output.status));
        }
        String::from_utf8(output.stdout)
            .map_err(|_| Failure::new(format!("`{}` wrote something other than text", self.shown)))
    }

    /// The same, and each line is shown when it is written.
    pub(crate) fn told(mut self) -> Result<String, Failure> {
        println!("$ {}", self.shown);
        let child = self.command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| self.unstarted(&error))?;
        let mut text = String::new();
        for line in child.stdout.take().into_iter().flat_map(|pipe| BufReader::new(pipe).lines()) {
            let line = line.map_err(|error| self.unstarted(&error))?;
            println!("{line}");
            text.push_str(&line);
            text.push('\n');
        }
        let status = child.wait().map_err(|error| self.unstarted(&error))?;
        if status.success() { Ok(text) } else { Err(self.failed(status)) }
    }

    /// What it wrote to its standard output, if it can be run and succeeds. What it says when it
    /// cannot is kept quiet.
    pub(crate) fn probe(mut self) -> Option<String> {
        println!("$ {}", self.shown);
        let output = self.command.stdin(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn unstarted(&self, error: &std::io::Error) -> Failure {
        Failure::new(format!("`{}` could not be started: {error}", self.shown))
    }

    fn failed(&self, status: std::process::ExitStatus) -> Failure {
        Failure::new(format!("`{}` failed ({status})", self.shown))
    }
}

/// A word as a shell wants it, so that a printed line can be pasted.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=,./:@+".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{word}'") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_can_be_pasted() {
        let cargo = Cargo::new(["doc", "--features", "twilio,sqlite"]).env("FLAGS", "-D warnings");
        assert_eq!(cargo.shown, "FLAGS='-D warnings' cargo doc --features twilio,sqlite");
    }

    #[test]
    fn a_command_that_fails_is_a_failure() {
        for run in [Cargo::output, Cargo::told] {
            let failure = run(Cargo::new(["no-such-verb-of-cargo"])).unwrap_err().to_string();
            assert!(failure.contains("`cargo no-such-verb-of-cargo` failed"), "{failure}");
        }
    }

    #[test]
    fn what_is_told_is_kept() {
        assert!(Cargo::new(["--version"]).told().unwrap().starts_with("cargo "));
    }
}
