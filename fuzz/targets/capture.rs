//! A captured request, as `offhook webhook explain` is given one. The module is the command's own.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[allow(dead_code, reason = "the command uses the rest")]
#[path = "../../crates/cli/src/commands/webhook/capture.rs"]
mod capture;

fuzz_target!(|data: &[u8]| {
    let Ok(capture) = capture::Capture::parse(data) else { return };
    assert!(capture.path.starts_with('/') && !capture.path.contains('?'));
    assert!(capture.body.len() <= data.len());
    let _ = capture.header("content-length");
});
