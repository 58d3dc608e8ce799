//! The end of a call: asked for, carried out, and then final.

use crate::line::{BOTH, Line, Way, failure, heard, live, over, words};
use offhook_conformance::samples::carrier_ids;
use offhook_core::{
    CallEvent, CallPlan, CallStatus, Cause, EndReason, ErrorClass, Progress, Search,
};
use offhook_manager::machine::{DeadlineKind, Ignored, Input};
use offhook_manager::{EffectKind, Mode};

fn talking(way: Way) -> Line {
    Line::answered(way, Mode::Conversation, Some("Hello?"))
}

#[test]
fn a_hangup_keeps_the_slot_until_the_carrier_takes_it() {
    for way in BOTH {
        let mut line = talking(way);
        line.hang_up();
        assert_eq!(line.ended(), None, "{way:?}");
        assert!(line.record.holds_slot());
        assert_eq!(line.carry_out(), [EffectKind::HangUp]);
        assert_eq!(line.ended(), Some(EndReason::HangupBot));
    }
}

#[test]
fn invariant_05_asking_for_a_hangup_again_changes_nothing() {
    for way in BOTH {
        let mut line = talking(way);
        line.hang_up();
        let before = line.record.clone();
        line.hang_up();
        assert_eq!(line.record, before, "{way:?}");
        line.carry_out();
        let before = line.record.clone();
        line.hang_up();
        assert_eq!(line.record, before);
    }
}

#[test]
fn invariant_05_a_hangup_before_the_carrier_has_answered_the_dial_waits_for_the_id() {
    for way in BOTH {
        let mut line = Line::outbound(way, Mode::Notify, Some("Hello."));
        line.hang_up();
        assert_eq!(line.outbox(), [EffectKind::Initiate], "{way:?}");
        assert_eq!(line.carry_out(), [EffectKind::Initiate, EffectKind::HangUp]);
        assert_eq!(line.ended(), Some(EndReason::HangupBot));
    }
}

#[test]
fn a_hangup_asked_for_while_the_dial_is_unclear_is_sent_once_the_call_is_known() {
    for way in BOTH {
        let mut line = Line::outbound(way, Mode::Notify, Some("Hello."));
        line.fails(ErrorClass::Ambiguous);
        line.hang_up();
        assert_eq!(line.outbox(), [], "{way:?}");
        line.pass(5);
        line.event(CallEvent::Ringing);
        assert_eq!(line.carry_out(), [EffectKind::HangUp]);
        assert_eq!(line.ended(), Some(EndReason::HangupBot));
    }
}

#[test]
fn a_hangup_of_an_unclear_dial_that_never_shows_ends_as_lost() {
    for way in BOTH {
        let mut line = Line::outbound(way, Mode::Notify, Some("Hello."));
        line.fails(ErrorClass::Ambiguous);
        line.hang_up();
        line.pass(200);
        assert_eq!(line.ended(), Some(EndReason::Lost), "{way:?}");
    }
}

#[test]
fn a_hangup_that_fails_is_repeated_until_it_works() {
    for class in [
        ErrorClass::Transient,
        ErrorClass::Ambiguous,
        ErrorClass::Throttled,
        ErrorClass::Unauthenticated,
        ErrorClass::Undecodable,
        ErrorClass::Rejected,
    ] {
        let mut line = talking(Way::Commands);
        line.hang_up();
        let mut waits = Vec::new();
        for _ in 0..8 {
            let failed_at = line.now;
            assert_eq!(line.fails(class), EffectKind::HangUp, "{class:?}");
            assert_eq!(line.waiting(), None, "there is a pause");
            while line.waiting().is_none() {
                line.pass(1);
            }
            waits.push(line.now.duration_since(failed_at).as_secs());
            assert_eq!(line.ended(), None);
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30], "{class:?}");
        assert_eq!(line.carry_out(), [EffectKind::HangUp]);
        assert_eq!(line.ended(), Some(EndReason::HangupBot));
    }
}

#[test]
fn the_carrier_may_say_how_long_a_hangup_is_to_wait() {
    let mut line = talking(Way::Commands);
    line.hang_up();
    let wait = Some(std::time::Duration::from_secs(7));
    let result = Err(failure(ErrorClass::Throttled).with_retry_after(wait));
    let effect = line.waiting().unwrap().id;
    line.apply(Input::EffectDone { effect, result: &result });
    line.pass(6);
    assert_eq!(line.waiting(), None);
    line.pass(1);
    assert_eq!(line.carry_out(), [EffectKind::HangUp]);
}

#[test]
fn invariant_05_the_first_reason_wins() {
    for way in BOTH {
        let mut line = talking(way);
        line.pass(400);
        assert_eq!(line.record.ending.map(|ending| ending.reason), Some(EndReason::Timeout));
        line.hang_up();
        line.event(over(EndReason::Completed));
        assert_eq!(line.ended(), Some(EndReason::Timeout), "{way:?}");
        line.event(over(EndReason::Busy));
        assert_eq!(line.ended(), Some(EndReason::Timeout));
    }
}

#[test]
fn the_carrier_s_reason_counts_where_we_have_none() {
    for way in BOTH {
        let mut line = talking(way);
        let cause = Some(Cause::new("16", "normal clearing"));
        line.event(CallEvent::Ended { reason: EndReason::HangupUser, cause: cause.clone() });
        assert_eq!(line.ended(), Some(EndReason::HangupUser), "{way:?}");
        assert_eq!(line.record.cause, cause);
        assert_eq!(line.outbox(), []);
        assert!(!line.record.is_open());
    }
}

#[test]
fn a_hangup_overtakes_what_waits_and_drops_it() {
    let mut line = talking(Way::Commands);
    line.command(&offhook_manager::machine::Command::StopListening).unwrap();
    assert!(
        matches!(line.outbox()[..], [EffectKind::StopSpeech, EffectKind::Perform(_)]),
        "{:?}",
        line.outbox()
    );
    line.hang_up();
    assert_eq!(line.outbox(), [EffectKind::HangUp]);
}

#[test]
fn invariant_02_ended_is_absorbing() {
    for way in BOTH {
        let mut line = talking(way);
        line.event(over(EndReason::HangupUser));
        let before = line.record.clone();
        for event in [
            CallEvent::Ringing,
            CallEvent::Answered,
            CallEvent::SpeechStarted,
            heard(),
            words("late words"),
            CallEvent::NothingHeard,
            CallEvent::HoldEnded,
            over(EndReason::Busy),
        ] {
            line.pass(1);
            let ended = event.clone();
            line.event(event);
            assert_eq!(line.ignored, Some(Ignored::AlreadyEnded), "{way:?} {ended:?}");
        }
        line.status(&live(Some(Progress::Answered)));
        line.search(&Search::Found(carrier_ids("CALL-9")));
        line.apply(Input::EffectDone { effect: 0, result: &Ok(carrier_ids("CALL-1")) });
        line.apply(Input::Deadline);
        line.restart();
        line.apply(Input::Admitted);
        assert_eq!(line.outbox(), []);
        let after = line.record.clone();
        assert_eq!((after.state, after.ended_at), (before.state, before.ended_at));
        assert_eq!((after.answered_at, after.turn), (before.answered_at, before.turn));
        assert_eq!(after.script, before.script);
    }
}

#[test]
fn an_ended_call_that_asks_for_a_document_gets_one_that_hangs_up() {
    let mut line = talking(Way::Documents);
    line.event(over(EndReason::HangupUser));
    let reply = line.webhook(Some(2), &[CallEvent::NothingHeard], true).unwrap();
    assert!(matches!(reply.plan, CallPlan::HangUp { .. }));
    assert_eq!(line.ended(), Some(EndReason::HangupUser));
}

#[test]
fn an_accepted_hangup_is_looked_after_once() {
    for way in BOTH {
        let mut line = talking(way);
        line.hang_up();
        line.carry_out();
        assert!(line.record.is_open(), "a look is still due");
        assert_eq!(line.record.confirm_at, Some(line.now + std::time::Duration::from_secs(10)));
        line.pass(10);
        line.status(&CallStatus::Ended { reason: EndReason::Completed, cause: None });
        assert!(!line.record.is_open(), "{way:?}");
        assert_eq!(line.ended(), Some(EndReason::HangupBot));
    }
}

#[test]
fn a_hangup_that_was_accepted_and_not_done_is_sent_again() {
    for way in BOTH {
        let mut line = talking(way);
        line.hang_up();
        line.carry_out();
        line.pass(10);
        line.status(&live(None));
        assert_eq!(line.carry_out(), [EffectKind::HangUp], "{way:?}");
        assert_eq!(line.ended(), Some(EndReason::HangupBot));
        // Not for ever: after ten times it is an operator's matter.
        let mut more = 0;
        while line.record.confirm_at.is_some() {
            line.pass(10);
            line.status(&live(None));
            more += line.carry_out().len();
            assert!(more < 100);
        }
        assert_eq!(more, 9);
        assert!(!line.record.is_open());
    }
}

#[test]
fn a_look_that_cannot_be_answered_is_repeated_and_not_for_ever() {
    let mut line = talking(Way::Commands);
    line.hang_up();
    line.carry_out();
    let unknown = || CallStatus::Unknown { cause: failure(ErrorClass::Transient) };
    line.pass(60);
    line.status(&unknown());
    assert!(line.record.is_open());
    line.pass(600);
    line.status(&unknown());
    assert!(!line.record.is_open());
}

#[test]
fn a_hangup_of_a_call_that_the_carrier_does_not_know_ends_it_and_is_looked_after() {
    for way in BOTH {
        let mut line = talking(way);
        line.hang_up();
        line.fails(ErrorClass::NotFound);
        assert_eq!(line.ended(), Some(EndReason::HangupBot), "{way:?}");
        // A carrier may not know a call for a moment; a live call must not be forgotten.
        assert!(line.record.is_open());
        line.pass(10);
        line.status(&live(None));
        assert_eq!(line.carry_out(), [EffectKind::HangUp]);
        line.pass(10);
        line.status(&CallStatus::NotFound);
        assert!(!line.record.is_open());
    }
}

#[test]
fn not_found_ends_a_call_only_at_the_second_look() {
    for way in BOTH {
        let mut line = talking(way);
        line.status(&CallStatus::NotFound);
        assert_eq!(line.ended(), None, "{way:?}");
        line.pass(3);
        line.status_of(&CallStatus::NotFound, line.now, true);
        assert_eq!(line.ended(), Some(EndReason::Completed));
        assert_eq!(line.record.cause.as_ref().map(|cause| cause.code.as_str()), Some("not-found"));
    }
}

#[test]
fn a_second_not_found_that_was_asked_before_newer_news_ends_nothing() {
    for way in BOTH {
        let mut line = talking(way);
        let asked_at = line.now;
        line.pass(2);
        line.event(CallEvent::SpeechStarted);
        line.status_of(&CallStatus::NotFound, asked_at, true);
        assert_eq!(line.ended(), None, "{way:?}");
    }
}

#[test]
fn a_carrier_that_says_that_the_call_is_over_is_believed_at_once() {
    for way in BOTH {
        let mut line = talking(way);
        let cause = Some(Cause::new("17", "user busy"));
        line.status(&CallStatus::Ended { reason: EndReason::HangupUser, cause });
        assert_eq!(line.ended(), Some(EndReason::HangupUser), "{way:?}");
    }
}

#[test]
fn a_hangup_that_was_asked_for_is_checked_on_for_ever() {
    let mut line = talking(Way::Commands);
    line.hang_up();
    assert_eq!(line.pass(31), [DeadlineKind::HangupCheck]);
    assert_eq!(line.outbox(), [EffectKind::HangUp], "never two at once");
}

#[test]
fn a_call_that_the_carrier_denied_and_then_speaks_of_is_hung_up() {
    for way in BOTH {
        let mut line = talking(way);
        line.status_of(&CallStatus::NotFound, line.now, true);
        assert_eq!(line.ended(), Some(EndReason::Completed), "{way:?}");
        line.event(CallEvent::SpeechStarted);
        assert_eq!(line.outbox(), [EffectKind::HangUp], "{way:?}: somebody is on the line");
        line.event(CallEvent::SpeechEnded { completed: true });
        assert_eq!(line.carry_out(), [EffectKind::HangUp], "once is enough");
        assert_eq!(line.ended(), Some(EndReason::Completed), "the first reason wins");
    }
}

#[test]
fn a_dial_that_was_refused_and_reached_somebody_all_the_same_is_hung_up() {
    for way in BOTH {
        let mut line = Line::outbound(way, Mode::Notify, Some("Hello."));
        line.fails(ErrorClass::Rejected);
        assert_eq!(line.ended(), Some(EndReason::Failed), "{way:?}");
        line.event(CallEvent::Ringing);
        assert_eq!(line.carry_out(), [EffectKind::HangUp], "{way:?}");
    }
}

#[test]
fn late_news_of_a_call_whose_end_was_reported_ask_for_nothing() {
    for way in BOTH {
        let mut line = talking(way);
        line.event(over(EndReason::HangupUser));
        line.event(CallEvent::Answered);
        assert_eq!(line.outbox(), [], "{way:?}");
        // Nor does the report of an end that had to be guessed.
        let mut line = talking(way);
        line.status_of(&CallStatus::NotFound, line.now, true);
        line.event(over(EndReason::HangupUser));
        assert_eq!(line.outbox(), [], "{way:?}");
    }
}

#[test]
fn a_document_that_is_asked_for_after_the_carrier_denied_the_call_hangs_up() {
    let mut line = talking(Way::Documents);
    let step = line.record.script.step.0;
    line.status_of(&CallStatus::NotFound, line.now, true);
    let reply = line.webhook(Some(step), &[heard()], true).unwrap();
    assert_eq!(reply.plan, CallPlan::HangUp { after: std::time::Duration::ZERO });
    assert_eq!(line.outbox(), [], "the document does it");
}
