//! The comparison finds what is lost, doubled and stuck: one fault is planted at a time.

use super::comparison::{ApiCall, Asked, Books, CarrierCall, Finding, StoredCall};

/// A call that was asked for and is live, one that was and is over, and one that came in.
fn sound() -> Books {
    let asked = |number: u32| Asked {
        key: format!("key {number}"),
        to: format!("+1555200000{number}"),
        acknowledged: [format!("ours-{number}")].into(),
        refused: false,
        hung_up: number == 2,
        spoken: vec![format!("sentence {number}")],
    };
    let theirs = |number: u32| CarrierCall {
        id: format!("theirs-{number}"),
        provider: "twilio".to_owned(),
        is_inbound: number == 3,
        to: format!("+1555200000{number}"),
        is_over: number == 2,
        heard: vec![format!("sentence {number}"), "good bye".to_owned()],
        is_acknowledged: true,
        said: vec![format!("words {number}")],
    };
    let ours = |number: u32| ApiCall {
        id: format!("ours-{number}"),
        provider: "twilio".to_owned(),
        provider_call_id: Some(format!("theirs-{number}")),
        is_inbound: number == 3,
        to: format!("+1555200000{number}"),
        is_over: number == 2,
        is_undecided: false,
        transcript: vec![format!("sentence {number}"), format!("words {number}")],
    };
    let stored = |number: u32| StoredCall {
        id: format!("ours-{number}"),
        is_over: number == 2,
        carrier_ids: [format!("theirs-{number}")].into(),
    };
    let key = |number: u32| (format!("key {number}"), format!("ours-{number}"));
    Books {
        asked: [1, 2].map(asked).into(),
        carrier: [1, 2, 3].map(theirs).into(),
        api: [1, 2, 3].map(ours).into(),
        stored: [1, 2, 3].map(stored).into(),
        keys: [1, 2].map(key).into(),
    }
}

/// Plants a fault, and gives what is found.
fn found(plant: impl FnOnce(&mut Books)) -> Vec<String> {
    let mut books = sound();
    plant(&mut books);
    books.findings().iter().map(Finding::to_string).collect()
}

#[track_caller]
fn finds(expected: &[&str], plant: impl FnOnce(&mut Books)) {
    assert_eq!(found(plant), expected);
}

#[test]
fn books_that_agree_have_no_findings() {
    finds(&[], |_| {});
}

#[test]
fn an_acknowledged_call_that_the_api_does_not_know_is_lost() {
    let lost = ["lost: call ours-2, acknowledged for \"key 2\"", "lost: stored call ours-2"];
    finds(&lost, |books| {
        books.api.remove(1);
        books.carrier[1].said.clear();
    });
}

#[test]
fn an_acknowledged_call_that_is_not_stored_is_lost() {
    finds(&["lost: ours-2 is in no row of the store"], |books| drop(books.stored.remove(1)));
}

#[test]
fn an_idempotency_key_that_is_forgotten_is_lost() {
    finds(&["lost: \"key 1\", acknowledged as ours-1"], |books| drop(books.keys.remove("key 1")));
}

#[test]
fn a_live_call_that_we_take_for_over_is_lost() {
    finds(&["lost: twilio call theirs-1 is live, and not for us"], |books| {
        books.api[0].is_over = true;
        books.stored[0].is_over = true;
    });
}

#[test]
fn a_live_call_whose_dial_is_undecided_is_lost_to_us() {
    finds(&["lost: twilio call theirs-1 is live, and not for us"], |books| {
        books.api[0].is_undecided = true;
        books.api[0].provider_call_id = None;
        books.stored[0].carrier_ids.clear();
        books.carrier[0].said.clear();
    });
}

#[test]
fn an_inbound_call_that_was_acknowledged_and_is_nowhere_is_lost() {
    let lost = ["lost: twilio call theirs-3, whose offer was acknowledged"];
    finds(&lost, |books| {
        books.carrier[2].is_over = true;
        books.carrier[2].said.clear();
        books.api.remove(2);
        books.stored.remove(2);
    });
}

#[test]
fn words_whose_webhook_was_acknowledged_are_lost_if_no_transcript_has_them() {
    finds(&["lost: \"words 1\", said on theirs-1"], |books| {
        books.api[0].transcript.retain(|text| text != "words 1");
    });
}

#[test]
fn a_sentence_whose_order_was_acknowledged_is_lost_if_no_transcript_has_it() {
    let lost = ["lost: \"sentence 1\", acknowledged, in the transcript of ours-1"];
    finds(&lost, |books| books.api[0].transcript.retain(|text| text != "sentence 1"));
}

#[test]
fn a_number_that_is_dialled_twice_is_doubled() {
    finds(&["doubled: \"key 2\" is 1 calls of ours, 2 at the carrier"], |books| {
        let again = CarrierCall {
            id: "theirs-4".to_owned(),
            said: Vec::new(),
            heard: Vec::new(),
            ..books.carrier[1].clone()
        };
        books.carrier.push(again);
    });
}

#[test]
fn a_key_that_made_two_calls_is_doubled() {
    finds(&["doubled: \"key 2\" is 2 calls of ours, 1 at the carrier"], |books| {
        let again =
            ApiCall { id: "ours-4".to_owned(), provider_call_id: None, ..books.api[1].clone() };
        let kept = StoredCall { id: "ours-4".to_owned(), is_over: true, ..Default::default() };
        books.api.push(again);
        books.stored.push(kept);
    });
}

#[test]
fn a_key_that_was_answered_with_two_calls_is_doubled() {
    let findings = found(|books| books.asked[0].acknowledged.extend(["ours-2".to_owned()]));
    let doubled = "doubled: \"key 1\" was answered: {\"ours-1\", \"ours-2\"}";
    assert!(findings.contains(&doubled.to_owned()), "{findings:?}");
}

#[test]
fn a_refused_call_that_is_there_is_doubled() {
    finds(&["doubled: \"key 2\" was refused, and is there"], |books| {
        books.asked[1].refused = true;
    });
}

#[test]
fn a_call_that_nobody_asked_for_is_doubled() {
    let doubled = [
        "doubled: twilio call theirs-2 was dialled, and nobody asked for it",
        "doubled: ours-2 was placed, and not asked for",
    ];
    finds(&doubled, |books| drop(books.asked.remove(1)));
}

#[test]
fn one_carrier_call_that_is_two_of_ours_is_doubled() {
    let findings = found(|books| books.api[1].provider_call_id = Some("theirs-1".to_owned()));
    let doubled = "doubled: twilio call theirs-1 is 2 calls of ours";
    assert!(findings.contains(&doubled.to_owned()), "{findings:?}");
}

#[test]
fn a_sentence_that_was_heard_twice_is_doubled() {
    finds(&["doubled: \"sentence 3\" was heard twice on theirs-3"], |books| {
        books.carrier[2].heard.push("sentence 3".to_owned());
    });
}

#[test]
fn words_that_a_transcript_has_twice_are_doubled() {
    finds(&["doubled: \"words 3\", said once on theirs-3"], |books| {
        books.api[2].transcript.push("words 3".to_owned());
    });
}

#[test]
fn a_call_that_is_over_at_the_carrier_only_is_stuck() {
    finds(&["stuck: ours-3 is live, and twilio call theirs-3 is over"], |books| {
        books.carrier[2].is_over = true;
    });
}

#[test]
fn a_call_that_the_carrier_never_had_is_stuck_once_its_dial_is_due() {
    let undecided = |books: &mut Books| {
        books.carrier.remove(0);
        books.api[0].provider_call_id = None;
        books.api[0].is_undecided = true;
        books.stored[0].carrier_ids.clear();
    };
    finds(&[], undecided);
    finds(&["stuck: ours-1 is live, and not at twilio"], |books| {
        undecided(books);
        books.api[0].is_undecided = false;
    });
}

#[test]
fn a_call_that_goes_on_after_an_acknowledged_hangup_is_stuck() {
    finds(&["stuck: ours-1, whose hangup was acknowledged"], |books| {
        books.asked[0].hung_up = true;
    });
}

#[test]
fn a_store_and_an_api_that_differ_about_an_end_are_stuck() {
    finds(&["stuck: ours-2: over for the API true, stored false"], |books| {
        books.stored[1].is_over = false;
    });
}
