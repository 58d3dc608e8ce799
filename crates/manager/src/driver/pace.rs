//! How fast a carrier may be asked: a token bucket that is told the time.

use std::time::Duration;

use jiff::Timestamp;

use crate::time::{after, between};

/// The generic cell rate algorithm. (The crate of the field, governor, reads a clock of its own;
/// ours is an argument.)
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    interval: Duration,
    burst: Duration,
    next: Timestamp,
}

impl Pace {
    /// So many in a second, and as many at once, but at least one.
    pub(crate) fn per_second(rate: f64) -> Self {
        let rate = if rate.is_finite() { rate.clamp(0.001, 100_000.0) } else { 1.0 };
        let interval = Duration::from_secs_f64(1.0 / rate);
        let burst = interval.saturating_mul((rate.floor() as u32).max(1) - 1);
        Self { interval, burst, next: Timestamp::MIN }
    }

    /// A token was taken at that time, by whoever ran before us. What lies so far back that it permits
    /// the whole burst by now does not count.
    pub(crate) fn taken(&mut self, at: Timestamp, now: Timestamp) {
        if after(at, self.burst.saturating_add(self.interval)) > now {
            self.next = after(self.next.max(at), self.interval);
        }
    }

    /// Takes a token, or says how long to wait for one.
    pub(crate) fn take(&mut self, now: Timestamp) -> Result<(), Duration> {
        let earliest = after(now, self.burst);
        // No debt is greater than this, unless the clock was set back.
        self.next = self.next.min(after(earliest, self.interval));
        if self.next > earliest {
            return Err(between(earliest, self.next));
        }
        self.next = after(self.next.max(now), self.interval);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_lets_its_burst_through_and_then_one_per_interval() {
        let start = Timestamp::UNIX_EPOCH;
        let mut pace = Pace::per_second(2.0);
        assert_eq!(pace.take(start), Ok(()));
        assert_eq!(pace.take(start), Ok(()));
        assert_eq!(pace.take(start), Err(Duration::from_millis(500)));
        let later = after(start, Duration::from_millis(500));
        assert_eq!(pace.take(later), Ok(()));
        assert_eq!(pace.take(later), Err(Duration::from_millis(500)));
    }

    #[test]
    fn a_clock_that_is_set_back_costs_one_interval_at_most() {
        let mut pace = Pace::per_second(2.0);
        let late = after(Timestamp::UNIX_EPOCH, Duration::from_secs(3600));
        assert_eq!(pace.take(late), Ok(()));
        let wait = pace.take(Timestamp::UNIX_EPOCH).unwrap_err();
        assert!(wait <= Duration::from_millis(500), "{wait:?}");
    }

    #[test]
    fn what_was_taken_before_us_counts_as_long_as_it_matters() {
        let (start, second) = (Timestamp::UNIX_EPOCH, Duration::from_secs(1));
        let now = after(start, second * 10);
        let mut pace = Pace::per_second(1.0);
        for long_ago in 0..5 {
            pace.taken(after(start, second * long_ago), now);
        }
        assert_eq!({ pace }.take(now), Ok(()));
        pace.taken(after(start, Duration::from_millis(9_600)), now);
        assert_eq!(pace.take(now), Err(Duration::from_millis(600)));
    }

    #[test]
    fn one_per_second_never_lets_two_through_at_once() {
        let mut pace = Pace::per_second(1.0);
        assert_eq!(pace.take(Timestamp::UNIX_EPOCH), Ok(()));
        assert_eq!(pace.take(Timestamp::UNIX_EPOCH), Err(Duration::from_secs(1)));
    }
}
