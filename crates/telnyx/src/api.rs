//! REST requests, pure: the same call and step give the same bytes. Source: Telnyx' API v2.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderValue, Method, header};
use offhook_core::{
    CallPlan, CallRef, Connection, DialIntent, DigitInput, Digits, ErrorClass, Locale,
    ProviderError, RejectReason, Say, TransportRequest,
};
use secrecy::ExposeSecret;
use serde::Serialize;
use url::Url;

use crate::client_state::ClientState;
use crate::config::TelnyxConfig;
use crate::language::{self, Transcribed};
use crate::webhook::kind;

/// The most characters that `speak` takes.
const LONGEST_SPEECH: usize = 3000;

/// The most calls on a page of active calls.
const PAGE: &str = "250";

/// When a webhook that was not taken comes again: the most that Telnyx permits, five times within a
/// minute.
const RETRIES_MS: [u32; 5] = [1000, 3000, 8000, 18_000, 30_000];

/// The events that a call cannot do without.
const RETRIED: [&str; 7] = [
    "call.initiated",
    "call.answered",
    "call.hangup",
    "call.speak.ended",
    "call.transcription",
    "call.dtmf.received",
    "call.gather.ended",
];

/// How long a gather waits for the first key, and the longest that all of it may take: the most that
/// Telnyx permits for the first key. Its end comes back to us, and it is renewed.
pub(crate) const GATHER_MILLIS: u32 = 120_000;

/// The pause after which what was pressed is the entry.
const BETWEEN_DIGITS_MILLIS: u32 = 5_000;

/// Builds requests for one connection.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    base: Url,
    connection_id: String,
    authorization: HeaderValue,
}

/// Where Telnyx reports on a call.
#[derive(Serialize)]
struct Webhooks {
    webhook_url: String,
    webhook_url_method: &'static str,
    webhook_retries_policies: BTreeMap<&'static str, Retries>,
}

#[derive(Serialize)]
struct Retries {
    retries_ms: [u32; 5],
}

impl Webhooks {
    fn of(call: &CallRef, kind: &str) -> Self {
        let policies = RETRIED.map(|event| (event, Retries { retries_ms: RETRIES_MS }));
        Self {
            webhook_url: call.callback(kind),
            webhook_url_method: "POST",
            webhook_retries_policies: policies.into(),
        }
    }
}

#[derive(Serialize)]
struct Dial<'a> {
    connection_id: &'a str,
    to: String,
    from: String,
    timeout_secs: u64,
    time_limit_secs: u64,
    client_state: String,
    command_id: String,
    #[serde(flatten)]
    webhooks: Webhooks,
}

#[derive(Serialize)]
struct Answer {
    client_state: String,
    command_id: String,
    #[serde(flatten)]
    webhooks: Webhooks,
}

#[derive(Serialize)]
struct Reject {
    cause: &'static str,
    command_id: String,
}

#[derive(Serialize)]
struct Speak<'a> {
    payload: &'a str,
    payload_type: &'static str,
    voice: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'static str>,
    stop: &'static str,
    client_state: String,
    command_id: String,
}

#[derive(Serialize)]
struct Transcription {
    transcription_engine: &'static str,
    transcription_engine_config: Engine,
    transcription_tracks: &'static str,
    command_id: String,
}

#[derive(Serialize)]
#[serde(tag = "transcription_engine")]
enum Engine {
    Google { language: &'static str, interim_results: bool },
    Telnyx { language: &'static str, transcription_model: &'static str },
}

#[derive(Serialize)]
struct Gather {
    minimum_digits: u8,
    maximum_digits: u8,
    terminating_digit: char,
    initial_timeout_millis: u32,
    inter_digit_timeout_millis: u32,
    timeout_millis: u32,
    gather_id: String,
    client_state: String,
    command_id: String,
}

#[derive(Serialize)]
struct StopPlayback {
    stop: &'static str,
    command_id: String,
}

#[derive(Serialize)]
struct SendDtmf<'a> {
    digits: &'a str,
    command_id: String,
}

#[derive(Serialize)]
struct Plain {
    #[serde(skip_serializing_if = "Option::is_none")]
    command_id: Option<String>,
}

/// The same for a command and its repetition, so that Telnyx carries it out once.
fn command_id(call: &CallRef, command: &str) -> String {
    format!("{}-{}-{command}", call.id, call.step)
}

impl Api {
    pub(crate) fn new(config: &TelnyxConfig) -> Self {
        let mut base = config.api_base.clone();
        base.set_query(None);
        if let Ok(mut path) = base.path_segments_mut() {
            path.pop_if_empty().push("v2");
        }
        let bearer = format!("Bearer {}", config.api_key.expose_secret());
        let mut authorization =
            HeaderValue::try_from(bearer).expect("an API key was checked to be plain ASCII");
        authorization.set_sensitive(true);
        Self { base, connection_id: config.connection_id.clone(), authorization }
    }

    fn request(&self, method: Method, resource: &[&str]) -> TransportRequest {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(resource);
        }
        let mut request = TransportRequest::new(method, url);
        request.headers.insert(header::AUTHORIZATION, self.authorization.clone());
        request.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        request
    }

    fn post(&self, resource: &[&str], body: &impl Serialize) -> TransportRequest {
        let mut request = self.request(Method::POST, resource);
        let body = serde_json::to_vec(body).expect("texts, numbers and maps of texts are JSON");
        request.body = Bytes::from(body);
        request.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request
    }

    fn command(&self, id: &str, name: &str, body: &impl Serialize) -> TransportRequest {
        self.post(&["calls", id, "actions", name], body)
    }

    /// # Errors
    /// The call would be silent: its message is longer than Telnyx speaks.
    pub(crate) fn dial(&self, intent: &DialIntent) -> Result<TransportRequest, ProviderError> {
        if let CallPlan::Say(say) = &intent.plan {
            speakable(say)?;
        }
        let call = &intent.call;
        let body = Dial {
            connection_id: &self.connection_id,
            to: intent.to.to_text(),
            from: intent.from.to_text(),
            timeout_secs: intent.carrier_ring_seconds().clamp(5, 600),
            time_limit_secs: intent.carrier_limit_seconds().clamp(60, 14_400),
            client_state: ClientState::of_call(call).encode(),
            command_id: command_id(call, "dial"),
            webhooks: Webhooks::of(call, kind::OUTBOUND),
        };
        let mut request = self.post(&["calls"], &body);
        request.connection = Connection::Fresh;
        Ok(request)
    }

    pub(crate) fn fetch(&self, id: &str) -> TransportRequest {
        self.request(Method::GET, &["calls", id])
    }

    /// A page of the connection's active calls: the first, or the one behind a cursor.
    pub(crate) fn active_calls(&self, after: Option<&str>) -> TransportRequest {
        let mut request =
            self.request(Method::GET, &["connections", &self.connection_id, "active_calls"]);
        let mut query = request.url.query_pairs_mut();
        query.append_pair("page[limit]", PAGE);
        if let Some(after) = after {
            query.append_pair("page[after]", after);
        }
        drop(query);
        request
    }

    /// Brings our id to a call that we did not place, and its webhooks to a URL of its own.
    pub(crate) fn answer(&self, call: &CallRef, id: &str) -> TransportRequest {
        let body = Answer {
            client_state: ClientState::of_call(call).encode(),
            command_id: command_id(call, "answer"),
            webhooks: Webhooks::of(call, kind::INBOUND),
        };
        self.command(id, "answer", &body)
    }

    pub(crate) fn reject(&self, call: &CallRef, id: &str, why: RejectReason) -> TransportRequest {
        let cause = match why {
            RejectReason::Busy => "USER_BUSY",
            RejectReason::Declined => "CALL_REJECTED",
        };
        self.command(id, "reject", &Reject { cause, command_id: command_id(call, "reject") })
    }

    /// Without a `command_id`: a hangup that was taken and not done is sent again, and must not be
    /// ignored as a repetition. To hang up twice harms nobody.
    pub(crate) fn hangup(&self, id: &str) -> TransportRequest {
        self.command(id, "hangup", &Plain { command_id: None })
    }

    /// Speech takes the place of whatever is played or waits to be.
    ///
    /// # Errors
    /// The text is longer than Telnyx speaks.
    pub(crate) fn speak(
        &self,
        call: &CallRef,
        id: &str,
        say: &Say,
    ) -> Result<TransportRequest, ProviderError> {
        speakable(say)?;
        let spoken = language::spoken(&say.speech.locale);
        let body = Speak {
            payload: say.speech.text.as_str(),
            payload_type: "text",
            voice: say.speech.voice.as_ref().map_or(spoken.voice, |voice| voice.as_str()),
            language: spoken.language,
            stop: "all",
            client_state: ClientState::of_step(call).encode(),
            command_id: command_id(call, "speak"),
        };
        Ok(self.command(id, "speak", &body))
    }

    /// Gathers digits. The step comes back with their entry.
    pub(crate) fn gather(&self, call: &CallRef, id: &str, digits: DigitInput) -> TransportRequest {
        let body = Gather {
            minimum_digits: 1,
            maximum_digits: digits.max_digits(),
            terminating_digit: digits.finish_on_key(),
            initial_timeout_millis: GATHER_MILLIS,
            inter_digit_timeout_millis: BETWEEN_DIGITS_MILLIS,
            timeout_millis: GATHER_MILLIS,
            gather_id: call.step.to_string(),
            client_state: ClientState::of_step(call).encode(),
            command_id: command_id(call, "gather"),
        };
        self.command(id, "gather", &body)
    }

    pub(crate) fn stop_gathering(&self, call: &CallRef, id: &str) -> TransportRequest {
        let command_id = Some(command_id(call, "stop-gathering"));
        self.command(id, "gather_stop", &Plain { command_id })
    }

    /// Transcribes the other side, with previews where the engine has them.
    pub(crate) fn transcribe(&self, call: &CallRef, id: &str, locale: &Locale) -> TransportRequest {
        let (name, config) = match language::transcribed(locale) {
            Transcribed::Google(language) => {
                ("Google", Engine::Google { language, interim_results: true })
            }
            Transcribed::Telnyx(language) => {
                let transcription_model = "openai/whisper-large-v3-turbo";
                ("Telnyx", Engine::Telnyx { language, transcription_model })
            }
        };
        let body = Transcription {
            transcription_engine: name,
            transcription_engine_config: config,
            transcription_tracks: "inbound",
            command_id: command_id(call, "listen"),
        };
        self.command(id, "transcription_start", &body)
    }

    pub(crate) fn stop_listening(&self, call: &CallRef, id: &str) -> TransportRequest {
        let command_id = Some(command_id(call, "stop-listening"));
        self.command(id, "transcription_stop", &Plain { command_id })
    }

    pub(crate) fn stop_speaking(&self, call: &CallRef, id: &str) -> TransportRequest {
        let command_id = command_id(call, "stop-speaking");
        self.command(id, "playback_stop", &StopPlayback { stop: "all", command_id })
    }

    pub(crate) fn send_dtmf(&self, call: &CallRef, id: &str, digits: &Digits) -> TransportRequest {
        let body = SendDtmf { digits: digits.as_str(), command_id: command_id(call, "dtmf") };
        self.command(id, "send_dtmf", &body)
    }
}

fn speakable(say: &Say) -> Result<(), ProviderError> {
    let length = say.speech.text.as_str().chars().count();
    if length <= LONGEST_SPEECH {
        return Ok(());
    }
    Err(ProviderError::new(
        ErrorClass::Rejected,
        format!("the text has {length} characters; Telnyx speaks at most {LONGEST_SPEECH} at once"),
    ))
}
