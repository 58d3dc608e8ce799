//! REST requests, pure. Source: Plivo's API, version 1. Every path ends in a slash.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Method, header};
use offhook_core::{CallRef, Connection, DialIntent, TransportRequest};
use secrecy::ExposeSecret;
use serde::Serialize;
use url::Url;

use crate::config::PlivoConfig;
use crate::reply::{callback, kind};

/// A call is ended after that whatever is asked for.
const LONGEST_CALL: u64 = 86_400;

/// The most calls on a page of call detail records.
const PAGE: &str = "20";

/// Builds requests for one account.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    account: Url,
    authorization: HeaderValue,
}

/// Which calls are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Live,
    Queued,
    /// Call detail records, of calls that are over.
    Record,
}

impl Which {
    const fn status(self) -> Option<&'static str> {
        match self {
            Self::Live => Some("live"),
            Self::Queued => Some("queued"),
            Self::Record => None,
        }
    }
}

#[derive(Serialize)]
struct Dial<'a> {
    from: &'a str,
    to: &'a str,
    answer_url: &'a str,
    answer_method: &'static str,
    fallback_url: &'a str,
    fallback_method: &'static str,
    ring_url: &'a str,
    ring_method: &'static str,
    hangup_url: &'a str,
    hangup_method: &'static str,
    ring_timeout: u64,
    time_limit: u64,
}

#[derive(Serialize)]
struct Transfer<'a> {
    legs: &'static str,
    aleg_url: &'a str,
    aleg_method: &'static str,
}

impl Api {
    pub(crate) fn new(config: &PlivoConfig) -> Self {
        let mut account = config.api_base.clone();
        account.set_query(None);
        if let Ok(mut path) = account.path_segments_mut() {
            path.pop_if_empty().extend(["v1", "Account", &config.auth_id]);
        }
        let credentials = format!("{}:{}", config.auth_id, config.auth_token.expose_secret());
        let mut authorization =
            HeaderValue::try_from(format!("Basic {}", STANDARD.encode(credentials)))
                .expect("base64 is plain ASCII");
        authorization.set_sensitive(true);
        Self { account, authorization }
    }

    fn request(&self, method: Method, resource: &[&str]) -> TransportRequest {
        let mut url = self.account.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(resource).push("");
        }
        let mut request = TransportRequest::new(method, url);
        request.headers.insert(header::AUTHORIZATION, self.authorization.clone());
        request.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        request
    }

    fn post(&self, resource: &[&str], body: &impl Serialize) -> TransportRequest {
        let mut request = self.request(Method::POST, resource);
        request.body = Bytes::from(serde_json::to_vec(body).expect("texts and numbers are JSON"));
        request.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request
    }

    pub(crate) fn dial(&self, intent: &DialIntent) -> TransportRequest {
        let url = |kind| callback(&intent.call, kind);
        let (from, to) = (intent.from.to_text(), intent.to.to_text());
        let body = Dial {
            from: &from,
            to: &to,
            answer_url: &url(kind::ANSWER),
            answer_method: "POST",
            fallback_url: &url(kind::FALLBACK),
            fallback_method: "POST",
            ring_url: &url(kind::RING),
            ring_method: "POST",
            hangup_url: &url(kind::HANGUP),
            hangup_method: "POST",
            ring_timeout: intent.carrier_ring_seconds(),
            time_limit: intent.carrier_limit_seconds().min(LONGEST_CALL),
        };
        let mut request = self.post(&["Call"], &body);
        request.connection = Connection::Fresh;
        request
    }

    /// Ends a call that has begun.
    pub(crate) fn hangup(&self, call: &str) -> TransportRequest {
        self.request(Method::DELETE, &["Call", call])
    }

    /// Calls off a call that is not dialled yet.
    pub(crate) fn cancel(&self, request: &str) -> TransportRequest {
        self.request(Method::DELETE, &["Request", request])
    }

    /// Makes Plivo fetch the document of this step.
    pub(crate) fn push(&self, call: &CallRef, id: &str) -> TransportRequest {
        let url = callback(call, kind::SCRIPT);
        self.post(&["Call", id], &Transfer { legs: "aleg", aleg_url: &url, aleg_method: "POST" })
    }

    pub(crate) fn fetch(&self, which: Which, id: &str) -> TransportRequest {
        self.of(which, self.request(Method::GET, &["Call", id]))
    }

    /// The ids of the live or of the queued calls.
    pub(crate) fn list(&self, which: Which) -> TransportRequest {
        self.of(which, self.request(Method::GET, &["Call"]))
    }

    fn of(&self, which: Which, mut request: TransportRequest) -> TransportRequest {
        if let Some(status) = which.status() {
            request.url.query_pairs_mut().append_pair("status", status);
        }
        request
    }

    /// The records of the latest calls between the same two.
    pub(crate) fn records(&self, intent: &DialIntent) -> TransportRequest {
        let mut request = self.list(Which::Record);
        let (from, to) = (intent.from.to_text(), intent.to.to_text());
        // Records have their numbers without a plus.
        request
            .url
            .query_pairs_mut()
            .append_pair("call_direction", "outbound")
            .append_pair("from_number", from.trim_start_matches('+'))
            .append_pair("to_number", to.trim_start_matches('+'))
            .append_pair("limit", PAGE);
        request
    }
}
