//! Cases about writing.
#![allow(missing_docs, reason = "the name of a case says what it checks")]

use offhook_core::ProviderName;
use offhook_core::{ProviderCallId, ProviderCallIds};

use super::{Store, commit, conflict, created, find, get, key, new_call, next, words};
use crate::samples::{
    PROVIDER, call_id, carrier_ids, entries_of_every_kind, entry, full_record, live_record,
};

pub async fn a_committed_call_is_found_by_its_id(store: Store) {
    let change = new_call(1);
    commit(&store, std::slice::from_ref(&change)).await;
    assert_eq!(get(&store, 1).await, Some(change.record));
    assert_eq!(get(&store, 2).await, None);
}

pub async fn every_field_of_a_record_survives(store: Store) {
    let record = full_record(call_id(1));
    commit(&store, &[created(record.clone(), Vec::new())]).await;
    assert_eq!(get(&store, 1).await.as_deref(), Some(&record));
}

pub async fn every_kind_of_entry_survives(store: Store) {
    let entries = entries_of_every_kind();
    commit(&store, &[created(live_record(call_id(1)), entries.clone())]).await;
    let kept = store.timeline(call_id(1)).await.expect("the store can be read");
    assert_eq!(kept.into_iter().map(|stored| stored.entry).collect::<Vec<_>>(), entries);
}

pub async fn a_call_is_found_by_each_of_its_carrier_ids(store: Store) {
    commit(&store, &[created(full_record(call_id(1)), Vec::new()), new_call(2)]).await;
    assert_eq!(find(&store, "CALL-1").await, Some(call_id(1)));
    assert_eq!(find(&store, "REQUEST-1").await, Some(call_id(1)));
    assert_eq!(find(&store, "call-1").await, None, "an id is compared exactly");
}

pub async fn a_carrier_id_belongs_to_one_provider(store: Store) {
    let mut other = full_record(call_id(2));
    other.provider = ProviderName::new("other");
    let changes = [created(full_record(call_id(1)), Vec::new()), created(other, Vec::new())];
    commit(&store, &changes).await;
    assert_eq!(find(&store, "CALL-1").await, Some(call_id(1)));
    let found = store.find(&ProviderName::new("other"), "CALL-1").await;
    assert_eq!(found.expect("the store can be read").map(|call| call.id), Some(call_id(2)));
}

pub async fn the_same_carrier_id_under_two_kinds_is_no_conflict(store: Store) {
    let mut record = live_record(call_id(1));
    record.ids = carrier_ids("SAME");
    let first = created(record, Vec::new());
    commit(&store, std::slice::from_ref(&first)).await;
    let mut second = next(&first.record, |record| {
        record.ids.merge(&ProviderCallIds::of(ProviderCallId::new("request", 0, "SAME")));
    });
    second.new_ids = vec!["SAME".to_owned()];
    commit(&store, std::slice::from_ref(&second)).await;
    assert_eq!(find(&store, "SAME").await, Some(call_id(1)));
    assert_eq!(get(&store, 1).await, Some(second.record));
}

pub async fn a_later_commit_replaces_the_record_and_adds_ids(store: Store) {
    let first = new_call(1);
    commit(&store, std::slice::from_ref(&first)).await;
    let mut second = next(&first.record, |record| {
        record.ids = carrier_ids("CALL-7");
        record.pushes = 99;
    });
    second.new_ids = vec!["CALL-7".to_owned()];
    commit(&store, std::slice::from_ref(&second)).await;
    let third = next(&second.record, |record| record.pushes = 100);
    commit(&store, std::slice::from_ref(&third)).await;
    assert_eq!(get(&store, 1).await, Some(third.record));
    assert_eq!(find(&store, "CALL-7").await, Some(call_id(1)));
}

pub async fn a_wrong_revision_is_a_conflict_and_writes_nothing(store: Store) {
    let one = new_call(1);
    commit(&store, std::slice::from_ref(&one)).await;
    let before = words(&store, 0, 100).await;
    let mut stale = next(&one.record, |record| record.pushes = 9);
    stale.expected_revision = Some(7);
    stale.entries = vec![entry(1, "stale")];
    let changes = [new_call(2), stale, new_call(3)];
    assert_eq!(conflict(&store, &changes).await, [call_id(1)]);
    assert_eq!(get(&store, 1).await, Some(one.record));
    assert_eq!(get(&store, 2).await, None);
    assert_eq!(get(&store, 3).await, None);
    assert_eq!(words(&store, 0, 100).await, before);
}

pub async fn every_call_in_conflict_is_named(store: Store) {
    let (one, two, three) = (new_call(1), new_call(2), new_call(3));
    commit(&store, &[one.clone(), two.clone(), three.clone()]).await;
    let stale = |number| {
        let mut change = next(&live_record(call_id(number)), |_| {});
        change.expected_revision = Some(8);
        change
    };
    let changes = [stale(1), next(&two.record, |_| {}), stale(3)];
    assert_eq!(conflict(&store, &changes).await, [call_id(1), call_id(3)]);
}

pub async fn a_new_call_that_exists_is_a_conflict(store: Store) {
    commit(&store, &[new_call(1)]).await;
    assert_eq!(conflict(&store, &[new_call(1)]).await, [call_id(1)]);
}

pub async fn a_change_of_an_unknown_call_is_a_conflict(store: Store) {
    let change = next(&live_record(call_id(1)), |_| {});
    assert_eq!(conflict(&store, &[change]).await, [call_id(1)]);
    assert_eq!(get(&store, 1).await, None);
}

pub async fn a_carrier_id_of_another_call_is_a_conflict_and_writes_nothing(store: Store) {
    commit(&store, &[created(full_record(call_id(1)), Vec::new())]).await;
    let thief = created(full_record(call_id(2)), vec![entry(0, "thief")]);
    assert_eq!(conflict(&store, &[new_call(3), thief]).await, [call_id(2)]);
    assert_eq!(find(&store, "CALL-1").await, Some(call_id(1)));
    assert_eq!(get(&store, 2).await, None);
    assert_eq!(get(&store, 3).await, None);
    assert!(words(&store, 0, 100).await.is_empty());
}

pub async fn a_carrier_id_twice_in_one_commit_is_a_conflict(store: Store) {
    let changes = [
        created(full_record(call_id(1)), Vec::new()),
        created(full_record(call_id(2)), Vec::new()),
    ];
    assert_eq!(conflict(&store, &changes).await, [call_id(2)]);
    assert_eq!(get(&store, 1).await, None);
    assert_eq!(find(&store, "CALL-1").await, None);
}

pub async fn an_idempotency_key_used_twice_is_a_conflict_and_writes_nothing(store: Store) {
    let mut one = new_call(1);
    one.idempotency = key("order-1", 1);
    commit(&store, &[one]).await;
    let mut two = new_call(2);
    two.idempotency = key("order-1", 1);
    assert_eq!(conflict(&store, &[new_call(3), two]).await, [call_id(2)]);
    assert_eq!(get(&store, 2).await, None);
    assert_eq!(get(&store, 3).await, None);
    let found = store.find_idempotent("order-1").await.expect("the store can be read");
    assert_eq!(found, Some((call_id(1), [1; 16])));
}

pub async fn an_idempotency_key_twice_in_one_commit_is_a_conflict(store: Store) {
    let (mut one, mut two) = (new_call(1), new_call(2));
    one.idempotency = key("order-1", 1);
    two.idempotency = key("order-1", 1);
    assert_eq!(conflict(&store, &[one, two]).await, [call_id(2)]);
    assert_eq!(get(&store, 1).await, None);
}

pub async fn a_commit_after_a_conflict_succeeds(store: Store) {
    let one = new_call(1);
    commit(&store, std::slice::from_ref(&one)).await;
    let two = next(&one.record, |record| record.pushes = 2);
    commit(&store, std::slice::from_ref(&two)).await;
    let stale = next(&one.record, |record| record.pushes = 3);
    assert_eq!(conflict(&store, &[stale]).await, [call_id(1)]);
    let fresh = next(&two.record, |record| record.pushes = 4);
    commit(&store, std::slice::from_ref(&fresh)).await;
    assert_eq!(get(&store, 1).await, Some(fresh.record));
    assert_eq!(find(&store, "x").await, None);
    let other = store.find(&PROVIDER, "").await.expect("the store can be read");
    assert_eq!(other, None);
}

pub async fn an_idempotency_key_leads_to_its_call_and_fingerprint(store: Store) {
    let mut one = new_call(1);
    one.idempotency = key("order 'ö' \"1\"", 9);
    commit(&store, &[one, new_call(2)]).await;
    let found = store.find_idempotent("order 'ö' \"1\"").await.expect("the store can be read");
    assert_eq!(found, Some((call_id(1), [9; 16])));
    let other = store.find_idempotent("order").await.expect("the store can be read");
    assert_eq!(other, None);
}
