//! Calls that are old enough are forgotten, and nothing waits for it.

use std::time::Duration;

use offhook_conformance::samples::{at, call_id, entry, live_record};
use offhook_core::EndReason;
use offhook_manager::{CallRecord, CallState, CallStore, Change, HistoryQuery, Manager, Which};
use tokio::time::{Instant, timeout};

use crate::world::World;

const CALLS: u128 = 100;

/// A manager with a hundred calls that ended in the first second, of thirty rows and one each.
async fn with_old_calls() -> (World, Manager) {
    let world = World::documents();
    for number in 1..=CALLS {
        let record = CallRecord {
            state: CallState::Ended(EndReason::Completed),
            ended_at: Some(at(1)),
            outbox: Vec::new(),
            confirm_at: None,
            ..live_record(call_id(number))
        };
        let change = Change {
            record: record.into(),
            expected_revision: None,
            entries: (0..30).map(|number| entry(number, "a word")).collect(),
            new_ids: Vec::new(),
            idempotency: None,
        };
        world.store.commit(&[change]).await.unwrap();
    }
    let manager = world.start();
    (world, manager)
}

async fn kept(manager: &Manager) -> usize {
    let query = HistoryQuery { which: Which::All, before: None, limit: 1000 };
    manager.calls(query).await.unwrap().len()
}

#[tokio::test(start_paused = true)]
async fn old_calls_are_forgotten_in_steps_with_time_between_them() {
    let (_world, manager) = with_old_calls().await;
    let begun = Instant::now();
    assert_eq!(manager.forget_before(at(2)).await.unwrap(), 100);
    assert_eq!(kept(&manager).await, 0);
    // Two calls have more than fifty rows.
    let took = begun.elapsed();
    assert!((490..500).contains(&took.as_millis()), "{took:?} for 49 pauses");
}

#[tokio::test(start_paused = true)]
async fn what_is_broken_off_is_gone_on_with_the_next_time() {
    let (_world, manager) = with_old_calls().await;
    let stopped = timeout(Duration::from_millis(45), manager.forget_before(at(2))).await;
    assert!(stopped.is_err());
    assert_eq!(kept(&manager).await, 100 - 5 * 2);
    assert_eq!(manager.forget_before(at(2)).await.unwrap(), 100 - 5 * 2);
    assert_eq!(kept(&manager).await, 0);
}
