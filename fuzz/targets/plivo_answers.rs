//! Answers of Plivo's REST API.
#![no_main]

use libfuzzer_sys::fuzz_target;
use offhook_fuzz::{Carrier, are_borne};
use offhook_plivo::{Plivo, PlivoConfig};

const PLIVO: Carrier = Carrier {
    provider: |transport| {
        let config = PlivoConfig::new("MAXXXXXXXXXXXXXXXXXX", "sesame");
        Box::new(Plivo::with_transport(config.expect("an account"), transport))
    },
    // One that Plivo has told of, and one that it has taken and told nothing of yet.
    calls: &[
        &[
            ("request_uuid", 0, "2b7d4e10-8a6f-4d3b-9c55-0f1e2d3c4b5a"),
            ("call_uuid", 1, "9f0a6d1c-52c4-4c7e-9b1d-3e2f7a8b9c01"),
        ],
        &[("request_uuid", 0, "2b7d4e10-8a6f-4d3b-9c55-0f1e2d3c4b5a")],
    ],
    may_be_sent: |request| {
        let below = request.url.as_str().strip_prefix("https://api.plivo.com/v1/Account/");
        let Some(below) = below.and_then(|it| it.strip_prefix("MAXXXXXXXXXXXXXXXXXX/")) else {
            return false;
        };
        let path = below.split('?').next().unwrap_or_default();
        let mut parts = path.strip_suffix('/').unwrap_or_default().split('/');
        let is_of_calls = matches!(parts.next(), Some("Call" | "Request"));
        // To delete all of them would end every call of the account.
        let names_one = parts.next().is_some_and(|id| !id.is_empty());
        is_of_calls && (names_one || request.method != "DELETE") && parts.next().is_none()
    },
};

fuzz_target!(|data: &[u8]| are_borne(&PLIVO, data));
