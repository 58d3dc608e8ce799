//! When a webhook is sent again: the connection overrides in the fragment of
//! its URL, and what holds without them.

use std::time::Duration;

use crate::retry_policy::{Pauses, RetryPolicy};

/// What holds without overrides.
const fn default() -> RetryPolicy {
    RetryPolicy {
        connect_timeout: Duration::from_millis(5_000),
        read_timeout: Duration::from_millis(15_000),
        attempt: Duration::MAX,
        total: Duration::from_millis(15_000),
        pauses: Pauses::Doubling { times: 1 },
        on_4xx: false,
        on_overload: false,
        on_5xx: false,
        on_connect: true,
        on_read: false,
    }
}

/// The policy of a URL. What is out of range or not understood keeps its default.
pub(crate) fn policy(url: &str) -> RetryPolicy {
    let mut policy = default();
    let Some((_, fragment)) = url.split_once('#') else { return policy };
    for pair in fragment.split('&') {
        let Some((key, value)) = pair.split_once('=') else { continue };
        match key {
            "ct" => set_millis(&mut policy.connect_timeout, value, 10_000),
            "rt" => set_millis(&mut policy.read_timeout, value, 15_000),
            "tt" => set_millis(&mut policy.total, value, 15_000),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragment_overrides_timeouts_and_retries() {
        let overridden = policy("http://h/p?a=1#rc=3&rp=ct,rt,5xx&ct=200&tt=9000");
        assert_eq!(overridden.pauses, Pauses::Doubling { times: 3 });
        assert_eq!(overridden.connect_timeout, Duration::from_millis(200));
        assert_eq!(overridden.total, Duration::from_secs(9));
        assert!(overridden.on_5xx && overridden.on_read && overridden.on_connect);
    }

    #[test]
    fn values_out_of_range_are_ignored() {
        let overridden = policy("http://h/#rc=6&ct=99&rt=15001&tt=x");
        assert_eq!(overridden, default());
    }
}
