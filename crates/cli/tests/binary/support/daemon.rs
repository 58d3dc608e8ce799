//! `offhook serve`, and the commands that talk to it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Answer, Config, Ended, Process, Request, eventually, offhook, run, run_into};

/// A daemon in a folder of its own.
#[derive(Debug)]
pub(crate) struct Daemon {
    process: Process,
    folder: TempDir,
    config: Config,
    pub(crate) api: SocketAddr,
    pub(crate) webhooks: SocketAddr,
}

impl Daemon {
    pub(crate) fn start(config: Config) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), config)
    }

    pub(crate) fn start_in(folder: TempDir, config: Config) -> Self {
        config.write(folder.path());
        let (process, api, webhooks) = begin(folder.path(), &config);
        // Carriers call back at the same place after a restart.
        let config = config.text("webhooks.listen", &webhooks.to_string());
        config.write(folder.path());
        Self { process, folder, config, api, webhooks }
    }

    /// Starts it again, after it ended.
    pub(crate) fn start_again(self) -> Self {
        let config = self.config.clone();
        self.start_again_with(config)
    }

    /// Starts it again with a changed configuration.
    pub(crate) fn start_again_and(self, change: impl FnOnce(Config) -> Config) -> Self {
        let config = change(self.config.clone());
        self.start_again_with(config)
    }

    /// Starts it again with another configuration.
    pub(crate) fn start_again_with(mut self, config: Config) -> Self {
        assert!(!self.process.is_running());
        let config = config.text("webhooks.listen", &self.webhooks.to_string());
        config.write(self.folder.path());
        (self.process, self.api, self.webhooks) = begin(self.folder.path(), &config);
        Self { config, ..self }
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        self.process.signal("TERM");
        self.process.ends()
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.process.signal("KILL");
        self.process.ends();
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Gives the folder back, after the daemon ended.
    pub(crate) fn into_folder(mut self) -> TempDir {
        assert!(!self.process.is_running());
        self.folder
    }

    pub(crate) fn token(&self) -> String {
        let token = std::fs::read_to_string(self.folder.path().join("api.token")).unwrap();
        token.trim().to_owned()
    }

    /// Everything that it said on standard error, at every start.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Sends a request with the token.
    pub(crate) fn send(&self, request: &Request) -> Answer {
        let token = format!("Bearer {}", self.token());
        request.clone().header("Authorization", &token).send(self.api)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send(&Request::get(path))
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(&Request::post(path, body.to_string()))
    }

    /// Places a call that is taken.
    pub(crate) fn place(&self, to: &str) -> Value {
        let answer = self.post("/v1/calls", &json!({ "to": to, "message": "Hello." }));
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()
    }

    /// Waits until a call is as it should be.
    pub(crate) fn call_when(&self, id: &Value, what: &str, is_right: fn(&Value) -> bool) -> Value {
        let path = format!("/v1/calls/{}", id.as_str().unwrap());
        eventually(&format!("the call {what}"), || Some(self.get(&path).json()).filter(is_right))
    }

    /// The calls, live and ended.
    pub(crate) fn calls(&self) -> Vec<Value> {
        self.get("/v1/calls?state=all").json()["calls"].as_array().unwrap().clone()
    }

    /// What was decided about the calls that were live at the last end, when it is.
    pub(crate) fn restore_report(&self) -> Value {
        eventually("the restore report is settled", || {
            Some(self.get("/v1/restore-report").json()).filter(|report| report["settled"] == true)
        })
    }

    /// Runs a command that talks to it, to its end.
    pub(crate) fn command(&self, arguments: &[&str]) -> Ended {
        run(&mut self.to_run(arguments))
    }

    /// The same, with its standard output going there.
    pub(crate) fn command_into(&self, arguments: &[&str], stdout: Stdio) -> Ended {
        run_into(&mut self.to_run(arguments), Some(stdout))
    }

    /// The command line, to be run elsewhere.
    pub(crate) fn to_run(&self, arguments: &[&str]) -> Command {
        let mut command = offhook(self.folder.path(), arguments);
        command.env("OFFHOOK_API_URL", format!("http://{}", self.api));
        command
    }
}

fn begin(folder: &Path, config: &Config) -> (Process, SocketAddr, SocketAddr) {
    let log = folder.join("log");
    let mut serve = offhook(folder, &["serve", "--json"]);
    let process = Process::start(serve.envs(&config.variables), &log);
    let line = process.line().and_then(|line| serde_json::from_str::<Value>(&line).ok());
    let Some(line) = line.filter(|line| line["event"] == "listening") else {
        panic!("the daemon did not start: {}", std::fs::read_to_string(log).unwrap());
    };
    let address = |name: &str| {
        let url = line[name].as_str().unwrap();
        url.strip_prefix("http://").unwrap().parse().unwrap()
    };
    let (api, webhooks) = (address("api"), address("webhooks"));
    (process, api, webhooks)
}
