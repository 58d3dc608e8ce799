//! An entry as it stands in a store. What can be read is written and read again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use offhook_manager::stored;

fuzz_target!(|data: &[u8]| {
    let Ok(entry) = stored::read_entry(data) else { return };
    let written = stored::write_entry(&entry);
    let again = stored::read_entry(&written).expect("what was written is read");
    assert_eq!(stored::write_entry(&again), written);
});
