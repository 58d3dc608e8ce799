//! The emulator's own API: people, faults, and what was heard.

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::emulator::Emulator;
use crate::exchange::{ApiRequest, ApiResponse};
use crate::faults::Fault;
use crate::people::Manner;
use crate::record::CallRecord;
use crate::twilio::{self, Refusal};

/// The part of the path that all of it has in common.
pub(crate) const ROOT: &str = "/emulator/";

/// A person calls us.
#[derive(Debug)]
pub(crate) struct InboundCall {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) manner: Manner,
    pub(crate) webhook_url: String,
    pub(crate) fallback_url: Option<String>,
    pub(crate) status_callback: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StartCall {
    #[serde(default = "twilio_by_name")]
    provider: String,
    from: String,
    to: String,
    #[serde(default = "silent")]
    party: String,
    webhook_url: Option<String>,
    fallback_url: Option<String>,
    status_callback: Option<String>,
}

fn twilio_by_name() -> String {
    twilio::PROVIDER.to_owned()
}

fn silent() -> String {
    "silent".to_owned()
}

#[derive(Debug, Deserialize)]
struct Words {
    text: String,
}

#[derive(Debug, Deserialize)]
struct Keys {
    digits: String,
}

impl Emulator {
    pub(crate) fn control(&mut self, request: &ApiRequest, now: Timestamp) -> ApiResponse {
        let path = request.path();
        let parts: Vec<&str> = path.strip_prefix(ROOT).unwrap_or_default().split('/').collect();
        let done = match (&request.method, parts.as_slice()) {
            (&Method::POST, ["calls"]) => self.start_call(&request.body, now),
            (&Method::GET, ["calls"]) => {
                let calls: Vec<Value> = self.shared.ledger.all().iter().map(summary).collect();
                Ok(ApiResponse::json(StatusCode::OK, &json!({ "calls": calls })))
            }
            (&Method::GET, ["calls", id]) => match self.shared.ledger.get(id) {
                Some(record) => Ok(ApiResponse::json(StatusCode::OK, &json!(record))),
                None => return Refusal::not_found(path).response(),
            },
            (&Method::POST, ["calls", id, act @ ("say" | "dtmf" | "hangup")]) => {
                if self.shared.ledger.get(id).is_none() {
                    return Refusal::not_found(path).response();
                }
                self.act(id, act, &request.body, now)
            }
            (&Method::POST, ["faults"]) => self.add_fault(&request.body),
            (&Method::GET, ["faults"]) => {
                let faults = json!({ "faults": self.shared.faults.waiting() });
                Ok(ApiResponse::json(StatusCode::OK, &faults))
            }
            (&Method::DELETE, ["faults"]) => {
                self.shared.faults.clear();
                Ok(ApiResponse::empty(StatusCode::NO_CONTENT))
            }
            _ => return Refusal::not_found(path).response(),
        };
        done.unwrap_or_else(|Unacceptable { status, problem }| {
            ApiResponse::json(status, &json!({ "error": problem }))
        })
    }

    fn start_call(&mut self, body: &[u8], now: Timestamp) -> Result<ApiResponse, Unacceptable> {
        let start: StartCall = read(body)?;
        if start.provider != twilio::PROVIDER {
            return Err(not_emulated(&start.provider).into());
        }
        let manner = Manner::of_word(&start.party)
            .ok_or_else(|| format!("party {:?} is not known", start.party))?;
        let base = self.shared.settings.webhook_base.as_deref();
        let default_url =
            || base.map(|base| format!("{}/webhooks/twilio", base.trim_end_matches('/')));
        let webhook_url = start.webhook_url.or_else(default_url);
        let webhook_url = webhook_url.ok_or_else(|| "webhook_url is missing".to_owned())?;
        for url in [Some(&webhook_url), start.fallback_url.as_ref(), start.status_callback.as_ref()]
            .into_iter()
            .flatten()
        {
            if !twilio::is_web_url(url) {
                return Err(format!("not a URL: {url}").into());
            }
        }
        let inbound = InboundCall {
            from: start.from,
            to: start.to,
            manner,
            webhook_url,
            fallback_url: start.fallback_url,
            status_callback: start.status_callback,
        };
        let id = self.twilio.receive(inbound, now, &mut self.shared);
        let record = self.shared.ledger.get(&id).map(|record| json!(record)).unwrap_or_default();
        Ok(ApiResponse::json(StatusCode::CREATED, &record))
    }

    fn act(
        &mut self,
        id: &str,
        act: &str,
        body: &[u8],
        now: Timestamp,
    ) -> Result<ApiResponse, Unacceptable> {
        let shared = &mut self.shared;
        let noticed = match act {
            "say" => {
                let words: Words = read(body)?;
                self.twilio.person(id, now, |call| call.person_says(&words.text, now, shared))
            }
            "dtmf" => {
                let keys: Keys = read(body)?;
                let is_key = |key: char| key.is_ascii_digit() || "*#ABCD".contains(key);
                if keys.digits.is_empty() || !keys.digits.chars().all(is_key) {
                    return Err("digits are 0-9, *, # and A-D".to_owned().into());
                }
                self.twilio.person(id, now, |call| call.person_presses(&keys.digits, now, shared))
            }
            _ => self.twilio.person(id, now, |call| {
                call.person_hangs_up(now, shared);
                true
            }),
        };
        Ok(match noticed {
            Some(noticed) => ApiResponse::json(StatusCode::OK, &json!({ "noticed": noticed })),
            None => {
                let problem = json!({ "error": "the call is over" });
                ApiResponse::json(StatusCode::CONFLICT, &problem)
            }
        })
    }

    fn add_fault(&mut self, body: &[u8]) -> Result<ApiResponse, Unacceptable> {
        let fault: Fault = read(body)?;
        if let Some(provider) = fault.provider.as_deref().filter(|name| *name != twilio::PROVIDER) {
            return Err(not_emulated(provider).into());
        }
        fault.can_be_seen()?;
        let answer = ApiResponse::json(StatusCode::CREATED, &json!(fault));
        self.shared.faults.add(fault);
        Ok(answer)
    }
}

/// Why a request of the control API is refused.
struct Unacceptable {
    status: StatusCode,
    problem: String,
}

/// It was understood, and cannot be meant.
impl From<String> for Unacceptable {
    fn from(problem: String) -> Self {
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, problem }
    }
}

fn not_emulated(provider: &str) -> String {
    format!("provider {provider:?} is not emulated; there is {:?}", twilio::PROVIDER)
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Unacceptable> {
    serde_json::from_slice(body).map_err(|error| {
        let status = if error.is_data() {
            StatusCode::UNPROCESSABLE_ENTITY
        } else {
            StatusCode::BAD_REQUEST
        };
        Unacceptable { status, problem: error.to_string() }
    })
}

fn summary(record: &CallRecord) -> Value {
    json!({
        "id": record.id,
        "provider": record.provider,
        "direction": record.direction,
        "from": record.from,
        "to": record.to,
        "status": record.status,
    })
}
