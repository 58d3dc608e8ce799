//! What holds of every call after any sequence of inputs. `line::check` runs after each of them.

use crate::line::{Line, Way, failure, live, new_outbound};
use offhook_conformance::samples::{carrier_ids, speech};
use offhook_core::{
    CallEvent, CallStatus, Cause, DigitInput, Digits, EndReason, ErrorClass, ListenFor, Progress,
    ProviderCallIds, Search,
};
use offhook_manager::machine::{self, Command, Input, Refusal, next_deadline};
use offhook_manager::{CallState, Decision, EffectKind, Mode};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Act {
    Event { step: i8, event: CallEvent, document: bool, other_id: bool },
    Speak,
    Ask(u8, bool),
    Listen(bool),
    StopListening,
    Digits,
    HangUp,
    Takes,
    Fails(ErrorClass),
    Stale(u8, bool),
    Status(u8, u8, bool),
    Search(u8),
    Pass(u16),
    Restart,
    Admit,
    Decide,
}

fn events() -> impl Strategy<Value = CallEvent> {
    let transcript =
        any::<bool>().prop_map(|is_final| CallEvent::Transcript { text: "yes".into(), is_final });
    let ended = prop::sample::select(EndReason::ALL.to_vec())
        .prop_map(|reason| CallEvent::Ended { reason, cause: None });
    prop_oneof![
        4 => prop::sample::select(vec![
            CallEvent::Initiated,
            CallEvent::Ringing,
            CallEvent::Answered,
            CallEvent::SpeechStarted,
            CallEvent::SpeechEnded { completed: true },
            CallEvent::SpeechEnded { completed: false },
            CallEvent::NothingHeard,
            CallEvent::Digits { digits: "1".into() },
            CallEvent::KeyPressed { key: "1".into() },
            CallEvent::DigitsSent,
            CallEvent::HoldEnded,
            CallEvent::AnsweredBy(offhook_core::AnsweredBy::Machine),
            CallEvent::Fault(Cause::new("1", "fault")),
            CallEvent::Unknown { name: "x".to_owned() },
        ]),
        1 => transcript,
        1 => ended,
    ]
}

fn classes() -> impl Strategy<Value = ErrorClass> {
    prop::sample::select(vec![
        ErrorClass::Rejected,
        ErrorClass::WrongState,
        ErrorClass::Throttled,
        ErrorClass::Ambiguous,
        ErrorClass::NotFound,
        ErrorClass::Unauthenticated,
        ErrorClass::Transient,
        ErrorClass::Undecodable,
        ErrorClass::Unsupported,
    ])
}

fn acts() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => (-2_i8..2, events(), any::<bool>(), prop::bool::weighted(0.1)).prop_map(
            |(step, event, document, other_id)| Act::Event { step, event, document, other_id }
        ),
        1 => Just(Act::Speak),
        1 => (0_u8..60, any::<bool>()).prop_map(|(seconds, digits)| Act::Ask(seconds, digits)),
        1 => any::<bool>().prop_map(Act::Listen),
        1 => Just(Act::StopListening),
        1 => Just(Act::Digits),
        1 => Just(Act::HangUp),
        6 => Just(Act::Takes),
        3 => classes().prop_map(Act::Fails),
        1 => (any::<u8>(), any::<bool>()).prop_map(|(effect, ok)| Act::Stale(effect, ok)),
        2 => (0_u8..6, 0_u8..90, any::<bool>())
            .prop_map(|(status, ago, second)| Act::Status(status, ago, second)),
        1 => (0_u8..3).prop_map(Act::Search),
        4 => (0_u16..200).prop_map(Act::Pass),
        1 => Just(Act::Restart),
        1 => Just(Act::Admit),
        1 => Just(Act::Decide),
    ]
}

fn input(digits: bool) -> ListenFor {
    if digits { ListenFor::Digits(DigitInput::default()) } else { ListenFor::Speech }
}

struct Told {
    line: Line,
    dials: usize,
}

impl Told {
    fn act(&mut self, act: &Act) {
        let line = &mut self.line;
        match act {
            Act::Event { step, event, document, other_id } => {
                let step = line.record.script.step.0.saturating_add_signed(i32::from(*step));
                let ids = carrier_ids(if *other_id { "CALL-2" } else { "CALL-1" });
                let document = *document && line.way == Way::Documents;
                let step = (*other_id || step % 3 > 0).then_some(step);
                line.webhook_from(&ids, step, std::slice::from_ref(event), document);
            }
            Act::Speak => {
                let _ = line.command(&Command::Speak { speech: speech("hello") });
            }
            Act::Ask(seconds, digits) => {
                let timeout = Some(std::time::Duration::from_secs(u64::from(*seconds)));
                let _ = line.command(&Command::Ask {
                    speech: speech("hello"),
                    input: input(*digits),
                    timeout,
                });
            }
            Act::Listen(digits) => {
                let locale = offhook_core::Locale::en_us();
                let _ = line.command(&Command::Listen { locale, input: input(*digits) });
            }
            Act::StopListening => {
                let _ = line.command(&Command::StopListening);
            }
            Act::Digits => {
                let digits = Digits::try_from("1".to_owned()).unwrap();
                let _ = line.command(&Command::SendDigits { digits });
            }
            Act::HangUp => line.hang_up(),
            Act::Takes => {
                if let Some(effect) = line.waiting() {
                    self.dials += usize::from(effect.kind == EffectKind::Initiate);
                    line.takes(effect.id);
                }
            }
            Act::Fails(class) => {
                if let Some(effect) = line.waiting() {
                    self.dials += usize::from(effect.kind == EffectKind::Initiate);
                    line.fails(*class);
                }
            }
            Act::Stale(effect, ok) => {
                // Never of a dial that is still to be sent: its answer would count as one.
                let effect = u32::from(*effect);
                if line.record.outbox.iter().any(|waiting| waiting.id == effect) {
                    return;
                }
                let result = if *ok {
                    Ok(carrier_ids("CALL-1"))
                } else {
                    Err(failure(ErrorClass::Ambiguous))
                };
                line.apply(Input::EffectDone { effect, result: &result });
            }
            Act::Status(status, ago, second) => {
                let status = match status {
                    0 => live(None),
                    1 => live(Some(Progress::Ringing)),
                    2 => live(Some(Progress::Answered)),
                    3 => CallStatus::NotFound,
                    4 => CallStatus::Unknown { cause: failure(ErrorClass::Transient) },
                    _ => CallStatus::Ended { reason: EndReason::Completed, cause: None },
                };
                let asked_at = line.now - std::time::Duration::from_secs(u64::from(*ago));
                line.status_of(&status, asked_at, *second);
            }
            Act::Search(0) => line.search(&Search::Found(carrier_ids("CALL-1"))),
            Act::Search(1) => line.search(&Search::Candidates(vec![carrier_ids("CALL-9")])),
            Act::Search(_) => line.search(&Search::Nothing),
            Act::Pass(seconds) => {
                line.pass(u64::from(*seconds));
            }
            Act::Restart => {
                line.restart();
                let dial = line.outbox().contains(&EffectKind::Initiate);
                assert!(!dial, "an interrupted dial is never sent again");
            }
            Act::Admit => {
                line.apply(Input::Admitted);
            }
            Act::Decide => {
                let why = "because".to_owned();
                line.apply(Input::Decided { decision: Decision::Kept, why });
            }
        }
    }
}

fn calls() -> impl Strategy<Value = Line> {
    let way = prop::sample::select(vec![Way::Documents, Way::Commands]);
    (way, 0_u8..8).prop_map(|(way, which)| match which {
        0 => Line::inbound(way, Some("Hello!")).0,
        1 => Line::inbound(way, None).0,
        2 => Line::refused(way, Refusal::Limit).0,
        3 => {
            let mut new = new_outbound(way, Mode::Notify, None);
            new.queued = true;
            Line::of(new, way)
        }
        4 => Line::outbound(way, Mode::Notify, Some("Hello.")),
        5 => Line::outbound(way, Mode::Conversation, None),
        6 => Line::answered(way, Mode::Notify, Some("Hello.")),
        _ => Line::answered(way, Mode::Conversation, Some("Hello?")),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Absorbing end, gapless entries, a deadline for each call that is not over, a bounded
    /// outbox, no change that would not be committed: `line::check`. And one dial at most.
    #[test]
    fn invariants_01_02_05_hold_after_any_sequence(
        line in calls(),
        acts in prop::collection::vec(acts(), 1..60),
    ) {
        let mut told = Told { line, dials: 0 };
        for act in &acts {
            told.act(act);
            prop_assert!(told.dials <= 1, "dialled twice");
        }
    }

    /// Left alone, every call comes to its end: no deadline leads in a circle.
    #[test]
    fn invariant_01_every_call_ends_if_only_the_hangup_works(
        line in calls(),
        acts in prop::collection::vec(acts(), 0..40),
    ) {
        let mut told = Told { line, dials: 0 };
        for act in &acts {
            told.act(act);
        }
        let mut line = told.line;
        for _ in 0..200 {
            if line.state().is_ended() {
                break;
            }
            if let Some(effect) = line.waiting() {
                line.takes(effect.id);
                continue;
            }
            let (due, _) = next_deadline(&line.record).expect("it is not over");
            line.now = line.now.max(due);
            line.apply(Input::Deadline);
        }
        prop_assert!(line.state().is_ended(), "{:?}", line.record);
    }

    /// A crash after any input, and a restart: the outcome is one that could also be without it,
    /// and nobody is dialled again.
    #[test]
    fn invariant_22_a_restart_at_any_point_is_harmless(
        line in calls(),
        before in prop::collection::vec(acts(), 0..30),
        after in prop::collection::vec(acts(), 0..10),
    ) {
        let mut told = Told { line, dials: 0 };
        for act in &before {
            told.act(act);
        }
        let (state, answered_at) = (told.line.state(), told.line.record.answered_at);
        told.act(&Act::Restart);
        told.act(&Act::Restart);
        prop_assert_eq!(told.line.record.answered_at, answered_at);
        if state.is_ended() {
            prop_assert_eq!(told.line.state(), state);
        }
        if state == CallState::Queued {
            prop_assert_eq!(told.line.state(), state);
        } else {
            for act in &after {
                let dial = told.line.waiting().is_some_and(|next| next.kind == EffectKind::Initiate);
                prop_assert!(!dial, "an interrupted dial is never sent again");
                told.act(act);
            }
        }
    }
}

#[test]
fn what_is_done_and_what_waits_never_share_a_number() {
    let mut line = Line::answered(Way::Commands, Mode::Conversation, None);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..20 {
        line.command(&Command::Speak { speech: speech("hello") }).unwrap();
        let effect = line.waiting().unwrap();
        assert!(seen.insert(effect.id));
        let result = Ok(ProviderCallIds::none());
        line.apply(Input::EffectDone { effect: effect.id, result: &result });
    }
}

#[test]
fn one_effect_of_a_call_at_a_time_and_a_hangup_overtakes() {
    let mut line = Line::answered(Way::Commands, Mode::Conversation, None);
    line.command(&Command::Speak { speech: speech("hello") }).unwrap();
    let speaking = line.waiting().unwrap();
    assert_eq!(machine::startable(&line.record, &[speaking.id], line.now), None);
    line.hang_up();
    let hangup = machine::startable(&line.record, &[speaking.id], line.now).unwrap();
    assert_eq!(hangup.kind, EffectKind::HangUp);
    assert_eq!(machine::startable(&line.record, &[speaking.id, hangup.id], line.now), None);
}
