//! Those who keep the daemon busy: users of the API, callers, and the people on the lines. None of
//! them knows when the daemon is killed; who gets no answer asks again, with the same key.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::support::{Answer, Request, idle};
use super::chance::Chance;
use super::comparison::Asked;

/// How long a user asks again for a call that was not acknowledged.
const PERSEVERANCE: Duration = Duration::from_secs(60);

/// What is known of the daemon and the carrier, and what was done to them.
#[derive(Debug)]
pub(super) struct Load {
    pub(super) api: SocketAddr,
    pub(super) webhooks: SocketAddr,
    pub(super) carrier: SocketAddr,
    pub(super) token: String,
    pub(super) seed: u64,
    /// Nothing new is begun any more.
    pub(super) is_over: AtomicBool,
    /// Requests to the API that have no answer yet.
    pub(super) under_way: AtomicUsize,
    /// Requests that a kill left without an answer.
    pub(super) cut_off: AtomicUsize,
    pub(super) asked: Mutex<Vec<Asked>>,
    /// What was said, and on which of the carrier's calls.
    pub(super) said: Mutex<Vec<(String, String)>>,
    /// Answers that no kill explains.
    pub(super) oddities: Mutex<Vec<String>>,
}

impl Load {
    /// One request with the token. `None` if the daemon was away, or went.
    fn ask(&self, request: &Request) -> Option<Answer> {
        let token = format!("Bearer {}", self.token);
        self.under_way.fetch_add(1, Ordering::SeqCst);
        let answer = request.clone().header("Authorization", &token).try_send(self.api);
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        match answer {
            Ok(answer) => Some(answer),
            Err(error) => {
                if error.kind() != std::io::ErrorKind::ConnectionRefused {
                    self.cut_off.fetch_add(1, Ordering::SeqCst);
                }
                None
            }
        }
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    fn odd(&self, what: &str, answer: &Answer) {
        self.oddities.lock().unwrap().push(format!("{what}: {answer:?}"));
    }

    /// A user of the API who places calls with this provider, and steers them.
    pub(super) fn user(&self, provider: &str, number: u64, pause: (u64, u64)) {
        let mut chance = Chance::of(self.seed, number);
        for count in 1_u64.. {
            if self.is_over() {
                return;
            }
            let mut asked = Asked {
                key: format!("{provider} {number}-{count}"),
                to: format!("+1555{number}{count:06}"),
                ..Asked::default()
            };
            let mode = if chance.percent(65) { "conversation" } else { "notify" };
            let body = json!({
                "to": asked.to, "provider": provider, "mode": mode,
                "message": format!("Message of {}.", asked.key),
            });
            let placed = self.place(&mut asked, &body);
            if let Some(id) = placed.filter(|_| mode == "conversation") {
                self.steer(&id, &mut asked, &mut chance);
            }
            if chance.percent(30) {
                self.place(&mut asked, &body);
            }
            self.asked.lock().unwrap().push(asked);
            idle(Duration::from_millis(chance.between(pause.0, pause.1)));
        }
    }

    /// Asks until there is a clear answer. Gives the call.
    pub(super) fn place(&self, asked: &mut Asked, body: &Value) -> Option<String> {
        let request =
            Request::post("/v1/calls", body.to_string()).header("Idempotency-Key", &asked.key);
        let deadline = Instant::now() + PERSEVERANCE;
        while Instant::now() < deadline {
            let answer = self.ask(&request);
            match answer.as_ref().map(|answer| answer.status) {
                Some(201) => {
                    let id = answer?.json()["id"].as_str()?.to_owned();
                    asked.acknowledged.insert(id.clone());
                    asked.refused = false;
                    return Some(id);
                }
                // All slots are taken. Nothing was done; nobody will hang up when all is over.
                Some(429) => {
                    asked.refused = true;
                    if self.is_over() {
                        return None;
                    }
                }
                Some(_) => {
                    self.odd(&asked.key, &answer?);
                    return None;
                }
                // It may have been done.
                None => asked.refused = false,
            }
            idle(Duration::from_millis(60));
        }
        None
    }

    /// Speaks, asks or hangs up, as chance will have it.
    fn steer(&self, id: &str, asked: &mut Asked, chance: &mut Chance) {
        for step in 1..=chance.between(0, 3) {
            idle(Duration::from_millis(chance.between(50, 500)));
            let text = format!("Sentence {step} of {}.", asked.key);
            let (act, body) = match chance.between(1, 10) {
                1..=5 => ("speak", json!({ "text": text })),
                6..=7 => ("ask", json!({ "text": text, "timeout": "1s" })),
                _ => ("hangup", json!({})),
            };
            let request = Request::post(&format!("/v1/calls/{id}/{act}"), body.to_string());
            let Some(answer) = self.ask(&request) else { continue };
            match (act, answer.status) {
                ("speak", 202) | ("ask", 200) => asked.spoken.push(text),
                ("hangup", 200) => {
                    asked.hung_up = true;
                    return;
                }
                // Not answered yet, over, another question is open; nobody said anything.
                (_, 409 | 504) => {}
                _ => self.odd(&format!("{act} for {}", asked.key), &answer),
            }
        }
    }

    fn at_the_carrier(&self, request: &Request) -> Answer {
        request.try_send(self.carrier).expect("the carrier is never killed")
    }

    /// People who call us.
    pub(super) fn callers(&self, number: u64) {
        let mut chance = Chance::of(self.seed, number);
        for count in 1_u64.. {
            if self.is_over() {
                return;
            }
            // As the consoles are to be set, says `offhook check`.
            let providers =
                [("twilio", "#rc=3&rp=ct,rt,5xx"), ("plivo", "#rc=5&rp=ct,rt,5xx"), ("telnyx", "")];
            let Some((provider, retries)) = chance.one_of(&providers) else { return };
            let parties = ["silent", "silent", "says-yes", "hangs-up"];
            let party = chance.one_of(&parties);
            let url = format!("http://{}/webhooks/{provider}{retries}", self.webhooks);
            let mut call = json!({
                "provider": provider, "party": party, "webhook_url": url,
                "from": format!("+1555{number}{count:06}"), "to": "+15550100100",
            });
            // Telnyx has one webhook for everything.
            if *provider != "telnyx" {
                call["status_callback"] = json!(url);
                call["fallback_url"] = json!(url);
            }
            let answer = self.at_the_carrier(&Request::post("/emulator/calls", call.to_string()));
            assert_eq!(answer.status, 201, "{answer:?}");
            idle(Duration::from_millis(chance.between(150, 500)));
        }
    }

    /// Those at the other end of the lines: they speak, and hang up.
    pub(super) fn people(&self, number: u64) {
        let mut chance = Chance::of(self.seed, number);
        for count in 1_u64.. {
            if self.is_over() {
                return;
            }
            idle(Duration::from_millis(chance.between(20, 80)));
            let live = self.live_at_the_carrier();
            let Some(id) = chance.one_of(&live) else { continue };
            let (act, body) = match chance.percent(60) {
                true => ("say", json!({ "text": format!("Word {count}.") })),
                false => ("hangup", json!({})),
            };
            let path = format!("/emulator/calls/{id}/{act}");
            let answer = self.at_the_carrier(&Request::post(&path, body.to_string()));
            // It may be over by now.
            if act == "say" && answer.status == 200 && answer.json()["noticed"] == true {
                let text = body["text"].as_str().unwrap_or_default().to_owned();
                self.said.lock().unwrap().push((id.clone(), text));
            }
        }
    }

    /// The ids of the calls that are live at the carrier.
    pub(super) fn live_at_the_carrier(&self) -> Vec<String> {
        let list = self.at_the_carrier(&Request::get("/emulator/calls")).json();
        let calls = list["calls"].as_array().cloned().unwrap_or_default();
        let live = calls.iter().filter(|call| call["ended_at"].is_null());
        live.filter_map(|call| call["id"].as_str().map(str::to_owned)).collect()
    }

    /// Everybody hangs up.
    pub(super) fn all_hang_up(&self) {
        for id in self.live_at_the_carrier() {
            let path = format!("/emulator/calls/{id}/hangup");
            self.at_the_carrier(&Request::post(&path, "{}"));
        }
    }
}
