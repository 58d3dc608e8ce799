//! Outbound notify: the message once, and the hangup after it was heard.

use crate::line::{BOTH, Line, Way, heard, over};
use offhook_core::{CallEvent, CallPlan, EndReason, ErrorClass};
use offhook_manager::machine::DeadlineKind;
use offhook_manager::{CallState, EffectKind, EntryKind, Mode};

#[test]
fn invariant_14_a_notify_call_hangs_up_after_the_message_was_heard_and_its_delay() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Notify, Some("Your parcel is here."));
        assert_eq!(line.state(), CallState::Speaking, "{way:?}");
        line.pass(4);
        assert_eq!(line.state(), CallState::Speaking, "nothing hangs up before it was heard");
        line.comes_back(heard());
        assert!(matches!(line.plan(), CallPlan::HangUp { .. }), "{way:?}");
        assert_eq!(line.state(), CallState::Active);
        match way {
            // The document hangs up; the command is the net below it.
            Way::Documents => {
                assert_eq!(line.pass(7), []);
                line.event(over(EndReason::Completed));
            }
            Way::Commands => {
                assert_eq!(line.pass(2), []);
                assert_eq!(line.pass(1), [DeadlineKind::ScriptedHangup]);
                assert_eq!(line.carry_out(), [EffectKind::HangUp]);
            }
        }
        assert_eq!(line.ended(), Some(EndReason::HangupBot), "{way:?}");
    }
}

#[test]
fn a_document_that_does_not_hang_up_is_followed_by_a_command() {
    let mut line = Line::answered(Way::Documents, Mode::Notify, Some("Hello."));
    line.comes_back(heard());
    assert_eq!(line.pass(8), [DeadlineKind::ScriptedHangup]);
    assert_eq!(line.carry_out(), [EffectKind::HangUp]);
    assert_eq!(line.ended(), Some(EndReason::HangupBot));
}

#[test]
fn invariant_14_speech_whose_end_nobody_tells_has_a_bound() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Notify, Some(&"ten chars.".repeat(10)));
        // A hundred characters: 33.3 s at the slowest, and 20 s of grace.
        assert_eq!(line.pass(53), [], "{way:?}");
        assert_eq!(line.pass(1), [DeadlineKind::Playback]);
        assert!(line.has_entry(|kind| matches!(kind, EntryKind::NotConfirmed { .. })));
        assert_eq!(line.carry_out(), [EffectKind::HangUp]);
        assert_eq!(line.ended(), Some(EndReason::HangupBot));
    }
}

#[test]
fn a_message_cut_off_is_followed_by_what_follows_it() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Notify, Some("Hello."));
        line.comes_back(CallEvent::SpeechEnded { completed: false });
        assert!(matches!(line.plan(), CallPlan::HangUp { .. }), "{way:?}");
    }
}

#[test]
fn the_message_is_told_once_however_often_its_end_is_reported() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Notify, Some("Hello."));
        let step = line.record.script.step.0;
        line.comes_back_for(step, heard());
        let plan = line.plan().clone();
        line.comes_back_for(step, heard());
        line.comes_back_for(step, heard());
        assert_eq!(line.plan(), &plan, "{way:?}");
        assert_eq!(line.says(), None);
    }
}

#[test]
fn speech_that_was_not_sent_is_tried_again_and_not_for_ever() {
    let mut line = Line::outbound(Way::Commands, Mode::Notify, Some("Hello."));
    line.carry_out();
    line.event(CallEvent::Answered);
    let mut attempts = 0;
    while matches!(line.waiting().map(|effect| effect.kind), Some(EffectKind::Perform(_))) {
        attempts += 1;
        assert!(attempts < 10);
        line.fails(ErrorClass::Transient);
        line.pass(40);
    }
    assert_eq!(attempts, 3);
    // What follows the message follows all the same: nobody is kept on a silent line.
    line.pass(10);
    line.carry_out();
    assert_eq!(line.ended(), Some(EndReason::HangupBot));
}

#[test]
fn invariant_14_speech_that_may_have_been_sent_is_not_sent_again() {
    let mut line = Line::outbound(Way::Commands, Mode::Notify, Some("Hello."));
    line.carry_out();
    line.event(CallEvent::Answered);
    assert!(matches!(line.fails(ErrorClass::Ambiguous), EffectKind::Perform(_)));
    assert_eq!(line.outbox(), []);
    assert_eq!(line.state(), CallState::Speaking);
    assert!(line.has_entry(|kind| matches!(kind, EntryKind::NotConfirmed { .. })));
}

#[test]
fn a_notify_call_without_a_message_hangs_up_after_its_delay() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Notify, None);
        assert_eq!(line.pass(8), [DeadlineKind::ScriptedHangup], "{way:?}");
        line.carry_out();
        assert_eq!(line.ended(), Some(EndReason::HangupBot));
    }
}
