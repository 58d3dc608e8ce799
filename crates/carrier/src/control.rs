//! The emulator's own API: people, faults, and what was heard.

use http::{Method, StatusCode};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::dialect::{Deed, InboundCall};
use crate::emulator::Emulator;
use crate::exchange::{ApiRequest, ApiResponse, is_web_url};
use crate::faults::Fault;
use crate::people::Manner;
use crate::record::CallRecord;

/// The part of the path that all of it has in common.
pub(crate) const ROOT: &str = "/emulator/";

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
    "twilio".to_owned()
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
        let below = path.strip_prefix(ROOT).unwrap_or_default();
        // The ids of some carriers have characters that URLs escape.
        let parts: Vec<_> =
            below.split('/').map(|part| percent_decode_str(part).decode_utf8_lossy()).collect();
        let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
        let done = match (&request.method, parts.as_slice()) {
            (&Method::POST, ["calls"]) => self.start_call(&request.body, now),
            (&Method::GET, ["calls"]) => {
                let calls: Vec<Value> = self.shared.ledger.all().iter().map(summary).collect();
                Ok(ApiResponse::json(StatusCode::OK, &json!({ "calls": calls })))
            }
            (&Method::GET, ["calls", id]) => match self.shared.ledger.get(id) {
                Some(record) => Ok(ApiResponse::json(StatusCode::OK, &json!(record))),
                None => return ApiResponse::no_such_path(path),
            },
            (&Method::POST, ["calls", id, act @ ("say" | "dtmf" | "hangup")]) => {
                if self.shared.ledger.get(id).is_none() {
                    return ApiResponse::no_such_path(path);
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
            (&Method::GET, ["telnyx-public-key"]) => {
                let key = self.shared.settings.telnyx.public_key();
                Ok(ApiResponse::text(StatusCode::OK, "text/plain", key))
            }
            _ => return ApiResponse::no_such_path(path),
        };
        done.unwrap_or_else(|Unacceptable { status, problem }| {
            ApiResponse::json(status, &json!({ "error": problem }))
        })
    }

    fn start_call(&mut self, body: &[u8], now: Timestamp) -> Result<ApiResponse, Unacceptable> {
        let start: StartCall = read(body)?;
        self.has_dialect(&start.provider)?;
        let manner = Manner::of_word(&start.party)
            .ok_or_else(|| format!("party {:?} is not known", start.party))?;
        for url in
            [&start.webhook_url, &start.fallback_url, &start.status_callback].into_iter().flatten()
        {
            if !is_web_url(url) {
                return Err(format!("not a URL: {url}").into());
            }
        }
        let inbound = InboundCall {
            from: start.from,
            to: start.to,
            manner,
            webhook_url: start.webhook_url,
            fallback_url: start.fallback_url,
            status_callback: start.status_callback,
        };
        let Self { shared, dialects } = self;
        let dialect = dialects.iter_mut().find(|dialect| dialect.provider() == start.provider);
        let id = dialect.map(|dialect| dialect.receive(inbound, now, shared));
        let id = id.transpose()?.unwrap_or_default();
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
        let words: Words;
        let keys: Keys;
        let deed = match act {
            "say" => {
                words = read(body)?;
                Deed::Say(&words.text)
            }
            "dtmf" => {
                keys = read(body)?;
                let is_key = |key: char| key.is_ascii_digit() || "*#ABCD".contains(key);
                if keys.digits.is_empty() || !keys.digits.chars().all(is_key) {
                    return Err("digits are 0-9, *, # and A-D".to_owned().into());
                }
                Deed::Press(&keys.digits)
            }
            _ => Deed::HangUp,
        };
        let Self { shared, dialects } = self;
        let mut dialects = dialects.iter_mut();
        let noticed = dialects.find_map(|dialect| dialect.person(id, deed, now, shared));
        Ok(match noticed {
            Some(noticed) => ApiResponse::json(StatusCode::OK, &json!({ "noticed": noticed })),
            None => {
                let problem = json!({ "error": "the call is over" });
                ApiResponse::json(StatusCode::CONFLICT, &problem)
            }
        })
    }

    /// Refuses a carrier that the emulator is not.
    fn has_dialect(&self, provider: &str) -> Result<(), String> {
        let names: Vec<&str> = self.dialects.iter().map(|dialect| dialect.provider()).collect();
        if names.contains(&provider) {
            return Ok(());
        }
        let names = names.join(", ");
        Err(format!("provider {provider:?} is not emulated; there is {names}"))
    }

    fn add_fault(&mut self, body: &[u8]) -> Result<ApiResponse, Unacceptable> {
        let fault: Fault = read(body)?;
        if let Some(provider) = &fault.provider {
            self.has_dialect(provider)?;
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
        "ended_at": record.ended_at,
    })
}
