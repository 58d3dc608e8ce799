//! The stored shapes. A change here is a migration: the fixtures in the tests hold what earlier
//! versions wrote, and must be read for ever.

use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::entry::Entry;
use crate::record::CallRecord;

/// The version of the stored record. Raise it when an older daemon could not read what is written.
const VERSION: u8 = 4;

#[derive(Serialize, Deserialize)]
struct Stored<T> {
    v: u8,
    call: T,
}

#[derive(Deserialize)]
struct Head {
    v: u8,
}

pub(super) fn encode_record(record: &CallRecord, to: &mut Vec<u8>) {
    encode(&Stored { v: VERSION, call: record }, to);
}

pub(super) fn decode_record(
    text: &[u8],
    what: impl Fn() -> String,
) -> Result<CallRecord, StoreError> {
    let head: Head = parse(text, &what)?;
    if head.v > VERSION {
        let reason = format!("it was written by a newer version (record version {})", head.v);
        return Err(StoreError::Damaged { what: what(), reason });
    }
    parse::<Stored<CallRecord>>(text, &what).map(|stored| stored.call)
}

pub(super) fn encode_entry(entry: &Entry, to: &mut Vec<u8>) {
    encode(entry, to);
}

pub(super) fn decode_entry(text: &[u8], what: impl Fn() -> String) -> Result<Entry, StoreError> {
    parse(text, &what)
}

fn encode<T: Serialize>(value: &T, to: &mut Vec<u8>) {
    serde_json::to_writer(to, value)
        .expect("stored shapes have string keys, which JSON always takes");
}

fn parse<'a, T: Deserialize<'a>>(
    text: &'a [u8],
    what: &impl Fn() -> String,
) -> Result<T, StoreError> {
    serde_json::from_slice(text)
        .map_err(|error| StoreError::Damaged { what: what(), reason: without_values(&error) })
}

/// What is wrong and where, without the values that stand there: the error is logged, and they may
/// be numbers or what was said.
fn without_values(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = match (text.find('"'), text.rfind('"')) {
        (Some(first), Some(last)) if first < last => {
            format!("{}\"…\"{}", &text[..first], &text[last + 1..])
        }
        _ => text,
    };
    offhook_core::mask_numbers(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_entry_is_told_without_what_stands_in_it() {
        for (text, told) in [
            (r#"{"number": "a \"secret\" word"}"#, "invalid type: string \"…\", expected u32"),
            (r#"{"number": 15550001234}"#, "invalid value: integer `15•••••••34`, expected u32"),
        ] {
            let error =
                decode_entry(text.as_bytes(), || "entry 7".to_owned()).unwrap_err().to_string();
            assert!(error.contains("entry 7") && error.contains(told), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
