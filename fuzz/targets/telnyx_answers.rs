//! Answers of Telnyx's REST API.
#![no_main]

use libfuzzer_sys::fuzz_target;
use offhook_fuzz::{Carrier, are_borne};
use offhook_telnyx::{Telnyx, TelnyxConfig};

const TELNYX: Carrier = Carrier {
    provider: |transport| {
        // The public half of the key that is 32 times 7.
        let public = "6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw=";
        let config = TelnyxConfig::new("KEYsesame", "1494404757140276705", public);
        Box::new(Telnyx::with_transport(config.expect("an account"), transport))
    },
    calls: &[&[
        ("call_leg_id", 1, "b0e6224c-c81c-11f0-afbb-02420aef93a0"),
        ("call_control_id", 2, "v3:2EC-70CTEjlUq3tDM0CxKXIt5-5N4iP4wo7_-PfH-qub97Sk4EqO5w"),
    ]],
    may_be_sent: |request| {
        let below = request.url.as_str().strip_prefix("https://api.telnyx.com/v2/");
        below.is_some_and(|it| {
            it == "calls"
                || it.starts_with("calls/v3:")
                || it.starts_with("connections/1494404757140276705/active_calls?")
        })
    },
};

fuzz_target!(|data: &[u8]| are_borne(&TELNYX, data));
