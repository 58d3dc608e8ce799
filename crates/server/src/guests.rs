//! Who is connected, and who has to go when there is no room left.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::StatusCode;
use tokio::sync::oneshot;

/// The connections of a listener.
///
/// Whoever has given no sign the longest goes first. A sign is a connection that is opened, a
/// request that was taken, and from then on the whole head of each request. So a carrier's
/// connection that does its work, which takes milliseconds, is not the one: in front of it are all
/// that are idle, that send slowly, that do not read what they are answered, and that send again and
/// again what is refused.
#[derive(Debug, Default)]
pub(crate) struct Guests {
    signs: Arc<AtomicU64>,
    room: Mutex<Room>,
}

#[derive(Debug, Default)]
struct Room {
    next: u64,
    guests: HashMap<u64, Guest>,
    of_source: HashMap<IpAddr, usize>,
}

#[derive(Debug)]
struct Guest {
    source: IpAddr,
    last_sign: Arc<AtomicU64>,
    dismissal: oneshot::Sender<()>,
}

/// Whom to dismiss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Among {
    All,
    Source(IpAddr),
}

impl Guests {
    fn room(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many connections a source has.
    pub(crate) fn of_source(&self, source: IpAddr) -> usize {
        self.room().of_source.get(&source).copied().unwrap_or_default()
    }

    /// Takes a connection in.
    pub(crate) fn enter(self: &Arc<Self>, source: IpAddr) -> (Place, oneshot::Receiver<()>) {
        let signs = Arc::clone(&self.signs);
        let sign = Sign { signs, last: Arc::default(), is_known: Arc::default() };
        sign.give();
        let (dismissal, dismissed) = oneshot::channel();
        let guest = Guest { source, last_sign: Arc::clone(&sign.last), dismissal };
        let mut room = self.room();
        let number = room.next;
        room.next += 1;
        room.guests.insert(number, guest);
        *room.of_source.entry(source).or_default() += 1;
        drop(room);
        (Place { guests: Arc::clone(self), number, sign }, dismissed)
    }

    /// Tells the one that has given no sign the longest to go, if there is one. It counts no more.
    pub(crate) fn dismiss(&self, among: Among) -> bool {
        let mut room = self.room();
        let candidates = room
            .guests
            .iter()
            .filter(|(_, guest)| among == Among::All || among == Among::Source(guest.source));
        let silent = candidates.min_by_key(|(_, guest)| guest.last_sign.load(Ordering::Relaxed));
        let Some(number) = silent.map(|(number, _)| *number) else { return false };
        room.leave(number).is_some_and(|guest| guest.dismissal.send(()).is_ok())
    }
}

impl Room {
    fn leave(&mut self, number: u64) -> Option<Guest> {
        let guest = self.guests.remove(&number)?;
        if let Some(here) = self.of_source.get_mut(&guest.source) {
            *here -= 1;
            if *here == 0 {
                self.of_source.remove(&guest.source);
            }
        }
        Some(guest)
    }
}

/// One connection's place, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    guests: Arc<Guests>,
    number: u64,
    sign: Sign,
}

impl Place {
    /// What gives its signs.
    pub(crate) fn sign(&self) -> Sign {
        self.sign.clone()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.guests.room().leave(self.number);
    }
}

/// Tells that a connection does something.
#[derive(Clone, Debug)]
pub(crate) struct Sign {
    /// How many signs were given by all. Their order is all that counts, so no clock is asked.
    signs: Arc<AtomicU64>,
    last: Arc<AtomicU64>,
    /// Whether a request of it was taken, which strangers cannot bring about.
    is_known: Arc<AtomicBool>,
}

impl Sign {
    /// The whole head of a request has come.
    pub(crate) fn asks(&self) {
        if self.is_known.load(Ordering::Relaxed) {
            self.give();
        }
    }

    /// A request was answered.
    pub(crate) fn is_answered(&self, with: StatusCode) {
        if with.is_success() {
            self.is_known.store(true, Ordering::Relaxed);
            self.give();
        }
    }

    fn give(&self) {
        self.last.store(self.signs.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 1));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 2));

    #[test]
    fn who_gave_no_sign_the_longest_goes_first() {
        let guests = Arc::new(Guests::default());
        let (mut first, mut second, mut third) =
            (guests.enter(ONE), guests.enter(ONE), guests.enter(OTHER));
        first.0.sign().is_answered(StatusCode::OK);
        assert!(guests.dismiss(Among::All));
        assert_eq!(second.1.try_recv(), Ok(()));
        assert!(guests.dismiss(Among::All));
        assert_eq!(third.1.try_recv(), Ok(()));
        assert!(first.1.try_recv().is_err(), "it stays");
        assert!(guests.dismiss(Among::All));
        assert!(!guests.dismiss(Among::All), "nobody is left");
    }

    #[test]
    fn whoever_sends_again_and_again_what_is_refused_gives_no_sign() {
        let guests = Arc::new(Guests::default());
        let (mut carrier, mut stranger) = (guests.enter(ONE), guests.enter(OTHER));
        carrier.0.sign().is_answered(StatusCode::NO_CONTENT);
        for _ in 0..9 {
            stranger.0.sign().asks();
            stranger.0.sign().is_answered(StatusCode::UNAUTHORIZED);
        }
        assert!(guests.dismiss(Among::All));
        assert_eq!(stranger.1.try_recv(), Ok(()));
        // Whoever is known is not dismissed while it is being answered.
        let mut next = guests.enter(OTHER);
        carrier.0.sign().asks();
        assert!(guests.dismiss(Among::All));
        assert_eq!(next.1.try_recv(), Ok(()));
        assert!(carrier.1.try_recv().is_err());
    }

    #[test]
    fn a_source_makes_room_for_itself() {
        let guests = Arc::new(Guests::default());
        let mut oldest = guests.enter(OTHER);
        let (mut first, _second) = (guests.enter(ONE), guests.enter(ONE));
        assert!(guests.dismiss(Among::Source(ONE)));
        assert_eq!(first.1.try_recv(), Ok(()));
        assert!(oldest.1.try_recv().is_err());
        assert_eq!((guests.of_source(ONE), guests.of_source(OTHER)), (1, 1));
    }

    #[test]
    fn who_left_is_not_counted_and_not_counted_off_twice() {
        let guests = Arc::new(Guests::default());
        let (first, second) = (guests.enter(ONE), guests.enter(ONE));
        assert!(guests.dismiss(Among::All));
        assert_eq!(guests.of_source(ONE), 1);
        drop(first);
        assert_eq!(guests.of_source(ONE), 1);
        drop(second);
        assert_eq!(guests.of_source(ONE), 0);
        assert!(guests.room().of_source.is_empty(), "nothing is kept of who is gone");
    }
}
