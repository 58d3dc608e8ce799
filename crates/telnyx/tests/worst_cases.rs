//! The bodies that cost most, up to the largest that the daemon takes.
//!
//! What this shows: each size is verified and is read or refused, without an overflow of the stack
//! however deep it is nested. What it cannot show is the time: no clock is asked. A step that is
//! taken for every pair of bytes would be taken four thousand million times at 64 KiB, and the
//! fuzzer gives up on an input after 5 s.

mod support;

use http::Method;
use offhook_core::{VoiceProvider, WebhookRejection, verify};

use support::{now, posted, signed, telnyx};

const SIZES: [usize; 4] = [1, 4, 16, 64];

/// An event whose payload has this in it, of about this many KiB.
fn event(kibibytes: usize, piece: &str, before: &str, after: &str) -> String {
    let filling = piece.repeat(kibibytes * 1024 / piece.len());
    let payload = format!("{{\"call_control_id\":\"v3:1\",{before}{filling}{after}}}");
    format!("{{\"data\":{{\"id\":\"1\",\"event_type\":\"call.answered\",\"payload\":{payload}}}}}")
}

#[test]
fn the_worst_bodies_are_verified_and_read_or_refused_at_every_size() {
    let telnyx = telnyx();
    let is_read = |body: String| {
        let request = signed(body);
        let verified = verify(&telnyx, &request, now()).expect("it is genuine");
        telnyx.parse_webhook_event(&verified).is_ok()
    };
    for kibibytes in SIZES {
        let size = kibibytes * 1024;
        for (piece, before, after) in [
            // What nobody reads, and what stands where a text is read.
            ("x", "\"unknown\":\"", "\""),
            ("\\u0041", "\"from\":\"", "\""),
            ("\\ud83c\\udf89", "\"from\":\"", "\""),
            ("\\\\\\\"", "\"client_state\":\"", "\""),
            ("7", "\"unknown\":", ""),
            ("0", "\"unknown\":1.0e-", "1"),
            (" \n\t\r", "\"unknown\":", "1"),
            ("0,", "\"from\":[", "0]"),
            ("\"a\":0,", "\"from\":{", "\"a\":0}"),
            ("\"k\":1,", "", "\"unknown\":1"),
        ] {
            let body = event(kibibytes, piece, before, after);
            // A number of 64 KiB is none that JSON's readers take; all else is.
            let is_number =
                before == "\"unknown\":" && after.is_empty() || after == "1" && piece == "0";
            assert!(is_read(body) || is_number, "{kibibytes} KiB of {piece:?}");
        }
        for (piece, before) in [
            ("[", "\"from\":"),
            ("[", "\"unknown\":"),
            ("{\"a\":", "\"from\":"),
            ("{\"a\":", "\"unknown\":"),
            ("[{\"a\":", "\"transcription_data\":"),
        ] {
            assert!(!is_read(event(kibibytes, piece, before, "")), "{kibibytes} KiB of {piece:?}");
        }
        for body in
            ["[".repeat(size), "{\"data\":".repeat(size / 8), "\"".repeat(size), " ".repeat(size)]
        {
            assert!(!is_read(body));
        }
    }
}

#[test]
fn what_is_nested_deeply_and_closed_again_is_no_overflow_of_the_stack() {
    let telnyx = telnyx();
    for kibibytes in SIZES {
        let depth = kibibytes * 512;
        for field in ["from", "unknown", "transcription_data"] {
            let nested = format!("\"{field}\":{}{}", "[".repeat(depth), "]".repeat(depth));
            let request = signed(event(1, " ", &nested, ""));
            let verified = verify(&telnyx, &request, now()).expect("it is genuine");
            let _ = telnyx.parse_webhook_event(&verified);
        }
    }
}

#[test]
fn the_worst_headers_are_refused_at_every_size() {
    let telnyx = telnyx();
    for kibibytes in SIZES {
        let size = kibibytes * 1024;
        for piece in ["0", "1", "A", "=", " ", "-"] {
            let long = piece.repeat(size);
            let as_signature = posted("1736846815", &long, "{}");
            let as_timestamp = posted(&long, "AAAA", "{}");
            assert!(telnyx.verify_webhook(&as_signature, now()).is_err());
            assert!(telnyx.verify_webhook(&as_timestamp, now()).is_err());
        }
        let mut many = posted("1736846815", "AAAA", "{}");
        assert_eq!(many.method, Method::POST);
        for _ in 0..size / 8 {
            many.headers.append("telnyx-timestamp", "1".parse().expect("a value"));
        }
        assert!(matches!(
            telnyx.verify_webhook(&many, now()),
            Err(WebhookRejection::MalformedHeader { .. })
        ));
    }
}
