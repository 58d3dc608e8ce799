//! How a world begins, and on which provider and store a story plays.

use std::time::Duration;

use offhook::manager::{InboundPolicy, Policy};
use offhook_carrier::{Habit, Settings};
use offhook_server::ServerSettings;

use crate::daemon::TOKEN;
use crate::providers::{Provider, provider};

/// Where calls are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// In memory, which outlives the daemon here: it is the tests' own.
    Memory,
    /// In a file of its own for each world.
    Sqlite,
}

/// Names the store of the stories: `memory`, which also holds without it, or `sqlite`.
///
/// `cargo test` plays them in memory, `cargo xtask integration` on a disk.
const STORE: &str = "OFFHOOK_TESTS_STORE";

impl Store {
    /// The store on which this process plays its stories.
    ///
    /// # Panics
    /// The environment names one that there is not.
    #[must_use]
    pub fn of_this_process() -> Self {
        match std::env::var(STORE).as_deref() {
            Err(_) | Ok("" | "memory") => Self::Memory,
            Ok("sqlite") => Self::Sqlite,
            Ok(other) => panic!("{STORE} is memory or sqlite, not {other}"),
        }
    }
}

/// How a world begins.
#[derive(Debug)]
pub struct Setup {
    /// The provider on which the story plays. The daemon has all the others too.
    pub provider: &'static Provider,
    /// The daemon's policy; the providers are added.
    pub policy: Policy,
    /// The emulator's habits.
    pub carrier: Settings,
    /// Where calls are kept.
    pub store: Store,
    /// How many REST requests a second, of each provider.
    pub requests_per_second: f64,
    /// How many calls a second, of each provider.
    pub calls_per_second: f64,
    /// The token of the admin API.
    pub api_token: String,
    /// What is other than usual about the listeners.
    pub server: fn(&mut ServerSettings),
}

impl Setup {
    /// The usual, with this default provider.
    ///
    /// # Panics
    /// There is no such provider.
    #[must_use]
    pub fn on(name: &str) -> Self {
        let provider = provider(name);
        let mut policy = Policy::new(provider.name.clone());
        policy.max_concurrent_calls = 10;
        policy.inbound = InboundPolicy::Open;
        policy.greeting = Some("Hello!".parse().expect("a greeting"));
        let mut carrier = Settings::default();
        // What carriers leave to chance has stories of its own.
        carrier.calls_per_second = 100.0;
        carrier.stale_reads = Duration::ZERO;
        carrier.webhook_before_answer = Habit::Never;
        carrier.late_callbacks = Habit::Never;
        Self {
            provider,
            policy,
            carrier,
            store: Store::of_this_process(),
            requests_per_second: 100.0,
            calls_per_second: 100.0,
            api_token: TOKEN.to_owned(),
            server: |_| {},
        }
    }

    /// The usual once more, for a story that needs several worlds.
    #[must_use]
    pub fn anew(&self) -> Self {
        Self::on(self.provider.name.as_str())
    }
}

/// Makes a test of each story on each provider: `twilio::a_story`, `plivo::a_story`. A story is an
/// `async fn` that takes the [`Setup`](crate::Setup) on which it plays. One that a provider has not
/// by nature stands after a semicolon, with the reason.
#[macro_export]
macro_rules! stories {
    (on every provider: $($story:ident),+ $(,)?) => {
        $crate::stories! { on twilio: $($story),+ }
        $crate::stories! { on plivo: $($story),+ }
        $crate::stories! { on telnyx: $($story),+ }
    };
    (on every provider: $($story:ident),+; but not on plivo: $($others:ident),+ $(,)?) => {
        $crate::stories! { on twilio: $($story),+, $($others),+ }
        $crate::stories! { on plivo: $($story),+ }
        $crate::stories! { on telnyx: $($story),+, $($others),+ }
    };
    (on $provider:ident: $($story:ident),+ $(,)?) => {
        mod $provider {
            $(
                #[tokio::test]
                async fn $story() {
                    super::$story($crate::Setup::on(stringify!($provider))).await;
                }
            )+
        }
    };
}
