//! What is to be done at the carrier: what comes first, and what becomes of what is not taken.

use crate::line::{BOTH, Line, Way, live, over};
use offhook_conformance::samples::speech;
use offhook_core::{CallEvent, EndReason, ErrorClass, ListenFor, Locale, RejectReason};
use offhook_manager::machine::{self, Command, Input, Refusal};
use offhook_manager::{CallState, Effect, EffectKind, Mode};

fn speak(text: &str) -> Command {
    Command::Speak { speech: speech(text) }
}

/// A call that was given up as lost, and spoken of by its carrier since.
fn lost_and_live(way: Way) -> Line {
    let mut line = Line::outbound(way, Mode::Notify, Some("Hello."));
    line.fails(ErrorClass::Ambiguous);
    line.pass(90);
    assert_eq!(line.ended(), Some(EndReason::Lost), "{way:?}");
    line.event(CallEvent::Ringing);
    assert_eq!(line.outbox(), [EffectKind::HangUp], "{way:?}");
    line
}

#[test]
fn what_an_ended_call_has_no_use_for_is_taken_out_and_that_is_a_change_to_commit() {
    let mut line = Line::answered(Way::Commands, Mode::Conversation, None);
    line.event(over(EndReason::HangupUser));
    // As another version of the program may have left it in the store.
    let kind = EffectKind::Perform(line.record.script.step);
    line.record.outbox.push(Effect { id: 90, kind, attempts: 0, not_before: None });
    let next = line.apply(Input::Deadline);
    assert_eq!((line.outbox(), next.entries.len()), (vec![], 0));
    assert!(next.changed);
}

#[test]
fn speech_that_is_just_being_sent_is_cut_off_too() {
    let mut line = Line::answered(Way::Commands, Mode::Conversation, None);
    line.command(&speak("Long story.")).unwrap();
    line.command(&Command::StopListening).unwrap();
    let step = line.record.script.step;
    assert_eq!(line.outbox(), [EffectKind::StopSpeech, EffectKind::Perform(step)]);
}

#[test]
fn what_was_overtaken_under_way_is_waited_for_also_where_something_runs_beside() {
    let (mut line, _) = Line::inbound(Way::Documents, None);
    line.command(&speak("One.")).unwrap();
    let overtaken = line.waiting().unwrap();
    line.command(&speak("Two.")).unwrap();
    let step = line.record.script.step;
    assert_eq!(line.outbox(), [EffectKind::Limit, EffectKind::Perform(step)]);
    let next = |in_flight: &[u32]| {
        machine::startable(&line.record, in_flight, line.now).map(|effect| effect.kind)
    };
    assert_eq!(next(&[overtaken.id]), Some(EffectKind::Limit), "two voices at once");
    assert_eq!(next(&[]), Some(EffectKind::Perform(step)));
}

#[test]
fn a_plan_for_a_call_that_the_carrier_does_not_know_ends_nothing() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Conversation, None);
        line.command(&speak("Hello.")).unwrap();
        assert!(matches!(line.fails(ErrorClass::NotFound), EffectKind::Perform(_)));
        assert_eq!((line.ended(), line.record.ending), (None, None), "{way:?}");
    }
}

#[test]
fn what_follows_a_plan_that_failed_is_told_by_a_command_where_no_document_asks_for_it() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Conversation, None);
        line.command(&speak("Hello.")).unwrap();
        line.fails(ErrorClass::Rejected);
        assert_eq!((line.state(), line.ended()), (CallState::Active, None), "{way:?}");
        let step = line.record.script.step;
        let told = if way == Way::Documents { vec![] } else { vec![EffectKind::Perform(step)] };
        assert_eq!(line.outbox(), told, "{way:?}");
    }
}

#[test]
fn listening_that_the_carrier_refuses_is_not_asked_for_without_end() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Conversation, None);
        let listen = Command::Listen { locale: Locale::en_us(), input: ListenFor::Speech };
        line.command(&listen).unwrap();
        line.fails(ErrorClass::Rejected);
        assert_eq!(line.outbox(), [], "{way:?}");
    }
}

#[test]
fn a_late_hangup_of_a_call_that_the_carrier_does_not_know_is_the_last_of_it() {
    for way in BOTH {
        let mut line = lost_and_live(way);
        line.fails(ErrorClass::NotFound);
        assert!(!line.record.is_open(), "{way:?}");
    }
}

#[test]
fn a_late_hangup_that_is_refused_is_followed_by_a_look_and_perhaps_another() {
    for way in BOTH {
        for class in [ErrorClass::Rejected, ErrorClass::WrongState] {
            let mut line = lost_and_live(way);
            line.fails(class);
            assert_eq!(line.outbox(), [], "{way:?} {class:?}");
            assert_eq!(line.record.confirm_at, Some(line.now));
            line.status(&live(None));
            assert_eq!(line.outbox(), [EffectKind::HangUp]);
        }
    }
}

#[test]
fn a_rejection_that_the_carrier_refuses_is_not_looked_after() {
    let (mut line, _) = Line::refused(Way::Commands, Refusal::Policy);
    let rejection = EffectKind::Reject(RejectReason::Declined);
    assert_eq!(line.fails(ErrorClass::Rejected), rejection);
    assert!(!line.record.is_open(), "{:?}", line.record);
}
