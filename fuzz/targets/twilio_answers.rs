//! Answers of Twilio's REST API.
#![no_main]

use libfuzzer_sys::fuzz_target;
use offhook_fuzz::{Carrier, are_borne};
use offhook_twilio::{Twilio, TwilioConfig};

const TWILIO: Carrier = Carrier {
    provider: |transport| {
        let config = TwilioConfig::new("AC00000000000000000000000000000001", "sesame");
        Box::new(Twilio::with_transport(config.expect("an account"), transport))
    },
    calls: &[&[("call_sid", 1, "CA5d2f0e7b9c1a4e63b8d7f0a1c2e3b4d5")]],
    may_be_sent: |request| {
        const CALLS: &str =
            "https://api.twilio.com/2010-04-01/Accounts/AC00000000000000000000000000000001/Calls";
        request.url.as_str().starts_with(CALLS)
    },
};

fuzz_target!(|data: &[u8]| are_borne(&TWILIO, data));
