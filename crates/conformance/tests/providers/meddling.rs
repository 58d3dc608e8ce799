//! Faults in what is sent and in what is made of answers.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use http::Method;
use http::header::AUTHORIZATION;
use offhook_conformance::provider_suite::Answered;
use offhook_core::{Connection, ErrorClass, ProviderError, Transport, TransportRequest};

use crate::faults::Fault;

/// Stands between a provider and its transport.
#[derive(Debug)]
pub(crate) struct Meddler {
    fault: Fault,
    transport: Arc<dyn Transport>,
    sent: AtomicUsize,
}

impl Meddler {
    pub(crate) fn new(fault: Fault, transport: Arc<dyn Transport>) -> Self {
        Self { fault, transport, sent: AtomicUsize::new(0) }
    }
}

fn replaced(body: &Bytes, old: &str, new: &str) -> Bytes {
    String::from_utf8_lossy(body).replace(old, new).into()
}

#[async_trait]
impl Transport for Meddler {
    async fn send(&self, mut request: TransportRequest) -> Answered {
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        let is_dial = request.method == Method::POST && request.url.path() == "/calls";
        let is_look = request.method == Method::GET && request.url.path() != "/calls";
        match self.fault {
            Fault::DialsOnAnOpenConnection => request.connection = Connection::Pooled,
            Fault::DialsWithoutPlus => {
                request.body = replaced(&request.body, "\"to\":\"+", "\"to\":\"");
            }
            Fault::LeadsElsewhere => {
                request.body = replaced(&request.body, "voice.example.com", "elsewhere.example");
            }
            Fault::SetsNoLimit => {
                request.body = replaced(&request.body, "limit_seconds", "limit_minutes");
            }
            Fault::CountsItsRequests => {
                request.headers.insert("x-number", number.into());
            }
            Fault::CommandsWithoutKey if !is_dial => drop(request.headers.remove(AUTHORIZATION)),
            Fault::ShowsItsKeyToTheLog => {
                let key = request.headers[AUTHORIZATION].clone();
                request.headers.insert(
                    "x-key",
                    http::HeaderValue::from_bytes(key.as_bytes()).expect("it was one"),
                );
            }
            _ => {}
        }
        let mut answer = self.transport.send(request.clone()).await;
        let failed = answer.as_ref().map_or(true, |answer| !answer.status.is_success());
        if self.fault == Fault::RepeatsByItself && failed {
            answer = self.transport.send(request).await;
        }
        if let Ok(answer) = &mut answer {
            match self.fault {
                Fault::TakesANewWordForTheEnd => {
                    answer.body = replaced(&answer.body, "transferred", "completed");
                }
                Fault::TakesOthersForItsOwn if is_look => {
                    answer.body = replaced(&answer.body, "CALL-9", "CALL-1");
                }
                _ => {}
            }
        }
        answer
    }
}

/// An error as the fault tells it.
pub(crate) fn mended(fault: Fault, error: ProviderError) -> ProviderError {
    let from_transport = error.source().is_some();
    let text = error.to_string();
    let class = match (fault, error.class()) {
        (Fault::TakesUnsentForSent, ErrorClass::Transient) => ErrorClass::Ambiguous,
        (Fault::TakesSentForUnsent, ErrorClass::Ambiguous) if from_transport => {
            ErrorClass::Transient
        }
        (Fault::TakesServerErrorsForUndone, ErrorClass::Ambiguous) if !from_transport => {
            ErrorClass::Transient
        }
        (Fault::TakesAWrongKeyForAWrongRequest, ErrorClass::Unauthenticated)
        | (Fault::TakesMissingForWrong, ErrorClass::NotFound)
        | (Fault::FailsToHangUpTwice, ErrorClass::WrongState) => ErrorClass::Rejected,
        (Fault::BelievesAnyRefusal, ErrorClass::Undecodable) if text.contains("HTTP 4") => {
            ErrorClass::Rejected
        }
        (Fault::ForgetsTheWait, ErrorClass::Throttled)
        | (Fault::ForgetsTheCode, ErrorClass::Rejected) => error.class(),
        _ => return error,
    };
    let mut told = ProviderError::new(class, "something went wrong");
    if fault != Fault::ForgetsTheWait {
        told = told.with_retry_after(error.retry_after());
    }
    match error.code() {
        Some(code) if fault != Fault::ForgetsTheCode => told.with_code(code),
        _ => told,
    }
}
