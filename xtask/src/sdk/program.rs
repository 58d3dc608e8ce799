//! Runs a program that is not cargo, and says so.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::cargo::quoted;
use crate::outcome::Failure;

/// A call of a program that is shown before it runs.
pub(super) struct Program {
    command: Command,
    shown: String,
}

/// How a program ended.
pub(super) struct Ran {
    pub(super) success: bool,
    /// What it wrote to its standard output, then what to its standard error.
    pub(super) text: String,
}

impl Program {
    pub(super) fn new(name: impl AsRef<OsStr>) -> Self {
        let shown = quoted(&name.as_ref().to_string_lossy());
        Self { command: Command::new(name), shown }
    }

    #[must_use]
    pub(super) fn arg(mut self, word: impl AsRef<OsStr>) -> Self {
        self.shown.push(' ');
        self.shown.push_str(&quoted(&word.as_ref().to_string_lossy()));
        self.command.arg(word);
        self
    }

    #[must_use]
    pub(super) fn args<'a>(self, words: impl IntoIterator<Item = &'a str>) -> Self {
        words.into_iter().fold(self, Self::arg)
    }

    #[must_use]
    pub(super) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it in this folder.
    #[must_use]
    pub(super) fn within(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// A proxy does not know our own address.
    #[must_use]
    pub(super) fn without_proxies(mut self) -> Self {
        for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
            self.command.env_remove(name);
        }
        self
    }

    /// Runs it to its end. It fails here only if it cannot be started.
    pub(super) fn run(mut self) -> Result<Ran, Failure> {
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
