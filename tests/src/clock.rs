//! A clock that is moved by hand.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;

/// Virtual time. Each of its users sleeps on a handle of its own, so that one can tell who is
/// asleep.
#[derive(Clone, Debug)]
pub struct VirtualClock {
    now: Arc<watch::Sender<Timestamp>>,
    sleepers: Arc<Mutex<BTreeMap<u64, Sleeper>>>,
}

#[derive(Clone, Copy, Debug)]
struct Sleeper {
    who: &'static str,
    until: Timestamp,
}

impl VirtualClock {
    /// A clock that shows this time.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self { now: Arc::new(watch::Sender::new(now)), sleepers: Arc::default() }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    /// Moves the clock.
    pub fn set(&self, now: Timestamp) {
        self.now.send_replace(now);
    }

    /// A handle by which one user sleeps.
    #[must_use]
    pub fn handle(&self, who: &'static str) -> Handle {
        Handle { clock: self.clone(), who }
    }

    /// Whether this user sleeps.
    #[must_use]
    pub fn is_asleep(&self, who: &str) -> bool {
        self.lock().values().any(|sleeper| sleeper.who == who)
    }

    /// When the next sleeper wakes.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Timestamp> {
        self.lock().values().map(|sleeper| sleeper.until).min()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Sleeper>> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep(&self, who: &'static str, until: Timestamp) -> impl Future<Output = ()> + use<> {
        let clock = self.clone();
        async move {
            let mut now = clock.now.subscribe();
            let number = {
                let mut sleepers = clock.lock();
                let number = sleepers.keys().next_back().map_or(0, |last| last + 1);
                sleepers.insert(number, Sleeper { who, until });
                number
            };
            let _awake = Awake { clock: &clock, number };
            let _ = now.wait_for(|now| *now >= until).await;
        }
    }
}

/// Takes a sleeper off the list, also if it was dropped before its time.
struct Awake<'a> {
    clock: &'a VirtualClock,
    number: u64,
}

impl Drop for Awake<'_> {
    fn drop(&mut self) {
        self.clock.lock().remove(&self.number);
    }
}

/// One user's handle.
#[derive(Clone)]
pub struct Handle {
    clock: VirtualClock,
    who: &'static str,
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the clock of {}", self.who)
    }
}

impl offhook::manager::Clock for Handle {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.clock.sleep(self.who, at))
    }
}

impl offhook_carrier::Clock for Handle {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.clock.sleep(self.who, at))
    }
}
