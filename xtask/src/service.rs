//! The product as a process of its own.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::outcome::Failure;

/// A running command that said where it listens. It ends with this value.
pub(crate) struct Service {
    process: Child,
    /// What it said.
    line: String,
}

impl Service {
    /// The carriers' emulator, so many times as fast as life.
    pub(crate) fn emulator(binary: &Path, speed: u32) -> Result<Self, Failure> {
        let mut command = Command::new(binary);
        command.args(["carrier", "--listen", "127.0.0.1:0", "--json"]);
        Self::start(command.args(["--speed", &speed.to_string()]))
    }

    /// The daemon, in this folder and with this configuration.
    pub(crate) fn daemon(
        binary: &Path,
        folder: &Path,
        config: &Path,
        variables: &[(&str, &str)],
    ) -> Result<Self, Failure> {
        let mut command = Command::new(binary);
        command.args(["serve", "--json", "--config"]).arg(config).current_dir(folder);
        Self::start(command.envs(variables.iter().copied()).env("RUST_LOG", "warn"))
    }

    fn start(command: &mut Command) -> Result<Self, Failure> {
        println!("$ {command:?} &");
        let process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let process =
            process.map_err(|error| Failure::new(format!("it could not be started: {error}")))?;
        let mut service = Self { process, line: String::new() };
        if let Some(output) = service.process.stdout.as_mut() {
            let read = BufReader::new(output).read_line(&mut service.line);
            read.map_err(|error| Failure::new(format!("it cannot be read: {error}")))?;
        }
        Ok(service)
    }

    /// Where its listener of this name is.
    pub(crate) fn address(&self, name: &str) -> Result<String, Failure> {
        address(&self.line, name).ok_or_else(|| {
            Failure::new(format!("it did not say where its {name} is: {:?}", self.line))
        })
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Where the listener of this name is, from the line that was printed.
fn address(line: &str, name: &str) -> Option<String> {
    let json: Value = serde_json::from_str(line).ok()?;
    json[name].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_its_line() {
        let line = "{\"carrier\":\"http://127.0.0.1:4010\",\"event\":\"listening\"}\n";
        assert_eq!(address(line, "carrier").as_deref(), Some("http://127.0.0.1:4010"));
        assert_eq!(address(line, "api"), None);
        assert_eq!(address("", "carrier"), None);
    }
}
