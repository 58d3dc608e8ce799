//! What Plivo answers to the questions how a call stands and where it is.

use offhook_conformance::provider_suite::{
    Answered, Finding, Look, Meaning, Searched, TO, response,
};
use offhook_core::{EndReason, Progress, ProviderCallId, ProviderCallIds, TransportResponse};

use crate::support::{CALL_UUID, REQUEST_UUID};

const JSON: &str = "application/json";

pub(crate) fn json(status: u16, body: impl Into<String>) -> TransportResponse {
    response(status, JSON, body.into())
}

fn missing() -> TransportResponse {
    json(404, r#"{"api_id":"5a9f","error":"not found"}"#)
}

/// A call of the live or the queued ones.
fn running(word: &str) -> TransportResponse {
    json(
        200,
        format!(
            r#"{{"api_id":"a","call_status":"{word}","call_uuid":"{CALL_UUID}","caller_name":"",
                "direction":"outbound","from":"15550001234","to":"442071838750",
                "request_uuid":"{REQUEST_UUID}","session_start":"2025-01-14 09:26:50.120931"}}"#
        ),
    )
}

/// The record of a call that is over, with these fields.
fn record(fields: &str) -> TransportResponse {
    json(
        200,
        format!(
            r#"{{"api_id":"a","call_uuid":"{CALL_UUID}","call_direction":"outbound",
                "call_state":"ANSWER","from_number":"15550001234","to_number":"442071838750",
                "parent_call_uuid":null,"total_amount":"0.00850"{fields}}}"#
        ),
    )
}

pub(crate) fn ids(uuids: &[&str]) -> TransportResponse {
    json(200, format!(r#"{{"api_id":"a","calls":{uuids:?}}}"#))
}

/// Each documented status, where Plivo is asked for it.
pub(crate) fn statuses() -> Vec<Look> {
    let look = |word, answers: Vec<TransportResponse>, means| Look {
        word,
        answers: answers.into_iter().map(Ok).collect(),
        means,
    };
    let live = |word, progress| look(word, vec![running(word)], Meaning::Live(progress));
    let queued =
        |word, progress| look(word, vec![missing(), running(word)], Meaning::Live(Some(progress)));
    let over = |word, reason| look(word, vec![running(word)], Meaning::Ended(reason));
    let recorded = |name, fields: &str, reason| {
        look(name, vec![missing(), missing(), record(fields)], Meaning::Ended(reason))
    };
    vec![
        live("ringing", Some(Progress::Ringing)),
        live("in-progress", Some(Progress::Answered)),
        // Whatever the word: it is listed as live.
        live("early-media", None),
        live("", None),
        queued("queued", Progress::Initiated),
        queued("", Progress::Initiated),
        queued("ringing", Progress::Ringing),
        over("completed", EndReason::Completed),
        over("busy", EndReason::Busy),
        over("failed", EndReason::Failed),
        over("timeout", EndReason::NoAnswer),
        over("no-answer", EndReason::NoAnswer),
        over("cancel", EndReason::Canceled),
        recorded(
            "answered, with an end",
            r#","answer_time":"2025-01-14 09:26:54+00:00","end_time":"2025-01-14 09:27:31+00:00""#,
            EndReason::Completed,
        ),
        recorded(
            "unanswered, with an end",
            r#","answer_time":null,"end_time":"2025-01-14 09:27:31+00:00""#,
            EndReason::Failed,
        ),
        recorded(
            "the callee hung up",
            r#","answer_time":"2025-01-14 09:26:54+00:00","hangup_cause_code":4000,
                "hangup_cause_name":"Normal Hangup","hangup_source":"Callee""#,
            EndReason::HangupUser,
        ),
        recorded(
            "busy",
            r#","end_time":null,"hangup_cause_code":3010,"hangup_cause_name":"Busy Line""#,
            EndReason::Busy,
        ),
        recorded(
            "called off after the answer",
            r#","answer_time":"2025-01-14 09:26:54+00:00","hangup_cause_code":1000,
                "hangup_source":"API Request""#,
            EndReason::HangupBot,
        ),
        recorded(
            "called off before the answer",
            r#","hangup_cause_code":"1000""#,
            EndReason::Canceled,
        ),
        recorded(
            "for a reason that Plivo does not know",
            r#","answer_time":"2025-01-14 09:26:54+00:00","hangup_cause_code":0"#,
            EndReason::Completed,
        ),
        recorded(
            "for a reason that is not documented",
            r#","hangup_cause_code":4242"#,
            EndReason::Failed,
        ),
        look("known by none of the three", vec![missing()], Meaning::NotFound),
    ]
}

/// Answers that are no status.
pub(crate) fn undocumented_statuses() -> Vec<Vec<TransportResponse>> {
    let live = |fields: &str| {
        vec![json(200, format!(r#"{{"api_id":"a","call_uuid":"{CALL_UUID}"{fields}}}"#))]
    };
    let recorded = |fields| vec![missing(), missing(), record(fields)];
    vec![
        live(r#","call_status":7"#),
        live(r#","call_status":["completed"]"#),
        recorded(""),
        recorded(r#","end_time":"","hangup_cause_code":null"#),
        recorded(r#","end_time":7"#),
        // A record has no status.
        recorded(r#","call_status":"completed""#),
        vec![json(200, "{}")],
        vec![json(200, r#"{"api_id":"a"}"#)],
        vec![missing(), json(200, r#"{"api_id":"a"}"#)],
        vec![missing(), missing(), json(200, r#"{"api_id":"a"}"#)],
    ]
}

/// Answers about another call, or about none.
pub(crate) fn statuses_of_others() -> Vec<Vec<TransportResponse>> {
    let of = |body: &str| json(200, body);
    let other = of(r#"{"api_id":"a","call_uuid":"another","call_status":"completed"}"#);
    let nameless = of(r#"{"api_id":"a","call_uuid":null,"call_status":"completed"}"#);
    let ended =
        of(r#"{"api_id":"a","call_uuid":"another","end_time":"2025-01-14 09:27:31+00:00"}"#);
    let of_nobody = of(r#"{"api_id":"a","end_time":"2025-01-14 09:27:31+00:00"}"#);
    let running = of(&format!(r#"["{CALL_UUID}","{REQUEST_UUID}","completed"]"#));
    let record = of(&format!(
        r#"["{CALL_UUID}","outbound","15550001234","442071838750",null,null,
            "2025-01-14 09:27:31+00:00",3010]"#
    ));
    vec![
        vec![other.clone()],
        vec![missing(), other],
        vec![nameless],
        vec![missing(), missing(), ended],
        vec![missing(), missing(), of_nobody],
        vec![running.clone()],
        vec![missing(), running],
        vec![missing(), missing(), record],
    ]
}

/// Plivo's lists name no call of ours: what they give are candidates.
pub(crate) fn searches() -> Vec<Searched> {
    let (caller, called) = ("15550001234", "442071838750");
    let running = |uuid: &str, direction: &str, to: &str, at: &str| {
        json(
            200,
            format!(
                r#"{{"api_id":"a","call_uuid":"{uuid}","direction":"{direction}",
                    "from":"{caller}","to":"{to}","call_status":"ringing",
                    "session_start":"{at}"}}"#
            ),
        )
    };
    let record = |uuid: &str, direction: &str, to: &str, at: &str| {
        format!(
            r#"{{"call_uuid":"{uuid}","call_direction":"{direction}","from_number":"{caller}",
                "to_number":"{to}","initiation_time":"{at}+00:00"}}"#
        )
    };
    let records = |records: &[String]| {
        let objects = records.join(",");
        json(200, format!(r#"{{"api_id":"a","meta":{{"limit":20}},"objects":[{objects}]}}"#))
    };
    // Clocks differ.
    let (after, skewed) = ("2025-01-14 09:26:54", "2025-01-14 09:25:54");
    let long_before = "2025-01-14 09:20:55";
    let searched = |name, answers: Vec<TransportResponse>, found: &[&str]| {
        let id = |uuid: &&str| ProviderCallIds::of(ProviderCallId::new("call_uuid", 1, *uuid));
        let finds = match found {
            [] => Finding::Nothing,
            found => Finding::Candidates(found.iter().map(id).collect()),
        };
        let answers: Vec<Answered> = answers.into_iter().map(Ok).collect();
        Searched { name, answers, finds }
    };
    vec![
        searched(
            "one that runs, one that waits and one that is over",
            vec![
                ids(&["runs"]),
                running("runs", "outbound", called, skewed),
                ids(&["waits"]),
                running("waits", "outbound", TO, ""),
                records(&[record("was", "outbound", called, after)]),
            ],
            &["runs", "waits", "was"],
        ),
        searched(
            "one that ends while it is looked for",
            vec![
                ids(&["ends"]),
                missing(),
                ids(&[]),
                records(&[record("ends", "outbound", called, after)]),
            ],
            &["ends"],
        ),
        searched(
            "others",
            vec![
                ids(&["inbound", "elsewhere", "early"]),
                running("inbound", "inbound", called, after),
                running("elsewhere", "outbound", "442071838751", after),
                running("early", "outbound", called, long_before),
                ids(&[]),
                records(&[
                    record("came", "inbound", called, after),
                    record("was", "outbound", called, long_before),
                    record("../..", "outbound", called, after),
                ]),
            ],
            &[],
        ),
        searched("none", vec![ids(&[]), ids(&[]), records(&[])], &[]),
    ]
}
