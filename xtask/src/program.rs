//! Runs a program that is not cargo, and says so.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::cargo::quoted;
use crate::outcome::Failure;

/// A call of a program that is shown before it runs.
pub(crate) struct Program {
    command: Command,
    shown: String,
}

/// How a program ended.
pub(crate) struct Ran {
    pub(crate) success: bool,
    /// What it wrote to its standard output, then what to its standard error.
    pub(crate) text: String,
}

impl Ran {
    /// Whether it succeeded and its last line says what passed. An exit code of 0 and nothing
    /// tested is no success.
    pub(crate) fn verdict(&self) -> Result<(), Failure> {
        if !self.success {
            return Err(Failure::new("it failed"));
        }
        let last = self.text.lines().last().unwrap_or_default();
        let passed = last.strip_suffix(" passed, 0 failed").and_then(|count| count.parse().ok());
        match passed {
            Some(1_u32..) => Ok(()),
            _ => Err(Failure::new(format!("it ended with {last:?} and not with what passed"))),
        }
    }
}

impl Program {
    pub(crate) fn new(name: impl AsRef<OsStr>) -> Self {
        let shown = quoted(&name.as_ref().to_string_lossy());
        Self { command: Command::new(name), shown }
    }

    #[must_use]
    pub(crate) fn arg(mut self, word: impl AsRef<OsStr>) -> Self {
        self.shown.push(' ');
        self.shown.push_str(&quoted(&word.as_ref().to_string_lossy()));
        self.command.arg(word);
        self
    }

    #[must_use]
    pub(crate) fn args<'a>(self, words: impl IntoIterator<Item = &'a str>) -> Self {
        words.into_iter().fold(self, Self::arg)
    }

    #[must_use]
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it in this folder.
    #[must_use]
    pub(crate) fn within(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// A proxy does not know our own address.
    #[must_use]
    pub(crate) fn without_proxies(mut self) -> Self {
        for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
            self.command.env_remove(name);
        }
        self
    }

    /// Runs it to its end. It fails here only if it cannot be started.
    pub(crate) fn run(mut self) -> Result<Ran, Failure> {
        println!("$ {}", self.shown);
        let output = self.command.stdin(Stdio::null()).output();
        let output = output.map_err(|error| {
            Failure::new(format!("`{}` could not be started: {error}", self.shown))
        })?;
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        // The report's last line is to stay the last.
        if output.status.success() {
            eprint!("{}", String::from_utf8_lossy(&output.stderr));
        } else {
            text.push_str(&String::from_utf8_lossy(&output.stderr));
        }
        Ok(Ran { success: output.status.success(), text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(success: bool, report: &str) -> Ran {
        Ran { success, text: report.to_owned() }
    }

    #[test]
    fn a_report_ends_with_what_passed() {
        let good = "ok     a call is placed\n8 passed, 0 failed\n";
        assert!(ran(true, good).verdict().is_ok());
        assert!(ran(false, good).verdict().is_err());
        for report in ["", "0 passed, 0 failed\n", "8 passed, 1 failed\n", "8 passed, 0 failed\nx"]
        {
            assert!(ran(true, report).verdict().is_err(), "{report}");
        }
    }
}
