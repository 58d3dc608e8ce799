//! Connection overrides: what the fragment of a webhook's URL says about timeouts and retries.

use std::time::Duration;

use crate::retry_policy::{Pauses, RetryPolicy};

/// The most milliseconds that overrides may ask for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Longest {
    pub(crate) connect: u64,
    pub(crate) read: u64,
    pub(crate) total: u64,
}

/// The policy of a URL. What is out of range or not understood keeps its default.
pub(crate) fn policy(url: &str, default: RetryPolicy, longest: Longest) -> RetryPolicy {
    let mut policy = default;
    let Some((_, fragment)) = url.split_once('#') else { return policy };
    for pair in fragment.split('&') {
        let Some((key, value)) = pair.split_once('=') else { continue };
        match key {
            "ct" => set_millis(&mut policy.connect_timeout, value, longest.connect),
            "rt" => set_millis(&mut policy.read_timeout, value, longest.read),
            "tt" => set_millis(&mut policy.total, value, longest.total),
            "rc" => {
                if let Some(times) = value.parse().ok().filter(|times| *times <= 5) {
                    policy.pauses = Pauses::Doubling { times };
                }
            }
            "rp" => retry_on(&mut policy, value),
            _ => {}
        }
    }
    policy
}

fn retry_on(policy: &mut RetryPolicy, list: &str) {
    let named = |word: &str| list.split(',').any(|item| item == word || item == "all");
    policy.on_4xx = named("4xx");
    policy.on_5xx = named("5xx");
    policy.on_connect = named("ct");
    policy.on_read = named("rt");
}

fn set_millis(target: &mut Duration, value: &str, most: u64) {
    if let Some(millis) = value.parse().ok().filter(|millis| (100..=most).contains(millis)) {
        *target = Duration::from_millis(millis);
    }
}
