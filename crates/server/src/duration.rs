//! Durations as people write them.

use std::time::Duration;

use jiff::{Span, SpanRelativeTo};

/// A duration that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a duration such as 30s, 5m, 1h30m or 30d")]
#[non_exhaustive]
pub struct InvalidDuration;

/// Reads `30s`, `5m`, `1h30m`, `30d` (days of 24 hours), or a plain number of seconds.
///
/// # Errors
/// It is none of these, or negative.
///
/// ```
/// use std::time::Duration;
///
/// assert_eq!(offhook_server::parse_duration("1h30m"), Ok(Duration::from_secs(5400)));
/// assert_eq!(offhook_server::parse_duration("90"), Ok(Duration::from_secs(90)));
/// assert!(offhook_server::parse_duration("-5s").is_err());
/// ```
pub fn parse_duration(text: &str) -> Result<Duration, InvalidDuration> {
    if let Ok(seconds) = text.trim().parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).map_err(|_| InvalidDuration);
    }
    let span: Span = text.trim().parse().map_err(|_| InvalidDuration)?;
    let duration =
        span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| InvalidDuration)?;
    Duration::try_from(duration).map_err(|_| InvalidDuration)
}
