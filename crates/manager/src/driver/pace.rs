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
    /// So many in a second, and as many at once, but at least one. In the second of such a burst they
    /// are twice as many.
    pub(crate) fn per_second(rate: f64) -> Self {
        let rate = bounded(rate);
        let interval = Duration::from_secs_f64(1.0 / rate);
        let burst = interval.saturating_mul((rate.floor() as u32).max(1) - 1);
        Self { interval, burst, next: Timestamp::MIN }
    }

    /// Never more than so many in any second, wherever that begins. Twentieths of the rate are left for
    /// what is late: one for who takes the tokens, one for what is delayed behind them.
    pub(crate) fn evenly(rate: f64) -> Self {
        let rate = bounded(rate);
        let interval = Duration::from_secs_f64(1.0 / rate).mul_f64(20.0 / 18.0);
        let burst = interval.saturating_mul((rate / 20.0) as u32);
        Self { interval, burst, next: Timestamp::MIN }
    }

    /// A token was taken at that time, by whoever ran before us. What lies so far back that it permits
    /// the whole burst by now does not count.
    pub(crate) fn taken(&mut self, at: Timestamp, now: Timestamp) {
        if after(at, self.burst.saturating_add(self.interval)) > now {
            self.next = after(self.next.max(at), self.interval);
        }
    }

    /// How long to wait for a token.
    pub(crate) fn wait(&mut self, now: Timestamp) -> Duration {
        let earliest = after(now, self.burst);
        // No debt is greater than this, unless the clock was set back.
        self.next = self.next.min(after(earliest, self.interval));
        between(earliest, self.next)
    }

    /// Takes a token, or says how long to wait for one.
    pub(crate) fn take(&mut self, now: Timestamp) -> Result<(), Duration> {
        let wait = self.wait(now);
        if wait.is_zero() {
            self.next = after(self.next.max(now), self.interval);
            Ok(())
        } else {
            Err(wait)
        }
    }
}

const fn bounded(rate: f64) -> f64 {
    if rate.is_finite() { rate.clamp(0.001, 100_000.0) } else { 1.0 }
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
    fn an_even_rate_is_not_exceeded_in_any_second_and_hardly_missed() {
        for rate in [1_u32, 2, 7, 50, 1_000] {
            let (start, second) = (Timestamp::UNIX_EPOCH, Duration::from_secs(1));
            let mut pace = Pace::evenly(f64::from(rate));
            // Asked each millisecond, after a rest and then all the time.
            let taken: Vec<Timestamp> = (0..10_000)
                .map(|millisecond| after(start, second + Duration::from_millis(millisecond)))
                .flat_map(|now| {
                    std::iter::from_fn(|| pace.take(now).ok().map(|()| now)).collect::<Vec<_>>()
                })
                .collect();
            let one_too_many = taken.windows(rate as usize + 1);
            let closest = one_too_many.map(|those| between(those[0], those[rate as usize])).min();
            assert!(closest >= Some(second), "more than {rate} within {closest:?}");
            assert!(taken.len() * 10 >= rate as usize * 85, "{} at {rate}", taken.len());
        }
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
