//! A text, which a document says exactly, whatever stands in it; and a voice, which breaks none.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use offhook_fuzz::{Nobody, says_exactly};
use offhook_twilio::{Twilio, TwilioConfig};

static TWILIO: LazyLock<Twilio> = LazyLock::new(|| {
    let config = TwilioConfig::new("AC00000000000000000000000000000001", "sesame");
    Twilio::with_transport(config.expect("an account"), Nobody::new())
});

fuzz_target!(|data: &[u8]| says_exactly(&*TWILIO, "Say", data));
