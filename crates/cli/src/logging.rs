//! What the daemon logs, where to, and in which shape.

use std::io::IsTerminal;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::LogFormat;

/// What the targets of all our crates begin with.
const OURS: &str = "offhook";

/// Logs to standard error from here on. `RUST_LOG` chooses how much; info if it is not set.
pub(crate) fn begin(format: LogFormat) {
    let wanted = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    let subscriber = tracing_subscriber::registry().with(wanted).with(private()).with(lines);
    // A second subscriber would be a mistake of ours, and only costs the logs.
    let _ = subscriber.try_init();
}

/// No detail of what is not ours, whatever is asked for: below info, libraries tell what they send,
/// receive and store, and none of them knows that there are tokens, numbers and words in it. What
/// they would tell may change with any release, so they are not listed by name.
fn private() -> Targets {
    Targets::new().with_default(LevelFilter::INFO).with_target(OURS, LevelFilter::TRACE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn only_our_own_crates_tell_details() {
        let private = private();
        for ours in ["offhook", "offhook_manager::logging", "offhook_server::webhooks"] {
            assert!(private.would_enable(ours, &Level::TRACE), "{ours}");
        }
        for other in ["hyper::proto::h1::io", "h2::codec", "reqwest::connect", "rustls", "rusqlite"]
        {
            assert!(!private.would_enable(other, &Level::DEBUG), "{other}");
            assert!(private.would_enable(other, &Level::WARN), "{other}");
        }
    }
}
