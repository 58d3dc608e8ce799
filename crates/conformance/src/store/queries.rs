//! Cases about reading and forgetting.
#![allow(missing_docs, reason = "the name of a case says what it checks")]

use std::sync::Arc;

use offhook_core::{CallId, EndReason};
use offhook_manager::{CallState, Effect, EffectKind, Which};

use super::{Store, commit, created, ended, find, get, history, key, new_call, next, prune, words};
use crate::samples::{PROVIDER, at, call_id, entry, full_record, live_record};

async fn live(store: &Store, after: Option<CallId>, limit: usize) -> Vec<CallId> {
    let records = store.load_live(after, limit).await.expect("the store can be read");
    records.into_iter().map(|record| record.id).collect()
}

pub async fn live_calls_are_loaded_in_pages_oldest_first(store: Store) {
    // Created in an order that is not the order of their ids.
    let numbers = [5, 3, 9, 1, 7];
    for number in numbers {
        commit(&store, &[new_call(number)]).await;
    }
    let nine = get(&store, 9).await.expect("it was committed");
    commit(&store, &[ended(&nine, 1)]).await;
    assert_eq!(live(&store, None, 100).await, [5, 3, 1, 7].map(call_id));
    let first = live(&store, None, 2).await;
    assert_eq!(first, [5, 3].map(call_id));
    assert_eq!(live(&store, first.last().copied(), 2).await, [1, 7].map(call_id));
    assert!(live(&store, Some(call_id(7)), 2).await.is_empty());
}

pub async fn an_ended_call_with_something_left_to_do_is_loaded(store: Store) {
    let (hangup, look, done) = (new_call(1), new_call(2), new_call(3));
    commit(&store, &[hangup.clone(), look.clone(), done.clone()]).await;
    let mut hangup = ended(&hangup.record, 5);
    let effect = Effect { id: 1, kind: EffectKind::HangUp, attempts: 0, not_before: None };
    Arc::make_mut(&mut hangup.record).outbox = vec![effect];
    let mut look = ended(&look.record, 5);
    Arc::make_mut(&mut look.record).confirm_at = Some(at(9));
    commit(&store, &[hangup.clone(), look, ended(&done.record, 5)]).await;
    assert_eq!(live(&store, None, 9).await, [1, 2].map(call_id));
    commit(&store, &[next(&hangup.record, |record| record.outbox.clear())]).await;
    assert_eq!(live(&store, None, 9).await, [call_id(2)]);
}

pub async fn history_gives_live_ended_or_all_newest_first(store: Store) {
    for number in 1..=4 {
        commit(&store, &[new_call(number)]).await;
    }
    for number in [2, 3] {
        let record = get(&store, number).await.expect("it was committed");
        commit(&store, &[ended(&record, 1)]).await;
    }
    assert_eq!(history(&store, Which::Live, None, 9).await, [4, 1].map(call_id));
    assert_eq!(history(&store, Which::Ended, None, 9).await, [3, 2].map(call_id));
    assert_eq!(history(&store, Which::All, None, 9).await, [4, 3, 2, 1].map(call_id));
}

pub async fn history_has_pages(store: Store) {
    for number in 1..=5 {
        commit(&store, &[new_call(number)]).await;
    }
    let three = get(&store, 3).await.expect("it was committed");
    commit(&store, &[ended(&three, 1)]).await;
    let first = history(&store, Which::Live, None, 2).await;
    assert_eq!(first, [5, 4].map(call_id));
    // The last call of a page may have ended since: the next page goes on behind it all the same.
    assert_eq!(history(&store, Which::Live, Some(call_id(4)), 2).await, [2, 1].map(call_id));
    assert_eq!(history(&store, Which::All, Some(call_id(3)), 9).await, [2, 1].map(call_id));
    assert!(history(&store, Which::All, Some(call_id(1)), 9).await.is_empty());
}

pub async fn a_timeline_has_its_entries_in_order(store: Store) {
    let mut one = new_call(1);
    one.entries = vec![entry(0, "a"), entry(1, "b")];
    commit(&store, &[one.clone(), new_call(2)]).await;
    let mut more = next(&one.record, |_| {});
    more.entries = vec![entry(2, "c")];
    commit(&store, &[more.clone()]).await;
    let mut last = next(&more.record, |_| {});
    last.entries = vec![entry(3, "d"), entry(4, "e")];
    commit(&store, &[last]).await;
    let timeline = store.timeline(call_id(1)).await.expect("the store can be read");
    assert!(timeline.iter().all(|stored| stored.call == call_id(1)));
    assert!(timeline.is_sorted_by_key(|stored| stored.id));
    let entries: Vec<_> = timeline.into_iter().map(|stored| stored.entry).collect();
    let words = ["a", "b", "c", "d", "e"];
    let expected: Vec<_> = (0..).zip(words).map(|(number, word)| entry(number, word)).collect();
    assert_eq!(entries, expected);
    let nobody = store.timeline(call_id(9)).await.expect("the store can be read");
    assert!(nobody.is_empty());
}

pub async fn changes_come_in_the_order_of_their_commits(store: Store) {
    let (one, two) = (new_call(1), new_call(2));
    commit(&store, &[two.clone(), one.clone()]).await;
    let mut later = next(&one.record, |_| {});
    later.entries = vec![entry(1, "one again")];
    let mut both = next(&two.record, |_| {});
    both.entries = vec![entry(1, "two again"), entry(2, "two once more")];
    commit(&store, &[later]).await;
    commit(&store, &[both]).await;
    let changes = words(&store, 0, 100).await;
    let seen: Vec<_> = changes.iter().map(|(_, call, entry)| (*call, entry.number)).collect();
    let expected = [(2, 0), (1, 0), (1, 1), (2, 1), (2, 2)];
    assert_eq!(seen, expected.map(|(call, number)| (call_id(call), number)));
    assert!(changes.is_sorted_by_key(|(id, _, _)| *id));
}

pub async fn changes_go_on_after_any_entry(store: Store) {
    for number in 1..=4 {
        commit(&store, &[new_call(number)]).await;
    }
    let all = words(&store, 0, 100).await;
    assert_eq!(all.len(), 4);
    assert_eq!(words(&store, 0, 2).await, all[..2]);
    assert_eq!(words(&store, all[1].0, 100).await, all[2..]);
    assert!(words(&store, all[3].0, 100).await.is_empty());
    assert!(words(&store, u64::MAX, 100).await.is_empty());
}

pub async fn pruning_forgets_ended_calls_and_all_that_belongs_to_them(store: Store) {
    let mut old = created(full_record(call_id(1)), vec![entry(0, "a"), entry(1, "b")]);
    Arc::make_mut(&mut old.record).ending = None;
    Arc::make_mut(&mut old.record).confirm_at = None;
    Arc::make_mut(&mut old.record).outbox.clear();
    old.idempotency = key("order-1", 1);
    commit(&store, &[old.clone(), new_call(2)]).await;
    commit(&store, &[ended(&old.record, 10)]).await;
    assert_eq!(prune(&store, 11).await, 1);
    assert_eq!(get(&store, 1).await, None);
    assert_eq!(find(&store, "CALL-1").await, None);
    assert_eq!(find(&store, "REQUEST-1").await, None);
    assert_eq!(store.find_idempotent("order-1").await.expect("the store can be read"), None);
    assert!(store.timeline(call_id(1)).await.expect("the store can be read").is_empty());
    let left = words(&store, 0, 100).await;
    assert!(left.iter().all(|(_, call, _)| *call == call_id(2)));
    assert_eq!(history(&store, Which::All, None, 9).await, [call_id(2)]);
    assert_eq!(prune(&store, 11).await, 0);
}

pub async fn pruning_keeps_what_is_open_or_recent(store: Store) {
    let mut open = live_record(call_id(1));
    open.state = CallState::Ended(EndReason::Lost);
    open.ended_at = Some(at(1));
    let effect = Effect { id: 1, kind: EffectKind::HangUp, attempts: 3, not_before: None };
    open.outbox = vec![effect];
    let recent = new_call(2);
    commit(&store, &[created(open, Vec::new()), recent.clone(), new_call(3)]).await;
    commit(&store, &[ended(&recent.record, 100)]).await;
    assert_eq!(prune(&store, 100).await, 0);
    assert_eq!(history(&store, Which::All, None, 9).await, [3, 2, 1].map(call_id));
}

pub async fn pruning_frees_carrier_ids_and_keys_for_new_calls(store: Store) {
    let mut old = full_record(call_id(1));
    old.outbox.clear();
    old.confirm_at = None;
    let mut first = created(old, Vec::new());
    first.idempotency = key("order-1", 1);
    commit(&store, std::slice::from_ref(&first)).await;
    commit(&store, &[ended(&first.record, 1)]).await;
    assert_eq!(prune(&store, 2).await, 1);
    let mut second = created(full_record(call_id(2)), Vec::new());
    second.idempotency = key("order-1", 2);
    commit(&store, &[second]).await;
    assert_eq!(find(&store, "CALL-1").await, Some(call_id(2)));
}

pub async fn entry_ids_are_never_used_again_after_pruning(store: Store) {
    let one = new_call(1);
    commit(&store, std::slice::from_ref(&one)).await;
    commit(&store, &[ended(&one.record, 1)]).await;
    let seen = words(&store, 0, 9).await.last().map(|(id, _, _)| *id).expect("there is an entry");
    assert_eq!(prune(&store, 2).await, 1);
    commit(&store, &[new_call(2)]).await;
    // Whoever has read up to `seen` must not miss what came later.
    assert_eq!(words(&store, seen, 9).await.len(), 1);
}

pub async fn pruning_takes_small_steps_and_whole_calls(store: Store) {
    const ENTRIES: u32 = 20;
    // They end in another order than they began.
    for (number, second) in [(1, 30), (2, 10), (3, 20), (4, 40)] {
        let mut call = new_call(number);
        call.entries = (0..ENTRIES).map(|at| entry(at, "a word")).collect();
        commit(&store, std::slice::from_ref(&call)).await;
        commit(&store, &[ended(&call.record, second)]).await;
    }
    let mut left = vec![1, 2, 3, 4];
    let mut steps = 0;
    loop {
        let step = store.prune(at(40), 5).await.expect("the store can be written");
        steps += 1;
        assert!(step.calls <= 1, "a call has more rows than a step takes");
        let before = left.len();
        for number in left.clone() {
            let kept = get(&store, number).await.is_some();
            let timeline = store.timeline(call_id(number)).await.expect("the store can be read");
            assert_eq!(timeline.len(), if kept { ENTRIES as usize } else { 0 }, "call {number}");
            left.retain(|other| *other != number || kept);
        }
        assert_eq!(before - left.len(), step.calls, "it says how many are found no longer");
        let told = words(&store, 0, 1000).await.len();
        assert_eq!(told, left.len() * ENTRIES as usize, "all of a call is told, or nothing");
        if !step.more {
            break;
        }
        assert!(steps < 1000, "it comes to an end");
    }
    assert!(left == [4] && steps >= 3, "{left:?} after {steps} steps");
}

pub async fn a_call_that_is_done_and_has_something_to_do_again_is_kept(store: Store) {
    let call = new_call(1);
    commit(&store, std::slice::from_ref(&call)).await;
    let done = ended(&call.record, 1);
    commit(&store, std::slice::from_ref(&done)).await;
    let effect = Effect { id: 1, kind: EffectKind::HangUp, attempts: 0, not_before: None };
    let again = next(&done.record, |record| record.outbox = vec![effect]);
    commit(&store, std::slice::from_ref(&again)).await;
    assert_eq!(prune(&store, 2).await, 0);
    commit(&store, &[next(&again.record, |record| record.outbox.clear())]).await;
    assert_eq!(prune(&store, 2).await, 1);
    assert_eq!(get(&store, 1).await, None);
}

pub async fn changes_go_on_across_what_was_pruned(store: Store) {
    let calls = [1, 2, 3].map(new_call);
    for call in &calls {
        commit(&store, std::slice::from_ref(call)).await;
    }
    for call in &calls {
        let mut last = ended(&call.record, 1);
        last.entries = vec![entry(1, "over")];
        commit(&store, &[last]).await;
    }
    let before = words(&store, 0, 100).await;
    commit(&store, &[new_call(4)]).await;
    assert_eq!(prune(&store, 2).await, 3);
    commit(&store, &[new_call(5)]).await;
    let told = |entries: Vec<(u64, CallId, _)>| -> Vec<CallId> {
        entries.into_iter().map(|(_, call, _)| call).collect()
    };
    // Whoever had read all, some or nothing of what is gone goes on with what came after it.
    for read in std::iter::once(0).chain(before.iter().map(|(id, _, _)| *id)) {
        assert_eq!(told(words(&store, read, 100).await), [4, 5].map(call_id), "after {read}");
    }
    assert_eq!(told(words(&store, 0, 1).await), [call_id(4)]);
}

pub async fn nothing_is_found_in_an_empty_store(store: Store) {
    assert!(live(&store, None, 9).await.is_empty());
    assert!(history(&store, Which::All, None, 9).await.is_empty());
    assert!(words(&store, 0, 9).await.is_empty());
    assert_eq!(find(&store, "CALL-1").await, None);
    let found = store.find(&PROVIDER, "").await.expect("the store can be read");
    assert_eq!(found, None);
    assert_eq!(prune(&store, 9).await, 0);
    commit(&store, &[]).await;
}
