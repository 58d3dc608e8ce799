//! The REST API: who may ask, and what each request does.

use http::{HeaderMap, Method, StatusCode, header};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::body::Body;
use super::call::{Call, Phase};
use super::dial::NewLeg;
use super::events::written;
use super::refusal::Refusal;
use super::{Telnyx, commands, list};
use crate::emulator::{OVERTAKEN_FOR, Reply, Shared};
use crate::exchange::{ApiRequest, ApiResponse};
use crate::settings::TelnyxAccount;

/// What all paths have in common.
pub(crate) const ROOT: &str = "/v2/";

/// The parts of a path, unescaped.
fn parts(path: &str) -> Vec<String> {
    let below = path.strip_prefix(ROOT).unwrap_or_default().trim_end_matches('/');
    let decoded = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
    below.split('/').map(decoded).collect()
}

/// The call that a path names.
pub(crate) fn call_in_path(path: &str) -> Option<String> {
    match parts(path).as_slice() {
        [calls, id, ..] if calls == "calls" => Some(id.clone()),
        _ => None,
    }
}

impl Telnyx {
    pub(super) fn carry_out(
        &mut self,
        request: &ApiRequest,
        now: Timestamp,
        shared: &mut Shared,
    ) -> Reply {
        let reply = self.route(request, now, shared);
        reply.unwrap_or_else(|refusal| Reply::now(refusal.response()))
    }

    fn route(
        &mut self,
        request: &ApiRequest,
        now: Timestamp,
        shared: &mut Shared,
    ) -> Result<Reply, Refusal> {
        if !is_authentic(&request.headers, &shared.settings.telnyx) {
            return Err(Refusal::unauthenticated());
        }
        let parts = parts(request.path());
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match (&request.method, parts.as_slice()) {
            (&Method::POST, ["calls"]) => self.dial(&request.body, now, shared),
            (&Method::GET, ["calls", id]) => {
                let index = self.find(id, now).ok_or_else(Refusal::not_found)?;
                Ok(Reply::now(self.shown(index, now)))
            }
            (&Method::POST, ["calls", id, "actions", name]) => {
                self.command(id, name, &request.body, now, shared)
            }
            (&Method::GET, ["connections", id, "active_calls"]) => {
                if *id != shared.settings.telnyx.connection_id {
                    return Err(Refusal::not_found());
                }
                let page = list::page(id, &self.calls, request.query(), now)?;
                Ok(Reply::now(ApiResponse::json(StatusCode::OK, &page)))
            }
            _ => Err(Refusal::not_found()),
        }
    }

    fn dial(&mut self, body: &[u8], now: Timestamp, shared: &mut Shared) -> Result<Reply, Refusal> {
        // An answer normally arrives before the carrier has begun to dial.
        const DIALS_AFTER: f64 = 0.2;
        const OVERTAKES: f64 = 0.5;
        let body = Body::parse(body)?;
        let leg = NewLeg::dialled(&body, shared)?;
        let id = body.text("command_id")?;
        // Whoever asks twice gets the call there is.
        if let Some(index) = id.and_then(|id| self.dials.of(id, now)) {
            return Ok(self.dialled(index));
        }
        let overtakes = shared.chance.happens(shared.settings.webhook_before_answer, OVERTAKES);
        let until = if overtakes { now } else { shared.settings.paced(now, DIALS_AFTER) };
        let session = shared.chance.uuid();
        let index = self.place(leg, session, Phase::Placed { until }, None, now, shared);
        if let Some(id) = id {
            self.dials.note(id, index, now);
        }
        let mut reply = self.dialled(index);
        if overtakes {
            reply.held_for = OVERTAKEN_FOR;
        }
        Ok(reply)
    }

    /// The answer to a dial: ids, and never a life.
    fn dialled(&self, index: usize) -> Reply {
        let Some(call) = self.calls.get(index) else {
            return Reply::now(Refusal::not_found().response());
        };
        let mut data = ids(call);
        data["is_alive"] = json!(false);
        let response = ApiResponse::json(StatusCode::OK, &json!({ "data": data }));
        Reply { call: Some(call.control_id.clone()), ..Reply::now(response) }
    }

    fn shown(&self, index: usize, now: Timestamp) -> ApiResponse {
        let Some(call) = self.calls.get(index) else { return Refusal::not_found().response() };
        let mut data = ids(call);
        data["is_alive"] = json!(call.is_alive());
        data["call_duration"] = json!(call.seconds(now));
        data["start_time"] = json!(written(call.started));
        if let Some(state) = &call.client_state {
            data["client_state"] = json!(state);
        }
        if let Some(ended) = call.ended {
            data["end_time"] = json!(written(ended));
        }
        ApiResponse::json(StatusCode::OK, &json!({ "data": data }))
    }

    fn command(
        &mut self,
        id: &str,
        name: &str,
        body: &[u8],
        now: Timestamp,
        shared: &mut Shared,
    ) -> Result<Reply, Refusal> {
        let is_transfer = name == "transfer";
        if !is_transfer && !commands::NAMES.contains(&name) {
            return Err(Refusal::not_found());
        }
        if !id.starts_with(ID_PREFIX) {
            return Err(Refusal::invalid_call_control_id());
        }
        let index = self.find(id, now).ok_or_else(Refusal::not_found)?;
        let body = Body::parse(body)?;
        let is_known = commands::admit(&self.calls[index], &body, now)?;
        if !is_known {
            if is_transfer {
                self.transfer(index, &body, now, shared)?;
            } else {
                let done = self.change(index, shared, now, |call, shared| {
                    commands::carry_out(call, name, &body, now, shared)
                });
                done.unwrap_or(Ok(()))?;
            }
            commands::taken(&mut self.calls[index], &body, now)?;
        }
        let ok = json!({ "data": { "result": "ok" } });
        Ok(Reply::now(ApiResponse::json(StatusCode::OK, &ok)))
    }

    fn find(&self, id: &str, now: Timestamp) -> Option<usize> {
        let index = *self.by_id.get(id)?;
        self.calls.get(index)?.is_remembered(now).then_some(index)
    }
}

/// What the ids of calls begin with.
pub(crate) const ID_PREFIX: &str = "v3:";

fn ids(call: &Call) -> Value {
    json!({
        "record_type": "call",
        "call_control_id": call.control_id,
        "call_leg_id": call.leg_id,
        "call_session_id": call.session_id,
    })
}

fn is_authentic(headers: &HeaderMap, account: &TelnyxAccount) -> bool {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some((scheme, key)) = given.and_then(|given| given.split_once(' ')) else {
        return false;
    };
    scheme.eq_ignore_ascii_case("bearer") && key.trim() == account.api_key
}
