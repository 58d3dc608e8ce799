//! A bound on what strangers can make us log.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(1);

/// How many lines of one kind are told in a second. Enough to see what is wrong; a flood adds
/// nothing to it, and would fill the disk.
const TOLD: u32 = 20;

/// What is to be done with one more line of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// Tell it, and that so many before it were not told.
    After(u32),
    /// Keep quiet.
    Not,
}

/// Counts the lines of a kind, second by second.
#[derive(Debug)]
pub(crate) struct Repetition(Mutex<Window>);

#[derive(Debug)]
struct Window {
    begun: Instant,
    lines: u32,
}

impl Repetition {
    pub(crate) const fn new(now: Instant) -> Self {
        Self(Mutex::new(Window { begun: now, lines: 0 }))
    }

    pub(crate) fn once_more(&self, now: Instant) -> Told {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut untold = 0;
        if now.duration_since(window.begun) >= WINDOW {
            untold = window.lines.saturating_sub(TOLD);
            *window = Window { begun: now, lines: 0 };
        }
        window.lines = window.lines.saturating_add(1);
        if window.lines <= TOLD { Told::After(untold) } else { Told::Not }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_flood_some_lines_are_told_and_the_next_second_says_how_many_were_not() {
        let now = Instant::now();
        let lines = Repetition::new(now);
        let told = (0..100).filter(|_| lines.once_more(now) == Told::After(0)).count();
        assert_eq!(told, TOLD as usize);
        assert_eq!(lines.once_more(now + WINDOW), Told::After(100 - TOLD));
        assert_eq!(lines.once_more(now + WINDOW), Told::After(0));
    }

    #[test]
    fn what_happens_now_and_then_is_always_told() {
        let mut now = Instant::now();
        let lines = Repetition::new(now);
        for _ in 0..100 {
            now += Duration::from_millis(100);
            assert_eq!(lines.once_more(now), Told::After(0));
        }
    }
}
