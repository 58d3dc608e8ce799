//! REST requests and answers, both pure. Source: Twilio's API description, version 2010-04-01.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use jiff::Timestamp;
use offhook_core::{
    CallRef, CallStatus, Connection, DialIntent, ErrorClass, InitiatedCall, ProviderCallIds,
    ProviderError, RunningCall, Search, TransportRequest, TransportResponse, carrier_limit_seconds,
};
use secrecy::ExposeSecret;
use serde::Deserialize;
use url::Url;

use crate::config::TwilioConfig;
use crate::reply::{callback, kind};
use crate::status::{Word, rest_status};
use crate::webhook::call_sid;

/// Twilio refuses more in the `Twiml` parameter (error 32018).
const INLINE_LIMIT: usize = 4000;

/// Twilio gives a thousand calls a page, which can be more bytes than an answer may have.
const PAGE: &str = "250";

/// Twilio's errors have five digits or more; proxies repeat the HTTP status in a `code` of theirs.
const LEAST_CODE: u32 = 10_000;

/// Twilio's own "not found".
const NO_SUCH_RESOURCE: u32 = 20404;

/// "Call is not in-progress" and "invalid call state": not connected yet, or over already.
const WRONG_STATE: [u32; 2] = [21220, 21204];

/// A call that was dialled so long before our own cannot be ours.
const CLOCK_SKEW: Duration = Duration::from_secs(60);

/// Builds requests for one account.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    calls: Url,
    authorization: HeaderValue,
}

impl Api {
    pub(crate) fn new(config: &TwilioConfig) -> Self {
        let mut calls = config.api_base.clone();
        calls.set_query(None);
        if let Ok(mut path) = calls.path_segments_mut() {
            path.pop_if_empty().extend(["2010-04-01", "Accounts", &config.account_sid]);
        }
        let (user, secret) = match &config.api_key {
            Some((sid, secret)) => (sid, secret),
            None => (&config.account_sid, &config.auth_token),
        };
        let credentials = format!("{user}:{}", secret.expose_secret());
        let mut authorization =
            HeaderValue::try_from(format!("Basic {}", STANDARD.encode(credentials)))
                .expect("base64 is plain ASCII");
        authorization.set_sensitive(true);
        Self { calls, authorization }
    }

    fn request(&self, method: Method, resource: &[&str]) -> TransportRequest {
        let mut url = self.calls.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(resource);
        }
        let mut request = TransportRequest::new(method, url);
        request.headers.insert(header::AUTHORIZATION, self.authorization.clone());
        request.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        request
    }

    fn post(&self, resource: &[&str], form: &[(&str, &str)]) -> TransportRequest {
        let mut request = self.request(Method::POST, resource);
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        request.body = Bytes::from(body);
        request.headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        request
    }

    pub(crate) fn create(&self, intent: &DialIntent) -> TransportRequest {
        let call = &intent.call;
        let (to, from) = (intent.to.to_text(), intent.from.to_text());
        let (answer, fallback) = (callback(call, kind::ANSWER), callback(call, kind::FALLBACK));
        let status = callback(call, kind::STATUS);
        let timeout = intent.carrier_ring_seconds().min(600).to_string();
        let limit = intent.carrier_limit_seconds().to_string();
        let mut request = self.post(
            &["Calls.json"],
            &[
                ("To", &to),
                ("From", &from),
                ("Url", &answer),
                ("Method", "POST"),
                ("FallbackUrl", &fallback),
                ("FallbackMethod", "POST"),
                ("StatusCallback", &status),
                ("StatusCallbackMethod", "POST"),
                // Repeated, not joined by commas.
                ("StatusCallbackEvent", "initiated"),
                ("StatusCallbackEvent", "ringing"),
                ("StatusCallbackEvent", "answered"),
                ("StatusCallbackEvent", "completed"),
                ("Timeout", &timeout),
                ("TimeLimit", &limit),
            ],
        );
        request.connection = Connection::Fresh;
        request
    }

    pub(crate) fn fetch(&self, sid: &str) -> TransportRequest {
        self.request(Method::GET, &["Calls", &format!("{sid}.json")])
    }

    pub(crate) fn hangup(&self, sid: &str) -> TransportRequest {
        self.post(&["Calls", &format!("{sid}.json")], &[("Status", "completed")])
    }

    /// Limits of Twilio's own for an inbound call, where its end is reported, and where a document is
    /// fetched that could not be had. Which events are
    /// reported cannot be updated; the end is by default.
    pub(crate) fn limit(
        &self,
        call: &CallRef,
        sid: &str,
        max_duration: Duration,
    ) -> TransportRequest {
        let limit = carrier_limit_seconds(max_duration).to_string();
        let (status, fallback) = (callback(call, kind::STATUS), callback(call, kind::FALLBACK));
        self.post(
            &["Calls", &format!("{sid}.json")],
            &[
                ("TimeLimit", &limit),
                ("FallbackUrl", &fallback),
                ("FallbackMethod", "POST"),
                ("StatusCallback", &status),
                ("StatusCallbackMethod", "POST"),
            ],
        )
    }

    /// Replaces the running document: inline if it is short enough, else by a URL of ours.
    pub(crate) fn push(&self, sid: &str, document: &str, script_url: &str) -> TransportRequest {
        let resource = ["Calls", &format!("{sid}.json")];
        if document.chars().count() <= INLINE_LIMIT {
            self.post(&resource, &[("Twiml", document)])
        } else {
            self.post(&resource, &[("Url", script_url), ("Method", "POST")])
        }
    }

    pub(crate) fn search(&self, intent: &DialIntent) -> TransportRequest {
        let mut request = self.request(Method::GET, &["Calls.json"]);
        request
            .url
            .query_pairs_mut()
            .append_pair("To", &intent.to.to_text())
            .append_pair("From", &intent.from.to_text())
            .append_pair("PageSize", "50");
        request
    }

    /// A page of the calls that are in progress: the first, or the one behind another.
    pub(crate) fn in_progress(&self, page: Option<&NextPage>) -> TransportRequest {
        let mut request = self.request(Method::GET, &["Calls.json"]);
        let mut query = request.url.query_pairs_mut();
        query.append_pair("Status", "in-progress").append_pair("PageSize", PAGE);
        if let Some(NextPage { number, token }) = page {
            query.append_pair("Page", number).append_pair("PageToken", token);
        }
        drop(query);
        request
    }
}

/// What names the page behind another.
#[derive(Debug)]
pub(crate) struct NextPage {
    number: String,
    token: String,
}

impl NextPage {
    /// Out of the path that Twilio gives. It is not followed as it stands: our requests go where our
    /// configuration says.
    fn of(uri: &str) -> Option<Self> {
        let (_, query) = uri.split_once('?')?;
        let value = |wanted| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
        };
        Some(Self { number: value("Page")?, token: value("PageToken")? })
    }
}

#[derive(Deserialize)]
struct CallResource {
    sid: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    direction: String,
    #[serde(default)]
    date_created: Option<String>,
}

#[derive(Deserialize)]
struct CallList {
    calls: Vec<CallResource>,
    #[serde(default)]
    next_page_uri: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorBody {
    code: Option<u32>,
    message: Option<String>,
}

/// Whether a request changes something: then a 5xx is ambiguous and not transient.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Read,
    Write,
}

pub(crate) fn created(response: &TransportResponse) -> Result<InitiatedCall, ProviderError> {
    let call = resource(response, Kind::Write)?;
    Ok(InitiatedCall { ids: call_sid(call.sid) })
}

pub(crate) fn updated(response: &TransportResponse) -> Result<(), ProviderError> {
    resource(response, Kind::Write).map(|_| ())
}

pub(crate) fn status(response: &TransportResponse, sid: &str) -> CallStatus {
    match resource(response, Kind::Read) {
        Ok(call) if call.sid == sid => rest_status(&call.status),
        Ok(_) => CallStatus::Unknown { cause: undecodable(response) },
        Err(error) if error.class() == ErrorClass::NotFound => CallStatus::NotFound,
        Err(cause) => CallStatus::Unknown { cause },
    }
}

/// Twilio's list has no field that names our call, so what it gives are candidates.
pub(crate) fn found(response: &TransportResponse, intent: &DialIntent) -> Search {
    let list: CallList = match success(response, Kind::Read).and_then(|()| json(response)) {
        Ok(list) => list,
        Err(cause) => return Search::Unknown { cause },
    };
    let earliest = intent.at.saturating_sub(CLOCK_SKEW).unwrap_or(Timestamp::MIN);
    let candidates: Vec<ProviderCallIds> = list
        .calls
        .into_iter()
        .filter(|call| call.direction == "outbound-api")
        .filter(|call| matches!(Word::parse(&call.status), Some(Word::Live(_))))
        .filter(|call| {
            let created = call.date_created.as_deref();
            let created = created.and_then(|text| jiff::fmt::rfc2822::parse(text).ok());
            created.is_none_or(|created| created.timestamp() >= earliest)
        })
        .map(|call| call_sid(call.sid))
        .collect();
    if candidates.is_empty() { Search::Nothing } else { Search::Candidates(candidates) }
}

/// A page of the calls that are live, and what names the one behind it.
pub(crate) fn running(
    response: &TransportResponse,
) -> Result<(Vec<RunningCall>, Option<NextPage>), ProviderError> {
    success(response, Kind::Read)?;
    let list: CallList = json(response)?;
    let next = match list.next_page_uri.as_deref() {
        None | Some("") => None,
        Some(uri) => Some(NextPage::of(uri).ok_or_else(|| undecodable(response))?),
    };
    let running = list.calls.into_iter().filter_map(|call| match Word::parse(&call.status) {
        Some(Word::Live(progress)) => {
            let ids = call_sid(call.sid);
            Some(RunningCall { ids, call: None, progress: Some(progress) })
        }
        _ => None,
    });
    Ok((running.collect(), next))
}

fn resource(response: &TransportResponse, kind: Kind) -> Result<CallResource, ProviderError> {
    success(response, kind)?;
    let call: CallResource = json(response)?;
    let digits = call.sid.strip_prefix("CA").unwrap_or_default();
    if digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(call)
    } else {
        Err(undecodable(response))
    }
}

fn json<'a, T: Deserialize<'a>>(response: &'a TransportResponse) -> Result<T, ProviderError> {
    let body = Some(&response.body).filter(|_| response.is_object());
    body.and_then(|body| serde_json::from_slice(body).ok()).ok_or_else(|| undecodable(response))
}

fn undecodable(response: &TransportResponse) -> ProviderError {
    ProviderError::undecodable("Twilio", response)
}

/// A status other than 2xx as an error. What has not the code of one of Twilio's errors was not
/// said by Twilio: a 404 of some proxy does not end a call, and a redirect refuses none.
fn success(response: &TransportResponse, kind: Kind) -> Result<(), ProviderError> {
    let status = response.status;
    if status.is_success() {
        return Ok(());
    }
    let body: ErrorBody = json(response).unwrap_or_default();
    let code = body.code.filter(|code| *code >= LEAST_CODE);
    let class = match (status, code) {
        (StatusCode::UNAUTHORIZED, _) => ErrorClass::Unauthenticated,
        // "The request was not processed": a dial may wait and be sent again. Source: Twilio, error 20429.
        (StatusCode::TOO_MANY_REQUESTS, _) => ErrorClass::Throttled,
        _ if status.is_server_error() && kind == Kind::Write => ErrorClass::Ambiguous,
        _ if status.is_server_error() => ErrorClass::Transient,
        (StatusCode::NOT_FOUND, Some(NO_SUCH_RESOURCE)) => ErrorClass::NotFound,
        (_, Some(code)) if status.is_client_error() && WRONG_STATE.contains(&code) => {
            ErrorClass::WrongState
        }
        (_, Some(_)) if status.is_client_error() => ErrorClass::Rejected,
        _ => return Err(undecodable(response)),
    };
    let mut text = format!("Twilio answered HTTP {}", status.as_u16());
    let error = match code {
        Some(code) => {
            text.extend(body.message.iter().flat_map(|message| [": ", message]));
            ProviderError::new(class, text).with_code(code.to_string())
        }
        None => ProviderError::new(class, text),
    };
    Err(error.with_retry_after(response.retry_after()))
}
