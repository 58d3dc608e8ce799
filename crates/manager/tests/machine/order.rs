//! Events that come twice, late, or in the wrong order.

use crate::line::{BOTH, Line, Way, heard, over};
use offhook_core::{CallEvent, CallPlan, EndReason};
use offhook_manager::machine::{DeadlineKind, Ignored};
use offhook_manager::{CallState, EntryKind, Mode};

#[test]
fn answered_counts_once_and_restarts_no_clock() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Conversation, None);
        let (answered_at, state) = (line.record.answered_at, line.state());
        for _ in 0..5 {
            line.pass(50);
            line.event(CallEvent::Answered);
            assert_eq!(line.ignored, Some(Ignored::NothingNew));
        }
        assert_eq!((line.record.answered_at, line.state()), (answered_at, state), "{way:?}");
        assert_eq!(line.pass(50), [DeadlineKind::MaxDuration], "five minutes after the first");
    }
}

#[test]
fn ringing_after_the_answer_changes_nothing() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Conversation, None);
        line.event(CallEvent::Ringing);
        line.event(CallEvent::Initiated);
        assert_eq!(line.state(), CallState::Listening, "{way:?}");
    }
}

#[test]
fn the_end_may_come_first_and_the_rest_after_it() {
    for way in BOTH {
        let mut line = Line::outbound(way, Mode::Notify, Some("Hello."));
        line.event(over(EndReason::NoAnswer));
        line.event(CallEvent::Ringing);
        line.event(CallEvent::Initiated);
        line.carry_out();
        assert_eq!(line.ended(), Some(EndReason::NoAnswer), "{way:?}");
        assert_eq!(line.outbox(), []);
    }
}

#[test]
fn the_report_of_the_answer_may_come_before_the_fetch_of_the_document() {
    let mut line = Line::outbound(Way::Documents, Mode::Notify, Some("Hello."));
    line.carry_out();
    line.event(CallEvent::Answered);
    assert_eq!(line.state(), CallState::Answered);
    let reply = line.webhook(Some(1), &[], true).unwrap();
    assert!(matches!(reply.plan, CallPlan::Say(_)));
    assert_eq!(line.state(), CallState::Speaking);
}

#[test]
fn the_fetch_of_the_document_may_come_before_the_report_of_the_answer() {
    let mut line = Line::outbound(Way::Documents, Mode::Notify, Some("Hello."));
    line.carry_out();
    let reply = line.webhook(Some(1), &[], true).unwrap();
    assert!(matches!(reply.plan, CallPlan::Say(_)));
    line.pass(1);
    line.event(CallEvent::Answered);
    assert_eq!(line.state(), CallState::Speaking, "it speaks since the document was fetched");
    // The end of the speech is bounded from then on.
    assert_eq!(line.pass(25), [DeadlineKind::Playback]);
}

#[test]
fn a_document_asked_for_an_older_step_is_the_present_script() {
    let mut line = Line::answered(Way::Documents, Mode::Conversation, Some("Hello?"));
    let old = line.record.script.step.0;
    line.comes_back(heard());
    let step = line.record.script.step;
    let reply = line.webhook(Some(old), &[heard()], true).unwrap();
    assert_eq!((reply.step, line.record.script.step), (step, step));
    assert!(matches!(reply.plan, CallPlan::Listen(_)));
}

#[test]
fn an_event_of_a_later_step_than_ours_changes_nothing() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Conversation, Some("Hello?"));
        let before = line.record.script.clone();
        line.webhook(Some(99), &[heard()], false);
        assert_eq!(line.record.script.plan, before.plan, "{way:?}");
        assert_eq!(line.ignored, Some(Ignored::OlderStep));
    }
}

#[test]
fn an_unknown_event_stands_in_the_timeline_and_harms_nothing() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Conversation, None);
        let state = line.state();
        line.event(CallEvent::Unknown { name: "call.magic".to_owned() });
        assert_eq!(line.state(), state, "{way:?}");
        assert!(!line.state().is_ended());
    }
}

/// All orders in which these can arrive.
fn orders<T: Clone>(of: &[T]) -> Vec<Vec<T>> {
    if of.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for place in 0..of.len() {
        let mut rest = of.to_vec();
        let first = rest.remove(place);
        all.extend(orders(&rest).into_iter().map(|mut order| {
            order.insert(0, first.clone());
            order
        }));
    }
    all
}

#[test]
fn all_orders_of_a_calls_callbacks_lead_to_the_same_end() {
    // The fetch of the first document is one of them; nothing else numbers them for us.
    let reports = [
        Some(CallEvent::Initiated),
        Some(CallEvent::Ringing),
        None,
        Some(CallEvent::Answered),
        Some(over(EndReason::Completed)),
    ];
    for order in orders(&reports) {
        let mut line = Line::outbound(Way::Documents, Mode::Conversation, Some("Hello."));
        line.carry_out();
        // Once more from the beginning: what is older than the last webhooks is no known repeat.
        for report in order.iter().chain(&order) {
            match report {
                Some(event) => line.event(event.clone()),
                None => drop(line.webhook(Some(1), &[CallEvent::Answered], true)),
            }
        }
        assert_eq!(line.ended(), Some(EndReason::Completed), "{order:?}");
        assert!(!line.record.is_open(), "{order:?}");
        let ends = line.entries.iter().filter(|it| matches!(it.kind, EntryKind::Ended { .. }));
        assert_eq!(ends.count(), 1, "{order:?}");
    }
}
