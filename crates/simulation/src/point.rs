//! Where the process can die.

/// A point between two things that the process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Point {
    /// The calls were loaded.
    Loaded,
    /// Something arrived, and was taken in.
    Received,
    /// It was applied; nothing is written.
    Applied,
    /// The store is writing: nothing is there yet.
    Writing,
    /// It is written, and the store has not said so.
    Written,
    /// The store has said so, and nothing was released.
    Committed,
    /// An answer was released.
    Answered,
    /// A job was begun: its request is on its way.
    Started,
    /// A job came back from the carrier.
    Finished,
}

impl Point {
    /// All of them, in the order in which they are passed.
    pub const ALL: [Self; 9] = [
        Self::Loaded,
        Self::Received,
        Self::Applied,
        Self::Writing,
        Self::Written,
        Self::Committed,
        Self::Answered,
        Self::Started,
        Self::Finished,
    ];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Loaded => "loaded",
            Self::Received => "received",
            Self::Applied => "applied",
            Self::Writing => "writing",
            Self::Written => "written",
            Self::Committed => "committed",
            Self::Answered => "answered",
            Self::Started => "started",
            Self::Finished => "finished",
        }
    }
}

/// The process is gone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Died;
