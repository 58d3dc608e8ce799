//! A record as it stands in a store. What can be read is written and read again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use offhook_manager::{machine, stored};

fuzz_target!(|data: &[u8]| {
    let Ok(record) = stored::read_record(data) else { return };
    let _ = machine::next_deadline(&record);
    let written = stored::write_record(&record);
    let again = stored::read_record(&written).expect("what was written is read");
    assert_eq!(stored::write_record(&again), written);
});
