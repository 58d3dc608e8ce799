//! Requests on their way to the carrier, and their answers on the way back.

use http::StatusCode;
use offhook_carrier::ApiRequest;
use offhook_core::{CallId, FaultKind, TransportFault, TransportRequest, TransportResponse};
use offhook_manager::{CallState, EffectKind, Job};

use super::{Event, World};
use crate::lobby::Answer;
use crate::plant::Plant;
use crate::process::{effect, shown, subject};
use crate::story::{Fault, Kind, Weather};

/// A request that has left.
#[derive(Debug)]
pub(super) struct Underway {
    job: u64,
    /// The call that it is about, if it is about one.
    call: Option<CallId>,
    request: ApiRequest,
    places_a_call: bool,
    fate: Option<Fault>,
}

impl World<'_> {
    /// A request leaves, if it does.
    pub(super) fn send(
        &mut self,
        number: u64,
        what: TransportRequest,
        number_of_job: u64,
        job: &Job,
    ) {
        let effect = effect(job).map(|effect| effect.kind);
        let fate = self.fate(Kind::Request);
        self.tally.exchange("requests");
        let path = match what.url.query() {
            Some(query) => format!("{}?{query}", what.url.path()),
            None => what.url.path().to_owned(),
        };
        self.tell(|| {
            let fate = fate.map_or(String::new(), |fate| format!("  [{}]", fate.word()));
            format!("NET  {} {path}{fate}", what.method)
        });
        let limit = u64::try_from(what.timeout.as_millis()).unwrap_or(u64::MAX);
        let request = ApiRequest {
            method: what.method,
            path_and_query: path,
            headers: what.headers,
            body: what.body,
        };
        let places_a_call = effect == Some(EffectKind::Initiate);
        let call = subject(job);
        let mut underway = Underway { job: number_of_job, call, request, places_a_call, fate };
        let on_the_way = self.chance.between(5, 80);
        let not_sent = self.is(Weather::CarrierUnreachable);
        if self.is(Weather::KeyRevoked) {
            underway.fate = Some(Fault::RequestUnauthorized);
        }
        if not_sent || fate == Some(Fault::RequestNotSent) {
            self.underway.insert(number, underway);
            let fault = TransportFault::not_sent(FaultKind::Connect, "refused");
            return self.come(on_the_way, Event::RequestAnswered(number, Err(fault)));
        }
        self.come(limit, Event::RequestTimesOut(number));
        let twice = self.plant == Some(Plant::DialsTwice) && places_a_call
            || self.plant == Some(Plant::SpeaksTwice)
                && matches!(effect, Some(EffectKind::Perform(_)));
        if twice {
            self.come(on_the_way + 2, Event::RequestArrives(number));
        }
        let wait = match fate {
            Some(Fault::RequestLate(milliseconds)) => on_the_way + milliseconds,
            _ => on_the_way,
        };
        if fate != Some(Fault::RequestLost) {
            self.come(wait, Event::RequestArrives(number));
        }
        self.underway.insert(number, underway);
    }

    /// A request is at the carrier.
    pub(super) fn request_arrives(&mut self, number: u64) {
        let Some(underway) = self.underway.get(&number) else { return };
        let (call, fate) = (underway.call, underway.fate);
        let mut request = underway.request.clone();
        let places_a_call = underway.places_a_call;
        let back = self.chance.between(5, 80);
        match fate {
            Some(Fault::RequestThrottled) => {
                return self.come(back, Event::RequestAnswered(number, Ok(throttled())));
            }
            Some(Fault::RequestFailed) => {
                let page = page(StatusCode::SERVICE_UNAVAILABLE);
                return self.come(back, Event::RequestAnswered(number, Ok(page)));
            }
            Some(Fault::RequestPage) => {
                return self.come(back, Event::RequestAnswered(number, Ok(page(StatusCode::OK))));
            }
            Some(Fault::RequestUnauthorized) => {
                request.headers.remove(http::header::AUTHORIZATION);
            }
            _ => {}
        }
        if request.method == http::Method::GET && self.is(Weather::CallsForgotten) {
            self.oracle.forgotten = true;
            request.path_and_query = self.oracle.of_nobody(&request.path_and_query);
        }
        let answered = self.emulator.answer(&request, self.now);
        self.look(call.filter(|_| places_a_call));
        self.tell(|| {
            let status = answered.result.as_ref().map(|response| response.status.as_u16());
            format!("CARRIER answers the request of {}: {}", shown(call), status.unwrap_or(0))
        });
        let broken = || TransportFault::perhaps_sent(FaultKind::Broken, "");
        let answer: Answer = match (fate, answered.result) {
            (Some(Fault::RequestBroken), _) | (_, Err(_)) => Err(broken()),
            (Some(Fault::RequestFailedAfterAll), _) => Ok(page(StatusCode::INTERNAL_SERVER_ERROR)),
            (Some(Fault::RequestPageAfterAll), _) => Ok(page(StatusCode::OK)),
            (Some(Fault::RequestUnauthorizedAfterAll), _) => {
                self.oracle.forgotten = true;
                Ok(page(StatusCode::UNAUTHORIZED))
            }
            (Some(Fault::AnswerLost), _) => return,
            (_, Ok(response)) => Ok(TransportResponse {
                status: response.status,
                headers: response.headers,
                body: response.body,
            }),
        };
        let held = u64::try_from(answered.held_for.as_millis()).unwrap_or(u64::MAX);
        let late = match fate {
            Some(Fault::AnswerLate(milliseconds)) => milliseconds,
            _ => 0,
        };
        self.come(back + held + late, Event::RequestAnswered(number, answer));
    }

    pub(super) fn request_times_out(&mut self, number: u64) {
        if self.underway.contains_key(&number) {
            let fault = TransportFault::perhaps_sent(FaultKind::Timeout, "");
            self.request_answered(number, Err(fault));
        }
    }

    /// The answer is here, if anybody still waits for it.
    pub(super) fn request_answered(&mut self, number: u64, answer: Answer) {
        let Some(underway) = self.underway.remove(&number) else { return };
        if underway.fate.is_some() {
            self.oracle.disturb(self.now);
        }
        let waits = |process: &crate::process::Process| {
            process.jobs.iter().any(|job| job.number == underway.job)
        };
        if self.process.as_ref().is_some_and(waits) {
            self.lobby.answer(number, answer);
            self.poll(underway.job);
        }
    }

    /// Whether a user could still mean this call.
    pub(super) fn is_open(&self, call: CallId) -> bool {
        self.oracle.record(call).is_none_or(|record| !matches!(record.state, CallState::Ended(_)))
    }
}

/// What stands between us and the carrier answers.
fn page(status: StatusCode) -> TransportResponse {
    let mut headers = http::HeaderMap::new();
    let html = http::HeaderValue::from_static("text/html");
    headers.insert(http::header::CONTENT_TYPE, html);
    TransportResponse { status, headers, body: "<html><body>Sorry</body></html>".into() }
}

/// The shapes that the carriers have for it, in one.
fn throttled() -> TransportResponse {
    let mut headers = http::HeaderMap::new();
    headers.insert(http::header::RETRY_AFTER, http::HeaderValue::from_static("2"));
    let body = r#"{"code":20429,"message":"Too many requests","status":429,
        "error":"Too many requests","errors":[{"code":"10011","title":"Too many requests","detail":""}]}"#;
    TransportResponse { status: StatusCode::TOO_MANY_REQUESTS, headers, body: body.into() }
}
