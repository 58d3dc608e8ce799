//! Ringing, duration, and what the carrier says when it is asked.

use crate::line::{BOTH, Line, Way, failure, live, new_outbound};
use offhook_core::{CallEvent, CallStatus, EndReason, ErrorClass, Progress};
use offhook_manager::machine::{DeadlineKind, Ignored, Input, next_deadline};
use offhook_manager::{CallState, EffectKind, EntryKind, Mode};

fn dialled(way: Way) -> Line {
    let mut line = Line::outbound(way, Mode::Notify, Some("Hello."));
    line.carry_out();
    line
}

/// Ringing for longer than the carrier's own limit lets it.
fn overdue(way: Way) -> Line {
    let mut line = dialled(way);
    match way {
        Way::Documents => {
            line.pass(5);
            line.event(CallEvent::Ringing);
            assert_eq!(line.pass(39), []);
        }
        Way::Commands => assert_eq!(line.pass(44), []),
    }
    assert_eq!(line.pass(1), [DeadlineKind::Ring], "{way:?}");
    line
}

#[test]
fn a_call_that_waits_in_the_carrier_s_queue_is_given_its_slack() {
    for (way, seconds) in [(Way::Documents, 90), (Way::Commands, 45)] {
        let mut line = dialled(way);
        assert_eq!(line.pass(seconds - 1), []);
        assert_eq!(line.pass(1), [DeadlineKind::Ring], "{way:?}");
    }
}

#[test]
fn a_call_that_still_rings_after_its_time_is_hung_up_as_not_answered() {
    for way in BOTH {
        let mut line = overdue(way);
        assert_eq!(line.ended(), None);
        line.status(&live(Some(Progress::Ringing)));
        assert_eq!(line.carry_out(), [EffectKind::HangUp], "{way:?}");
        assert_eq!(line.ended(), Some(EndReason::NoAnswer));
    }
}

#[test]
fn a_call_that_lives_past_its_ringing_counts_as_answered_where_nothing_tells_more() {
    for way in BOTH {
        let mut line = overdue(way);
        line.status(&live(None));
        assert!(line.state().is_connected(), "{way:?}");
        assert_eq!(line.record.answered_at, Some(line.now));
        if way == Way::Commands {
            assert!(matches!(line.carry_out()[..], [EffectKind::Perform(_)]), "it speaks now");
        }
    }
}

#[test]
fn a_call_that_was_answered_unheard_goes_on() {
    for way in BOTH {
        let mut line = overdue(way);
        line.status(&live(Some(Progress::Answered)));
        assert!(line.state().is_connected(), "{way:?}");
        assert_eq!(line.record.ring_overdue_at, None);
    }
}

#[test]
fn a_call_that_rings_for_too_long_is_hung_up_also_if_nobody_can_be_asked() {
    for way in BOTH {
        let mut line = overdue(way);
        line.status(&CallStatus::Unknown { cause: failure(ErrorClass::Transient) });
        assert_eq!(line.pass(19), [], "{way:?}");
        assert_eq!(line.pass(1), [DeadlineKind::RingOverdue]);
        assert_eq!(line.carry_out(), [EffectKind::HangUp]);
        assert_eq!(line.ended(), Some(EndReason::NoAnswer));
    }
}

#[test]
fn invariant_01_a_call_that_lasts_too_long_is_hung_up_by_our_reason() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Conversation, None);
        assert_eq!(line.pass(299), [], "{way:?}");
        assert_eq!(line.pass(1), [DeadlineKind::MaxDuration]);
        assert_eq!(line.carry_out(), [EffectKind::HangUp]);
        assert_eq!(line.ended(), Some(EndReason::Timeout));
    }
}

#[test]
fn a_live_status_that_tells_nothing_new_changes_nothing() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Conversation, None);
        let before = line.record.clone();
        line.status(&live(Some(Progress::Answered)));
        line.status(&live(None));
        line.status(&live(Some(Progress::Ringing)));
        line.status(&CallStatus::Unknown { cause: failure(ErrorClass::Unauthenticated) });
        assert_eq!(line.record, before, "{way:?}");
    }
}

#[test]
fn a_status_tells_that_it_rings_and_that_it_was_answered() {
    for way in BOTH {
        let mut line = dialled(way);
        line.status(&live(Some(Progress::Ringing)));
        assert_eq!(line.state(), CallState::Ringing, "{way:?}");
        line.status(&live(Some(Progress::Answered)));
        assert_eq!(line.state(), CallState::Answered);
    }
}

#[test]
fn a_status_that_was_asked_before_newer_news_changes_nothing() {
    for way in BOTH {
        let mut line = overdue(way);
        let asked_at = line.now;
        line.pass(1);
        line.event(CallEvent::Initiated);
        line.status_of(&live(None), asked_at, false);
        assert_eq!(line.record.answered_at, None, "{way:?}");
    }
}

#[test]
fn a_deadline_that_is_not_due_yet_changes_nothing() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Conversation, Some("Hello."));
        let before = line.record.clone();
        assert!(!line.apply(Input::Deadline).changed, "{way:?}");
        assert_eq!((&line.record, line.ignored), (&before, Some(Ignored::NothingNew)));
    }
}

#[test]
fn speech_whose_end_nobody_told_is_followed_by_listening_where_something_listens() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Conversation, Some("Hello."));
        assert_eq!(line.state(), CallState::Speaking, "{way:?}");
        let said = line.record.script.step;
        assert_eq!(line.pass(60), [DeadlineKind::Playback]);
        let perform = EffectKind::Perform(said);
        assert!(line.has_entry(
            |it| matches!(it, EntryKind::NotConfirmed { effect } if *effect == perform)
        ));
        match way {
            // What was said stands in an element that listens, and that has not come back.
            Way::Documents => {
                assert_eq!((line.says(), line.record.script.step), (Some("Hello."), said));
            }
            Way::Commands => {
                line.carry_out();
                assert!(line.listens_for().is_some());
            }
        }
        assert_eq!(line.state(), CallState::Listening);
    }
}

#[test]
fn invariant_01_times_near_the_ends_of_the_calendar_do_not_panic() {
    let mut line = Line::answered(Way::Commands, Mode::Conversation, None);
    line.record.limits.max_duration = std::time::Duration::MAX;
    assert!(next_deadline(&line.record).is_some());
}

#[test]
fn no_time_of_a_call_outlasts_the_call_and_a_carrier_has_ten_seconds_to_dial() {
    let two_seconds = std::time::Duration::from_secs(2);
    let mut new = new_outbound(Way::Commands, Mode::Notify, Some("Hello."));
    new.limits.max_duration = two_seconds;
    let limits = Line::of(new, Way::Commands).record.limits;
    assert_eq!(limits.max_duration, two_seconds);
    assert_eq!((limits.ring_timeout, limits.transcript_timeout), (two_seconds, two_seconds));
    assert_eq!(limits.notify_hangup_delay, two_seconds);

    let mut new = new_outbound(Way::Commands, Mode::Notify, Some("Hello."));
    new.limits.dial_slack = two_seconds;
    let limits = Line::of(new, Way::Commands).record.limits;
    assert_eq!(limits.dial_slack, std::time::Duration::from_secs(10));
}
