//! The one counter, under any sequence of calls and failures.

use crate::world::World;
use offhook_conformance::Sent;
use offhook_conformance::samples::carrier_ids;
use offhook_core::{CallEvent, CallStatus, EndReason, ErrorClass, ProviderCallIds, ProviderError};
use offhook_manager::{EffectKind, JobKind, Submission, machine::Command};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Act {
    Initiate(u8),
    Offer,
    Event(u8, u8),
    HangUp(u8),
    Carrier { job: u8, answer: u8 },
    Refuse,
    Pass(u16),
    Turn,
    Restart,
}

fn acts() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0_u8..4).prop_map(Act::Initiate),
        3 => Just(Act::Offer),
        4 => (any::<u8>(), 0_u8..4).prop_map(|(call, event)| Act::Event(call, event)),
        1 => any::<u8>().prop_map(Act::HangUp),
        6 => (any::<u8>(), 0_u8..4).prop_map(|(job, answer)| Act::Carrier { job, answer }),
        1 => Just(Act::Refuse),
        2 => (0_u16..30_000).prop_map(Act::Pass),
        3 => Just(Act::Turn),
        1 => Just(Act::Restart),
    ]
}

fn carrier(world: &mut World, job: u8, answer: u8, dials: &mut Vec<offhook_core::CallId>) {
    if world.jobs.is_empty() {
        return;
    }
    let job = world.jobs.remove(usize::from(job) % world.jobs.len());
    let call = job.call.id;
    let class = if answer == 1 { ErrorClass::Ambiguous } else { ErrorClass::Rejected };
    match job.kind {
        JobKind::Effect(effect) => {
            if effect.kind == EffectKind::Initiate {
                assert!(!dials.contains(&call), "{call} was dialled twice");
                dials.push(call);
            }
            let ids = match effect.kind {
                EffectKind::Initiate => carrier_ids(&format!("OUT-{call}")),
                _ => ProviderCallIds::none(),
            };
            let result =
                if answer % 2 == 0 { Ok(ids) } else { Err(ProviderError::new(class, "scripted")) };
            world.driver.submit(Submission::EffectDone { call, effect: effect.id, result });
        }
        JobKind::Status => {
            let status = match answer {
                0 => CallStatus::Live { progress: None },
                1 => CallStatus::NotFound,
                2 => CallStatus::Ended { reason: EndReason::Completed, cause: None },
                _ => CallStatus::Unknown { cause: ProviderError::new(class, "scripted") },
            };
            world.driver.submit(Submission::Looked { call, status, asked_at: world.now });
        }
        JobKind::Search => {
            let search = offhook_core::Search::Nothing;
            world.driver.submit(Submission::Searched { call, search });
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// `World::check` holds the counter against the calls after every turn.
    #[test]
    fn invariant_04_live_calls_are_never_more_than_the_limit(
        commands in any::<bool>(),
        queue in any::<bool>(),
        acts in prop::collection::vec(acts(), 1..60),
    ) {
        let provider: Box<dyn offhook_core::VoiceProvider> = if commands {
            Box::new(offhook_conformance::CommandProvider::new())
        } else {
            Box::new(offhook_conformance::DocumentProvider::new())
        };
        let mut world = World::with(provider, |policy| {
            policy.max_concurrent_calls = 3;
            policy.queue = queue;
        });
        let (mut calls, mut dials, mut delivery) = (Vec::new(), Vec::new(), 0);
        for act in acts {
            match act {
                Act::Initiate(to) => {
                    let request = world.request(&format!("+1555000000{to}"));
                    calls.push((Some(request.id), format!("OUT-{}", request.id)));
                    world.submit_initiate(request);
                }
                Act::Offer => {
                    delivery += 1;
                    let id = format!("IN-{delivery}");
                    let mut sent =
                        Sent::about(delivery, id.clone()).offering("+15550002222", "+15550001111");
                    sent.document = !commands;
                    world.submit_webhook(&sent);
                    calls.push((None, id));
                }
                Act::Event(call, event) if !calls.is_empty() => {
                    let (call, id) = &calls[usize::from(call) % calls.len()];
                    delivery += 1;
                    let event = match event {
                        0 => CallEvent::Ringing,
                        1 => CallEvent::Answered,
                        2 => CallEvent::SpeechEnded { completed: true },
                        _ => CallEvent::Ended { reason: EndReason::HangupUser, cause: None },
                    };
                    let mut sent = Sent::about(delivery, id.clone()).event(event);
                    sent.call = *call;
                    world.submit_webhook(&sent);
                }
                Act::HangUp(call) if !calls.is_empty() => {
                    if let (Some(call), _) = calls[usize::from(call) % calls.len()] {
                        let _ = world.command(call, Command::HangUp);
                    }
                }
                Act::Carrier { job, answer } => carrier(&mut world, job, answer, &mut dials),
                Act::Refuse => world.refuse(1),
                Act::Pass(milliseconds) => world.pass(u64::from(milliseconds)),
                Act::Turn => world.turn(),
                Act::Restart => {
                    for job in &world.jobs {
                        if matches!(job.kind, JobKind::Effect(effect) if effect.kind == EffectKind::Initiate) {
                            dials.push(job.call.id);
                        }
                    }
                    world.restart();
                }
                Act::Event(..) | Act::HangUp(_) => {}
            }
            prop_assert!(world.driver.slots() <= 3);
        }
        // Left alone with a carrier that takes everything, no call is left and no slot taken.
        for _ in 0..400 {
            world.pass(5_000);
            while !world.jobs.is_empty() {
                carrier(&mut world, 0, 2, &mut dials);
            }
            world.turn();
        }
        prop_assert_eq!(world.driver.slots(), 0);
    }
}
