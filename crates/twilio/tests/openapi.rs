//! Everything that we send, held against Twilio's own description of its API.

mod support;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, header};
use jiff::Timestamp;
use offhook_core::{
    CallPlan, CallRef, CallStatus, DialIntent, Listen, Locale, Party, ProviderCallIds, Say, Speech,
    Then, TransportRequest, Turn, VoiceProvider,
};
use offhook_twilio::Twilio;
use serde_json::Value;
use url::Url;

use support::{CALL_SID, Script, call, config, response};

const FORM: &str = "application/x-www-form-urlencoded";

/// Twilio's description of the operations on calls.
struct Description(Value);

impl Description {
    fn read() -> Self {
        let text = include_str!("../fixtures/calls-api.json");
        Self(serde_json::from_str(text).expect("a JSON description"))
    }

    /// What is wrong with a request.
    fn faults(&self, request: &TransportRequest) -> Vec<String> {
        let server = self.0["servers"][0]["url"].as_str().expect("a server");
        let host = request.url.as_str().strip_prefix(server);
        if host.is_none_or(|path| !path.starts_with('/')) {
            return vec![format!("{} is not at {server}", request.url)];
        }
        let paths = self.0["paths"].as_object().expect("paths");
        let found = paths.iter().find_map(|(template, path)| {
            let in_path = bound(template, request.url.path())?;
            Some((&path[request.method.as_str().to_ascii_lowercase()], in_path))
        });
        let Some((operation, in_path)) = found.filter(|(operation, _)| operation.is_object())
        else {
            return vec![format!("there is no {} {}", request.method, request.url.path())];
        };
        let query = request.url.query_pairs().into_owned().collect();
        let mut faults = Vec::new();
        for (place, given) in [("path", in_path), ("query", query)] {
            let described = operation["parameters"].as_array().into_iter().flatten();
            let described: Vec<_> = described
                .filter(|parameter| parameter["in"] == place)
                .map(|parameter| (text(&parameter["name"]), &parameter["schema"]))
                .collect();
            let required = operation["parameters"].as_array().into_iter().flatten();
            let required = required
                .filter(|parameter| parameter["in"] == place && parameter["required"] == true)
                .map(|parameter| text(&parameter["name"]));
            faults.extend(self.compared(&given, &described, required));
        }
        let form = &operation["requestBody"]["content"][FORM]["schema"];
        let described = form["properties"].as_object().into_iter().flatten();
        let described: Vec<_> = described.map(|(name, schema)| (name.as_str(), schema)).collect();
        let required = form["required"].as_array().into_iter().flatten().map(text);
        let given: Vec<_> = form_urlencoded::parse(&request.body).into_owned().collect();
        faults.extend(self.compared(&given, &described, required));
        let content_type = request.headers.get(header::CONTENT_TYPE);
        if !given.is_empty() && content_type.is_none_or(|given| given != FORM) {
            faults.push(format!("{content_type:?} is not the type of a form"));
        }
        faults
    }

    fn compared<'a>(
        &self,
        given: &[(String, String)],
        described: &[(&str, &Value)],
        mut required: impl Iterator<Item = &'a str>,
    ) -> Vec<String> {
        let mut faults = Vec::new();
        for (place, (name, value)) in given.iter().enumerate() {
            let schema = described.iter().find(|(known, _)| known == name);
            let Some((_, schema)) = schema else {
                faults.push(format!("{name} is not described"));
                continue;
            };
            let is_repeated = given[..place].iter().any(|(earlier, _)| earlier == name);
            if is_repeated && schema["type"] != "array" {
                faults.push(format!("{name} stands twice"));
            }
            if !self.permits(schema, value) {
                faults.push(format!("{name} cannot be {value:?}"));
            }
        }
        let missing = |name: &&str| !given.iter().any(|(given, _)| given == name);
        faults.extend(required.find(missing).map(|name| format!("{name} is missing")));
        faults
    }

    fn permits(&self, schema: &Value, value: &str) -> bool {
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.strip_prefix("#/components/schemas/").expect("a schema");
            return self.permits(&self.0["components"]["schemas"][name], value);
        }
        match text(&schema["type"]) {
            "integer" => value.parse().is_ok_and(|number: i64| {
                schema["minimum"].as_i64().is_none_or(|least| number >= least)
                    && schema["maximum"].as_i64().is_none_or(|most| number <= most)
            }),
            // The words of this one stand in its prose.
            "array" => {
                let prose = schema["description"].as_str().unwrap_or_default();
                let words = prose.split("Can be: ").nth(1).and_then(|rest| rest.split('.').next());
                self.permits(&schema["items"], value)
                    && words.is_none_or(|words| words.contains(&format!("`{value}`")))
            }
            "string" => {
                let words = schema["enum"].as_array();
                words.is_none_or(|words| words.iter().any(|word| word == value))
                    && schema["pattern"].as_str().is_none_or(|pattern| is_sid(pattern, value))
                    && has_format(schema["format"].as_str(), value)
            }
            other => panic!("this test does not know the type {other}"),
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// The parameters of a path that follows this template.
fn bound(template: &str, path: &str) -> Option<Vec<(String, String)>> {
    let mut given = path.split('/');
    let mut parameters = Vec::new();
    for part in template.split('/') {
        let given = given.next()?;
        match part.strip_prefix('{').and_then(|part| part.split_once('}')) {
            Some((name, rest)) => {
                parameters.push((name.to_owned(), given.strip_suffix(rest)?.to_owned()));
            }
            None if part == given => {}
            None => return None,
        }
    }
    given.next().is_none().then_some(parameters)
}

/// The description has patterns for SIDs only.
fn is_sid(pattern: &str, value: &str) -> bool {
    let prefix = pattern.strip_prefix('^').and_then(|rest| rest.strip_suffix("[0-9a-fA-F]{32}$"));
    let prefix = prefix.unwrap_or_else(|| panic!("this test does not know {pattern}"));
    let digits = value.strip_prefix(prefix).unwrap_or_default();
    digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn has_format(format: Option<&str>, value: &str) -> bool {
    match format {
        // Its words are enumerated.
        None | Some("http-method") => true,
        Some("uri") => Url::parse(value).is_ok_and(|url| url.has_host()),
        Some("endpoint" | "phone-number") => Party::dialled(value).is_ok(),
        Some("twiml") => value.contains("<Response>") && value.chars().count() <= 4000,
        Some(other) => panic!("this test does not know the format {other}"),
    }
}

fn dialling(to: &str) -> DialIntent {
    DialIntent::new(
        CallRef { ids: ProviderCallIds::none(), ..call() },
        Party::observed("+15550001234"),
        Party::observed(to),
        CallPlan::Hold,
        Duration::from_secs(30),
        Duration::from_secs(300),
        Timestamp::UNIX_EPOCH,
    )
}

fn speech(text: &str) -> Say {
    let speech =
        Speech { text: text.parse().expect("a text"), voice: None, locale: Locale::en_us() };
    Say { speech, then: Then::Hold }
}

/// A Twilio that is asked one thing, and what it is asked by.
fn asked() -> (Twilio, Arc<Script>) {
    let body = format!(r#"{{"sid":"{CALL_SID}","status":"in-progress"}}"#);
    let script = Script::of(Ok(response(200, "application/json", body)));
    (Twilio::with_transport(config(), script.clone()), script)
}

async fn dialled(to: &str) -> TransportRequest {
    let (twilio, script) = asked();
    twilio.initiate_call(&dialling(to)).await.expect("it is taken");
    script.only_request()
}

/// One request of each kind that there is.
async fn every_request() -> Vec<(&'static str, TransportRequest)> {
    let listen = Listen::for_speech(Turn(2), Locale::en_us());
    let digits = "1w2#".parse().expect("digits");
    let mut all = vec![
        ("a dial", dialled("+442071838750").await),
        ("a dial to SIP", dialled("sip:bob@example.com;transport=tls").await),
    ];
    for what in [
        "hangup",
        "limit",
        "look",
        "search",
        "list",
        "say",
        "say at length",
        "listen",
        "hold",
        "digits",
    ] {
        let (twilio, script) = asked();
        let call = call();
        match what {
            "hangup" => twilio.hangup_call(&call).await.expect("it is taken"),
            "limit" => {
                twilio.limit_call(&call, Duration::from_secs(300)).await.expect("it is taken");
            }
            "look" => drop(twilio.get_call_status(&call).await),
            "search" => drop(twilio.find_call(&dialling("+442071838750")).await),
            "list" => drop(twilio.list_live().await),
            "say" => twilio.play_tts(&call, &speech("Tom & Jerry")).await.expect("it is taken"),
            "say at length" => {
                twilio.play_tts(&call, &speech(&"x".repeat(4096))).await.expect("it is taken");
            }
            "listen" => twilio.start_listening(&call, &listen).await.expect("it is taken"),
            "hold" => twilio.stop_listening(&call).await.expect("it is taken"),
            _ => twilio.send_dtmf(&call, &digits, &Then::Hold).await.expect("it is taken"),
        }
        all.push((what, script.only_request()));
    }
    all
}

#[tokio::test]
async fn every_request_is_as_twilio_describes_it() {
    let description = Description::read();
    for (what, request) in every_request().await {
        assert_eq!(description.faults(&request), Vec::<String>::new(), "{what}");
    }
}

#[tokio::test]
async fn a_request_that_is_not_as_twilio_describes_it_is_found() {
    let description = Description::read();
    let dial = dialled("+442071838750").await;
    let body = String::from_utf8(dial.body.to_vec()).expect("a form");
    let spoilt = |from: &str, to: &str| {
        let spoilt = body.replace(from, to);
        assert_ne!(spoilt, body, "{from}");
        description.faults(&TransportRequest { body: Bytes::from(spoilt), ..dial.clone() })
    };
    for (from, to, fault) in [
        ("To=%2B442071838750&", "", "To is missing"),
        ("Timeout=30", "TimeOut=30", "TimeOut is not described"),
        ("Timeout=30", "Timeout=soon", "Timeout cannot be \"soon\""),
        ("Timeout=30", "Timeout=30&Timeout=31", "Timeout stands twice"),
        ("Event=answered", "Event=answerd", "StatusCallbackEvent cannot be \"answerd\""),
        ("Method=POST", "Method=PUT", "Method cannot be \"PUT\""),
        ("Url=https", "Url=", "Url cannot be"),
    ] {
        let faults = spoilt(from, to);
        assert!(faults.iter().any(|found| found.starts_with(fault)), "{from} {to}: {faults:?}");
    }

    let (twilio, script) = asked();
    twilio.hangup_call(&call()).await.expect("it is taken");
    let hangup = script.only_request();
    let other = TransportRequest { body: Bytes::from("Status=hangup"), ..hangup.clone() };
    assert_eq!(description.faults(&other), [r#"Status cannot be "hangup""#]);
    let put = TransportRequest { method: Method::PUT, ..hangup.clone() };
    assert!(description.faults(&put)[0].starts_with("there is no PUT"));
    for (from, to, fault) in [
        (CALL_SID, "CA1", r#"Sid cannot be "CA1""#),
        (".json", "", "there is no POST"),
        ("/Calls/", "/Call/", "there is no POST"),
        ("api.twilio.com", "api.example.com", "https://api.example.com"),
    ] {
        let url = Url::parse(&hangup.url.as_str().replace(from, to)).expect("a URL");
        let faults = description.faults(&TransportRequest { url, ..hangup.clone() });
        assert!(faults.iter().any(|found| found.starts_with(fault)), "{to}: {faults:?}");
    }
    let json = TransportRequest { headers: http::HeaderMap::new(), ..hangup };
    assert_eq!(description.faults(&json), ["None is not the type of a form"]);
}

#[tokio::test]
async fn every_status_that_twilio_describes_is_known() {
    let words = &Description::read().0["components"]["schemas"]["call_enum_status"]["enum"];
    for word in words.as_array().expect("an enumeration") {
        let body = serde_json::json!({ "sid": CALL_SID, "status": word });
        let script = Script::of(Ok(response(200, "application/json", body.to_string())));
        let status = Twilio::with_transport(config(), script).get_call_status(&call()).await;
        assert!(!matches!(status, CallStatus::Unknown { .. }), "{word}");
    }
}
