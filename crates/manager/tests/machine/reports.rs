//! What a carrier reports beside the way of a call: who answered, trouble, speech that begins.

use crate::line::{BOTH, Line, Way, heard};
use offhook_core::{AnsweredBy, CallEvent, CallStatus, Cause, EndReason, Step};
use offhook_manager::machine::Ignored;
use offhook_manager::{CallState, Mode};

/// The carrier reports this of a step, and waits for nothing. Gives why it was ignored, if it was.
fn report(line: &mut Line, step: Option<Step>, event: CallEvent) -> Option<Ignored> {
    line.webhook(step.map(|step| step.0), &[event], false);
    line.ignored
}

#[test]
fn who_answered_and_what_went_wrong_are_kept_and_the_call_goes_on() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Conversation, None);
        let state = line.state();
        let cause = Cause::new("13520", "Say: Invalid text");
        assert_eq!(report(&mut line, None, CallEvent::AnsweredBy(AnsweredBy::Machine)), None);
        assert_eq!(report(&mut line, None, CallEvent::Fault(cause.clone())), None);
        assert_eq!(line.record.answered_by, Some(AnsweredBy::Machine), "{way:?}");
        assert_eq!((&line.record.cause, line.state()), (&Some(cause), state));
    }
}

#[test]
fn a_key_and_a_word_of_the_dial_tell_nothing_new() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Conversation, None);
        let script = line.record.script.clone();
        let pressed = CallEvent::KeyPressed { key: "5".into() };
        for event in [pressed, CallEvent::Initiated] {
            assert_eq!(report(&mut line, None, event), Some(Ignored::NothingNew), "{way:?}");
        }
        assert_eq!(line.record.script, script);
    }
}

#[test]
fn speech_that_begins_is_told_by_the_carrier_or_by_its_answer_whichever_is_first() {
    let mut line = Line::outbound(Way::Commands, Mode::Conversation, Some("Hello."));
    line.carry_out();
    line.event(CallEvent::Answered);
    assert_eq!(line.state(), CallState::Answered);
    let step = line.record.script.step;
    assert_eq!(report(&mut line, Some(step), CallEvent::SpeechStarted), None);
    assert_eq!(line.state(), CallState::Speaking);
}

#[test]
fn speech_that_begins_late_or_of_another_step_changes_nothing() {
    let mut line = Line::answered(Way::Commands, Mode::Conversation, Some("Hello."));
    let said = line.record.script.step;
    line.comes_back(heard());
    assert_eq!(line.state(), CallState::Listening);
    let late = report(&mut line, Some(said), CallEvent::SpeechStarted);
    assert_eq!((late, line.state()), (Some(Ignored::OlderStep), CallState::Listening));
    let present = line.record.script.step;
    let odd = report(&mut line, Some(present), CallEvent::SpeechStarted);
    assert_eq!((odd, line.state()), (Some(Ignored::NothingNew), CallState::Listening));
    // Nobody is on the line yet.
    let mut line = Line::outbound(Way::Commands, Mode::Conversation, Some("Hello."));
    line.carry_out();
    let early = report(&mut line, None, CallEvent::SpeechStarted);
    assert_eq!((early, line.state()), (Some(Ignored::NothingNew), CallState::Initiated));
}

#[test]
fn digits_that_were_sent_before_do_not_end_what_is_said_now() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Conversation, Some("Hello."));
        let (step, plan) = (line.record.script.step, line.plan().clone());
        for step in [step, Step(0)] {
            let ignored = report(&mut line, Some(step), CallEvent::DigitsSent);
            assert_eq!(ignored, Some(Ignored::OlderStep), "{way:?}");
        }
        assert_eq!((line.record.script.step, line.plan()), (step, &plan));
    }
}

#[test]
fn a_status_without_a_reason_means_completed_only_after_an_answer() {
    let failed = CallStatus::Ended { reason: EndReason::Failed, cause: None };
    for way in BOTH {
        let mut dialled = Line::outbound(way, Mode::Notify, Some("Hello."));
        dialled.carry_out();
        dialled.status(&failed);
        assert_eq!(dialled.ended(), Some(EndReason::Failed), "{way:?}");
        let mut talking = Line::answered(way, Mode::Notify, Some("Hello."));
        talking.status(&failed);
        assert_eq!(talking.ended(), Some(EndReason::Completed));
    }
}

#[test]
fn a_webhook_had_an_effect_if_one_of_its_events_had() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Conversation, None);
        let news = || CallEvent::AnsweredBy(AnsweredBy::Human);
        for events in [[news(), CallEvent::Initiated], [CallEvent::Initiated, news()]] {
            line.webhook(None, &events, false);
            assert_eq!(line.ignored, None, "{way:?}: {events:?}");
        }
        line.webhook(None, &[CallEvent::Initiated, CallEvent::Ringing], false);
        assert_eq!(line.ignored, Some(Ignored::NothingNew));
    }
}

#[test]
fn trouble_that_the_call_has_got_over_is_the_cause_of_nothing_that_comes() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Conversation, Some("Hello."));
        line.event(CallEvent::Fault(Cause::new("13520", "Say: Invalid text")));
        assert!(line.record.cause.is_some(), "{way:?}");
        line.comes_back(heard());
        assert_eq!(line.record.cause, None, "{way:?}");
    }
}
