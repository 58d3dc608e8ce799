//! When an attempt at a webhook is given up, and when there is another.

use std::time::Duration;

use http::StatusCode;

use crate::exchange::{DeliveryFault, WebhookAnswer};

/// The pauses between the attempts at a webhook; no more pauses, no more attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pauses {
    /// So many, each twice as long as the one before.
    Doubling { times: u32 },
    /// These.
    Listed(Vec<Duration>),
}

impl Pauses {
    /// The pause after so many attempts; `first` is the first of those that double.
    pub(crate) fn after(&self, attempts: u32, first: Duration) -> Option<Duration> {
        let index = attempts.checked_sub(1)?;
        match self {
            Self::Doubling { times } => {
                (index < *times).then(|| first.saturating_mul(2u32.saturating_pow(index)))
            }
            Self::Listed(pauses) => pauses.get(usize::try_from(index).ok()?).copied(),
        }
    }
}

/// The timeouts and retries of one webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RetryPolicy {
    pub(crate) connect_timeout: Duration,
    pub(crate) read_timeout: Duration,
    /// The longest that one attempt takes, whatever it waits for.
    pub(crate) attempt: Duration,
    /// The time in which all attempts are made.
    pub(crate) total: Duration,
    pub(crate) pauses: Pauses,
    pub(crate) on_4xx: bool,
    /// Whether 408 and 429 are worth another attempt when other 4xx are not.
    pub(crate) on_overload: bool,
    pub(crate) on_5xx: bool,
    pub(crate) on_connect: bool,
    pub(crate) on_read: bool,
}

impl RetryPolicy {
    /// Whether an attempt that went like this is worth another.
    pub(crate) fn wants_retry(&self, outcome: &Result<WebhookAnswer, DeliveryFault>) -> bool {
        match outcome.as_ref().map(|answer| answer.status) {
            Ok(StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS) => {
                self.on_overload || self.on_4xx
            }
            Ok(status) if status.is_client_error() => self.on_4xx,
            Ok(status) if status.is_server_error() => self.on_5xx,
            Ok(_) => false,
            Err(DeliveryFault::Connect) => self.on_connect,
            Err(DeliveryFault::ReadTimeout | DeliveryFault::Broken) => self.on_read,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_or_are_listed_and_come_to_an_end() {
        let first = Duration::from_millis(500);
        let doubling = Pauses::Doubling { times: 2 };
        let after = |attempts| doubling.after(attempts, first);
        assert_eq!([after(1), after(2), after(3)], [Some(first), Some(first * 2), None]);
        let listed = Pauses::Listed(vec![Duration::ZERO]);
        assert_eq!([listed.after(1, first), listed.after(2, first)], [Some(Duration::ZERO), None]);
    }
}
