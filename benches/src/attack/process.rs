//! The daemon as a process.

use std::error::Error;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;

use crate::carrier::{Carrier, Twilio};
use crate::webhooks::Daemon;

/// Runs the daemon in this process until its standard input ends.
pub(crate) fn serve(folder: &Path) -> Result<(), Box<dyn Error>> {
    offhook_server::raise_open_files();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let carrier: Arc<dyn Carrier> = Arc::new(Twilio::new());
    let daemon = runtime.block_on(Daemon::start(&carrier, folder))?;
    println!("{}", daemon.webhooks());
    std::io::stdin().read_to_end(&mut Vec::new())?;
    runtime.block_on(daemon.stop())?;
    Ok(())
}

/// The other side of [`serve`].
#[derive(Debug)]
pub(super) struct DaemonProcess {
    child: Child,
    stdin: ChildStdin,
    webhooks: SocketAddr,
}

impl DaemonProcess {
    pub(super) fn start(folder: &Path) -> Result<Self, Box<dyn Error>> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("daemon")
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdin = child.stdin.take().ok_or("the daemon has no standard input")?;
        let stdout = child.stdout.take().ok_or("the daemon has no standard output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let webhooks = line.trim().parse().map_err(|_| "the daemon did not start")?;
        Ok(Self { child, stdin, webhooks })
    }

    pub(super) const fn webhooks(&self) -> SocketAddr {
        self.webhooks
    }

    /// What it has in memory now, in mebibytes, where the system tells it (Linux does).
    pub(super) fn memory(&self) -> Option<f64> {
        self.status("VmRSS:")
    }

    /// The most that it had since [`Self::forget_most_memory`].
    pub(super) fn most_memory(&self) -> Option<f64> {
        self.status("VmHWM:")
    }

    /// Lets the most begin anew, where the system can (Linux). Source: proc_pid_clear_refs(5).
    pub(super) fn forget_most_memory(&self) {
        let _ = std::fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5");
    }

    fn status(&self, name: &str) -> Option<f64> {
        let path = format!("/proc/{}/status", self.child.id());
        let text = std::fs::read_to_string(path).ok()?;
        let kilobytes: f64 = text
            .lines()
            .find_map(|line| line.strip_prefix(name))?
            .trim()
            .strip_suffix(" kB")?
            .parse()
            .ok()?;
        Some(kilobytes / 1024.0)
    }

    pub(super) fn stop(self) -> Result<(), Box<dyn Error>> {
        let Self { mut child, stdin, .. } = self;
        drop(stdin);
        let status = child.wait()?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("the daemon ended with {status}").into())
        }
    }
}

/// How many files this process may have open, where the system tells it.
pub(super) fn open_files() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = text.lines().find(|line| line.starts_with("Max open files"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}
