//! Calls that come to a number whose URL stands in Twilio's console, without parameters of ours.

mod support;

use offhook_core::{Answer, CallEvent, Direction, EndReason, Offer, Party, WebhookReply};

use support::{ENDPOINT, Parameters, callback, parsed};

fn nothing_to_do() -> Answer {
    let body = "<Response/>".into();
    Answer::Fixed(WebhookReply::document("text/xml; charset=utf-8", body))
}

#[test]
fn the_first_word_of_an_inbound_call_is_an_offer() {
    let parameters = Parameters::read("inbound");
    for request in [
        parameters.post(ENDPOINT),
        parameters.get(ENDPOINT),
        // A query of the operator's own makes no difference.
        parameters.post(&format!("{ENDPOINT}?tenant=42")),
    ] {
        let webhook = parsed(&request);
        let (from, to) = (Party::observed("+442071838750"), Party::observed("+15550001234"));
        assert!(from.number().is_some() && to.number().is_some());
        assert_eq!(webhook.offer, Some(Offer { from, to }));
        assert_eq!((webhook.call, webhook.step), (None, None));
        assert_eq!(webhook.ids, support::call_ids());
        assert_eq!(webhook.direction, Some(Direction::Inbound));
        assert_eq!(webhook.events, [CallEvent::Ringing]);
        assert_eq!(webhook.answer, Answer::Document);
        assert!(!webhook.foreign);
    }
}

#[test]
fn a_caller_may_be_a_sip_address_or_a_client_or_nobody() {
    let sip = parsed(&Parameters::read("inbound-sip").post(ENDPOINT));
    let address = "sip:alice@customer.sip.twilio.com".to_owned();
    let number = "sip:+15550001234@customer.sip.twilio.com;user=phone".to_owned();
    let offer = Offer { from: Party::Sip(address), to: Party::Sip(number) };
    assert_eq!(sip.offer, Some(offer));

    for (from, party) in [
        ("client:alice", Party::Client("alice".to_owned())),
        ("Anonymous", Party::Withheld),
        ("anonymous", Party::Withheld),
        ("Restricted", Party::Withheld),
        ("+266696687", Party::observed("+266696687")),
        ("", Party::Withheld),
    ] {
        let request = Parameters::read("inbound").with("From", from).post(ENDPOINT);
        assert_eq!(parsed(&request).offer.map(|offer| offer.from), Some(party), "{from}");
    }
    let nobody = parsed(&Parameters::read("inbound").without("From").without("To").post(ENDPOINT));
    let offer = Offer { from: Party::Withheld, to: Party::Withheld };
    assert_eq!(nobody.offer, Some(offer));
}

#[test]
fn a_status_callback_of_the_console_is_no_offer() {
    for word in ["initiated", "ringing", "in-progress", "completed", "busy", "what-is-this"] {
        for request in [
            Parameters::read("console-status").with("CallStatus", word).post(ENDPOINT),
            Parameters::read("console-status").with("CallStatus", word).get(ENDPOINT),
        ] {
            let webhook = parsed(&request);
            assert_eq!(webhook.offer, None, "{word}");
            assert_eq!(webhook.answer, Answer::Fixed(WebhookReply::acknowledged()), "{word}");
            assert_eq!(webhook.events.len(), 1, "{word}");
            assert_eq!(webhook.ids, support::call_ids());
        }
    }
    // Each of the marks of a callback is enough.
    let marks = ["CallbackSource", "SequenceNumber", "CallDuration"];
    for kept in marks {
        let parameters = marks
            .iter()
            .filter(|mark| **mark != kept)
            .fold(Parameters::read("console-status"), |left, mark| left.without(mark));
        let webhook = parsed(&parameters.with("CallStatus", "ringing").post(ENDPOINT));
        assert_eq!(webhook.offer, None, "{kept}");
    }
}

#[test]
fn the_late_end_of_a_call_that_nobody_knows_is_no_offer() {
    for word in ["completed", "busy", "failed", "no-answer", "canceled"] {
        let request = Parameters::read("inbound").with("CallStatus", word).post(ENDPOINT);
        let webhook = parsed(&request);
        assert_eq!(webhook.offer, None, "{word}");
        assert_eq!(webhook.answer, nothing_to_do(), "{word}");
        assert!(matches!(webhook.events[..], [CallEvent::Ended { .. }]), "{word}");
    }
    let webhook = parsed(&Parameters::read("console-status").post(ENDPOINT));
    let end = CallEvent::Ended { reason: EndReason::Completed, cause: None };
    assert_eq!(webhook.events, [end]);
}

#[test]
fn somebody_elses_outbound_call_gets_nothing_to_do() {
    for direction in
        ["outbound-api", "outbound-dial", "trunking-originating", "trunking-terminating", ""]
    {
        for word in ["ringing", "in-progress", "completed"] {
            let parameters = Parameters::read("inbound").with("Direction", direction);
            let webhook = parsed(&parameters.with("CallStatus", word).post(ENDPOINT));
            assert_eq!(webhook.offer, None, "{direction} {word}");
            assert_eq!(webhook.answer, nothing_to_do(), "{direction} {word}");
        }
    }
}

#[test]
fn a_call_parameter_that_is_no_id_counts_as_none() {
    for call in ["", "7", "not-a-uuid", "01890a5d-ac96-774b-bcce-b302099a805", "%00"] {
        let callback = |kind: &str| format!("{ENDPOINT}?call={call}&step=3&kind={kind}");
        let status = parsed(&Parameters::read("status").post(&callback("status")));
        assert_eq!(status.call, None, "{call}");
        assert_eq!(status.answer, Answer::Fixed(WebhookReply::acknowledged()), "{call}");

        let outbound = parsed(&Parameters::read("document").post(&callback("answer")));
        assert_eq!((outbound.call, outbound.offer), (None, None), "{call}");
        assert_eq!(outbound.answer, nothing_to_do(), "{call}");

        // Only its CallSid can tell which call it is.
        let inbound = parsed(&Parameters::read("inbound").post(&callback("gather")));
        assert_eq!((inbound.call, inbound.offer), (None, None), "{call}");
        assert_eq!(inbound.answer, Answer::Document, "{call}");
    }
    let negative = format!("{ENDPOINT}?call={}&step=-1&kind=said", support::CALL_ID);
    let webhook = parsed(&Parameters::read("document").post(&negative));
    assert_eq!((webhook.call, webhook.step), (Some(support::call_id()), None));
}

#[test]
fn a_call_of_ours_is_never_an_offer() {
    for kind in ["answer", "gather", "held", "script", "fallback", "status"] {
        let webhook = parsed(&Parameters::read("inbound").post(&callback(kind)));
        assert_eq!(webhook.offer, None, "{kind}");
    }
}
