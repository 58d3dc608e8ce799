//! Questions that are answered on the keys.

use std::future::Future;
use std::time::Duration;

use http::Method;
use offhook_tests::{Answer, Setup, World, stories};
use serde_json::{Value, json};
use url::Url;

const PATIENT: &str = "+15550100011";

stories! {
    on every provider:
    a_question_for_digits_is_answered_by_what_is_entered,
    the_key_that_finishes_an_entry_is_no_part_of_it,
    a_pause_ends_an_entry,
    digits_are_asked_for_again_until_somebody_enters_them,
    half_an_entry_is_no_part_of_the_answer_to_the_next_question,
    words_answer_no_question_for_digits,
    words_answer_again_when_they_are_asked_for_again,
    what_is_entered_while_we_listen_for_digits_is_of_its_turn,
    whichever_comes_first_is_the_answer_or_is_refused,
    what_digits_cannot_be_is_refused,
    what_is_said_of_digits_is_nothing_where_speech_is_asked_for,
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

async fn conversation(world: &World) -> String {
    let call = world.place(json!({ "to": PATIENT, "mode": "conversation" })).await;
    world.until_state(&call, "listening").await;
    call
}

/// Asks, and does something when the question can have been heard.
async fn ask(world: &World, call: &str, question: Value, then: impl Future) -> Answer {
    let path = format!("/v1/calls/{call}/ask");
    let before = questions(world, call).await;
    let asking = world.api(Method::POST, &path, question);
    let answering = async {
        while questions(world, call).await == before {}
        world.run_for(seconds(4)).await;
        then.await;
    };
    tokio::join!(asking, answering).0
}

async fn questions(world: &World, call: &str) -> usize {
    let timeline = world.timeline(call).await;
    timeline.iter().filter(|entry| entry["detail"]["command"] == "ask").count()
}

async fn press(world: &World, call: &str, keys: &str) {
    world.person(call, "dtmf", json!({ "digits": keys })).await;
    world.run_for(seconds(2)).await;
}

fn takes_speech_or_digits(world: &World) -> bool {
    let base = Url::parse("https://api.example.com").expect("a URL");
    let provider = (world.provider.guarded)(base).expect("it is permitted");
    provider.capabilities().speech_or_digits
}

fn for_pin() -> Value {
    json!({ "text": "Your PIN?", "input": "digits", "max_digits": 4 })
}

async fn a_question_for_digits_is_answered_by_what_is_entered(setup: Setup) {
    let world = World::with(setup).await;
    let call = conversation(&world).await;
    let asked = ask(&world, &call, for_pin(), press(&world, &call, "4711")).await;
    assert_eq!(asked.status, 200, "{}", asked.body);
    assert_eq!(asked.json(), json!({ "turn": 2, "digits": "4711" }));
    let turn = world.api(Method::GET, &format!("/v1/calls/{call}/turns/2"), Value::Null).await;
    let (outcome, digits) = (&turn.json()["outcome"], &turn.json()["digits"]);
    assert_eq!((outcome, digits), (&json!("entered"), &json!("4711")));
    let timeline = Value::from(world.timeline(&call).await).to_string();
    assert_eq!(timeline.matches("4711").count(), 1, "{timeline}");
    assert_eq!(timeline.matches("key_pressed").count(), 0, "told once: {timeline}");
}

async fn the_key_that_finishes_an_entry_is_no_part_of_it(setup: Setup) {
    let world = World::with(setup).await;
    let call = conversation(&world).await;
    let question = json!({ "text": "How many?", "input": "digits", "finish_on_key": "*" });
    let asked = ask(&world, &call, question, press(&world, &call, "1#2*")).await;
    assert_eq!(asked.json()["digits"], "1#2", "{}", asked.body);
}

async fn a_pause_ends_an_entry(setup: Setup) {
    let world = World::with(setup).await;
    let call = conversation(&world).await;
    let entering = async {
        press(&world, &call, "42").await;
        world.run_for(seconds(6)).await;
    };
    let asked = ask(&world, &call, for_pin(), entering).await;
    assert_eq!(asked.json()["digits"], "42", "{}", asked.body);
}

async fn digits_are_asked_for_again_until_somebody_enters_them(setup: Setup) {
    let world = World::with(setup).await;
    let call = conversation(&world).await;
    let entering = async {
        // Longer than any carrier waits for the first key.
        world.run_for(seconds(150)).await;
        press(&world, &call, "#").await;
        press(&world, &call, "4711").await;
    };
    let asked = ask(&world, &call, for_pin(), entering).await;
    assert_eq!(asked.json(), json!({ "turn": 2, "digits": "4711" }), "{}", asked.body);
}

async fn half_an_entry_is_no_part_of_the_answer_to_the_next_question(setup: Setup) {
    let world = World::with(setup).await;
    let call = conversation(&world).await;
    let overtaken = async {
        press(&world, &call, "47").await;
        let asked = ask(&world, &call, for_pin(), press(&world, &call, "1234")).await;
        assert_eq!(asked.json(), json!({ "turn": 3, "digits": "1234" }), "{}", asked.body);
    };
    let asked = ask(&world, &call, for_pin(), overtaken).await;
    assert_eq!((asked.status, &asked.json()["code"]), (409, &json!("turn_superseded")));
}

async fn words_answer_no_question_for_digits(setup: Setup) {
    let world = World::with(setup).await;
    let call = conversation(&world).await;
    let answering = async {
        world.person(&call, "say", json!({ "text": "I forgot it." })).await;
        world.run_for(seconds(5)).await;
        press(&world, &call, "4711").await;
    };
    let asked = ask(&world, &call, for_pin(), answering).await;
    assert_eq!(asked.json(), json!({ "turn": 2, "digits": "4711" }), "{}", asked.body);
    assert_eq!(world.call(&call).await["transcript"].as_array().map(Vec::len), Some(1));
}

async fn words_answer_again_when_they_are_asked_for_again(setup: Setup) {
    let world = World::with(setup).await;
    let call = conversation(&world).await;
    ask(&world, &call, for_pin(), press(&world, &call, "4711")).await;
    let answering = async {
        world.person(&call, "say", json!({ "text": "Yes." })).await;
        world.run_for(seconds(4)).await;
    };
    let asked = ask(&world, &call, json!({ "text": "Is that all?" }), answering).await;
    assert_eq!(asked.json()["transcript"], "Yes.", "{}", asked.body);
}

async fn what_is_entered_while_we_listen_for_digits_is_of_its_turn(setup: Setup) {
    let world = World::with(setup).await;
    let call = conversation(&world).await;
    let path = format!("/v1/calls/{call}/listen");
    let listening = json!({ "input": "digits", "max_digits": 1 });
    assert_eq!(world.api(Method::POST, &path, listening).await.status, 202);
    world.run_for(seconds(2)).await;
    for (turn, digit) in [(2, "5"), (3, "6")] {
        press(&world, &call, digit).await;
        let path = format!("/v1/calls/{call}/turns/{turn}");
        let turn = world.api(Method::GET, &path, Value::Null).await.json();
        assert_eq!((&turn["outcome"], &turn["digits"]), (&json!("entered"), &json!(digit)));
    }
}

async fn whichever_comes_first_is_the_answer_or_is_refused(setup: Setup) {
    let world = World::with(setup).await;
    let call = conversation(&world).await;
    let question = json!({ "text": "Yes, or 1?", "input": "speech_or_digits", "max_digits": 1 });
    if !takes_speech_or_digits(&world) {
        let path = format!("/v1/calls/{call}/ask");
        let refused = world.api(Method::POST, &path, question).await;
        assert_eq!((refused.status, &refused.json()["code"]), (422, &json!("unsupported")));
        return;
    }
    let asked = ask(&world, &call, question.clone(), press(&world, &call, "1")).await;
    assert_eq!(asked.json(), json!({ "turn": 2, "digits": "1" }), "{}", asked.body);
    let answering = async {
        world.person(&call, "say", json!({ "text": "Yes." })).await;
        world.run_for(seconds(4)).await;
    };
    let asked = ask(&world, &call, question, answering).await;
    assert_eq!(asked.json()["transcript"], "Yes.", "{}", asked.body);
}

async fn what_digits_cannot_be_is_refused(setup: Setup) {
    let world = World::with(setup).await;
    let call = conversation(&world).await;
    for input in [
        json!({ "input": "keys" }),
        json!({ "input": "digits", "max_digits": 0 }),
        json!({ "input": "digits", "max_digits": 33 }),
        json!({ "input": "digits", "max_digits": 1000 }),
        json!({ "input": "digits", "finish_on_key": "A" }),
        json!({ "input": "digits", "finish_on_key": "" }),
        json!({ "input": "digits", "finish_on_key": "##" }),
    ] {
        for (what, mut body) in [("ask", json!({ "text": "Hi?" })), ("listen", json!({}))] {
            let fields = input.as_object().cloned().unwrap_or_default();
            body.as_object_mut().expect("it is one").extend(fields);
            let path = format!("/v1/calls/{call}/{what}");
            let refused = world.api(Method::POST, &path, body.clone()).await;
            let code = &refused.json()["code"];
            assert_eq!((refused.status, code), (422, &json!("invalid_request")), "{what} {body}");
        }
    }
}

async fn what_is_said_of_digits_is_nothing_where_speech_is_asked_for(setup: Setup) {
    let world = World::with(setup).await;
    let call = conversation(&world).await;
    let question = json!({ "text": "Your name?", "max_digits": 4, "finish_on_key": "#" });
    let answering = async {
        world.person(&call, "say", json!({ "text": "Ada." })).await;
        world.run_for(seconds(4)).await;
    };
    let asked = ask(&world, &call, question, answering).await;
    assert_eq!(asked.json()["transcript"], "Ada.", "{}", asked.body);
}
