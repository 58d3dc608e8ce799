//! Carriers: the emulator as a process, one that answers HTML, and a signature by hand.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use base64::Engine;
use hmac::{Hmac, KeyInit, Mac};
use offhook_carrier::{Emulator, HttpDelivery, Settings, SystemClock};
use serde_json::{Value, json};
use sha1::Sha1;

use super::{Process, Request, eventually, offhook};

pub(crate) const ACCOUNT_SID: &str = "AC00000000000000000000000000000001";
pub(crate) const AUTH_TOKEN: &str = "emulator";

/// The emulator, ten times as fast as life.
#[derive(Debug)]
pub(crate) struct Carrier {
    /// What it runs in.
    _alive: Box<dyn std::any::Any>,
    address: SocketAddr,
}

impl Carrier {
    /// `offhook carrier`.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let arguments = ["carrier", "--json", "--speed", "10", "--listen", "127.0.0.1:0"];
        let mut command = offhook(folder.path(), &arguments);
        let process = Process::start(&mut command, &folder.path().join("log"));
        let line: Value = serde_json::from_str(&process.line().expect("it listens")).unwrap();
        let address = line["carrier"].as_str().unwrap().strip_prefix("http://").unwrap();
        Self { address: address.parse().unwrap(), _alive: Box::new((process, folder)) }
    }

    /// The emulator in this process, for an account with another token than it has by itself.
    /// Calls of its own go to this base.
    pub(crate) fn with_token(token: &str, webhook_base: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let mut settings = Settings::default();
        settings.speed = 10.0;
        settings.calls_per_second = 100.0;
        settings.webhook_base = Some(webhook_base.to_owned());
        settings.twilio.auth_token = token.to_owned();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async {
            let (clock, delivery) = (Arc::new(SystemClock), Arc::new(HttpDelivery::new().unwrap()));
            let carrier = offhook_carrier::Carrier::start(Emulator::new(settings), clock, delivery);
            carrier.serve(listener).await
        });
        Self { address, _alive: Box::new(runtime) }
    }

    /// Somebody calls us. Gives the carrier's id.
    pub(crate) fn is_called(&self, from: &str, to: &str) -> String {
        let call = json!({ "provider": "twilio", "from": from, "to": to, "party": "silent" });
        let answer = Request::post("/emulator/calls", call.to_string()).send(self.address);
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// The person on the line says something.
    pub(crate) fn say(&self, id: &str, text: &str) {
        let path = format!("/emulator/calls/{id}/say");
        let answer = Request::post(&path, json!({ "text": text }).to_string()).send(self.address);
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// The person on the line presses keys.
    pub(crate) fn press(&self, id: &str, keys: &str) {
        let path = format!("/emulator/calls/{id}/dtmf");
        let answer = Request::post(&path, json!({ "digits": keys }).to_string()).send(self.address);
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The public half of the key with which its Telnyx signs.
    pub(crate) fn telnyx_public_key(&self) -> String {
        Request::get("/emulator/telnyx-public-key").send(self.address).body.trim().to_owned()
    }

    /// The calls that there are, in short.
    pub(crate) fn calls(&self) -> Vec<Value> {
        let list = Request::get("/emulator/calls").send(self.address).json();
        list["calls"].as_array().unwrap().clone()
    }

    /// Everything that the carrier knows about a call.
    pub(crate) fn call(&self, id: &str) -> Value {
        Request::get(&format!("/emulator/calls/{id}")).send(self.address).json()
    }

    /// How many calls it was asked to place.
    pub(crate) fn dialled(&self) -> usize {
        self.calls().len()
    }

    /// Waits until a call has this status at the carrier, and the carrier's API, whose reads may
    /// be stale for a second, says so too.
    pub(crate) fn wait_for(&self, id: &str, status: &str) {
        let credentials = format!("{ACCOUNT_SID}:{AUTH_TOKEN}");
        let credentials = base64::engine::general_purpose::STANDARD.encode(credentials);
        let request = Request::get(&format!("/2010-04-01/Accounts/{ACCOUNT_SID}/Calls/{id}.json"))
            .header("Authorization", &format!("Basic {credentials}"));
        eventually(&format!("{id} is {status} at the carrier"), || {
            let told = request.send(self.address).json();
            (self.call(id)["status"] == status && told["status"] == status).then_some(())
        });
    }

    /// Orders a fault.
    pub(crate) fn fault(&self, fault: &Value) {
        let answer = Request::post("/emulator/faults", fault.to_string()).send(self.address);
        assert_eq!(answer.status, 201, "{answer:?}");
    }

    /// The person on the line hangs up.
    pub(crate) fn hang_up(&self, id: &str) {
        let path = format!("/emulator/calls/{id}/hangup");
        let answer = Request::post(&path, json!({}).to_string()).send(self.address);
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

/// Something that is no carrier: it answers every request with a page.
#[derive(Debug)]
pub(crate) struct HtmlServer {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl HtmlServer {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&seen);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let mut request = Vec::new();
                let mut buffer = [0; 4096];
                // Forms of ours arrive whole with their head, or right behind it.
                while let Ok(count @ 1..) = stream.read(&mut buffer) {
                    request.extend_from_slice(&buffer[..count]);
                    if is_whole(&request) {
                        break;
                    }
                }
                let text = String::from_utf8_lossy(&request).into_owned();
                notes.lock().unwrap().push(text.lines().next().unwrap_or_default().to_owned());
                let page = "<!doctype html><title>Welcome</title><p>It works!";
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
                    page.len()
                );
            }
        });
        Self { address, seen }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many requests with this method came.
    pub(crate) fn count(&self, method: &str) -> usize {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|line| line.starts_with(method)).count()
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    body.len() >= length.unwrap_or(0)
}

/// A form body.
pub(crate) fn form(parameters: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()
}

/// Twilio's signature: the URL, then names and values sorted by name, HMAC-SHA1, base64.
/// Source: <https://www.twilio.com/docs/usage/security>.
pub(crate) fn sign(url: &str, parameters: &[(&str, &str)]) -> String {
    sign_with(AUTH_TOKEN, url, parameters)
}

/// The same with another token.
pub(crate) fn sign_with(token: &str, url: &str, parameters: &[(&str, &str)]) -> String {
    let mut sorted = parameters.to_vec();
    sorted.sort_unstable();
    let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).unwrap();
    mac.update(url.as_bytes());
    for (name, value) in sorted {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes())
}
