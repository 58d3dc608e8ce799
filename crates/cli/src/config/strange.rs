//! Files that are no configuration, or nearly one.

use proptest::collection::vec;
use proptest::prelude::*;

use super::reader::Reader;
use super::{Problems, policies, providers, read};

/// Reads a text as the daemon and as `offhook check` do.
fn bears(text: &str) -> Result<(), Problems> {
    let Ok(mut reader) = Reader::parse(text, "offhook.toml") else { return Ok(()) };
    let config = read(&mut reader);
    let _ = providers::oddities(&reader);
    let _ = policies::oddities(&reader, &config);
    let read = reader.finish();
    if let Err(problems) = &read {
        assert!(!problems.to_string().is_empty());
    }
    read
}

/// Keys of every section.
const KEYS: &[&str] = &[
    "provider",
    "from_number",
    "public_url",
    "webhooks.listen",
    "webhooks.trusted_proxies",
    "webhooks.max_body",
    "api.listen",
    "api.token",
    "api.hosts",
    "store.url",
    "store.retention",
    "limits.max_concurrent_calls",
    "limits.queue",
    "limits.max_queued_calls",
    "limits.queue_timeout",
    "limits.calls_per_second",
    "limits.requests_per_second",
    "limits.verify_concurrency",
    "limits.max_duration",
    "limits.ring_timeout",
    "limits.transcript_timeout",
    "limits.notify_hangup_delay",
    "outbound.mode",
    "outbound.allow_to",
    "inbound.policy",
    "inbound.allow_from",
    "inbound.greeting",
    "speech.voice",
    "speech.locale",
    "twilio.account_sid",
    "twilio.auth_token",
    "twilio.api_base",
    "twilio.allow_private_hosts",
    "twilio.region",
    "twilio.edge",
    "twilio.calls_per_second",
    "telnyx.api_key",
    "telnyx.connection_id",
    "telnyx.public_key",
    "telnyx.api_base",
    "log.format",
    "nothing.of_ours",
];

/// A text as TOML has it.
fn quoted(text: String) -> String {
    toml::Value::String(text).to_string()
}

fn values() -> impl Strategy<Value = String> {
    const ODD: &[&str] =
        &["[]", "{}", "['', '10.0.0.0/8']", "1979-05-27T07:32:00Z", "[[[[]]]]", "nan", "-inf"];
    prop_oneof![
        any::<i64>().prop_map(|it| it.to_string()),
        any::<f64>().prop_map(|it| toml::Value::Float(it).to_string()),
        any::<bool>().prop_map(|it| it.to_string()),
        any::<String>().prop_map(quoted),
        "[0-9.:/a-z+-]{0,20}".prop_map(quoted),
        r"https?://[a-z0-9.:@/\[\]-]{0,20}".prop_map(quoted),
        "[0-9]{1,22}(ms|s|m|h|d|KiB|MiB|GiB)?".prop_map(quoted),
        proptest::sample::select(ODD).prop_map(str::to_owned),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_a_configuration_or_is_told_why_not(text in any::<String>()) {
        let _ = bears(&text);
    }

    #[test]
    fn any_value_of_any_key_is_taken_or_told(
        pairs in vec((proptest::sample::select(KEYS), values()), 1..6),
    ) {
        let lines: Vec<String> =
            pairs.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        let _ = bears(&lines.join("\n"));
    }
}

#[test]
fn the_worst_files_are_read_or_refused_at_every_size() {
    for kibibytes in [1, 4, 16, 64] {
        let size = kibibytes * 1024;
        for piece in ["[", "a.", "a = [", "[[a]]\n", "\"", "'''", "#", "\n", "=", "a={a="] {
            let _ = bears(&piece.repeat(size / piece.len()));
        }
        let long = "k".repeat(size);
        assert!(bears(&format!("{long} = 1")).is_err(), "an unknown key, however long");
        let many: String = (0..size / 16).map(|number| format!("key{number:08} = 1\n")).collect();
        assert!(bears(&many).is_err());
        assert!(bears(&format!("twilio.auth_token = '{long}'\ncolour = 1")).is_err());
    }
}
