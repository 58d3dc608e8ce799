//! Arithmetic with instants that cannot fail: it stops at the ends of time.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// The instant so much later.
pub(crate) fn after(at: Timestamp, wait: Duration) -> Timestamp {
    at.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

/// How long from one instant to a later one; zero if it is not later.
pub(crate) fn between(from: Timestamp, to: Timestamp) -> Duration {
    let gap: SignedDuration = to.duration_since(from);
    gap.try_into().unwrap_or(Duration::ZERO)
}

/// A duration as a number of milliseconds. Version 1 of the stored record had seconds and
/// nanoseconds by name.
pub(crate) mod milliseconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Stored {
        Milliseconds(u64),
        Named(Duration),
    }

    pub(crate) fn serialize<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        Ok(match Stored::deserialize(from)? {
            Stored::Milliseconds(time) => Duration::from_millis(time),
            Stored::Named(time) => time,
        })
    }

    /// The same, for one that may not be.
    pub(crate) mod option {
        use std::time::Duration;

        use serde::{Deserialize, Deserializer, Serializer};

        #[derive(Deserialize)]
        struct Milliseconds(#[serde(with = "super")] Duration);

        pub(crate) fn serialize<S: Serializer>(
            time: &Option<Duration>,
            to: S,
        ) -> Result<S::Ok, S::Error> {
            match time {
                Some(time) => super::serialize(time, to),
                None => to.serialize_none(),
            }
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
            from: D,
        ) -> Result<Option<Duration>, D::Error> {
            Ok(Option::<Milliseconds>::deserialize(from)?.map(|Milliseconds(time)| time))
        }
    }
}

/// An instant as a number of milliseconds since 1970. Versions 1 and 2 of the stored record had it
/// as RFC 3339 has it.
pub(crate) mod instant {
    use jiff::Timestamp;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Stored {
        Milliseconds(i64),
        Written(Timestamp),
    }

    pub(crate) fn serialize<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(at.as_millisecond())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        match Stored::deserialize(from)? {
            Stored::Milliseconds(at) => Timestamp::from_millisecond(at).map_err(D::Error::custom),
            Stored::Written(at) => Ok(at),
        }
    }

    /// The same, for one that may not be.
    pub(crate) mod option {
        use jiff::Timestamp;
        use serde::{Deserialize, Deserializer, Serializer};

        #[derive(Deserialize)]
        struct Instant(#[serde(with = "super")] Timestamp);

        pub(crate) fn serialize<S: Serializer>(
            at: &Option<Timestamp>,
            to: S,
        ) -> Result<S::Ok, S::Error> {
            match at {
                Some(at) => super::serialize(at, to),
                None => to.serialize_none(),
            }
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
            from: D,
        ) -> Result<Option<Timestamp>, D::Error> {
            Ok(Option::<Instant>::deserialize(from)?.map(|Instant(at)| at))
        }
    }
}
