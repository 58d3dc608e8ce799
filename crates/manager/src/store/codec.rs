//! The stored shapes. A change here is a migration: the fixtures in the tests hold what earlier
//! versions wrote, and must be read for ever.

use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::entry::Entry;
use crate::record::CallRecord;

/// The version of the stored record. Raise it when an older daemon could not read what is written.
const VERSION: u8 = 2;

#[derive(Serialize, Deserialize)]
struct Stored<T> {
    v: u8,
    call: T,
}

#[derive(Deserialize)]
struct Head {
    v: u8,
}

pub(super) fn encode_record(record: &CallRecord) -> String {
    encode(&Stored { v: VERSION, call: record })
}

pub(super) fn decode_record(
    text: &str,
    what: impl Fn() -> String,
) -> Result<CallRecord, StoreError> {
    let head: Head = parse(text, &what)?;
    if head.v > VERSION {
        let reason = format!("it was written by a newer version (record version {})", head.v);
        return Err(StoreError::Damaged { what: what(), reason });
    }
    parse::<Stored<CallRecord>>(text, &what).map(|stored| stored.call)
}

pub(super) fn encode_entry(entry: &Entry) -> String {
    encode(entry)
}

pub(super) fn decode_entry(text: &str, what: impl Fn() -> String) -> Result<Entry, StoreError> {
    parse(text, &what)
}

fn encode<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("stored shapes have string keys, which JSON always takes")
}

fn parse<'a, T: Deserialize<'a>>(
    text: &'a str,
    what: &impl Fn() -> String,
) -> Result<T, StoreError> {
    serde_json::from_str(text)
        .map_err(|error| StoreError::Damaged { what: what(), reason: error.to_string() })
}
