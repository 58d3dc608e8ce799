//! Bytes that stand in a store and were not written by us, or were damaged since.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use offhook_core::{CallPlan, DigitInput, ListenFor, Step};
use offhook_manager::{Carried, StoreError, Throttled, machine, stored};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

const RECORD: &str = include_str!("fixtures/record-v3.json");
const DIGITS: &str = include_str!("fixtures/record-v4-digits.json");
const DIGITS_BEFORE: &str = include_str!("fixtures/record-v3-digits.json");
const ENTRIES: &str = include_str!("fixtures/entries-v1.json");

fn entries() -> Vec<Vec<u8>> {
    let entries: Vec<serde_json::Value> = serde_json::from_str(ENTRIES).expect("the fixture");
    entries.iter().map(|entry| entry.to_string().into_bytes()).collect()
}

/// Reads bytes as a record and as an entry. What can be read is written and read again as the same.
fn bears(bytes: &[u8]) {
    match stored::read_record(bytes) {
        Ok(record) => {
            let _ = machine::next_deadline(&record);
            let written = stored::write_record(&record);
            assert_eq!(stored::read_record(&written).expect("it was written"), record);
        }
        Err(error) => is_damage(&error),
    }
    match stored::read_entry(bytes) {
        Ok(entry) => {
            let written = stored::write_entry(&entry);
            let again = stored::read_entry(&written).expect("it was written");
            assert_eq!(stored::write_entry(&again), written);
        }
        Err(error) => is_damage(&error),
    }
}

fn is_damage(error: &StoreError) {
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
}

#[test]
fn what_the_fixtures_hold_is_read_and_written_as_the_same() {
    assert!(stored::read_record(RECORD.as_bytes()).is_ok());
    bears(RECORD.as_bytes());
    for entry in entries() {
        assert!(stored::read_entry(&entry).is_ok());
        bears(&entry);
    }
}

/// What a stored plan listens for.
fn listens_for(record: &str) -> ListenFor {
    let record = stored::read_record(record.as_bytes()).unwrap();
    match record.script.plan.after() {
        CallPlan::Listen(listen) => listen.input,
        other => panic!("it does not listen: {other:?}"),
    }
}

#[test]
fn a_record_from_before_digits_could_be_asked_for_listens_for_speech() {
    assert!(!RECORD.contains("input"), "it was written by then");
    assert_eq!(listens_for(RECORD), ListenFor::Speech);
}

#[test]
fn a_record_that_asks_for_digits_is_read_and_written_as_the_same() {
    let pin = DigitInput::new(4, '*').unwrap();
    for record in [DIGITS, DIGITS_BEFORE] {
        assert_eq!(listens_for(record), ListenFor::Digits(pin));
    }
    let written = stored::write_record(&stored::read_record(DIGITS.as_bytes()).unwrap());
    let value = |json: &[u8]| serde_json::from_slice::<serde_json::Value>(json).unwrap();
    assert_eq!(value(&written), value(DIGITS.as_bytes()));
}

#[test]
fn what_has_carried_a_plan_is_kept() {
    let mut record = stored::read_record(RECORD.as_bytes()).unwrap();
    assert_eq!(record.script.carried, Carried::ByNone, "older records do not tell");
    for (carried, word) in
        [(Carried::PerhapsByPush, "perhaps_by_push"), (Carried::ByReply, "by_reply")]
    {
        record.script.carried = carried;
        let written = stored::write_record(&record);
        assert!(String::from_utf8_lossy(&written).contains(word));
        assert_eq!(stored::read_record(&written).unwrap(), record);
    }
}

#[test]
fn how_long_a_call_may_wait_and_what_its_carrier_asked_for_are_kept() {
    let mut record = stored::read_record(RECORD.as_bytes()).unwrap();
    assert_eq!((record.limits.queue_timeout, record.throttled), (None, None));
    let fallback = record.started_at + record.limits.max_duration;
    assert_eq!(record.waits_until(), fallback, "older records do not tell");
    record.limits.queue_timeout = Some(Duration::from_secs(90));
    record.throttled = Some(Throttled { times: 2, not_before: record.started_at });
    assert_eq!(record.waits_until(), record.started_at + Duration::from_secs(90));
    let written = stored::write_record(&record);
    assert!(String::from_utf8_lossy(&written).contains(r#""queue_timeout":90000"#));
    assert_eq!(stored::read_record(&written).unwrap(), record);
}

#[test]
fn a_push_that_may_arrive_yet_and_the_end_of_gathering_are_kept() {
    let mut record = stored::read_record(RECORD.as_bytes()).unwrap();
    assert_eq!(record.script.unclear_push, None, "older records do not tell");
    record.script.unclear_push = Some(Step(7));
    record.script.gathers_until = record.script.delivered_at;
    assert!(record.script.gathers_until.is_some());
    let written = stored::write_record(&record);
    assert_eq!(stored::read_record(&written).unwrap(), record);
}

#[test]
fn nesting_without_an_end_is_damage_and_no_overflow_of_the_stack() {
    for open in ["[", "{\"call\":", "{\"v\":3,\"call\":{\"script\":", "{\"detail\":{\"events\":["] {
        bears(open.repeat(64 * 1024 / open.len()).as_bytes());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_are_damage(bytes in vec(any::<u8>(), 0..400)) {
        bears(&bytes);
    }

    #[test]
    fn any_damage_of_a_few_bytes_is_borne(
        place in any::<Index>(),
        changes in vec((any::<Index>(), any::<u8>()), 1..4),
        cut in any::<Index>(),
    ) {
        let mut all = entries();
        all.push(RECORD.as_bytes().to_vec());
        let mut bytes = all.swap_remove(place.index(all.len()));
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bears(&bytes);
        bears(&bytes[..cut.index(bytes.len())]);
    }

    #[test]
    fn any_number_in_the_place_of_another_is_borne(
        place in any::<Index>(),
        number in prop_oneof![
            any::<i64>().prop_map(|it| it.to_string()),
            any::<u64>().prop_map(|it| it.to_string()),
            Just("1e308".to_owned()),
            Just("-0".to_owned()),
            Just("99999999999999999999999999".to_owned()),
        ],
    ) {
        // Deadlines are computed from times: the furthest must not overflow.
        let places: Vec<(usize, usize)> = numbers_in(RECORD);
        let (from, to) = places[place.index(places.len())];
        bears([&RECORD[..from], &number, &RECORD[to..]].concat().as_bytes());
    }
}

/// Where the numbers of a JSON text stand.
fn numbers_in(json: &str) -> Vec<(usize, usize)> {
    let mut places = Vec::new();
    for (at, _) in json.match_indices(": ") {
        let from = at + 2;
        let digits = json[from..].bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 {
            places.push((from, from + digits));
        }
    }
    places
}
