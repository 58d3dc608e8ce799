//! Which call a webhook belongs to, and what the carrier is answered with.

use crate::world::{World, ready};
use offhook_conformance::Sent;
use offhook_core::{
    CallEvent, EndReason, ErrorClass, ProviderCallId, ProviderCallIds, WebhookReply,
};
use offhook_manager::{
    CallState, CallStore, EffectKind, EntryKind, InboundPolicy, JobKind, Submission, WebhookAnswer,
    machine::Command,
};

fn offer(delivery: u64, carrier_id: &str) -> Sent {
    let mut sent = Sent::about(delivery, carrier_id).offering("+15550002222", "+15550001111");
    sent.document = true;
    sent
}

fn over() -> CallEvent {
    CallEvent::Ended { reason: EndReason::Completed, cause: None }
}

#[test]
fn an_inbound_call_is_answered_with_its_first_document() {
    let mut world = World::documents();
    let answer = world.webhook(&offer(1, "IN-1"));
    assert_eq!(world.reply(answer), "step 1: listen for turn 1 in en-US");
    assert_eq!((world.calls(), world.driver.slots()), (1, 1));
}

#[test]
fn invariant_08_a_repeat_gets_the_same_bytes_and_has_no_second_effect() {
    let mut world = World::documents();
    let first = world.webhook(&offer(1, "IN-1"));
    let first = world.reply(first);
    let call = world.driver.known_by(&world.provider.name(), "IN-1").unwrap();
    // The call goes on; the repeat still gets what the first delivery got.
    let sent = Sent::about(2, "IN-1").of(call).step(1).event(CallEvent::NothingHeard).waiting();
    let second = world.webhook(&sent);
    assert_eq!(world.reply(second), "step 2: listen for turn 1 in en-US");
    let before = world.entries(call).len();
    match world.webhook(&offer(1, "IN-1")) {
        WebhookAnswer::Repeat { reference, entry } => {
            let kind = world.entries(call)[entry as usize].kind.clone();
            let EntryKind::Webhook { reply: Some(replied), .. } = kind else { panic!("{kind:?}") };
            let reference = offhook_core::CallRef { step: replied.step, ..reference };
            let again = WebhookAnswer::Plan { reference, plan: replied.plan };
            assert_eq!(world.reply(again), first);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(world.entries(call).len(), before);
    assert_eq!((world.calls(), world.driver.slots()), (1, 1));
    assert_eq!(world.driver.counters().repeats, 1);
}

#[test]
fn invariant_08_a_repeat_within_one_batch_gets_the_same_plan() {
    let mut world = World::documents();
    let tickets = [1, 1, 1].map(|delivery| world.submit_webhook(&offer(delivery, "IN-1")));
    world.settle();
    let replies = tickets.map(|ticket| {
        let answer = world.answered(ticket);
        world.reply(answer)
    });
    assert_eq!(replies, ["step 1: listen for turn 1 in en-US"; 3]);
    assert_eq!((world.calls(), world.driver.slots()), (1, 1));
}

#[test]
fn invariant_08_a_repeat_within_one_batch_keeps_its_step_though_the_call_has_gone_on() {
    let mut world = World::documents();
    let next = Sent::about(2, "IN-1").step(1).event(CallEvent::NothingHeard).waiting();
    let tickets =
        [offer(1, "IN-1"), next, offer(1, "IN-1")].map(|sent| world.submit_webhook(&sent));
    world.turn();
    let replies = tickets.map(|ticket| {
        let answer = world.answered(ticket);
        world.reply(answer)
    });
    let [first, second] = [1, 2].map(|step| format!("step {step}: listen for turn 1 in en-US"));
    assert_eq!(replies, [first.clone(), second, first]);
}

#[test]
fn two_first_webhooks_of_one_call_in_one_batch_make_one_call() {
    let mut world = World::documents();
    let one = world.submit_webhook(&offer(1, "IN-1"));
    let two = world.submit_webhook(&offer(2, "IN-1"));
    world.settle();
    world.answered(one);
    world.answered(two);
    assert_eq!((world.calls(), world.driver.slots()), (1, 1));
}

#[test]
fn callers_that_are_not_wanted_are_rejected_with_a_record() {
    let mut world = World::documents_with(|policy| policy.inbound = InboundPolicy::Disabled);
    let answer = world.webhook(&offer(1, "IN-1"));
    assert_eq!(world.reply(answer), "step 1: reject Declined");
    assert_eq!((world.calls(), world.driver.slots()), (1, 0));
    // Its late callbacks find it and make no other call.
    world.webhook(&Sent::about(2, "IN-1").event(over()));
    assert_eq!(world.calls(), 1);
}

#[test]
fn callers_over_the_limit_are_told_that_it_is_busy() {
    let mut world = World::documents();
    for (delivery, id) in [(1, "IN-1"), (2, "IN-2")] {
        world.webhook(&offer(delivery, id));
    }
    let answer = world.webhook(&offer(3, "IN-3"));
    assert_eq!(world.reply(answer), "step 1: reject Busy");
    assert_eq!((world.calls(), world.driver.slots()), (3, 2));
}

#[test]
fn a_rejection_by_command_never_waits_on_the_way_to_the_answer() {
    let mut world = World::commands();
    for (delivery, id) in [(1, "IN-1"), (2, "IN-2"), (3, "IN-3")] {
        let mut sent = offer(delivery, id);
        sent.document = false;
        let answer = world.webhook(&sent);
        assert!(matches!(answer, WebhookAnswer::Fixed(_)), "invariant 10");
    }
    let reject = EffectKind::Reject(offhook_core::RejectReason::Busy);
    assert_eq!(world.effects(), [EffectKind::Answer, EffectKind::Answer, reject]);
}

#[test]
fn invariant_06_our_id_that_nobody_knows_never_makes_a_call() {
    let mut world = World::documents();
    let stranger = world.fresh_id();
    let answer = world.webhook(&offer(1, "IN-1").of(stranger));
    assert_eq!(world.reply(answer), "step 0: hang up after 0 ms");
    assert_eq!((world.calls(), world.driver.slots()), (0, 0));
    assert_eq!(world.driver.counters().unknown_calls, 1);
}

#[test]
fn invariant_06_late_events_of_an_ended_call_attach_and_make_no_call() {
    let mut world = World::documents();
    let call = world.talking("+15550000001", "A");
    world.webhook(&Sent::about(1, "A").of(call).event(over()));
    assert!(!world.driver.knows(call));
    let (before, told) = (world.record(call), world.entries(call).len());
    // By our id, and by the carrier's alone.
    world.webhook(&Sent::about(2, "A").of(call).event(CallEvent::Ringing));
    world.webhook(&Sent::about(3, "A").event(over()));
    let mut answer = offer(4, "A");
    answer.direction = Some(offhook_core::Direction::Outbound);
    let answer = world.webhook(&answer);
    assert!(world.reply(answer).ends_with("hang up after 0 ms"));
    let after = world.record(call);
    assert_eq!((after.state, after.ended_at), (before.state, before.ended_at));
    assert_eq!((world.calls(), world.driver.slots()), (1, 0));
    assert_eq!(world.entries(call).len(), told + 3, "each stands in its timeline");
    assert_eq!(world.driver.counters().unknown_calls, 0);
}

#[test]
fn late_events_of_an_ended_call_in_one_turn_are_both_told() {
    let mut world = World::documents();
    let call = world.talking("+15550000001", "A");
    world.webhook(&Sent::about(1, "A").of(call).event(over()));
    let (told, revision) = (world.entries(call).len(), world.record(call).revision);
    world.submit_webhook(&Sent::about(2, "A").of(call).event(CallEvent::Ringing));
    world.submit_webhook(&Sent::about(3, "A").event(over()));
    world.settle();
    assert_eq!(world.entries(call).len(), told + 2);
    assert_eq!(world.record(call).revision, revision + 1);
}

#[test]
fn what_the_store_had_before_does_not_take_the_place_of_a_call_that_has_been_opened_since() {
    let mut world = World::documents();
    let call = world.initiate("+15550000001").unwrap();
    world.done(EffectKind::Initiate, Err(ErrorClass::Ambiguous));
    world.pass(120_000);
    assert!(!world.driver.knows(call), "it was given up as lost");
    // Both are looked up before the first is applied, which opens it for its hangup.
    let found = world.record(call);
    let (one, two) = (CallEvent::Answered, CallEvent::SpeechStarted);
    world.submit_webhook_of(&Sent::about(1, "A").of(call).event(one), Some(found.clone()));
    world.turn();
    assert!(world.driver.knows(call));
    let told = world.entries(call).len();
    let late =
        world.submit_webhook_of(&Sent::about(2, "A").of(call).event(two), Some(found.clone()));
    world.turn();
    assert!(matches!(world.answered(late), WebhookAnswer::Fixed(_)), "no conflict");
    assert_eq!(world.entries(call).len(), told + 1);
    assert_eq!(world.effects(), [EffectKind::HangUp]);
}

#[test]
fn the_store_is_asked_for_what_is_not_open_but_not_for_the_first_word_of_a_call() {
    let mut world = World::documents();
    let call = world.talking("+15550000001", "A");
    let unknown = world.fresh_id();
    let about = |id: &str| Sent::about(1, id).event(CallEvent::Ringing);
    let offered = |id: &str| about(id).offering("+15550002222", "+15550001111");
    let mut foreign = about("B").of(unknown);
    foreign.foreign = true;
    for (sent, is_asked) in [
        (about("A").of(call), false),
        (about("A"), false),
        (about("B"), true),
        (about("B").of(unknown), true),
        (foreign, false),
        (offered("B"), false),
        (offered("B").of(unknown), true),
    ] {
        assert_eq!(world.asks_for_the_call_of(&sent), is_asked, "{sent:?}");
    }
}

#[test]
fn a_call_is_found_by_each_of_its_ids_also_when_it_is_over() {
    let mut world = World::documents();
    let call = world.initiate("+15550000001").unwrap();
    let request = ProviderCallIds::of(ProviderCallId::new("request", 0, "R-1"));
    world.done(EffectKind::Initiate, Ok(request));
    world.webhook(&Sent::about(1, "A").of(call).event(CallEvent::Ringing));
    world.webhook(&Sent::about(2, "A").of(call).event(over()));
    for id in ["R-1", "A"] {
        let found = ready(world.store.find(&world.provider.name(), id)).unwrap();
        assert_eq!(found.map(|record| record.id), Some(call), "{id}");
    }
}

#[test]
fn an_id_that_is_learned_in_a_turn_is_known_in_the_rest_of_it() {
    let mut world = World::documents();
    let call = world.initiate("+15550000001").unwrap();
    world.submit_webhook(&Sent::about(1, "A").of(call).event(CallEvent::Ringing));
    world.submit_webhook(&Sent::about(2, "A").event(CallEvent::Answered));
    world.turn();
    assert!(world.record(call).answered_at.is_some());
}

#[test]
fn what_has_no_effect_is_counted_by_its_reason() {
    let mut world = World::commands();
    let call = world.talking("+15550000001", "A");
    let speech = world.job(|job| matches!(job.kind, JobKind::Effect(_)));
    let JobKind::Effect(overtaken) = speech.kind else { unreachable!("it is an effect") };
    let counted = |world: &World| {
        let of = world.driver.counters();
        [of.nothing_new, of.older_step, of.not_waiting, of.already_ended]
    };
    let before = counted(&world);
    world.webhook(&Sent::about(1, "A").of(call).event(CallEvent::Ringing));
    world.webhook(&Sent::about(2, "A").of(call).event(CallEvent::Ringing));
    world.webhook(&Sent::about(3, "A").of(call).step(0).event(CallEvent::SpeechStarted));
    world.command(call, Command::StopListening).unwrap();
    let result = Ok(ProviderCallIds::none());
    world.driver.submit(Submission::EffectDone { call, effect: overtaken.id, result });
    world.settle();
    world.webhook(&Sent::about(4, "A").of(call).event(over()));
    world.webhook(&Sent::about(5, "A").of(call).event(over()));
    let since = [0, 1, 2, 3].map(|which| counted(&world)[which] - before[which]);
    assert_eq!(since, [2, 1, 1, 1]);
}

#[test]
fn invariant_06_a_webhook_for_a_lost_call_is_answered_with_a_hangup() {
    let mut world = World::documents();
    let call = world.initiate("+15550000001").unwrap();
    world.done(EffectKind::Initiate, Err(ErrorClass::Ambiguous));
    world.pass(120_000);
    assert_eq!(world.record(call).end_reason(), Some(EndReason::Lost));
    let sent = Sent::about(1, "A").of(call).step(1).event(CallEvent::Answered).waiting();
    let answer = world.webhook(&sent);
    assert_eq!(world.reply(answer), "step 1: hang up after 0 ms");
    assert_eq!(world.driver.slots(), 0);
    // Where no document is asked for, a command does it.
    world.webhook(&Sent::about(2, "A").of(call).event(CallEvent::Answered));
    assert_eq!(world.effects(), [EffectKind::HangUp]);
    assert_eq!(world.record(call).end_reason(), Some(EndReason::Lost));
}

#[test]
fn an_outbound_call_that_is_not_ours_is_acknowledged_without_a_record() {
    let mut world = World::documents();
    let mut sent = Sent::about(1, "THEIRS").event(CallEvent::Ringing);
    sent.direction = Some(offhook_core::Direction::Outbound);
    match world.webhook(&sent) {
        WebhookAnswer::Fixed(reply) => assert_eq!(reply, WebhookReply::acknowledged()),
        other => panic!("{other:?}"),
    }
    assert_eq!(world.calls(), 0);
}

#[test]
fn a_webhook_of_another_account_is_acknowledged_without_a_record() {
    let mut world = World::documents();
    let mut sent = Sent::about(1, "IN-1").offering("+15550002222", "+15550001111");
    sent.foreign = true;
    assert!(matches!(world.webhook(&sent), WebhookAnswer::Fixed(_)));
    assert_eq!((world.calls(), world.driver.counters().foreign), (0, 1));
}

#[test]
fn an_id_of_ours_that_another_provider_brings_back_is_none_of_ours() {
    let mut world = World::documents();
    let call = world.talking("+15550000001", "A");
    let before = world.record(call);
    world.provider = Box::new(offhook_conformance::CommandProvider::new());
    world.webhook(&Sent::about(1, "A").of(call).event(over()));
    assert_eq!(world.record(call), before);
    world.provider = Box::new(offhook_conformance::DocumentProvider::new());
}

#[test]
fn invariant_11_events_of_one_call_are_applied_in_their_order_within_a_batch() {
    let mut world = World::documents();
    let call = world.dialled("+15550000001", "A");
    let events = [CallEvent::Ringing, CallEvent::Answered, over()];
    for (delivery, event) in (1..).zip(events) {
        world.submit_webhook(&Sent::about(delivery, "A").of(call).event(event));
    }
    world.turn();
    let record = world.record(call);
    assert!(record.answered_at.is_some());
    assert_eq!(record.state, CallState::Ended(EndReason::Completed));
    assert_eq!(record.revision, 3, "one commit for the batch");
}

#[test]
fn invariant_20_old_keys_are_forgotten_and_their_repeats_are_harmless() {
    let mut world = World::documents();
    let call = world.talking("+15550000001", "A");
    for delivery in 100..200 {
        world.webhook(&Sent::about(delivery, "A").of(call).event(CallEvent::Ringing));
    }
    let (state, answered) = (world.record(call).state, world.record(call).answered_at);
    let size = |world: &World| format!("{:?}", world.record(call)).len();
    let before = size(&world);
    for delivery in 100..200 {
        world.webhook(&Sent::about(delivery, "A").of(call).event(CallEvent::Answered));
    }
    assert_eq!((world.record(call).state, world.record(call).answered_at), (state, answered));
    assert!(size(&world) < before + 100, "the record does not grow");
}
