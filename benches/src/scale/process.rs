//! The daemon as a process, and what the system tells of it.

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use super::daemon::Verified;
use super::start::Start;

/// Between two questions to the daemon.
const LOOK: Duration = Duration::from_millis(5);

/// How long a daemon may be busy after nothing comes any more.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct DaemonProcess {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    spawned: Instant,
    webhooks: SocketAddr,
    api: SocketAddr,
}

impl DaemonProcess {
    pub(super) fn start(folder: &Path, start: &Start) -> Result<Self, Box<dyn Error>> {
        let spawned = Instant::now();
        let mut child = Command::new(std::env::current_exe()?)
            .arg("daemon-of-many")
            .arg(folder)
            .arg(serde_json::to_string(start)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdin = child.stdin.take().ok_or("the daemon has no standard input")?;
        let stdout = child.stdout.take().ok_or("the daemon has no standard output")?;
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let (webhooks, api) = line.trim().split_once(' ').ok_or("the daemon did not start")?;
        let (webhooks, api) = (webhooks.parse()?, api.parse()?);
        Ok(Self { child, stdin, stdout, spawned, webhooks, api })
    }

    pub(super) const fn webhooks(&self) -> SocketAddr {
        self.webhooks
    }

    /// How long after its start the daemon first answers 200 at this path of the admin API.
    pub(super) fn answers_at(&self, path: &str) -> Result<Duration, Box<dyn Error>> {
        loop {
            if let Some(status) = self.status_at(path)
                && status == 200
            {
                return Ok(self.spawned.elapsed());
            }
            if self.spawned.elapsed() > PATIENCE {
                return Err(format!("the daemon does not answer 200 at {path}").into());
            }
            pause(LOOK)?;
        }
    }

    fn status_at(&self, path: &str) -> Option<u16> {
        let mut stream = TcpStream::connect(self.api).ok()?;
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.api);
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        answer.split(' ').nth(1)?.parse().ok()
    }

    /// Waits until the calls from before the start are verified.
    pub(super) fn verified(&mut self) -> Result<Verified, Box<dyn Error>> {
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    }

    /// Waits until it has done what came of what it was sent: until it has hardly worked for a while.
    pub(super) fn come_to_rest(&mut self) -> Result<(), Box<dyn Error>> {
        let begun = Instant::now();
        let step = Duration::from_millis(500);
        let Some(mut before) = self.processor_time() else { return pause(step * 4) };
        while begun.elapsed() < PATIENCE {
            pause(step)?;
            let Some(now) = self.processor_time() else { break };
            if now - before < step / 20 {
                return Ok(());
            }
            before = now;
        }
        Err("the daemon does not come to rest".into())
    }

    /// The processor time of all its threads so far, where the system tells it (Linux does).
    pub(super) fn processor_time(&self) -> Option<Duration> {
        let mut sum = Duration::ZERO;
        for task in std::fs::read_dir(format!("/proc/{}/task", self.child.id())).ok()? {
            let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
            sum += Duration::from_nanos(text.split(' ').next()?.parse().ok()?);
        }
        Some(sum)
    }

    /// What it has in memory now, in KiB, where the system tells it (Linux does).
    pub(super) fn memory(&self) -> Option<f64> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    }

    pub(super) fn stop(self) -> Result<(), Box<dyn Error>> {
        let Self { mut child, stdin, stdout, .. } = self;
        drop(stdin);
        let status = child.wait()?;
        drop(stdout);
        if status.success() {
            Ok(())
        } else {
            Err(format!("the daemon ended with {status}").into())
        }
    }
}

/// Lets time pass.
pub(super) fn pause(time: Duration) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(async { tokio::time::sleep(time).await });
    Ok(())
}
