use http::Method;
use offhook_carrier::Habit;

use crate::line::{CALLS, FROM, Line, SILENT, call_path, plain};

const TALK: &str = "<Response><Pause length=\"60\"/></Response>";

#[test]
fn answered_call_tells_every_requested_step() {
    let mut line = Line::new();
    line.document("/answer", "<Response><Say>Fifteen letters</Say></Response>");
    let sid = line.dial(SILENT, &[]);
    line.run(30.0);
    assert_eq!(line.told(), ["initiated", "ringing", "in-progress", "completed"]);
    let sequence: Vec<String> =
        line.hooks_to("/status").iter().map(|hook| hook.param("SequenceNumber").into()).collect();
    assert_eq!(sequence, ["0", "1", "2", "3"]);
    let first = line.hooks_to("/status").remove(0);
    assert_eq!(first.param("CallSid"), sid);
    assert_eq!(first.param("CallbackSource"), "call-progress-events");
    assert_eq!((first.param("Caller"), first.param("Called")), (FROM, SILENT));
    assert_eq!(first.param("Direction"), "outbound-api");
    assert_eq!(first.param("Timestamp"), "Mon, 05 Jan 2026 09:00:00 +0000");
    assert_eq!(first.param("CallDuration"), "");
}

#[test]
fn only_completed_is_told_unless_more_is_asked_for() {
    let mut line = Line::new();
    let form = [
        ("To", SILENT),
        ("From", FROM),
        ("Twiml", "<Response/>"),
        ("StatusCallback", "http://app.test/status"),
    ];
    assert_eq!(line.api(Method::POST, CALLS, &form).0, 201);
    line.run(30.0);
    assert_eq!(line.told(), ["completed"]);
}

#[test]
fn call_duration_is_in_seconds_and_duration_in_minutes() {
    let mut line = Line::new();
    line.document("/answer", "<Response><Pause length=\"61\"/></Response>");
    let sid = line.dial(SILENT, &[]);
    line.run(90.0);
    let last = line.hooks_to("/status").pop().unwrap();
    assert_eq!((last.param("CallDuration"), last.param("Duration")), ("61", "2"));
    assert_eq!(last.param("SipResponseCode"), "200");
    let (_, body) = line.api(Method::GET, &call_path(&sid), &[]);
    assert_eq!(body["duration"], "61");
}

#[test]
fn called_numbers_decide_how_a_call_ends() {
    for (number, status, sip) in [
        ("+15550100002", "busy", "486"),
        ("+15550100003", "no-answer", "487"),
        ("+15550100004", "failed", "404"),
    ] {
        let mut line = Line::new();
        let sid = line.dial(number, &[("Timeout", "20")]);
        line.run(60.0);
        assert_eq!(line.status(&sid), status);
        let last = line.hooks_to("/status").pop().unwrap();
        assert_eq!((last.param("CallStatus"), last.param("SipResponseCode")), (status, sip));
        assert_eq!(last.param("CallDuration"), "0");
        assert!(line.hooks_to("/answer").is_empty(), "nobody answered {number}");
    }
}

#[test]
fn unanswered_call_rings_for_its_timeout() {
    let mut line = Line::new();
    let sid = line.dial("+15550100003", &[("Timeout", "10")]);
    line.run(10.0);
    assert_eq!(line.status(&sid), "ringing");
    line.run(10.0);
    assert_eq!(line.status(&sid), "no-answer");
}

#[test]
fn calls_above_the_rate_wait_in_the_queue() {
    let mut line = Line::new();
    line.document("/answer", TALK);
    let sids: Vec<String> = (0..3).map(|_| line.dial(SILENT, &[])).collect();
    let (_, third) = line.api(Method::GET, &call_path(&sids[2]), &[]);
    assert_eq!((&third["status"], &third["queue_time"]), (&"queued".into(), &"2000".into()));
    assert!(third["start_time"].is_null());
    line.run(1.9);
    let initiated: Vec<String> =
        line.hooks_to("/status").iter().map(|hook| hook.param("CallSid").into()).collect();
    assert!(!initiated.contains(&sids[2]));
    line.run(0.2);
    assert_eq!(line.hooks_to("/status").last().unwrap().param("CallSid"), sids[2]);
}

#[test]
fn call_cancelled_in_the_queue_is_never_told_of() {
    let mut line = Line::new();
    line.document("/answer", TALK);
    line.dial(SILENT, &[]);
    let waiting = line.dial(SILENT, &[]);
    let (status, body) = line.update(&waiting, &[("Status", "canceled")]);
    assert_eq!((status, &body["status"]), (200, &"canceled".into()));
    line.run(90.0);
    assert!(line.hooks.iter().all(|hook| hook.param("CallSid") != waiting));
    assert_eq!(line.status(&waiting), "canceled");
}

#[test]
fn call_cancelled_while_ringing_is_told_of() {
    let mut line = Line::new();
    let sid = line.dial(SILENT, &[]);
    line.run(1.0);
    assert_eq!(line.update(&sid, &[("Status", "canceled")]).0, 200);
    line.run(5.0);
    assert_eq!(line.told(), ["initiated", "ringing", "canceled"]);
}

#[test]
fn inbound_call_tells_only_of_its_end() {
    let mut line = Line::new();
    line.document("/voice", "<Response><Say>Hello</Say></Response>");
    let id = line.receive("silent");
    line.run(10.0);
    assert_eq!(line.told(), ["completed"]);
    let voice = line.hooks_to("/voice").remove(0);
    assert_eq!((voice.param("CallStatus"), voice.param("Direction")), ("ringing", "inbound"));
    assert_eq!(line.heard(&id), ["Hello"]);
}

#[test]
fn first_webhook_may_come_before_the_answer() {
    let mut settings = plain();
    settings.webhook_before_answer = Habit::Always;
    let mut line = Line::with(settings);
    line.dial(SILENT, &[]);
    line.run(0.0);
    assert_eq!(line.told(), ["initiated"], "it is due in the moment of the request");
}

#[test]
fn callbacks_may_arrive_out_of_order() {
    let out_of_order = |seed| {
        let mut settings = plain();
        settings.seed = seed;
        settings.late_callbacks = Habit::Seeded;
        let mut line = Line::with(settings);
        line.document("/answer", "<Response/>");
        line.dial(SILENT, &[]);
        line.run(30.0);
        let numbers: Vec<u32> = line
            .hooks_to("/status")
            .iter()
            .filter_map(|hook| hook.param("SequenceNumber").parse().ok())
            .collect();
        assert_eq!(numbers.len(), 4);
        !numbers.is_sorted()
    };
    assert!((1..30).any(out_of_order));
    assert!(!(1..30).all(out_of_order));
}

#[test]
fn read_may_be_stale_for_a_second_and_then_is_not() {
    let mut settings = plain();
    settings.stale_reads = std::time::Duration::from_secs(1);
    let mut stale = 0;
    for seed in 1..20 {
        settings.seed = seed;
        let mut line = Line::with(settings.clone());
        line.document("/answer", TALK);
        let sid = line.dial(SILENT, &[]);
        assert_eq!(line.status(&sid), "queued", "the call is there at once");
        line.run(10.0);
        assert_eq!(line.update(&sid, &[("Status", "completed")]).1["status"], "completed");
        stale += usize::from(line.status(&sid) == "in-progress");
        line.run(1.0);
        assert_eq!(line.status(&sid), "completed");
    }
    assert!(stale > 0);
}

#[test]
fn time_limit_ends_the_call_as_completed() {
    let mut line = Line::new();
    line.document("/answer", TALK);
    let sid = line.dial(SILENT, &[("TimeLimit", "10")]);
    line.run(13.0);
    assert_eq!(line.status(&sid), "completed");
    assert_eq!(line.hooks_to("/status").pop().unwrap().param("CallDuration"), "10");
}

#[test]
fn same_seed_gives_the_same_run() {
    let run = |seed| {
        let mut settings = offhook_carrier::Settings::default();
        settings.seed = seed;
        let mut line = Line::with(settings);
        line.document("/answer", TALK);
        line.dial(SILENT, &[]);
        line.dial("+15550100002", &[]);
        line.run(100.0);
        line.hooks.iter().map(|hook| (hook.at, hook.params.clone())).collect::<Vec<_>>()
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}

#[test]
fn speed_shortens_rings_speech_and_pauses() {
    let mut settings = plain();
    settings.speed = 10.0;
    let mut line = Line::with(settings);
    line.document("/answer", "<Response><Pause length=\"10\"/></Response>");
    let sid = line.dial(SILENT, &[]);
    line.run(1.3);
    assert_eq!(line.status(&sid), "in-progress");
    line.run(0.2);
    assert_eq!(line.status(&sid), "completed");
}
