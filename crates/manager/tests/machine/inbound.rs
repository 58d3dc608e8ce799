//! Inbound calls: greeted once, or refused with a record.

use crate::line::{BOTH, Line, Way, heard, live, over, words};
use offhook_conformance::samples::speech;
use offhook_core::{CallEvent, CallPlan, EndReason, ErrorClass, RejectReason, Turn};
use offhook_manager::machine::{self, Command, DeadlineKind, Refusal};
use offhook_manager::{CallState, EffectKind, Mode};

#[test]
fn the_first_document_answers_an_inbound_call() {
    let (mut line, reply) = Line::inbound(Way::Documents, Some("Hello!"));
    assert!(matches!(reply.unwrap().plan, CallPlan::Say(_)));
    assert_eq!(line.state(), CallState::Speaking);
    assert_eq!(line.record.answered_at, Some(line.now));
    assert_eq!(line.outbox(), [EffectKind::Limit], "no command is needed for the greeting");
    line.comes_back(heard());
    assert_eq!(line.listens_for(), Some(Turn(1)));
}

#[test]
fn the_first_document_of_an_inbound_call_brings_the_limit_where_documents_can() {
    let limited = |line: &mut Line, event| line.webhook(None, &[event], true).unwrap().plan;
    for status in [CallEvent::Ringing, CallEvent::Answered] {
        let mut line = Line::offered(Some("Hello!"));
        line.capabilities.limit_by_document = true;
        let CallPlan::Limited { max_duration, plan } = limited(&mut line, status) else {
            panic!("the first document has no limit");
        };
        assert_eq!(max_duration, line.record.limits.max_duration);
        assert!(matches!(*plan, CallPlan::Say(_)));
        assert_eq!(line.says(), Some("Hello!"), "the script itself has none");
        assert_eq!(line.state(), CallState::Speaking);
        let next = line.webhook(Some(1), &[heard()], true).unwrap().plan;
        assert!(matches!(next, CallPlan::Listen(_)), "{next:?}");
    }
    let mut over_at_once = Line::offered(None);
    over_at_once.capabilities.limit_by_document = true;
    let plan = limited(&mut over_at_once, over(EndReason::Completed));
    assert!(matches!(plan, CallPlan::HangUp { .. }), "{plan:?}");
    let (mut refused, _) = Line::refused(Way::Documents, Refusal::Policy);
    refused.capabilities.limit_by_document = true;
    let plan = limited(&mut refused, CallEvent::Ringing);
    assert!(matches!(plan, CallPlan::Reject(_)), "{plan:?}");
    let mut outbound = Line::outbound(Way::Documents, Mode::Notify, Some("Hello!"));
    outbound.capabilities.limit_by_document = true;
    outbound.carry_out();
    let plan = limited(&mut outbound, CallEvent::Answered);
    assert!(matches!(plan, CallPlan::Say(_)), "the dial has told the limit: {plan:?}");
}

#[test]
fn without_documents_an_inbound_call_is_answered_by_a_command_and_greeted_when_it_was() {
    let (mut line, reply) = Line::inbound(Way::Commands, Some("Hello!"));
    assert_eq!(reply, None);
    assert_eq!(line.state(), CallState::Ringing);
    assert_eq!(line.carry_out(), [EffectKind::Answer]);
    assert_eq!(line.record.answered_at, None, "the carrier's own word counts");
    line.event(CallEvent::Answered);
    assert!(matches!(line.carry_out()[..], [EffectKind::Perform(_)]));
    assert_eq!(line.state(), CallState::Speaking);
    line.comes_back(heard());
    assert_eq!(line.state(), CallState::Listening);
}

#[test]
fn invariant_14_the_greeting_is_said_once() {
    for way in BOTH {
        let (mut line, _) = Line::inbound(way, Some("Hello!"));
        line.carry_out();
        if way == Way::Commands {
            line.event(CallEvent::Answered);
            line.carry_out();
        }
        line.comes_back(heard());
        for _ in 0..10 {
            line.comes_back(CallEvent::NothingHeard);
            line.comes_back(words("Hm."));
            line.event(CallEvent::Answered);
            assert_eq!(line.says(), None, "{way:?}");
        }
    }
}

#[test]
fn a_refused_inbound_call_has_a_record_that_is_ended_from_the_start() {
    let cases = [
        (Refusal::Policy, EndReason::Rejected, RejectReason::Declined),
        (Refusal::Limit, EndReason::Busy, RejectReason::Busy),
    ];
    for (refusal, reason, reject) in cases {
        for way in BOTH {
            let (mut line, reply) = Line::refused(way, refusal);
            assert_eq!(line.ended(), Some(reason));
            assert!(!line.record.holds_slot());
            assert_eq!(line.record.answered_at, None);
            match way {
                Way::Documents => {
                    assert_eq!(reply.unwrap().plan, CallPlan::Reject(reject));
                    assert_eq!(line.outbox(), []);
                    // A fallback fetch is refused too.
                    let again = line.webhook(Some(1), &[], true).unwrap();
                    assert_eq!(again.plan, CallPlan::Reject(reject));
                    assert_eq!(line.record.answered_at, None);
                }
                Way::Commands => {
                    assert_eq!(line.carry_out(), [EffectKind::Reject(reject)]);
                    assert!(!line.record.is_open());
                }
            }
        }
    }
}

#[test]
fn a_rejection_that_failed_is_repeated_until_the_carrier_takes_it_or_knows_the_call_no_more() {
    let (mut line, _) = Line::refused(Way::Commands, Refusal::Limit);
    line.fails(ErrorClass::Transient);
    assert!(line.record.is_open());
    line.pass(1);
    assert_eq!(line.fails(ErrorClass::NotFound), EffectKind::Reject(RejectReason::Busy));
    assert!(!line.record.is_open());
    assert_eq!(line.ended(), Some(EndReason::Busy));
}

#[test]
fn an_answer_that_failed_is_repeated() {
    let (mut line, _) = Line::inbound(Way::Commands, None);
    line.fails(ErrorClass::Ambiguous);
    line.pass(1);
    assert_eq!(line.carry_out(), [EffectKind::Answer]);
}

#[test]
fn an_inbound_call_gets_limits_of_the_carriers_own_where_it_has_them() {
    let (mut line, _) = Line::inbound(Way::Documents, Some("Hello!"));
    assert_eq!(line.outbox(), [EffectKind::Limit]);
    assert_eq!(line.carry_out(), [EffectKind::Limit]);
    for refusal in [Refusal::Policy, Refusal::Limit] {
        let (line, _) = Line::refused(Way::Documents, refusal);
        assert_eq!(line.outbox(), [], "there is nothing to limit");
    }
    let (line, _) = Line::inbound(Way::Commands, None);
    assert_eq!(line.outbox(), [EffectKind::Answer], "this carrier has none");
    let line = Line::outbound(Way::Documents, Mode::Notify, None);
    assert_eq!(line.outbox(), [EffectKind::Initiate], "a dial brings its own");
}

#[test]
fn limits_are_asked_for_until_the_carrier_takes_them_or_the_call_is_over() {
    for class in [ErrorClass::WrongState, ErrorClass::Ambiguous, ErrorClass::Throttled] {
        let (mut line, _) = Line::inbound(Way::Documents, None);
        for _ in 0..7 {
            assert_eq!(line.fails(class), EffectKind::Limit, "{class:?}");
            assert_eq!(line.waiting(), None, "not at once");
            line.pass(30);
        }
        assert_eq!(line.carry_out(), [EffectKind::Limit], "{class:?}");
    }
    let (mut line, _) = Line::inbound(Way::Documents, None);
    line.fails(ErrorClass::WrongState);
    line.event(over(EndReason::Completed));
    assert!(!line.record.is_open());
    let (mut line, _) = Line::inbound(Way::Documents, None);
    line.fails(ErrorClass::Rejected);
    assert_eq!(line.outbox(), [], "what the carrier refuses for what it says it refuses again");
}

#[test]
fn limits_that_are_not_taken_hold_nothing_up() {
    let (mut line, _) = Line::inbound(Way::Documents, None);
    let limit = line.waiting().unwrap();
    line.command(&Command::Speak { speech: speech("Hello.") }).unwrap();
    let speaking = machine::startable(&line.record, &[limit.id], line.now).unwrap();
    assert!(matches!(speaking.kind, EffectKind::Perform(_)), "beside what is under way");
    line.takes(speaking.id);
    line.fails(ErrorClass::Throttled);
    line.command(&Command::Speak { speech: speech("Hello?") }).unwrap();
    assert!(matches!(line.carry_out()[..], [EffectKind::Perform(_)]), "before its next attempt");
    // The other way round: it does not wait for what is under way either.
    let (mut line, _) = Line::inbound(Way::Documents, None);
    line.command(&Command::Speak { speech: speech("Hello.") }).unwrap();
    let speaking = line.waiting().unwrap();
    assert!(matches!(speaking.kind, EffectKind::Perform(_)), "what somebody waits for first");
    let beside = machine::startable(&line.record, &[speaking.id], line.now);
    assert_eq!(beside.map(|effect| effect.kind), Some(EffectKind::Limit));
}

#[test]
fn after_a_restart_limits_are_asked_for_again_and_speech_beside_them_is_not() {
    let (mut line, _) = Line::inbound(Way::Documents, None);
    line.command(&Command::Speak { speech: speech("Hello.") }).unwrap();
    line.restart();
    assert_eq!(line.carry_out(), [EffectKind::Limit]);
}

#[test]
fn invariant_01_an_inbound_call_without_any_webhook_lives_until_its_maximum_duration() {
    let (mut line, _) = Line::inbound(Way::Documents, None);
    for _ in 0..29 {
        line.pass(10);
        line.status(&live(None));
        assert_eq!(line.record.ending, None, "at {}", line.now);
    }
    assert_eq!(line.pass(10), [DeadlineKind::MaxDuration]);
    assert_eq!(line.carry_out(), [EffectKind::HangUp]);
    assert_eq!(line.ended(), Some(EndReason::Timeout));
}

#[test]
fn invariant_01_an_inbound_call_that_is_never_answered_has_a_deadline_too() {
    let (mut line, _) = Line::inbound(Way::Commands, None);
    assert_eq!(line.pass(299), []);
    assert_eq!(line.pass(1), [DeadlineKind::MaxDuration]);
}
