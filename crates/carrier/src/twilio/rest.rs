//! The REST API: who may ask, and what each request does.

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::json;

use super::call::{Call, End, Phase};
use super::form::Form;
use super::view::{self, View};
use super::{Refusal, Twilio, list};
use crate::basic_auth;
use crate::emulator::{OVERTAKEN_FOR, Reply, Shared};
use crate::exchange::{ApiRequest, ApiResponse};
use crate::settings::TwilioAccount;

/// The part of the path before the account.
pub(crate) const ROOT: &str = "/2010-04-01/";

impl Twilio {
    pub(super) fn carry_out(
        &mut self,
        request: &ApiRequest,
        now: Timestamp,
        shared: &mut Shared,
    ) -> Reply {
        match self.route(request, now, shared) {
            Ok(reply) => reply,
            Err((refusal, call)) => Reply { call, ..Reply::now(refusal.response()) },
        }
    }

    fn route(
        &mut self,
        request: &ApiRequest,
        now: Timestamp,
        shared: &mut Shared,
    ) -> Result<Reply, (Refusal, Option<String>)> {
        let path = request.path();
        let missing = || (Refusal::not_found(path), None);
        let account = shared.settings.twilio.clone();
        if !basic_auth::matches(&request.headers, &account.sid, &account.auth_token) {
            return Err((Refusal::unauthenticated(), None));
        }
        let below = path.strip_prefix(ROOT).and_then(|path| path.strip_prefix("Accounts/"));
        let resource = below.and_then(|path| path.strip_suffix(".json")).ok_or_else(missing)?;
        let mut parts = resource.split('/');
        if parts.next() != Some(&account.sid) {
            return Err(missing());
        }
        let parts: Vec<&str> = parts.collect();
        let alone = |refusal: Refusal| (refusal, None);
        match (parts.as_slice(), &request.method) {
            ([], &Method::GET) => Ok(Reply::now(account_json(&account))),
            (["Calls"], &Method::POST) => self.create(request, now, shared).map_err(alone),
            (["Calls"], &Method::GET) => {
                let query = Form::parse(request.query().as_bytes());
                let calls = self.calls.iter().rev();
                let page = list::page(&account.sid, calls, &query, request.query(), now);
                page.map(|page| Reply::now(ApiResponse::json(StatusCode::OK, &page))).map_err(alone)
            }
            (["Calls", sid], method) => {
                let index = self.by_sid.get(*sid).copied();
                let known = index.filter(|index| !self.calls[*index].deleted);
                let index = known.ok_or_else(missing)?;
                let about = |refusal: Refusal| (refusal, Some((*sid).to_owned()));
                let response = match *method {
                    Method::GET => Ok(self.show(index, &account.sid, now)),
                    Method::POST => {
                        let form = Form::parse(&request.body);
                        let done = self.change(index, |call| update(call, &form, now, shared));
                        match done.unwrap_or(Ok(())) {
                            Ok(()) => Ok(self.show_now(index, &account.sid)),
                            Err(refusal) => Err(refusal),
                        }
                    }
                    Method::DELETE => self.delete(index),
                    _ => Err(Refusal::method_not_allowed()),
                };
                let response = response.map_err(about)?;
                Ok(Reply { call: Some((*sid).to_owned()), ..Reply::now(response) })
            }
            ([] | ["Calls"], _) => Err(alone(Refusal::method_not_allowed())),
            _ => Err(missing()),
        }
    }

    fn create(
        &mut self,
        request: &ApiRequest,
        now: Timestamp,
        shared: &mut Shared,
    ) -> Result<Reply, Refusal> {
        let form = Form::parse(&request.body);
        let parties = form.parties()?;
        let instructions = form.instructions()?;
        let (index, overtaken) = self.place(parties, instructions, now, shared);
        let account = &shared.settings.twilio.sid;
        let mut response = self.show_now(index, account);
        response.status = StatusCode::CREATED;
        let mut reply = Reply::now(response);
        reply.call = self.calls.get(index).map(|call| call.sid.clone());
        if overtaken {
            reply.held_for = OVERTAKEN_FOR;
        }
        Ok(reply)
    }

    /// The call as reads see it, perhaps as it was a moment ago.
    fn show(&self, index: usize, account: &str, now: Timestamp) -> ApiResponse {
        let call = &self.calls[index];
        let view = call.visible.at(now).cloned().unwrap_or_else(|| View::of(call));
        ApiResponse::json(StatusCode::OK, &view::json(account, call, &view))
    }

    /// The call as it is, which is what a write answers with.
    fn show_now(&self, index: usize, account: &str) -> ApiResponse {
        let call = &self.calls[index];
        ApiResponse::json(StatusCode::OK, &view::json(account, call, &View::of(call)))
    }

    fn delete(&mut self, index: usize) -> Result<ApiResponse, Refusal> {
        let call = &mut self.calls[index];
        if !call.is_over() {
            return Err(Refusal::bad(20409, "Call is still in progress, it cannot be deleted"));
        }
        call.deleted = true;
        Ok(ApiResponse::empty(StatusCode::NO_CONTENT))
    }
}

fn update(
    call: &mut Call,
    form: &Form,
    now: Timestamp,
    shared: &mut Shared,
) -> Result<(), Refusal> {
    if call.is_over() {
        return Err(Refusal::not_in_progress());
    }
    let voice = form.target("Url", 21205)?;
    let twiml = form.twiml()?;
    if voice.is_some() && twiml.is_some() {
        return Err(Refusal::bad(20001, "Url and Twiml exclude each other"));
    }
    let redirects = voice.is_some() || twiml.is_some();
    if redirects && call.phase != Phase::InProgress {
        return Err(Refusal::not_in_progress());
    }
    let end = match form.get("Status") {
        None => None,
        Some(_) if redirects => return Err(Refusal::bad(20001, "Status excludes Url and Twiml")),
        Some("canceled") if call.phase == Phase::InProgress => {
            return Err(Refusal::bad(21220, "Call is in-progress. Cannot cancel."));
        }
        Some("canceled") => Some(End::Canceled),
        // What nobody has answered cannot have been completed.
        Some("completed") if call.phase == Phase::InProgress => Some(End::Completed),
        Some("completed") => Some(End::Canceled),
        Some(_) => return Err(Refusal::invalid("Status")),
    };
    let fallback = form.target("FallbackUrl", 21205)?;
    let status_callback = form.status_callback()?;
    let time_limit = form.time_limit()?;

    let instructions = &mut call.instructions;
    instructions.fallback = fallback.or_else(|| instructions.fallback.take());
    instructions.status_callback = status_callback.or_else(|| instructions.status_callback.take());
    instructions.time_limit = time_limit.unwrap_or(instructions.time_limit);
    if let Some(end) = end {
        call.end(end, now, shared);
    } else if redirects {
        call.replace_document(voice, &twiml.unwrap_or_default(), now, shared);
    }
    Ok(())
}

fn account_json(account: &TwilioAccount) -> ApiResponse {
    let body = json!({
        "sid": account.sid,
        "owner_account_sid": account.sid,
        "friendly_name": "Emulator",
        "status": "active",
        "type": "Full",
        "uri": format!("/2010-04-01/Accounts/{}.json", account.sid),
    });
    ApiResponse::json(StatusCode::OK, &body)
}
