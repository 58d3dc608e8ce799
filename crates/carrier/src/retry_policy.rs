//! When a webhook is sent again: the connection overrides in the fragment of
//! its URL, and what holds without them.

use std::time::Duration;

use crate::exchange::{DeliveryFault, WebhookAnswer};

/// The timeouts and retries of one webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RetryPolicy {
    pub(crate) connect_timeout: Duration,
    pub(crate) read_timeout: Duration,
    pub(crate) total: Duration,
    pub(crate) retries: u32,
    on_4xx: bool,
    on_5xx: bool,
    on_connect: bool,
    on_read: bool,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_millis(5_000),
            read_timeout: Duration::from_millis(15_000),
            total: Duration::from_millis(15_000),
            retries: 1,
            on_4xx: false,
            on_5xx: false,
            on_connect: true,
            on_read: false,
        }
    }
}

impl RetryPolicy {
    /// The policy of a URL. What is out of range or not understood keeps its default.
    pub(crate) fn of_url(url: &str) -> Self {
        let mut policy = Self::default();
        let Some((_, fragment)) = url.split_once('#') else { return policy };
        for pair in fragment.split('&') {
            let Some((key, value)) = pair.split_once('=') else { continue };
            match key {
                "ct" => set_millis(&mut policy.connect_timeout, value, 10_000),
                "rt" => set_millis(&mut policy.read_timeout, value, 15_000),
                "tt" => set_millis(&mut policy.total, value, 15_000),
                "rc" => {
                    if let Some(count) = value.parse().ok().filter(|count| *count <= 5) {
                        policy.retries = count;
                    }
                }
                "rp" => policy.retry_on(value),
                _ => {}
            }
        }
        policy
    }

    fn retry_on(&mut self, list: &str) {
        let named = |word: &str| list.split(',').any(|item| item == word || item == "all");
        self.on_4xx = named("4xx");
        self.on_5xx = named("5xx");
        self.on_connect = named("ct");
        self.on_read = named("rt");
    }

    /// Whether an attempt that went like this is worth another.
    pub(crate) fn wants_retry(&self, outcome: &Result<WebhookAnswer, DeliveryFault>) -> bool {
        match outcome {
            Ok(answer) if answer.status.is_client_error() => self.on_4xx,
            Ok(answer) if answer.status.is_server_error() => self.on_5xx,
            Ok(_) => false,
            Err(DeliveryFault::Connect) => self.on_connect,
            Err(DeliveryFault::ReadTimeout | DeliveryFault::Broken) => self.on_read,
        }
    }
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
        let policy = RetryPolicy::of_url("http://h/p?a=1#rc=3&rp=ct,rt,5xx&ct=200&tt=9000");
        assert_eq!(policy.retries, 3);
        assert_eq!(policy.connect_timeout, Duration::from_millis(200));
        assert_eq!(policy.total, Duration::from_secs(9));
        assert!(policy.on_5xx && policy.on_read && policy.on_connect && !policy.on_4xx);
    }

    #[test]
    fn values_out_of_range_are_ignored() {
        let policy = RetryPolicy::of_url("http://h/#rc=6&ct=99&rt=15001&tt=x");
        assert_eq!(policy, RetryPolicy::default());
    }
}
