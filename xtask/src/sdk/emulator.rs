//! The emulator as a process of its own.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::outcome::Failure;

/// A running emulator. It ends with this value.
pub(super) struct Emulator {
    process: Child,
    address: String,
}

impl Emulator {
    pub(super) fn start(binary: &Path) -> Result<Self, Failure> {
        let words = ["carrier", "--listen", "127.0.0.1:0", "--speed", "20", "--json"];
        let process =
            Command::new(binary).args(words).stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let process = process.map_err(|error| {
            Failure::new(format!("{} could not be started: {error}", binary.display()))
        })?;
        let mut emulator = Self { process, address: String::new() };
        let mut line = String::new();
        if let Some(output) = emulator.process.stdout.as_mut() {
            let read = BufReader::new(output).read_line(&mut line);
            read.map_err(|error| Failure::new(format!("the emulator cannot be read: {error}")))?;
        }
        emulator.address = address(&line).ok_or_else(|| {
            Failure::new(format!("the emulator did not say where it is: {line:?}"))
        })?;
        Ok(emulator)
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Where it listens, from the line that it prints.
fn address(line: &str) -> Option<String> {
    let json: Value = serde_json::from_str(line).ok()?;
    json["carrier"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_its_line() {
        let line = "{\"carrier\":\"http://127.0.0.1:4010\",\"event\":\"listening\"}\n";
        assert_eq!(address(line).as_deref(), Some("http://127.0.0.1:4010"));
        assert_eq!(address(""), None);
        assert_eq!(address("{\"event\":\"listening\"}"), None);
    }
}
