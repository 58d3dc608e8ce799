//! Something that takes time on the line: words, tones, silence.

use jiff::Timestamp;

use crate::record::Heard;
use crate::settings::Settings;

/// A sound that has begun.
#[derive(Debug)]
pub(crate) struct Sound {
    words: Option<String>,
    began: Timestamp,
    ends: Timestamp,
    seconds: f64,
    repeats: u32,
}

impl Sound {
    /// A sound of so many seconds of people's time, so many times.
    pub(crate) fn new(
        words: Option<String>,
        seconds: f64,
        times: u32,
        at: Timestamp,
        settings: &Settings,
    ) -> Self {
        let ends = settings.paced(at, seconds);
        Self { words, began: at, ends, seconds, repeats: times.saturating_sub(1) }
    }

    pub(crate) const fn ends(&self) -> Timestamp {
        self.ends
    }

    /// What the person heard of it, if anything.
    pub(crate) fn heard(&self, complete: bool, at: Timestamp) -> Option<Heard> {
        let text = self.words.clone().filter(|words| !words.is_empty())?;
        (complete || at > self.began).then_some(Heard { text, complete, at })
    }

    /// The same once more, if it is to be repeated.
    pub(crate) fn again(self, at: Timestamp, settings: &Settings) -> Option<Self> {
        let repeats = self.repeats.checked_sub(1)?;
        Some(Self { began: at, ends: settings.paced(at, self.seconds), repeats, ..self })
    }
}
