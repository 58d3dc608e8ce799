//! Steering a call through the API, and watching what happens.

use std::time::Duration;

use http::Method;
use offhook_tests::{Setup, World, stories};
use serde_json::{Value, json};

const PATIENT: &str = "+15550100011";

stories! {
    on every provider:
    speech_while_we_listen_is_heard_and_the_call_listens_again,
    a_question_is_answered_by_what_is_said_next,
    a_question_without_an_answer_times_out_and_the_call_goes_on,
    a_question_that_something_else_overtakes_is_told_so,
    a_question_whose_call_ends_is_told_so,
    a_question_is_not_given_up_while_it_is_still_being_asked,
    digits_are_sent_without_losing_the_call,
    listening_stops_and_starts_by_request,
    what_cannot_be_done_is_refused_with_a_code,
    events_are_told_in_order_and_a_reader_that_comes_back_misses_nothing,
    metrics_tell_how_many_calls_are_live,
}

async fn conversation(world: &World) -> String {
    let call = world.place(json!({ "to": PATIENT, "mode": "conversation" })).await;
    world.until_state(&call, "listening").await;
    call
}

async fn steer(world: &World, call: &str, what: &str, body: Value) -> (u16, Value) {
    let answer = world.api(Method::POST, &format!("/v1/calls/{call}/{what}"), body).await;
    world.settle().await;
    (answer.status, answer.json())
}

/// Waits until a question that is being asked by another request has reached the call.
async fn until_asked(world: &World, call: &str) {
    let is_question = |entry: &Value| entry["detail"]["command"] == "ask";
    while !world.timeline(call).await.iter().any(is_question) {}
}

async fn speech_while_we_listen_is_heard_and_the_call_listens_again(setup: Setup) {
    let world = World::with(setup).await;
    let call = conversation(&world).await;
    let (status, spoken) = steer(&world, &call, "speak", json!({ "text": "One moment." })).await;
    assert_eq!((status, &spoken["turn"]), (202, &json!(2)));
    world.until_state(&call, "speaking").await;
    world.until_state(&call, "listening").await;
    let line = world.line(&call).await;
    assert_eq!(line["heard"][0]["text"], "One moment.");
    assert_eq!(line["heard"][0]["complete"], true);
    world.person(&call, "say", json!({ "text": "Take your time." })).await;
    let heard = |view: &Value| view["transcript"].to_string().contains("Take your time.");
    let view = world.until(&call, heard).await;
    let lines = view["transcript"].as_array().cloned().unwrap_or_default();
    assert_eq!(lines.last().map(|line| &line["turn"]), Some(&json!(2)));
}

async fn a_question_is_answered_by_what_is_said_next(setup: Setup) {
    let world = World::with(setup).await;
    let call = conversation(&world).await;
    let path = format!("/v1/calls/{call}/ask");
    let asking = world.api(Method::POST, &path, json!({ "text": "Shall I?" }));
    let answering = async {
        until_asked(&world, &call).await;
        world.run_for(Duration::from_secs(4)).await;
        world.person(&call, "say", json!({ "text": "Yes, please." })).await;
        world.run_for(Duration::from_secs(4)).await;
    };
    let (asked, ()) = tokio::join!(asking, answering);
    assert_eq!(asked.status, 200, "{}", asked.body);
    assert_eq!(asked.json(), json!({ "turn": 2, "transcript": "Yes, please." }));
    let turn = world.api(Method::GET, &format!("/v1/calls/{call}/turns/2"), Value::Null).await;
    assert_eq!(turn.json()["transcript"], "Yes, please.");
    let none = world.api(Method::GET, &format!("/v1/calls/{call}/turns/99"), Value::Null).await;
    assert_eq!((none.status, &none.json()["code"]), (404, &json!("no_such_turn")));
}

async fn a_question_without_an_answer_times_out_and_the_call_goes_on(setup: Setup) {
    let world = World::with(setup).await;
    let call = conversation(&world).await;
    let path = format!("/v1/calls/{call}/ask");
    let asking = world.api(Method::POST, &path, json!({ "text": "Shall I?", "timeout": "5s" }));
    let waiting = async {
        until_asked(&world, &call).await;
        world.run_for(Duration::from_secs(20)).await;
    };
    let (asked, ()) = tokio::join!(asking, waiting);
    assert_eq!((asked.status, &asked.json()["code"]), (504, &json!("transcript_timeout")));
    assert_ne!(world.call(&call).await["state"], "ended");
}

async fn a_question_that_something_else_overtakes_is_told_so(setup: Setup) {
    let world = World::with(setup).await;
    let call = conversation(&world).await;
    let path = format!("/v1/calls/{call}/ask");
    let asking = world.api(Method::POST, &path, json!({ "text": "Shall I?" }));
    let speaking = async {
        until_asked(&world, &call).await;
        let (status, _) = steer(&world, &call, "speak", json!({ "text": "Never mind." })).await;
        assert_eq!(status, 202);
    };
    let (asked, ()) = tokio::join!(asking, speaking);
    assert_eq!((asked.status, &asked.json()["code"]), (409, &json!("turn_superseded")));
    assert_eq!(asked.json()["turn"], 2);
}

async fn a_question_whose_call_ends_is_told_so(setup: Setup) {
    let world = World::with(setup).await;
    let call = conversation(&world).await;
    let path = format!("/v1/calls/{call}/ask");
    let asking = world.api(Method::POST, &path, json!({ "text": "Shall I?" }));
    let hanging_up = async {
        until_asked(&world, &call).await;
        world.run_for(Duration::from_secs(2)).await;
        world.person(&call, "hangup", json!({})).await;
    };
    let (asked, ()) = tokio::join!(asking, hanging_up);
    assert_eq!((asked.status, &asked.json()["code"]), (409, &json!("call_ended")));
    assert_eq!(world.call(&call).await["state"], "ended");
}

async fn a_question_is_not_given_up_while_it_is_still_being_asked(setup: Setup) {
    let world = World::with(setup).await;
    let call = conversation(&world).await;
    let path = format!("/v1/calls/{call}/ask");
    // Twenty seconds in Chinese.
    let question = "请问您什么时候方便收货呢".repeat(8).chars().take(90).collect::<String>();
    let asking = world.api(Method::POST, &path, json!({ "text": question, "timeout": "5s" }));
    let answering = async {
        until_asked(&world, &call).await;
        world.run_for(Duration::from_secs(23)).await;
        world.person(&call, "say", json!({ "text": "明天" })).await;
        world.run_for(Duration::from_secs(4)).await;
    };
    let (asked, ()) = tokio::join!(asking, answering);
    assert_eq!(
        (asked.status, &asked.json()["transcript"]),
        (200, &json!("明天")),
        "{}",
        asked.body
    );
}

async fn digits_are_sent_without_losing_the_call(setup: Setup) {
    let world = World::with(setup).await;
    let call = conversation(&world).await;
    let (status, _) = steer(&world, &call, "dtmf", json!({ "digits": "12w#" })).await;
    assert_eq!(status, 202);
    world.run_for(Duration::from_secs(5)).await;
    assert_eq!(world.line(&call).await["digits"], "12w#");
    assert_eq!(world.call(&call).await["state"], "listening", "it listens as before");
}

async fn listening_stops_and_starts_by_request(setup: Setup) {
    let world = World::with(setup).await;
    let call = conversation(&world).await;
    assert_eq!(steer(&world, &call, "stop-listening", Value::Null).await.0, 202);
    assert_eq!(world.until_state(&call, "active").await["state"], "active");
    world.run_for(Duration::from_secs(70)).await;
    assert_eq!(world.call(&call).await["state"], "active", "a hold comes back for more");
    assert_eq!(steer(&world, &call, "listen", json!({ "locale": "de-DE" })).await.0, 202);
    world.until_state(&call, "listening").await;
}

async fn what_cannot_be_done_is_refused_with_a_code(setup: Setup) {
    let world = World::with(setup).await;
    let ringing = world.place(json!({ "to": "+15550100003", "message": "Hi" })).await;
    let (status, problem) = steer(&world, &ringing, "speak", json!({ "text": "Hello" })).await;
    assert_eq!((status, &problem["code"]), (409, &json!("not_answered")));
    let call = conversation(&world).await;
    for (what, body) in [
        ("speak", json!({ "text": " " })),
        ("speak", json!({ "text": "Hi", "volume": 11 })),
        ("speak", json!({ "text": "Hi", "locale": "english" })),
        ("speak", json!({ "text": "Hi", "voice": format!("a\u{1}{}", "v".repeat(60_000)) })),
        ("speak", json!({ "text": "Hi", "voice": "" })),
        ("speak", json!({ "text": "Hi", "voice": "v".repeat(101) })),
        ("ask", json!({ "text": "Hi?", "voice": "a\u{7}" })),
        ("ask", json!({ "text": "Hi?", "locale": "en_US" })),
        ("ask", json!({ "text": "Hi?", "timeout": 0.0005 })),
        ("ask", json!({ "text": "Hi?", "timeout": "2h" })),
        ("dtmf", json!({ "digits": "12x" })),
        ("dtmf", json!({})),
        ("listen", json!({ "locale": "english" })),
        ("listen", json!(["en-US"])),
    ] {
        let (status, problem) = steer(&world, &call, what, body.clone()).await;
        assert_eq!((status, &problem["code"]), (422, &json!("invalid_request")), "{what} {body}");
    }
    steer(&world, &call, "hangup", Value::Null).await;
    world.until_state(&call, "ended").await;
    let (status, problem) = steer(&world, &call, "speak", json!({ "text": "Hello" })).await;
    assert_eq!((status, &problem["code"]), (409, &json!("call_ended")));
    let (status, problem) = steer(&world, "nobody", "speak", json!({ "text": "Hello" })).await;
    assert_eq!((status, &problem["code"]), (404, &json!("no_such_call")));
}

async fn events_are_told_in_order_and_a_reader_that_comes_back_misses_nothing(setup: Setup) {
    let mut world = World::with(setup).await;
    let mut events = world.manager().events(None).await.unwrap();
    let call = conversation(&world).await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        let entry = events.next().await.unwrap().unwrap();
        assert_eq!(entry.call.to_string(), call);
        seen.push(entry.id);
    }
    let last = *seen.last().unwrap();
    drop(events);
    // A crash and a restart lie between the two readers.
    world.crash().await;
    world.start().await;
    steer(&world, &call, "hangup", Value::Null).await;
    world.until_state(&call, "ended").await;

    let mut events = world.manager().events(Some(last)).await.unwrap();
    let timeline = world.timeline(&call).await;
    for entry in timeline.iter().skip(seen.len()) {
        let event = events.next().await.unwrap().unwrap();
        assert_eq!(json!(event.id), entry["id"]);
    }
}

async fn metrics_tell_how_many_calls_are_live(setup: Setup) {
    let world = World::with(setup).await;
    conversation(&world).await;
    let answer = world.api(Method::GET, "/metrics", Value::Null).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("\noffhook_live_calls 1\n"), "{}", answer.body);
    assert!(answer.body.contains("offhook_ignored_inputs_total{reason=\"nothing_new\"}"));
}
