//! What there is to exercise, so that what was not is named.

use std::collections::BTreeMap;
use std::fmt;

use offhook_manager::machine::DeadlineKind;

use crate::point::Point;
use crate::story::{Fault, Weather};
use crate::tally::Tally;

/// The changes of state that the machine has.
const TRANSITIONS: [(&str, &str); 33] = [
    ("-", "queued"),
    ("-", "initiated"),
    ("-", "ringing"),
    ("-", "speaking"),
    ("-", "ended"),
    ("queued", "initiated"),
    ("queued", "ended"),
    ("initiated", "queued"),
    ("initiated", "ringing"),
    ("initiated", "answered"),
    ("initiated", "active"),
    ("initiated", "speaking"),
    ("initiated", "listening"),
    ("initiated", "ended"),
    ("ringing", "answered"),
    ("ringing", "active"),
    ("ringing", "speaking"),
    ("ringing", "listening"),
    ("ringing", "ended"),
    ("answered", "active"),
    ("answered", "speaking"),
    ("answered", "listening"),
    ("answered", "ended"),
    ("active", "speaking"),
    ("active", "listening"),
    ("active", "ended"),
    ("speaking", "active"),
    ("speaking", "listening"),
    ("speaking", "ended"),
    ("listening", "active"),
    ("listening", "speaking"),
    // Words may overtake the news that somebody answered.
    ("listening", "answered"),
    ("listening", "ended"),
];

const DEADLINES: [DeadlineKind; 11] = [
    DeadlineKind::Queue,
    DeadlineKind::Dial,
    DeadlineKind::Ring,
    DeadlineKind::RingOverdue,
    DeadlineKind::MaxDuration,
    DeadlineKind::Transcript,
    DeadlineKind::Playback,
    DeadlineKind::Gathering,
    DeadlineKind::ScriptedHangup,
    DeadlineKind::HangupCheck,
    DeadlineKind::Retry,
];

/// What becomes of a question.
const OUTCOMES: [&str; 5] = ["heard", "entered", "timed out", "superseded", "ended"];

pub(crate) const fn deadline(kind: DeadlineKind) -> &'static str {
    match kind {
        DeadlineKind::Queue => "queue",
        DeadlineKind::Dial => "dial",
        DeadlineKind::Ring => "ring",
        DeadlineKind::RingOverdue => "ring overdue",
        DeadlineKind::MaxDuration => "max duration",
        DeadlineKind::Transcript => "transcript",
        DeadlineKind::Playback => "playback",
        DeadlineKind::Gathering => "gathering",
        DeadlineKind::ScriptedHangup => "scripted hangup",
        DeadlineKind::HangupCheck => "hangup check",
        DeadlineKind::Retry => "retry",
        _ => "other",
    }
}

fn faults() -> impl Iterator<Item = &'static str> {
    Fault::KINDS.into_iter().map(Fault::word).chain(Weather::ALL.into_iter().map(Weather::word))
}

fn arrow(&(from, to): &(&'static str, &'static str)) -> String {
    format!("{from}→{to}")
}

impl Tally {
    /// What every carrier's stories must reach, and these did not: kinds of faults, and points to die
    /// at.
    #[must_use]
    pub fn gaps(&self) -> Vec<&'static str> {
        let faults = faults().filter(|word| !self.faults.contains_key(word));
        let points = Point::ALL.into_iter().filter(|point| !self.crashes.contains_key(point));
        faults.chain(points.map(Point::word)).collect()
    }

    /// What was covered, in one line.
    #[must_use]
    pub fn summary(&self) -> String {
        let all = |counts: &BTreeMap<&'static str, u64>| counts.values().sum::<u64>();
        format!(
            "{} faults of {} of {} kinds, {} crashes at {} of {} points, {} of {} transitions, \
             {} questions, {} stops",
            all(&self.faults),
            self.faults.len(),
            faults().count(),
            self.crashes.values().sum::<u64>(),
            self.crashes.len(),
            Point::ALL.len(),
            TRANSITIONS.iter().filter(|it| self.transitions.contains_key(*it)).count(),
            TRANSITIONS.len(),
            all(&self.questions),
            all(&self.stops),
        )
    }
}

/// One kind of thing that can be exercised: how often each was, and what was not.
struct Section<'a> {
    title: &'a str,
    counts: Vec<(String, u64)>,
    all: Vec<String>,
}

impl fmt::Display for Section<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reached = |word: &&String| self.counts.iter().any(|(other, _)| other == *word);
        let missed: Vec<&str> =
            self.all.iter().filter(|word| !reached(word)).map(String::as_str).collect();
        let words: Vec<String> =
            self.counts.iter().map(|(word, count)| format!("{word} {count}")).collect();
        write!(f, "{:<12} ", self.title)?;
        if !self.all.is_empty() {
            write!(f, "{} of {}: ", self.all.len() - missed.len(), self.all.len())?;
        }
        writeln!(f, "{}", words.join(" · "))?;
        if missed.is_empty() {
            return Ok(());
        }
        writeln!(f, "{:<12} not reached: {}", "", missed.join(" · "))
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = |counts: &BTreeMap<&'static str, u64>| {
            counts.iter().map(|(word, count)| ((*word).to_owned(), *count)).collect()
        };
        let pairs = |counts: &BTreeMap<(&'static str, &'static str), u64>| {
            counts.iter().map(|(pair, count)| (arrow(pair), *count)).collect()
        };
        let owned =
            |words: &mut dyn Iterator<Item = &'static str>| words.map(str::to_owned).collect();
        let section = |title, counts, all| Section { title, counts, all };
        write!(f, "{}", section("faults", words(&self.faults), owned(&mut faults())))?;
        let points = |counts: &BTreeMap<Point, u64>| {
            counts.iter().map(|(point, count)| (point.word().to_owned(), *count)).collect()
        };
        let all = owned(&mut Point::ALL.into_iter().map(Point::word));
        write!(f, "{}", section("crashes", points(&self.crashes), all))?;
        write!(f, "{}", section("passed", points(&self.points), Vec::new()))?;
        let restarts = self.restarts.iter().map(|(of, calls)| (format!("{of}×"), *calls)).collect();
        write!(f, "{}", section("restarts", restarts, Vec::new()))?;
        write!(f, "{}", section("stops", words(&self.stops), Vec::new()))?;
        let transitions = TRANSITIONS.iter().map(arrow).collect();
        write!(f, "{}", section("transitions", pairs(&self.transitions), transitions))?;
        let deadlines = owned(&mut DEADLINES.into_iter().map(deadline));
        write!(f, "{}", section("deadlines", words(&self.deadlines), deadlines))?;
        write!(f, "{}", section("effects", pairs(&self.effects), Vec::new()))?;
        let outcomes = owned(&mut OUTCOMES.into_iter());
        write!(f, "{}", section("questions", words(&self.questions), outcomes))?;
        write!(f, "{}", section("ends", words(&self.ends), Vec::new()))?;
        write!(f, "{}", section("entries", words(&self.entries), Vec::new()))?;
        write!(f, "{}", section("exchanges", words(&self.exchanges), Vec::new()))
    }
}
