//! What a carrier's REST API, or something that stands before it, answers.

use std::fmt::Debug;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use offhook_core::{
    CallPlan, CallStatus, DialIntent, Listen, Locale, Party, ProviderCallId, ProviderCallIds,
    RejectReason, Search, Transport, TransportFault, TransportRequest, TransportResponse, Turn,
    VoiceProvider,
};

use crate::call;

/// More requests than this for one question are a question without end.
const MOST_REQUESTS: usize = 200;

/// A carrier, as its answers are tried.
pub struct Carrier {
    /// Builds its provider.
    pub provider: fn(Arc<dyn Transport>) -> Box<dyn VoiceProvider>,
    /// The calls that are asked about, each by its ids: kind, rank and value.
    pub calls: &'static [&'static [(&'static str, u8, &'static str)]],
    /// Whether a request goes where requests of this account may go, whatever was answered before.
    pub may_be_sent: fn(&TransportRequest) -> bool,
}

/// Answers, each behind a NUL but for the first: the status, header lines, an empty line, the body. The
/// last of them is given for ever. Whatever they are, every question has an end, and nothing is taken
/// for done or over that no answer says.
pub fn are_borne(carrier: &Carrier, data: &[u8]) {
    let Some(answers) = data.split(|byte| *byte == 0).map(answer).collect::<Option<Vec<_>>>()
    else {
        return;
    };
    let asked = || {
        let (answers, asked) = (answers.clone(), AtomicUsize::new(0));
        (carrier.provider)(Arc::new(Script { answers, asked, is_permitted: carrier.may_be_sent }))
    };
    // What has not the shape of a carrier's answer was not said by the carrier.
    let says = |is_so: fn(StatusCode) -> bool| {
        answers.iter().any(|answer| answer.is_object() && is_so(answer.status))
    };
    let (says_yes, says_no) = (says(|status| status.is_success()), says(|it| it.is_client_error()));
    let intent = DialIntent::new(
        call(ProviderCallIds::none()),
        Party::observed("+15550001234"),
        Party::observed("+442071838750"),
        CallPlan::Hold,
        Duration::from_secs(30),
        Duration::from_secs(300),
        "2025-01-14T09:26:53Z".parse().expect("a time"),
    );
    let dialled = at_once(asked().initiate_call(&intent));
    assert!(dialled.is_err() || says_yes, "{dialled:?}");
    let found = at_once(asked().find_call(&intent));
    assert!(!matches!(found, Search::Found(_)) || says_yes, "{found:?}");
    let listed = at_once(asked().list_live());
    assert!(listed.is_err() || says_yes || says_no, "{listed:?}");
    for ids in carrier.calls {
        let mut known = ProviderCallIds::none();
        for (kind, rank, value) in *ids {
            known.merge(&ProviderCallIds::of(ProviderCallId::new(*kind, *rank, *value)));
        }
        let call = call(known);
        let status = at_once(asked().get_call_status(&call));
        match status {
            CallStatus::Ended { .. } => assert!(says_yes, "{status:?}"),
            CallStatus::NotFound => assert!(says_yes || says_no, "{status:?}"),
            _ => {}
        }
        let _ = at_once(asked().hangup_call(&call));
        let _ = at_once(asked().stop_listening(&call));
        let listen = Listen::for_speech(Turn(1), Locale::en_us());
        let _ = at_once(asked().start_listening(&call, &listen));
        let _ = at_once(asked().reject_call(&call, RejectReason::Busy));
        let _ = at_once(asked().limit_call(&call, Duration::from_secs(300)));
    }
}

/// What comes of a question. It can be told, too.
fn at_once<T: Debug>(question: impl Future<Output = T>) -> T {
    match pin!(question).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => {
            let _ = format!("{result:?}");
            result
        }
        Poll::Pending => panic!("nobody is waited for but the carrier, and it answers at once"),
    }
}

fn answer(text: &[u8]) -> Option<TransportResponse> {
    let end = text.windows(2).position(|two| two == b"\n\n")?;
    let mut head = std::str::from_utf8(&text[..end]).ok()?.lines();
    let status = StatusCode::from_bytes(head.next()?.as_bytes()).ok()?;
    let mut headers = HeaderMap::new();
    for line in head {
        let (name, value) = line.split_once(':')?;
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_str(value.trim()).ok()?);
    }
    Some(TransportResponse { status, headers, body: Bytes::copy_from_slice(&text[end + 2..]) })
}

/// A transport that gives these answers.
#[derive(Debug)]
struct Script {
    answers: Vec<TransportResponse>,
    asked: AtomicUsize,
    is_permitted: fn(&TransportRequest) -> bool,
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: TransportRequest) -> Result<TransportResponse, TransportFault> {
        assert!((self.is_permitted)(&request), "{request:?} to {:?}", request.url.host_str());
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        assert!(asked < MOST_REQUESTS, "there is no end to the questions");
        Ok(self.answers[asked.min(self.answers.len() - 1)].clone())
    }
}
