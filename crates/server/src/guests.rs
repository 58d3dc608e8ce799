//! Who is connected, and who has to go when there is no room left.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::StatusCode;
use tokio::sync::oneshot;

/// The connections of a listener.
///
/// Whoever has given no sign the longest goes first. A sign is a connection that is opened, a
/// request that was taken, and from then on the whole head of each request. So a carrier's
/// connection that does its work, which takes milliseconds, is not the one: in front of it are all
/// that are idle, that send slowly, that do not read what they are answered, and that send again and
/// again what is refused.
///
/// When strangers come by the ten thousand, though, all have come a moment ago, and a carrier may be
/// the oldest before it is answered. Then, of those from whose address nothing was ever taken, the
/// one that gave no sign the longest goes.
#[derive(Debug)]
pub(crate) struct Guests {
    begun: Instant,
    /// How many signs were given by all: their order, of which times tell nothing within a moment.
    signs: AtomicU64,
    room: Mutex<Room>,
}

#[derive(Debug, Default)]
struct Room {
    next: u64,
    guests: HashMap<u64, Guest>,
    of_source: HashMap<IpAddr, usize>,
    /// From where requests were taken.
    known: HashSet<IpAddr>,
}

/// So many addresses no carrier has. Only who signs as a carrier can add one.
const MOST_KNOWN: usize = 4096;

/// Whoever came or gave a sign within this time may not have had its answer yet.
const A_MOMENT: Duration = Duration::from_secs(1);

#[derive(Debug)]
struct Guest {
    source: IpAddr,
    last: Arc<LastSign>,
    is_stranger: bool,
    dismissal: oneshot::Sender<()>,
}

#[derive(Debug, Default)]
struct LastSign {
    order: AtomicU64,
    /// In nanoseconds since the listener began.
    at: AtomicU64,
}

/// Whom to dismiss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Among {
    All,
    Source(IpAddr),
}

impl Guests {
    pub(crate) fn new(now: Instant) -> Self {
        Self { begun: now, signs: AtomicU64::new(0), room: Mutex::default() }
    }

    fn since_begun(&self, now: Instant) -> u64 {
        nanoseconds(now.duration_since(self.begun))
    }

    fn room(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many connections a source has.
    pub(crate) fn of_source(&self, source: IpAddr) -> usize {
        self.room().of_source.get(&source).copied().unwrap_or_default()
    }

    /// Takes a connection in.
    pub(crate) fn enter(
        self: &Arc<Self>,
        source: IpAddr,
        now: Instant,
    ) -> (Place, oneshot::Receiver<()>) {
        let mut room = self.room();
        let number = room.next;
        room.next += 1;
        let sign = Sign {
            guests: Arc::clone(self),
            number,
            last: Arc::default(),
            is_known: Arc::default(),
        };
        sign.give(now);
        let (dismissal, dismissed) = oneshot::channel();
        let last = Arc::clone(&sign.last);
        let is_stranger = !room.known.contains(&source);
        room.guests.insert(number, Guest { source, last, is_stranger, dismissal });
        *room.of_source.entry(source).or_default() += 1;
        drop(room);
        (Place { sign }, dismissed)
    }

    /// Tells one of them to go if all places are taken. Whoever was told to go and is still at the
    /// door leaves a place: for one that comes, no two need to go.
    pub(crate) fn make_room(&self, places: usize, now: Instant) -> bool {
        self.room().guests.len() >= places && self.dismiss(Among::All, now)
    }

    /// Tells one of them to go, if there is one. It counts no more.
    pub(crate) fn dismiss(&self, among: Among, now: Instant) -> bool {
        let a_moment_ago = self.since_begun(now).saturating_sub(nanoseconds(A_MOMENT));
        let mut room = self.room();
        let Some(number) = room.dispensable(among, a_moment_ago) else { return false };
        room.leave(number).is_some_and(|guest| guest.dismissal.send(()).is_ok())
    }
}

impl Room {
    fn dispensable(&self, among: Among, a_moment_ago: u64) -> Option<u64> {
        if let Among::Source(source) = among {
            return self.most_silent(|guest| guest.source == source);
        }
        let silent = self.most_silent(|_| true)?;
        let has_just_come = |guest: &Guest| guest.last.at.load(Ordering::Relaxed) > a_moment_ago;
        let stranger = || self.most_silent(|guest| guest.is_stranger);
        match self.guests.get(&silent).is_some_and(has_just_come) {
            true => stranger().or(Some(silent)),
            false => Some(silent),
        }
    }

    fn most_silent(&self, is_meant: impl Fn(&Guest) -> bool) -> Option<u64> {
        let meant = self.guests.iter().filter(|(_, guest)| is_meant(guest));
        let silent = meant.min_by_key(|(_, guest)| guest.last.order.load(Ordering::Relaxed));
        silent.map(|(number, _)| *number)
    }

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

    /// A request of this guest was taken: its whole source is known.
    fn is_known_now(&mut self, number: u64) {
        let Some(source) = self.guests.get(&number).map(|guest| guest.source) else { return };
        if self.known.len() >= MOST_KNOWN {
            self.known.clear();
        }
        if self.known.insert(source) {
            let here = self.guests.values_mut().filter(|guest| guest.source == source);
            here.for_each(|guest| guest.is_stranger = false);
        }
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// One connection's place, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
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
        self.sign.guests.room().leave(self.sign.number);
    }
}

/// Tells that a connection does something.
#[derive(Clone, Debug)]
pub(crate) struct Sign {
    guests: Arc<Guests>,
    number: u64,
    last: Arc<LastSign>,
    /// Whether a request of it was taken, which strangers cannot bring about.
    is_known: Arc<AtomicBool>,
}

impl Sign {
    /// The whole head of a request has come.
    pub(crate) fn asks(&self, now: Instant) {
        if self.is_known.load(Ordering::Relaxed) {
            self.give(now);
        }
    }

    /// A request was answered.
    pub(crate) fn is_answered(&self, with: StatusCode, now: Instant) {
        if with.is_success() {
            if !self.is_known.swap(true, Ordering::Relaxed) {
                self.guests.room().is_known_now(self.number);
            }
            self.give(now);
        }
    }

    fn give(&self, now: Instant) {
        let order = self.guests.signs.fetch_add(1, Ordering::Relaxed);
        self.last.order.store(order, Ordering::Relaxed);
        self.last.at.store(self.guests.since_begun(now), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 1));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 2));

    /// Guests, and the moment in which all of them came.
    fn guests() -> (Arc<Guests>, Instant) {
        let begun = Instant::now();
        (Arc::new(Guests::new(begun)), begun + A_MOMENT * 5)
    }

    #[test]
    fn who_gave_no_sign_the_longest_goes_first() {
        let (guests, now) = guests();
        let (mut first, mut second, mut third) =
            (guests.enter(ONE, now), guests.enter(ONE, now), guests.enter(OTHER, now));
        let later = now + A_MOMENT;
        first.0.sign().is_answered(StatusCode::OK, now);
        assert!(guests.dismiss(Among::All, later));
        assert_eq!(second.1.try_recv(), Ok(()));
        assert!(guests.dismiss(Among::All, later));
        assert_eq!(third.1.try_recv(), Ok(()));
        assert!(first.1.try_recv().is_err(), "it stays");
        assert!(guests.dismiss(Among::All, later));
        assert!(!guests.dismiss(Among::All, later), "nobody is left");
    }

    #[test]
    fn whoever_sends_again_and_again_what_is_refused_gives_no_sign() {
        let (guests, now) = guests();
        let (mut carrier, mut stranger) = (guests.enter(ONE, now), guests.enter(OTHER, now));
        carrier.0.sign().is_answered(StatusCode::NO_CONTENT, now);
        for _ in 0..9 {
            stranger.0.sign().asks(now);
            stranger.0.sign().is_answered(StatusCode::UNAUTHORIZED, now);
        }
        assert!(guests.dismiss(Among::All, now));
        assert_eq!(stranger.1.try_recv(), Ok(()));
        // Whoever is known is not dismissed while it is being answered.
        let mut next = guests.enter(OTHER, now);
        carrier.0.sign().asks(now);
        assert!(guests.dismiss(Among::All, now));
        assert_eq!(next.1.try_recv(), Ok(()));
        assert!(carrier.1.try_recv().is_err());
    }

    /// A carrier from here was known before.
    fn is_known(guests: &Arc<Guests>, source: IpAddr, now: Instant) {
        guests.enter(source, now).0.sign().is_answered(StatusCode::OK, now);
    }

    #[test]
    fn a_crowd_of_strangers_does_not_drive_out_a_carrier_before_it_is_answered() {
        let (guests, now) = guests();
        is_known(&guests, ONE, now);
        let mut carrier: Vec<_> = (0..9).map(|_| guests.enter(ONE, now)).collect();
        let mut strangers: Vec<_> = (0..3).map(|_| guests.enter(OTHER, now)).collect();
        for stranger in &mut strangers {
            assert!(guests.dismiss(Among::All, now + A_MOMENT / 2));
            assert_eq!(stranger.1.try_recv(), Ok(()));
        }
        assert!(carrier.iter_mut().all(|it| it.1.try_recv().is_err()));
        assert!(guests.dismiss(Among::All, now + A_MOMENT / 2), "no strangers are left");
        assert_eq!(carrier[0].1.try_recv(), Ok(()));
    }

    #[test]
    fn what_is_idle_for_longer_than_a_moment_goes_before_a_stranger_that_has_just_come() {
        let (guests, now) = guests();
        is_known(&guests, ONE, now);
        let mut idle = guests.enter(ONE, now);
        let later = now + A_MOMENT;
        let mut stranger = guests.enter(OTHER, later);
        assert!(guests.dismiss(Among::All, later));
        assert_eq!(idle.1.try_recv(), Ok(()));
        assert!(stranger.1.try_recv().is_err());
    }

    #[test]
    fn with_its_first_request_that_is_taken_all_connections_of_a_carrier_are_known() {
        let (guests, now) = guests();
        let (first, mut second) = (guests.enter(ONE, now), guests.enter(ONE, now));
        let mut stranger = guests.enter(OTHER, now);
        stranger.0.sign().is_answered(StatusCode::UNAUTHORIZED, now);
        first.0.sign().is_answered(StatusCode::OK, now);
        drop(first);
        assert!(guests.dismiss(Among::All, now));
        assert_eq!(stranger.1.try_recv(), Ok(()));
        assert!(second.1.try_recv().is_err());
    }

    #[test]
    fn no_more_addresses_are_kept_than_carriers_can_have() {
        let (guests, now) = guests();
        for number in 0..u32::try_from(2 * MOST_KNOWN).unwrap() {
            is_known(&guests, std::net::Ipv4Addr::from_bits(number).into(), now);
        }
        assert!((1..=MOST_KNOWN).contains(&guests.room().known.len()));
    }

    #[test]
    fn a_source_makes_room_for_itself() {
        let (guests, now) = guests();
        let mut oldest = guests.enter(OTHER, now);
        let (mut first, _second) = (guests.enter(ONE, now), guests.enter(ONE, now));
        assert!(guests.dismiss(Among::Source(ONE), now));
        assert_eq!(first.1.try_recv(), Ok(()));
        assert!(oldest.1.try_recv().is_err());
        assert_eq!((guests.of_source(ONE), guests.of_source(OTHER)), (1, 1));
    }

    #[test]
    fn for_one_that_comes_no_two_have_to_go() {
        let (guests, now) = guests();
        let (mut carrier, _first) = (guests.enter(ONE, now), guests.enter(OTHER, now));
        assert!(guests.dismiss(Among::Source(OTHER), now));
        assert!(!guests.make_room(2, now), "there is room as soon as the first is gone");
        assert!(carrier.1.try_recv().is_err());
        let _second = guests.enter(OTHER, now);
        assert!(guests.make_room(2, now));
        assert_eq!(carrier.1.try_recv(), Ok(()));
    }

    #[test]
    fn who_left_is_not_counted_and_not_counted_off_twice() {
        let (guests, now) = guests();
        let (first, second) = (guests.enter(ONE, now), guests.enter(ONE, now));
        assert!(guests.dismiss(Among::All, now));
        assert_eq!(guests.of_source(ONE), 1);
        first.0.sign().is_answered(StatusCode::OK, now);
        drop(first);
        assert_eq!(guests.of_source(ONE), 1);
        drop(second);
        assert_eq!(guests.of_source(ONE), 0);
        assert!(guests.room().of_source.is_empty(), "nothing is kept of who is gone");
    }
}
