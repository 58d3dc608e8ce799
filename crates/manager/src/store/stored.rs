//! The stored shapes: what a record and an entry are in a store, for stores that live elsewhere and
//! for programs that read or try one.

use super::{StoreError, codec};
use crate::entry::Entry;
use crate::record::CallRecord;

/// Reads a record of this version or an earlier one.
///
/// # Errors
/// It is damaged, or was written by a newer version. The error shows nothing of what stands in it.
pub fn read_record(stored: &[u8]) -> Result<CallRecord, StoreError> {
    codec::decode_record(stored, || "the record".to_owned())
}

/// Writes a record as the stores of this crate do.
#[must_use]
pub fn write_record(record: &CallRecord) -> Vec<u8> {
    let mut stored = Vec::new();
    codec::encode_record(record, &mut stored);
    stored
}

/// Reads an entry.
///
/// # Errors
/// It is damaged. The error shows nothing of what stands in it.
pub fn read_entry(stored: &[u8]) -> Result<Entry, StoreError> {
    codec::decode_entry(stored, || "the entry".to_owned())
}

/// Writes an entry as the stores of this crate do.
#[must_use]
pub fn write_entry(entry: &Entry) -> Vec<u8> {
    let mut stored = Vec::new();
    codec::encode_entry(entry, &mut stored);
    stored
}
