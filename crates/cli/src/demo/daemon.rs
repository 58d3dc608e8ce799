//! The daemon as a child process: started, killed, started again.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use offhook_carrier::Settings;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use url::Url;

use crate::client::Client;
use crate::failure::Failure;

const TOKEN: &str = "the token of the demo";

/// How long the daemon may take to start.
const START: Duration = Duration::from_secs(10);

/// A daemon that can be killed.
#[derive(Debug)]
pub(super) struct Daemon {
    config: PathBuf,
    log: PathBuf,
    webhooks: SocketAddr,
    child: Option<Child>,
    pub(super) client: Client,
}

impl Daemon {
    /// Writes the configuration; nothing runs yet.
    pub(super) fn prepare(
        folder: &Path,
        provider: &str,
        emulator: &Settings,
        carrier: SocketAddr,
    ) -> Result<Self, Failure> {
        let (webhooks, api) = (free_port()?, free_port()?);
        let store = folder.join("offhook.db");
        let config = folder.join("offhook.toml");
        let base = Url::parse(&format!("http://{carrier}")).map_err(Failure::operation)?;
        let section = crate::config::emulated_section(provider, emulator, &base);
        let text = format!(
            r#"provider = "{provider}"
public_url = "http://{webhooks}"
[webhooks]
listen = "{webhooks}"
[api]
listen = "{api}"
token = "{TOKEN}"
[store]
url = "sqlite:{store}"
[limits]
max_concurrent_calls = 2
max_duration = "2m"
notify_hangup_delay = "1s"
[inbound]
policy = "open"
greeting = "Hello! You have reached the demo."
{section}calls_per_second = 20
"#,
            store = store.display(),
        );
        std::fs::write(&config, text).map_err(Failure::operation)?;
        Ok(Self {
            config,
            log: folder.join("offhook.log"),
            webhooks,
            child: None,
            client: Client::to(&format!("http://{api}"), TOKEN)?,
        })
    }

    /// Where webhooks go.
    pub(super) fn webhook_base(&self) -> String {
        format!("http://{}", self.webhooks)
    }

    /// Starts the daemon, and waits until it listens.
    pub(super) async fn start(&mut self) -> Result<(), Failure> {
        let program = std::env::current_exe().map_err(Failure::operation)?;
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)
            .map_err(Failure::operation)?;
        let mut child = Command::new(program)
            .args(["serve", "--json", "--config"])
            .arg(&self.config)
            // What the user has set for a daemon of their own is not for this one.
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .map_err(Failure::operation)?;
        let stdout = child.stdout.take();
        self.child = Some(child);
        let mut lines = match stdout {
            Some(stdout) => BufReader::new(stdout).lines(),
            None => return Err(self.did_not_start()),
        };
        match tokio::time::timeout(START, lines.next_line()).await {
            Ok(Ok(Some(line))) if is_listening(&line) => Ok(()),
            _ => Err(self.did_not_start()),
        }
    }

    fn did_not_start(&self) -> Failure {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        Failure::Operation(format!("the daemon did not start:\n{log}"))
    }

    /// SIGKILL: no handler runs, nothing is flushed.
    pub(super) async fn kill(&mut self) -> Result<(), Failure> {
        match self.child.take() {
            Some(mut child) => child.kill().await.map_err(Failure::operation),
            None => Ok(()),
        }
    }

    /// Waits until a call is as it should be, or gives how it is after a while.
    pub(super) async fn call_when(
        &self,
        id: &str,
        patience: Duration,
        is_right: impl Fn(&Value) -> bool,
    ) -> Result<Value, Failure> {
        let path = crate::client::path_of(id, "");
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            let call = self.client.get(&path).await?;
            if is_right(&call) || tokio::time::Instant::now() >= deadline {
                return Ok(call);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// What fails says so on its standard output, too.
fn is_listening(line: &str) -> bool {
    serde_json::from_str::<Value>(line).is_ok_and(|line| line["event"] == "listening")
}

/// A port that is free now. The daemon needs the same one twice, so it cannot choose by itself.
fn free_port() -> Result<SocketAddr, Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Failure::operation)?;
    listener.local_addr().map_err(Failure::operation)
}

#[cfg(test)]
mod tests {
    use super::is_listening;

    #[test]
    fn a_daemon_that_failed_has_not_started() {
        assert!(is_listening(r#"{"event":"listening","api":"http://127.0.0.1:1"}"#));
        for line in [r#"{"code":"failed","detail":"in use","exit_code":1}"#, "", "listening"] {
            assert!(!is_listening(line), "{line}");
        }
    }
}
