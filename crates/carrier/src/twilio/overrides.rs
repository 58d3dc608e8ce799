//! When a webhook is sent again: the connection overrides in the fragment of
//! its URL, and what holds without them.

use std::time::Duration;

use crate::overrides::{self, Longest};
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

const LONGEST: Longest = Longest { connect: 10_000, read: 15_000, total: 15_000 };

/// The policy of a URL.
pub(crate) fn policy(url: &str) -> RetryPolicy {
    overrides::policy(url, default(), LONGEST)
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
