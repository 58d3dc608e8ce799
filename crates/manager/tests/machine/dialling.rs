//! Dialling: once, whatever becomes of the answer.

use crate::line::{BOTH, Line, Way, failure, new_outbound, over};
use offhook_conformance::samples::carrier_ids;
use offhook_core::{CallEvent, EndReason, ErrorClass, ProviderCallIds, Search};
use offhook_manager::machine::{DeadlineKind, Ignored, Input};
use offhook_manager::{Adoption, CallState, DialOutcome, EffectKind, EntryKind, Mode};

fn dialling(way: Way) -> Line {
    Line::outbound(way, Mode::Notify, Some("Hello."))
}

fn unclear(way: Way) -> Line {
    let mut line = dialling(way);
    assert_eq!(line.fails(ErrorClass::Ambiguous), EffectKind::Initiate);
    line
}

fn adopted(line: &Line, by: Adoption) -> bool {
    line.has_entry(|kind| *kind == EntryKind::Adopted { by })
}

#[test]
fn a_dial_that_the_carrier_takes_is_accepted() {
    for way in BOTH {
        let mut line = dialling(way);
        assert_eq!(line.outcome(), Some(DialOutcome::Pending));
        assert_eq!(line.carry_out(), [EffectKind::Initiate]);
        assert!(matches!(line.outcome(), Some(DialOutcome::Accepted { .. })), "{way:?}");
        assert_eq!(line.record.ids.value(), Some("CALL-1"));
        assert_eq!(line.outbox(), []);
    }
}

#[test]
fn a_dial_that_provably_placed_no_call_fails_it() {
    for class in [
        ErrorClass::Rejected,
        ErrorClass::Throttled,
        ErrorClass::Unauthenticated,
        ErrorClass::NotFound,
        ErrorClass::Transient,
    ] {
        let mut line = dialling(Way::Documents);
        line.fails(class);
        assert_eq!(line.ended(), Some(EndReason::Failed), "{class:?}");
        assert_eq!(line.outcome(), Some(DialOutcome::Refused));
        assert_eq!(line.outbox(), [], "it is not dialled again");
        assert!(line.record.cause.is_some());
    }
}

#[test]
fn a_dial_without_a_clear_answer_is_unknown_and_never_sent_again() {
    for way in BOTH {
        for class in [ErrorClass::Ambiguous, ErrorClass::Undecodable] {
            let mut line = dialling(way);
            line.fails(class);
            assert!(matches!(line.outcome(), Some(DialOutcome::Unknown { .. })), "{way:?}");
            assert_eq!(line.state(), CallState::Initiated);
            assert!(line.record.outcome_unknown() && line.record.holds_slot());
            assert_eq!(line.outbox(), []);
        }
    }
}

#[test]
fn a_webhook_adopts_a_call_whose_dial_was_unclear() {
    for way in BOTH {
        let mut line = unclear(way);
        line.pass(3);
        line.event(CallEvent::Initiated);
        assert!(adopted(&line, Adoption::Webhook), "{way:?}");
        assert_eq!(line.record.ids.value(), Some("CALL-1"));
        assert!(!line.record.outcome_unknown());
        line.pick_up();
        assert!(line.state().is_connected());
        assert_eq!(line.outbox(), []);
    }
}

#[test]
fn a_webhook_that_comes_before_the_answer_to_the_dial_settles_it() {
    for way in BOTH {
        let mut line = dialling(way);
        let dial = line.waiting().unwrap();
        line.event(CallEvent::Ringing);
        assert!(!adopted(&line, Adoption::Webhook), "{way:?}: nobody had doubted that it exists");
        // The answer is unclear, but the call is known to exist.
        let result = Err(failure(ErrorClass::Ambiguous));
        line.apply(Input::EffectDone { effect: dial.id, result: &result });
        assert!(matches!(line.outcome(), Some(DialOutcome::Accepted { .. })), "{way:?}");
        assert_eq!(line.state(), CallState::Ringing);
        assert_eq!(line.outbox(), []);
    }
}

#[test]
fn an_exact_search_adopts_and_candidates_are_only_noted() {
    let mut line = unclear(Way::Commands);
    line.search(&Search::Found(carrier_ids("CALL-1")));
    assert!(adopted(&line, Adoption::Search));
    assert_eq!(line.record.ids.value(), Some("CALL-1"));

    let mut line = unclear(Way::Documents);
    line.search(&Search::Candidates(vec![carrier_ids("CALL-8"), carrier_ids("CALL-9")]));
    assert!(line.record.outcome_unknown() && line.record.ids.is_empty());
    assert!(line.has_entry(
        |kind| matches!(kind, EntryKind::Searched { candidates } if candidates.len() == 2)
    ));
    line.hang_up();
    assert_eq!(line.outbox(), [], "a candidate may be a colleague's call: nothing commands it");
}

#[test]
fn an_empty_search_proves_nothing() {
    let mut line = unclear(Way::Commands);
    line.search(&Search::Nothing);
    line.search(&Search::Unknown { cause: failure(ErrorClass::Transient) });
    assert!(line.record.outcome_unknown());
}

#[test]
fn an_unclear_dial_is_lost_at_its_deadline_and_not_before() {
    for (way, deadline) in [(Way::Documents, 90), (Way::Commands, 45)] {
        let mut line = unclear(way);
        assert_eq!(line.pass(deadline - 1), [], "{way:?}");
        assert_eq!(line.pass(1), [DeadlineKind::Dial]);
        assert_eq!(line.ended(), Some(EndReason::Lost));
        assert!(!line.record.holds_slot() && !line.record.outcome_unknown());
    }
}

#[test]
fn invariant_06_a_webhook_for_a_lost_call_hangs_it_up_and_never_revives_it() {
    for way in BOTH {
        let mut line = unclear(way);
        line.pass(90);
        assert_eq!(line.ended(), Some(EndReason::Lost));
        line.event(CallEvent::Answered);
        assert_eq!(line.ended(), Some(EndReason::Lost), "{way:?}");
        assert_eq!(line.carry_out(), [EffectKind::HangUp], "somebody is on the line");
        // Its own end needs no hangup.
        line.event(over(EndReason::Completed));
        assert_eq!(line.outbox(), []);
    }
}

#[test]
fn a_lost_call_that_asks_for_a_document_gets_one_that_hangs_up() {
    let mut line = unclear(Way::Documents);
    line.pass(90);
    let reply = line.webhook(Some(1), &[CallEvent::Answered], true).unwrap();
    assert!(matches!(reply.plan, offhook_core::CallPlan::HangUp { .. }));
    assert_eq!(line.outbox(), []);
}

/// A call that was given up as lost, and may live on where no document would end it.
fn lost() -> Line {
    let mut line = unclear(Way::Commands);
    assert_eq!(line.pass(45), [DeadlineKind::Dial]);
    line
}

#[test]
fn a_lost_call_is_searched_for_where_it_can_be_and_no_document_would_end_it() {
    for (way, can_be_searched, is_sought) in [
        (Way::Commands, true, true),
        (Way::Commands, false, false),
        (Way::Documents, true, false),
        (Way::Documents, false, false),
    ] {
        let mut line = unclear(way);
        line.capabilities.find_call = can_be_searched;
        line.pass(90);
        assert_eq!(line.ended(), Some(EndReason::Lost));
        assert_eq!(line.record.confirm_at.is_some(), is_sought, "{way:?} {can_be_searched}");
        assert_eq!(line.record.is_open(), is_sought);
    }
}

#[test]
fn a_lost_call_that_a_search_finds_is_hung_up_and_stays_lost() {
    let mut line = lost();
    line.search(&Search::Found(carrier_ids("CALL-1")));
    assert!(adopted(&line, Adoption::Search));
    assert_eq!(line.record.confirm_at, None);
    assert_eq!(line.carry_out(), [EffectKind::HangUp]);
    assert_eq!(line.ended(), Some(EndReason::Lost));
}

#[test]
fn a_lost_call_is_searched_for_until_the_carrier_answers_and_for_ten_minutes_at_most() {
    let unknown = || Search::Unknown { cause: failure(ErrorClass::Transient) };
    let nothing_found = |kind: &EntryKind| *kind == EntryKind::Searched { candidates: Vec::new() };
    let mut line = lost();
    line.pass(599);
    line.search(&unknown());
    assert_eq!((line.record.is_open(), line.ignored), (true, Some(Ignored::NothingNew)));
    assert!(!line.has_entry(nothing_found));
    line.pass(1);
    line.search(&unknown());
    assert!(!line.record.is_open() && line.has_entry(nothing_found));

    let mut line = lost();
    line.search(&Search::Nothing);
    assert!(!line.record.is_open() && line.has_entry(nothing_found));
}

#[test]
fn a_search_that_comes_back_after_the_call_is_known_changes_nothing() {
    for way in BOTH {
        let mut line = unclear(way);
        line.event(CallEvent::Ringing);
        line.pass(1);
        let before = line.record.clone();
        let leg = offhook_core::ProviderCallId::new("leg", 2, "LEG-9");
        line.search(&Search::Found(ProviderCallIds::of(leg)));
        assert_eq!((&line.record, line.ignored), (&before, Some(Ignored::NothingNew)), "{way:?}");
    }
}

#[test]
fn an_answer_to_the_dial_that_comes_after_it_was_lost_leads_to_a_hangup() {
    for way in BOTH {
        let mut line = dialling(way);
        let dial = line.waiting().unwrap();
        line.pass(90);
        assert_eq!(line.ended(), Some(EndReason::Lost), "{way:?}");
        line.apply(Input::EffectDone { effect: dial.id, result: &Ok(carrier_ids("CALL-1")) });
        assert_eq!(line.carry_out(), [EffectKind::HangUp]);
        assert_eq!(line.ended(), Some(EndReason::Lost));
    }
}

#[test]
fn an_answer_to_the_dial_that_comes_after_the_call_was_over_asks_for_nothing() {
    for way in BOTH {
        let mut line = dialling(way);
        let dial = line.waiting().unwrap();
        line.event(over(EndReason::Busy));
        let mut ids = ProviderCallIds::none();
        ids.merge(&ProviderCallIds::of(offhook_core::ProviderCallId::new("request", 0, "R-1")));
        line.apply(Input::EffectDone { effect: dial.id, result: &Ok(ids) });
        assert_eq!(line.ended(), Some(EndReason::Busy));
        assert_eq!(line.outbox(), [], "{way:?}: the carrier said itself that it is over");
    }
}

#[test]
fn a_queued_call_dials_when_it_is_admitted_and_only_once() {
    let mut new = new_outbound(Way::Documents, Mode::Notify, None);
    new.queued = true;
    let mut line = Line::of(new, Way::Documents);
    assert_eq!(line.state(), CallState::Queued);
    assert!(!line.record.holds_slot());
    assert_eq!(line.outbox(), []);
    line.pass(20);
    line.apply(Input::Admitted);
    assert_eq!(line.outbox(), [EffectKind::Initiate]);
    line.apply(Input::Admitted);
    assert_eq!(line.outbox(), [EffectKind::Initiate]);
}

#[test]
fn a_queued_call_that_never_gets_a_slot_is_called_off() {
    let mut new = new_outbound(Way::Documents, Mode::Notify, None);
    new.queued = true;
    let mut line = Line::of(new, Way::Documents);
    assert_eq!(line.pass(299), []);
    assert_eq!(line.pass(1), [DeadlineKind::Queue]);
    assert_eq!(line.ended(), Some(EndReason::Canceled));
}
