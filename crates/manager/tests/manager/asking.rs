//! Questions: each waits for the committed entry that ends its turn.

use std::time::Duration;

use crate::world::{Fault, World, a_while, offer};
use offhook_conformance::Sent;
use offhook_conformance::samples::speech;
use offhook_core::{CallEvent, CallId, DigitInput, EndReason, ListenFor, Turn};
use offhook_manager::machine::{Command, CommandRefusal};
use offhook_manager::{Asked, CallRecord, CommandError, EntryKind, Manager, TurnOutcome};
use tokio::task::JoinHandle;

/// A call on which we listen, and the numbers of its webhooks.
struct Talk {
    world: World,
    manager: Manager,
    call: CallId,
    deliveries: u64,
}

type Waiting = JoinHandle<Result<Asked, CommandError>>;

impl Talk {
    async fn begin() -> Self {
        let world = World::documents();
        let manager = world.start();
        manager.webhook(&world.name(), offer(1, "IN-1").signed()).await.unwrap();
        let call = manager.call_by_carrier_id("IN-1").await.unwrap().unwrap().id;
        Self { world, manager, call, deliveries: 1 }
    }

    async fn record(&self) -> CallRecord {
        self.manager.call(self.call).await.unwrap().unwrap()
    }

    async fn turn(&self, turn: Turn) -> Option<TurnOutcome> {
        self.manager.turn(self.call, turn).await.unwrap()
    }

    /// Asks, and waits until the question is committed.
    async fn ask(&self, text: &str, timeout: u64) -> (Turn, Waiting) {
        self.ask_for(ListenFor::Speech, text, timeout).await
    }

    async fn ask_for(&self, input: ListenFor, text: &str, timeout: u64) -> (Turn, Waiting) {
        let before = self.record().await.turn;
        let (manager, call, speech) = (self.manager.clone(), self.call, speech(text));
        let timeout = Some(Duration::from_secs(timeout));
        let waiting = tokio::spawn(async move { manager.ask(call, speech, input, timeout).await });
        for _ in 0..10_000 {
            let now = self.record().await.turn;
            if now > before {
                a_while().await;
                return (now, waiting);
            }
            tokio::task::yield_now().await;
        }
        panic!("it was not asked");
    }

    async fn hears(&mut self, step: u32, event: CallEvent) {
        self.deliveries += 1;
        let sent = Sent::about(self.deliveries, "IN-1").of(self.call).step(step).event(event);
        self.manager.webhook(&self.world.name(), sent.waiting().signed()).await.unwrap();
    }

    async fn hears_now(&mut self, text: &str) {
        let step = self.record().await.script.step.0;
        self.hears(step, words(text)).await;
    }
}

fn words(text: &str) -> CallEvent {
    CallEvent::Transcript { text: text.into(), is_final: true }
}

async fn asked(waiting: Waiting) -> (Turn, TurnOutcome) {
    let asked = waiting.await.unwrap().unwrap();
    (asked.turn, asked.outcome)
}

fn text(outcome: &TurnOutcome) -> &str {
    match outcome {
        TurnOutcome::Heard { text, .. } => text.as_str(),
        other => panic!("nothing was heard: {other:?}"),
    }
}

#[tokio::test]
async fn a_question_gets_what_is_said_in_its_turn() {
    let mut talk = Talk::begin().await;
    let (turn, waiting) = talk.ask("Which day?", 30).await;
    assert!(!waiting.is_finished());
    assert_eq!(talk.turn(turn).await, Some(TurnOutcome::Open));
    // Nothing, and then an answer.
    let step = talk.record().await.script.step.0;
    talk.hears(step, CallEvent::NothingHeard).await;
    a_while().await;
    assert!(!waiting.is_finished(), "listening is renewed");
    talk.hears_now("Monday.").await;
    let (of, outcome) = asked(waiting).await;
    assert_eq!((of, text(&outcome)), (turn, "Monday."));
    assert_eq!(talk.turn(turn).await, Some(outcome), "and it can be read later");
    assert_eq!(talk.turn(turn.next()).await, Some(TurnOutcome::Open));
    assert_eq!(talk.turn(turn.next().next()).await, None, "the call never came to it");
    assert_eq!(talk.manager.turn(talk.manager.draw_id(), turn).await.unwrap(), None);
}

#[tokio::test]
async fn a_question_for_digits_gets_what_is_entered_in_its_turn() {
    let mut talk = Talk::begin().await;
    let pin = ListenFor::Digits(DigitInput::new(4, '#').unwrap());
    let (turn, waiting) = talk.ask_for(pin, "Your PIN, please.", 30).await;
    let step = talk.record().await.script.step.0;
    talk.hears(step, CallEvent::Digits { digits: "4711".into() }).await;
    let (of, outcome) = asked(waiting).await;
    let entered = |outcome: &TurnOutcome| match outcome {
        TurnOutcome::Entered { digits, .. } => digits.as_str().to_owned(),
        other => panic!("nothing was entered: {other:?}"),
    };
    assert_eq!((of, entered(&outcome)), (turn, "4711".to_owned()));
    assert_eq!(talk.turn(turn).await, Some(outcome), "and it can be read later");
}

#[tokio::test]
async fn what_is_said_too_late_answers_neither_its_question_nor_the_next() {
    let mut talk = Talk::begin().await;
    let (first, waiting) = talk.ask("Which day?", 5).await;
    let step = talk.record().await.script.step.0;
    talk.world.clock.pass(Duration::from_secs(9));
    assert_eq!(asked(waiting).await, (first, TurnOutcome::TimedOut));
    let (second, waiting) = talk.ask("Which month?", 30).await;
    // The element of the first question comes back when the second is under way.
    talk.hears(step, words("Monday.")).await;
    a_while().await;
    assert!(!waiting.is_finished(), "it is no answer to {second}");
    let timeline = talk.manager.timeline(talk.call).await.unwrap();
    let late = timeline.iter().find_map(|stored| match &stored.entry.kind {
        EntryKind::Webhook { events, turn, .. } if events.contains(&words("Monday.")) => Some(turn),
        _ => None,
    });
    assert_eq!(late, Some(&None), "it stands in the timeline, for no turn");
    talk.hears_now("May.").await;
    assert_eq!(text(&asked(waiting).await.1), "May.");
    assert_eq!(talk.turn(first).await, Some(TurnOutcome::TimedOut));
}

#[tokio::test]
async fn a_second_question_takes_the_place_of_the_first() {
    let mut talk = Talk::begin().await;
    let (first, waits_first) = talk.ask("Which day?", 30).await;
    let (second, waits_second) = talk.ask("Which month?", 30).await;
    assert_eq!(asked(waits_first).await, (first, TurnOutcome::Superseded));
    talk.hears_now("May.").await;
    let (of, outcome) = asked(waits_second).await;
    assert_eq!((of, text(&outcome)), (second, "May."));
    for command in [Command::Speak { speech: speech("Well.") }, Command::StopListening] {
        let (turn, waiting) = talk.ask("Which year?", 30).await;
        talk.manager.command(talk.call, command).await.unwrap();
        assert_eq!(asked(waiting).await, (turn, TurnOutcome::Superseded));
    }
}

#[tokio::test]
async fn a_call_that_ends_answers_who_waits() {
    let mut talk = Talk::begin().await;
    let (_, waiting) = talk.ask("Which day?", 30).await;
    let step = talk.record().await.script.step.0;
    let over = CallEvent::Ended { reason: EndReason::HangupUser, cause: None };
    talk.hears(step, over).await;
    let reason = Some(EndReason::HangupUser);
    assert_eq!(asked(waiting).await.1, TurnOutcome::Ended { reason });
    let again = talk.manager.ask(talk.call, speech("Hello?"), ListenFor::Speech, None).await;
    assert_eq!(again, Err(CommandError::Refused(CommandRefusal::Ended)));
}

#[tokio::test]
async fn a_store_that_cannot_be_read_for_a_moment_loses_no_answer() {
    let mut talk = Talk::begin().await;
    let (_, waiting) = talk.ask("Which day?", 30).await;
    let step = talk.record().await.script.step.0;
    talk.world.store.fail_reads(1);
    talk.hears(step, words("Monday.")).await;
    a_while().await;
    assert!(!waiting.is_finished());
    talk.world.clock.pass(Duration::from_secs(1));
    assert_eq!(text(&asked(waiting).await.1), "Monday.");
}

#[tokio::test]
async fn an_answer_that_is_not_committed_is_none() {
    let mut talk = Talk::begin().await;
    let (turn, waiting) = talk.ask("Which day?", 30).await;
    let step = talk.record().await.script.step.0;
    talk.world.store.next_commit(Fault::Refused);
    let sent = Sent::about(99, "IN-1").of(talk.call).step(step).event(words("Monday."));
    let sent = sent.waiting().signed();
    assert!(talk.manager.webhook(&talk.world.name(), sent).await.is_err());
    a_while().await;
    assert!(!waiting.is_finished());
    talk.world.clock.pass(Duration::from_secs(1));
    talk.hears(step, words("Monday.")).await;
    assert_eq!(asked(waiting).await.0, turn);
}

#[tokio::test]
async fn who_waits_is_told_when_the_manager_stops() {
    let talk = Talk::begin().await;
    let (turn, waiting) = talk.ask("Which day?", 30).await;
    talk.manager.shutdown().await.unwrap();
    assert_eq!(waiting.await.unwrap(), Err(CommandError::NotRunning));
    assert_eq!(talk.turn(turn).await, Some(TurnOutcome::Open), "the call goes on without us");
}
