use http::Method;
use serde_json::Value;

use crate::line::{CALLS, FROM, Line, SILENT, call_path};

const TALK: &str = "<Response><Pause length=\"60\"/></Response>";
const ACCOUNT: &str = "AC00000000000000000000000000000001";

fn code(answer: &(u16, Value)) -> (u16, u64) {
    let (status, body) = answer;
    assert_eq!(body["status"], *status);
    let code = body["code"].as_u64().expect("a refusal has a code");
    assert_eq!(body["more_info"], format!("https://www.twilio.com/docs/errors/{code}"));
    assert!(body["message"].is_string());
    (*status, code)
}

#[test]
fn created_call_looks_as_twilio_shows_it() {
    let mut line = Line::new();
    let form = [("To", SILENT), ("From", FROM), ("Url", "http://app.test/answer")];
    let (status, body) = line.api(Method::POST, CALLS, &form);
    assert_eq!(status, 201);
    let sid = body["sid"].as_str().unwrap();
    assert!(sid.len() == 34 && sid.starts_with("CA"));
    assert!(sid[2..].bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(body["account_sid"], ACCOUNT);
    assert_eq!(body["status"], "queued");
    assert_eq!(body["direction"], "outbound-api");
    assert_eq!(body["queue_time"], "0");
    assert_eq!(body["uri"], format!("/2010-04-01/Accounts/{ACCOUNT}/Calls/{sid}.json"));
    for empty in ["date_created", "start_time", "end_time", "duration", "price", "answered_by"] {
        assert!(body[empty].is_null(), "{empty}");
    }
    line.run(1.0);
    let path = call_path(sid);
    let (_, body) = line.api(Method::GET, &path, &[]);
    assert_eq!(body["start_time"], "Mon, 05 Jan 2026 09:00:00 +0000");
}

#[test]
fn wrong_credentials_are_refused() {
    let mut line = Line::new();
    for credentials in ["AC00000000000000000000000000000001:wrong", "other:emulator", ""] {
        let answer = line.send(Method::GET, CALLS, credentials, "").unwrap();
        assert_eq!(answer.status, 401);
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(body["code"], 20003);
    }
}

#[test]
fn unknown_resources_are_not_found() {
    let mut line = Line::new();
    let sid = line.dial(SILENT, &[]);
    for path in [
        call_path("CA00000000000000000000000000000000"),
        call_path(&sid).replace(".json", "/Recordings.json"),
        CALLS.replace("0001", "0002"),
        "/2010-04-01/Accounts".to_owned(),
    ] {
        assert_eq!(code(&line.api(Method::GET, &path, &[])), (404, 20404), "{path}");
    }
    let (status, body) = line.api(Method::GET, "/other", &[]);
    assert_eq!((status, &body["error"]), (404, &"there is no /other".into()));
}

#[test]
fn bad_parameters_are_refused_with_twilios_codes() {
    let long = "x".repeat(4001);
    let to = ("To", SILENT);
    let from = ("From", FROM);
    let url = ("Url", "http://app.test/answer");
    let cases: Vec<(Vec<(&str, &str)>, u64)> = vec![
        (vec![from, url], 21201),
        (vec![to, url], 21213),
        (vec![to, from], 21205),
        (vec![("To", "12"), from, url], 21211),
        (vec![to, ("From", "+0123"), url], 21212),
        (vec![to, from, ("Url", "/relative")], 21205),
        (vec![to, from, ("Url", "ftp://h/")], 21205),
        (vec![to, from, url, ("StatusCallback", "nonsense")], 21609),
        (vec![to, from, url, ("StatusCallback", "http://a_b.test/")], 21609),
        (vec![to, from, ("Twiml", &long)], 32018),
        (vec![to, from, url, ("Timeout", "601")], 20001),
        (vec![to, from, url, ("Timeout", "-1")], 20001),
        (vec![to, from, url, ("StatusCallbackEvent", "sung")], 20001),
        (vec![to, from, url, ("Method", "PUT")], 20001),
        (vec![to, from, url, ("SendDigits", "hello")], 20001),
        (vec![to, from, url, ("MachineDetectionTimeout", "1")], 21234),
    ];
    let mut line = Line::new();
    for (form, expected) in cases {
        assert_eq!(code(&line.api(Method::POST, CALLS, &form)), (400, expected), "{form:?}");
    }
    let (_, list) = line.api(Method::GET, CALLS, &[]);
    assert_eq!(list["calls"], Value::Array(Vec::new()), "a refused call is none");
}

#[test]
fn redirect_before_in_progress_is_refused() {
    let mut line = Line::new();
    let sid = line.dial(SILENT, &[]);
    let push = [("Twiml", "<Response/>")];
    assert_eq!(code(&line.update(&sid, &push)), (400, 21220), "queued");
    line.run(1.0);
    assert_eq!(line.status(&sid), "ringing");
    assert_eq!(code(&line.update(&sid, &push)), (400, 21220), "ringing");
}

#[test]
fn ended_call_cannot_be_changed() {
    let mut line = Line::new();
    let sid = line.dial("+15550100002", &[]);
    line.run(3.0);
    for form in [[("Status", "completed")], [("Twiml", "<Response/>")], [("TimeLimit", "9")]] {
        assert_eq!(code(&line.update(&sid, &form)), (400, 21220));
    }
}

#[test]
fn answered_call_cannot_be_cancelled_but_completed() {
    let mut line = Line::new();
    line.document("/answer", TALK);
    let sid = line.dial(SILENT, &[]);
    line.run(3.0);
    assert_eq!(code(&line.update(&sid, &[("Status", "canceled")])), (400, 21220));
    let both = [("Url", "http://app.test/x"), ("Twiml", "<Response/>")];
    assert_eq!(code(&line.update(&sid, &both)), (400, 20001));
    let (status, body) = line.update(&sid, &[("Status", "completed")]);
    assert_eq!((status, &body["status"]), (200, &"completed".into()));
}

#[test]
fn inbound_call_takes_a_limit_and_a_callback_by_update() {
    let mut line = Line::new();
    line.document("/voice", "<Response><Say>Hello</Say><Pause length=\"60\"/></Response>");
    let id = line.receive("silent");
    line.run(1.0);
    let form = [("TimeLimit", "5"), ("StatusCallback", "http://app.test/other")];
    assert_eq!(line.update(&id, &form).0, 200);
    line.run(5.0);
    assert_eq!(line.hooks_to("/other")[0].param("CallStatus"), "completed");
    assert!(line.hooks_to("/status").is_empty());
}

#[test]
fn limit_that_is_already_over_ends_the_call_now() {
    let mut line = Line::new();
    line.document("/answer", TALK);
    let sid = line.dial(SILENT, &[]);
    line.run(12.2);
    assert_eq!(line.update(&sid, &[("TimeLimit", "5")]).0, 200);
    line.run(0.0);
    assert_eq!(line.hooks_to("/status").pop().unwrap().param("CallDuration"), "10");
}

#[test]
fn only_the_record_of_an_ended_call_can_be_deleted() {
    let mut line = Line::new();
    let sid = line.dial("+15550100004", &[]);
    let path = call_path(&sid);
    assert_eq!(line.api(Method::DELETE, &path, &[]).0, 400);
    line.run(3.0);
    assert_eq!(line.api(Method::DELETE, &path, &[]).0, 204);
    assert_eq!(line.api(Method::GET, &path, &[]).0, 404);
    assert_eq!(line.truth(&sid)["status"], "failed", "the emulator still knows");
}

#[test]
fn list_filters_by_status_parties_and_time() {
    let mut line = Line::new();
    line.document("/answer", TALK);
    line.dial("+15550100002", &[]);
    line.run(10.0);
    let live = line.dial(SILENT, &[]);
    line.run(5.0);
    let mut listed = |query: &str| {
        let (status, body) = line.api(Method::GET, &format!("{CALLS}?{query}"), &[]);
        assert_eq!(status, 200, "{body}");
        body["calls"].as_array().unwrap().len()
    };
    assert_eq!(listed("Status=in-progress"), 1);
    assert_eq!(listed("Status=busy"), 1);
    assert_eq!(listed("To=%2B15550100099&From=%2B15550100100"), 1);
    assert_eq!(listed("StartTime=2026-01-05"), 2);
    assert_eq!(listed("StartTime=2026-01-05T00:00:00Z"), 2);
    assert_eq!(listed("StartTime=2026-01-06T00:00:00Z"), 0);
    assert_eq!(listed("StartTime%3E=2026-01-05T09:00:05Z"), 1);
    assert_eq!(listed("StartTime%3C=2026-01-05T09:00:05Z"), 1);
    assert_eq!(listed("StartTime>=2026-01-06"), 0);
    assert_eq!(line.api(Method::GET, &format!("{CALLS}?StartTime=soon"), &[]).0, 400);
    let (_, list) = line.api(Method::GET, CALLS, &[]);
    assert_eq!(list["calls"][0]["sid"], live, "the newest first");
}

#[test]
fn list_comes_in_pages() {
    let mut line = Line::new();
    let sids: Vec<String> = (0..5).map(|_| line.dial(SILENT, &[])).collect();
    let (_, mut page) =
        line.api(Method::GET, &format!("{CALLS}?PageSize=2&To=%2B15550100099"), &[]);
    assert!(page["previous_page_uri"].is_null());
    assert_eq!((&page["start"], &page["end"]), (&0.into(), &1.into()));
    // A call that begins between two pages does not shift them.
    line.dial(SILENT, &[]);
    let mut seen = Vec::new();
    loop {
        for call in page["calls"].as_array().unwrap() {
            seen.push(call["sid"].as_str().unwrap().to_owned());
        }
        let Some(next) = page["next_page_uri"].as_str().map(str::to_owned) else { break };
        page = line.api(Method::GET, &next, &[]).1;
    }
    let newest_first: Vec<String> = sids.into_iter().rev().collect();
    assert_eq!(seen, newest_first);
    assert_eq!((&page["page"], &page["page_size"]), (&2.into(), &2.into()));
    assert!(page["first_page_uri"].as_str().unwrap().contains("Page=0"));
}

#[test]
fn nonsense_does_not_bring_it_down() {
    let mut line = Line::new();
    let sid = line.dial(SILENT, &[]);
    line.run(3.0);
    for path in [CALLS.to_owned(), call_path(&sid), call_path("ä"), "//?".to_owned(), String::new()]
    {
        for body in ["\u{0}%ff%fe=&&==", "To=%2B1&TimeLimit=99999999999999999999", "Twiml=%3C"] {
            for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE] {
                let credentials = "AC00000000000000000000000000000001:emulator";
                let _ = line.send(method, &path, credentials, body);
            }
        }
    }
    let query = "Page=4294967295&PageSize=4294967295&PageToken=PA&StartTime=9999-12-31";
    assert!(line.api(Method::GET, &format!("{CALLS}?{query}"), &[]).0 < 500);
    line.run(3.0);
}
