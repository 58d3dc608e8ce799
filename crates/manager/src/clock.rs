//! The one place that knows what time it is.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;

/// Tells the time, and waits for a time to come. A test brings its own.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time.
    fn now(&self) -> Timestamp;

    /// Waits until it is this late; `Timestamp::MAX` is never.
    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// The system's wall clock, in whole milliseconds: no network tells more, and what is stored is
/// shorter.
///
/// Deadlines are persisted, so they are wall time; a wait is measured by the monotonic clock in
/// slices, so that a clock that was set is noticed.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

const SLICE: Duration = Duration::from_secs(30);

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            loop {
                let left = crate::time::between(self.now(), at);
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.min(SLICE)).await;
            }
        })
    }
}
