//! The REST API: who may ask, and what each request does.

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::body::Body;
use super::call::Call;
use super::commands::Done;
use super::dial::Dial;
use super::ending::Ending;
use super::list::{self, Query, Window};
use super::refusal::Refusal;
use super::{Plivo, view};
use crate::basic_auth;
use crate::emulator::{OVERTAKEN_FOR, Reply, Shared};
use crate::exchange::{ApiRequest, ApiResponse};
use crate::settings::later;

/// What all paths have in common.
pub(crate) const ROOT: &str = "/v1/";

/// A reply, or a refusal with the call that it is about.
type Answer = Result<Reply, (Refusal, Option<String>)>;

/// The id that a path names, and whether it is that of a request.
pub(crate) fn id_in_path(path: &str) -> Option<(&str, bool)> {
    let below = path.strip_prefix(ROOT)?.strip_prefix("Account/")?;
    let mut parts = below.split('/').skip(1);
    match (parts.next(), parts.next()) {
        (Some("Call"), Some(id)) if !id.is_empty() => Some((id, false)),
        (Some("Request"), Some(id)) if !id.is_empty() => Some((id, true)),
        _ => None,
    }
}

impl Plivo {
    pub(super) fn carry_out(
        &mut self,
        request: &ApiRequest,
        now: Timestamp,
        shared: &mut Shared,
    ) -> Reply {
        let api_id = shared.chance.uuid();
        self.route(request, &api_id, now, shared).unwrap_or_else(|(refusal, call)| Reply {
            call,
            ..Reply::now(refusal.response(&api_id))
        })
    }

    fn route(
        &mut self,
        request: &ApiRequest,
        api_id: &str,
        now: Timestamp,
        shared: &mut Shared,
    ) -> Answer {
        let alone = |refusal: Refusal| (refusal, None);
        let account = &shared.settings.plivo;
        let is_known = account
            .tokens()
            .iter()
            .any(|token| basic_auth::matches(&request.headers, &account.auth_id, token));
        let path = request.path();
        let below = path.strip_prefix(ROOT).and_then(|path| path.strip_prefix("Account/"));
        let (owner, resource) = below.unwrap_or_default().split_once('/').unwrap_or_default();
        if !is_known || owner != account.auth_id {
            return Err(alone(Refusal::unauthenticated()));
        }
        let method = &request.method;
        // Every path ends in a slash; one of the official SDKs reads without it.
        let resource = match resource.strip_suffix('/') {
            Some(resource) => resource,
            None if *method == Method::GET => resource,
            None => return Err(alone(Refusal::not_found())),
        };
        let parts: Vec<&str> = resource.split('/').collect();
        match (method, parts.as_slice()) {
            (&Method::POST, ["Call"]) => {
                self.create(&request.body, api_id, now, shared).map_err(alone)
            }
            (&Method::GET, ["Call"]) => {
                self.list(request.query(), api_id, now, shared).map_err(alone)
            }
            (&Method::DELETE, ["Call"]) => Ok(self.hang_up_all(now, shared)),
            (&Method::GET, ["Call", id]) => {
                let query = list::query(request.query());
                self.show(id, &query, api_id, now, shared)
            }
            (_, ["Call", id, rest @ ..]) => {
                let index = self.current(id).ok_or_else(|| alone(Refusal::no_such_call(id)))?;
                let about = |refusal: Refusal| (refusal, self.id_of(index));
                let body = Body::parse(&request.body).map_err(about)?;
                let done = self.change(index, |call| match (method, rest) {
                    (&Method::POST, []) => call.transferred(&body, now, shared),
                    (&Method::DELETE, []) => Ok(call.hung_up(now, shared)),
                    (&Method::POST, ["Speak"]) => call.spoken_over(&body, now, shared),
                    (&Method::DELETE, ["Speak"]) => call.silenced(now, shared),
                    (&Method::POST, ["DTMF"]) => call.sent_tones(&body, shared),
                    (_, [] | ["Speak" | "DTMF"]) => Err(Refusal::method_not_allowed()),
                    _ => Err(Refusal::not_found()),
                });
                let call = self.id_of(index);
                match done.unwrap_or_else(|| Err(Refusal::not_found())) {
                    Ok(done) => Ok(Reply { call, ..Reply::now(acknowledged(done, api_id)) }),
                    Err(refusal) => Err((refusal, call)),
                }
            }
            (&Method::DELETE, ["Request", id]) => {
                let index = self.queued(id).ok_or_else(|| alone(Refusal::no_such_call(id)))?;
                let done = self.change(index, |call| call.hung_up(now, shared));
                let done = done.unwrap_or((StatusCode::NO_CONTENT, None));
                let call = self.id_of(index);
                Ok(Reply { call, ..Reply::now(acknowledged(done, api_id)) })
            }
            (_, ["Call"] | ["Request", _]) => Err(alone(Refusal::method_not_allowed())),
            _ => Err(alone(Refusal::not_found())),
        }
    }

    fn create(
        &mut self,
        body: &[u8],
        api_id: &str,
        now: Timestamp,
        shared: &mut Shared,
    ) -> Result<Reply, Refusal> {
        let dial = Dial::read(&Body::parse(body)?)?;
        let mut requests = Vec::new();
        let mut reply = Reply::now(ApiResponse::empty(StatusCode::CREATED));
        let mut message = "call fired";
        for to in &dial.to {
            let placed = self.place(&dial.from, to, &dial.terms, now, shared);
            if placed.waits {
                message = "call queued";
            }
            if placed.overtakes {
                reply.held_for = OVERTAKEN_FOR;
            }
            requests.push(placed.request_id);
            reply.call = Some(placed.id);
        }
        let request_uuid = match requests.pop() {
            Some(only) if !dial.is_bulk => json!(only),
            last => json!(requests.into_iter().chain(last).collect::<Vec<_>>()),
        };
        let body = json!({ "api_id": api_id, "message": message, "request_uuid": request_uuid });
        reply.response = ApiResponse::json(StatusCode::CREATED, &body);
        Ok(reply)
    }

    fn show(
        &self,
        id: &str,
        query: &Query,
        api_id: &str,
        now: Timestamp,
        shared: &Shared,
    ) -> Answer {
        let missing = || (Refusal::no_such_call(id), None);
        let found = match query.get("status").map(String::as_str) {
            Some("live") => self.by_id.get(id).copied().filter(|at| self.calls[*at].is_live()),
            Some("queued") => self.queued(id),
            Some(_) => return Err((Refusal::invalid("status"), None)),
            None => {
                let index = self.by_id.get(id).copied();
                let index = index.filter(|index| is_recorded(&self.calls[*index], now, shared));
                let index = index.ok_or_else(missing)?;
                let mut record = view::record(&shared.settings.plivo.auth_id, &self.calls[index]);
                record["api_id"] = json!(api_id);
                return Ok(self.shown(index, &record));
            }
        };
        let index = found.ok_or_else(missing)?;
        Ok(self.shown(index, &view::current(&self.calls[index], api_id)))
    }

    fn shown(&self, index: usize, body: &Value) -> Reply {
        let response = ApiResponse::json(StatusCode::OK, body);
        Reply { call: self.id_of(index), ..Reply::now(response) }
    }

    fn list(
        &self,
        raw_query: &str,
        api_id: &str,
        now: Timestamp,
        shared: &Shared,
    ) -> Result<Reply, Refusal> {
        let query = list::query(raw_query);
        let newest_first = self.calls.iter().rev();
        let wanted: fn(&Call) -> bool = match query.get("status").map(String::as_str) {
            Some("live") => Call::is_live,
            Some("queued") => Call::is_queued,
            Some(_) => return Err(Refusal::invalid("status")),
            None => {
                let recorded = newest_first.filter(|call| is_recorded(call, now, shared));
                let account = &shared.settings.plivo.auth_id;
                let page = list::page(account, api_id, recorded, &query)?;
                return Ok(Reply::now(ApiResponse::json(StatusCode::OK, &page)));
            }
        };
        let limit =
            if query.contains_key("limit") { Window::of(&query)?.limit } else { usize::MAX };
        let window = Window { limit, ..Window::of(&query)? };
        let ids: Vec<&str> = newest_first
            .filter(|call| wanted(call))
            .filter(|call| {
                list::has_number(&query, "from_number", &call.from)
                    && list::has_number(&query, "to_number", &call.to)
                    && list::matches(&query, "call_direction", call.direction())
            })
            .skip(window.offset)
            .take(window.limit)
            .map(shown_id)
            .collect();
        let body = json!({ "api_id": api_id, "calls": ids });
        Ok(Reply::now(ApiResponse::json(StatusCode::OK, &body)))
    }

    fn hang_up_all(&mut self, now: Timestamp, shared: &mut Shared) -> Reply {
        for index in 0..self.calls.len() {
            self.change(index, |call| {
                let ending = Ending::with_all_others(call.answered.is_some());
                call.end(ending, now, shared);
            });
        }
        Reply::now(ApiResponse::empty(StatusCode::NO_CONTENT))
    }

    /// The call that can be steered by this id: a live one by its own, a queued one by its
    /// request's.
    fn current(&self, id: &str) -> Option<usize> {
        let live = self.by_id.get(id).copied().filter(|index| self.calls[*index].is_live());
        live.or_else(|| self.queued(id))
    }

    fn queued(&self, request_id: &str) -> Option<usize> {
        let index = self.by_request.get(request_id).copied();
        index.filter(|index| self.calls[*index].is_queued())
    }

    fn id_of(&self, index: usize) -> Option<String> {
        self.calls.get(index).map(|call| call.id.clone())
    }
}

/// The id that a list shows.
fn shown_id(call: &Call) -> &str {
    let waiting = if call.is_queued() { call.request_id.as_deref() } else { None };
    waiting.unwrap_or(&call.id)
}

/// Whether the record of a call has been written, which is a while after its end.
fn is_recorded(call: &Call, now: Timestamp, shared: &Shared) -> bool {
    let delay = shared.settings.record_delay;
    call.started.is_some() && call.ended.is_some_and(|ended| later(ended, delay) <= now)
}

fn acknowledged((status, message): Done, api_id: &str) -> ApiResponse {
    match message {
        Some(message) => {
            ApiResponse::json(status, &json!({ "api_id": api_id, "message": message }))
        }
        None => ApiResponse::empty(status),
    }
}
