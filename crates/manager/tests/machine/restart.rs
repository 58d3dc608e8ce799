//! What a restart makes of what may have been under way.

use crate::line::{BOTH, Line, Way, heard, new_outbound, over};
use offhook_core::{CallEvent, CallStatus, EndReason, ErrorClass};
use offhook_manager::machine::{DeadlineKind, Input};
use offhook_manager::{CallState, DialOutcome, EffectKind, EntryKind, Mode};

#[test]
fn a_dial_that_was_interrupted_is_unknown_and_never_sent_again() {
    for way in BOTH {
        let mut line = Line::outbound(way, Mode::Notify, Some("Hello."));
        line.pass(1);
        line.restart();
        assert_eq!(line.outbox(), [], "{way:?}");
        assert!(line.record.outcome_unknown() && line.record.holds_slot());
        line.restart();
        assert_eq!(line.outbox(), []);
    }
}

#[test]
fn a_dial_that_a_webhook_had_confirmed_is_never_sent_again_either() {
    for way in BOTH {
        let mut line = Line::outbound(way, Mode::Notify, Some("Hello."));
        // The carrier's webhook overtakes its answer to the dial, and then we stop.
        line.event(CallEvent::Ringing);
        assert_eq!(line.outbox(), [EffectKind::Initiate]);
        line.restart();
        assert_eq!(line.outbox(), [], "{way:?}: this call was dialled and rings");
        assert!(matches!(line.outcome(), Some(DialOutcome::Accepted { .. })));
        assert_eq!(line.state(), CallState::Ringing);
    }
}

#[test]
fn a_dial_with_a_hangup_behind_it_is_never_sent_again() {
    for way in BOTH {
        let mut line = Line::outbound(way, Mode::Notify, Some("Hello."));
        line.hang_up();
        line.event(CallEvent::Ringing);
        assert_eq!(line.outbox(), [EffectKind::Initiate, EffectKind::HangUp]);
        line.restart();
        assert_eq!(line.outbox(), [EffectKind::HangUp], "{way:?}");
        assert_eq!(line.carry_out(), [EffectKind::HangUp]);
        assert_eq!(line.ended(), Some(EndReason::HangupBot));
    }
}

#[test]
fn a_dial_that_was_unclear_before_gets_time_for_a_search_and_a_webhook() {
    for way in BOTH {
        let mut line = Line::outbound(way, Mode::Notify, Some("Hello."));
        line.fails(ErrorClass::Ambiguous);
        // Stopped for an hour: no deadline was applied meanwhile.
        line.now += std::time::Duration::from_secs(3600);
        line.restart();
        assert_eq!((line.ended(), line.record.ending), (None, None), "{way:?}");
        // Two restarts in one instant are one.
        let told = line.entries.len();
        line.restart();
        assert_eq!(line.entries.len(), told);
        assert_eq!(line.pass(9), []);
        assert_eq!(line.pass(1), [DeadlineKind::Dial]);
        assert_eq!(line.ended(), Some(EndReason::Lost));
    }
}

#[test]
fn a_call_that_is_being_hung_up_keeps_its_reason_however_long_we_were_away() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Conversation, None);
        line.hang_up();
        line.now += std::time::Duration::from_secs(3600);
        line.restart();
        let too_old = |it: &EntryKind| matches!(it, EntryKind::Deadline { .. });
        assert!(!line.has_entry(too_old), "{way:?}: its end had been asked for");
        line.carry_out();
        assert_eq!(line.ended(), Some(EndReason::HangupBot));
    }
}

#[test]
fn invariant_14_speech_that_was_under_way_is_not_said_twice() {
    let mut line = Line::outbound(Way::Commands, Mode::Notify, Some("Hello."));
    line.carry_out();
    line.event(CallEvent::Answered);
    assert!(matches!(line.outbox()[..], [EffectKind::Perform(_)]));
    line.restart();
    assert_eq!(line.outbox(), []);
    assert!(line.has_entry(|kind| matches!(kind, EntryKind::NotConfirmed { .. })));
    assert_eq!(line.state(), CallState::Speaking);
    // Its end is waited for, and bounded.
    line.webhook(None, &[heard()], false);
    line.pass(5);
    line.carry_out();
    assert_eq!(line.ended(), Some(EndReason::HangupBot));
}

#[test]
fn a_speech_whose_end_was_told_to_nobody_is_listened_behind_at_once() {
    let mut line = Line::answered(Way::Commands, Mode::Conversation, Some("Hello."));
    line.carry_out();
    assert_eq!(line.state(), CallState::Speaking);
    line.restart();
    assert!(line.has_entry(|kind| matches!(kind, EntryKind::NotConfirmed { .. })));
    line.carry_out();
    assert_eq!(line.state(), CallState::Listening);

    // A hangup must not cut it off: its end is waited for, and bounded.
    let mut line = Line::answered(Way::Commands, Mode::Notify, Some("Hello."));
    line.carry_out();
    line.restart();
    assert_eq!(line.state(), CallState::Speaking);
}

#[test]
fn a_call_that_was_answered_did_not_fail_to_be_connected() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Conversation, None);
        let status = CallStatus::Ended { reason: EndReason::Failed, cause: None };
        line.status(&status);
        assert_eq!(line.ended(), Some(EndReason::Completed), "{way:?}");
    }
}

#[test]
fn what_may_be_repeated_is_repeated() {
    let mut line = Line::answered(Way::Commands, Mode::Conversation, None);
    line.hang_up();
    line.restart();
    assert_eq!(line.carry_out(), [EffectKind::HangUp]);

    let (mut line, _) = Line::inbound(Way::Commands, None);
    line.restart();
    assert_eq!(line.carry_out(), [EffectKind::Answer]);
    line.event(CallEvent::Answered);
    line.restart();
    assert!(matches!(line.carry_out()[..], [EffectKind::Perform(_)]), "listening starts again");
}

#[test]
fn the_maximum_duration_runs_on_with_the_time_that_is_left() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Conversation, None);
        line.pass(200);
        line.restart();
        assert_eq!(line.pass(99), [], "{way:?}");
        assert_eq!(line.pass(1), [DeadlineKind::MaxDuration]);
    }
}

#[test]
fn a_call_that_was_never_answered_and_is_too_old_is_hung_up() {
    for way in BOTH {
        let mut line = Line::outbound(way, Mode::Notify, Some("Hello."));
        line.carry_out();
        line.now += std::time::Duration::from_secs(3600);
        line.restart();
        assert_eq!(line.carry_out(), [EffectKind::HangUp], "{way:?}");
        assert_eq!(line.ended(), Some(EndReason::Timeout));
    }
}

#[test]
fn the_age_of_a_call_that_had_to_wait_counts_from_its_dial() {
    for way in BOTH {
        let mut new = new_outbound(way, Mode::Notify, Some("Hello."));
        new.queued = true;
        let mut line = Line::of(new, way);
        line.pass(290);
        line.apply(Input::Admitted);
        line.carry_out();
        line.pass(20);
        line.restart();
        assert_eq!(line.record.ending, None, "{way:?}: it has been ringing for 20 s");
    }
}

#[test]
fn a_queued_call_still_waits() {
    let mut new = new_outbound(Way::Documents, Mode::Notify, None);
    new.queued = true;
    let mut line = Line::of(new, Way::Documents);
    line.restart();
    assert_eq!(line.state(), CallState::Queued);
    assert_eq!(line.outbox(), []);
}

#[test]
fn a_restart_changes_nothing_of_a_call_that_is_over() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Conversation, None);
        line.event(over(EndReason::HangupUser));
        let before = line.record.clone();
        line.restart();
        assert_eq!(line.record, before, "{way:?}");
    }
}
