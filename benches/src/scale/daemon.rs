//! The parts of the real daemon, in the order of its start, in this process.

use std::error::Error;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use offhook_core::Transport;
use offhook_manager::{
    Clock, InboundPolicy, Manager, Policy, ProviderPolicy, SqliteStore, SystemClock,
};
use offhook_server::{Listeners, PublicUrl, Server, ServerSettings};
use serde::{Deserialize, Serialize};

use super::carrier::{Asked, Carrier};
use super::start::Start;
use crate::carrier::{BASE, Carrier as _, Twilio};

/// How often it is looked whether anything has changed.
const LOOK: Duration = Duration::from_millis(5);

/// The calls from before the restart are verified.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Verified {
    /// How long after the manager's start, in seconds.
    pub(super) after: f64,
    /// What that took at the carrier.
    pub(super) asked: Asked,
}

/// Runs the daemon in this process until its standard input ends. Says on which addresses it listens,
/// then when its calls are verified, each on a line.
pub(crate) fn serve(folder: &Path, start: &str) -> Result<(), Box<dyn Error>> {
    offhook_server::raise_open_files();
    let start: Start = serde_json::from_str(start)?;
    // As the daemon builds it.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .global_queue_interval(2)
        .build()?;
    let carrier = Arc::new(Carrier::new(start.carrier.clone()));
    let (manager, server, begun) =
        runtime.block_on(begin(folder, &start, Arc::clone(&carrier) as Arc<_>))?;
    println!("{} {}", server.webhooks(), server.api());
    std::io::stdout().flush()?;
    let watched = manager.clone();
    runtime.spawn(async move {
        let mut looks = tokio::time::interval(LOOK);
        while !(watched.is_ready() && watched.restore_report().settled) {
            looks.tick().await;
        }
        let verified = Verified { after: begun.elapsed().as_secs_f64(), asked: carrier.asked() };
        match serde_json::to_string(&verified) {
            Ok(text) => println!("{text}"),
            Err(error) => eprintln!("offhook-bench: {error}"),
        }
    });
    std::io::stdin().read_to_end(&mut Vec::new())?;
    runtime.block_on(async {
        server.shut_down().await;
        manager.shutdown().await
    })?;
    Ok(())
}

async fn begin(
    folder: &Path,
    start: &Start,
    carrier: Arc<dyn Transport>,
) -> Result<(Manager, Server, Instant), Box<dyn Error>> {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listeners = Listeners::bind(any, any).await?;
    let store = SqliteStore::open(folder.join("calls.db"))?;
    let public_url = PublicUrl::parse(BASE)?;
    let name = offhook_twilio::NAME;
    let mut policy = Policy::new(name.clone());
    policy.max_concurrent_calls = start.most_calls;
    policy.max_duration = Duration::from_secs(4 * 3600);
    policy.inbound = InboundPolicy::Open;
    policy.greeting = Some("Hello! How can I help you?".parse()?);
    let of_provider = ProviderPolicy {
        callbacks: public_url.callbacks(&name),
        from: None,
        calls_per_second: 1.0,
        requests_per_second: start.requests_per_second,
    };
    policy.providers.insert(name, of_provider);
    let begun = Instant::now();
    let manager = Manager::builder(policy)
        .provider(Twilio::new().provider(carrier)?)
        .store(Arc::new(store))
        .clock(Arc::new(SlowClock { by: Duration::from_secs(start.slow_by) }))
        .start_on_thread()?;
    let settings = ServerSettings::new(public_url, "the token of the benchmark");
    let server = listeners.serve(manager.clone(), &settings);
    Ok((manager, server, begun))
}

/// The system's clock, and slow.
#[derive(Debug)]
struct SlowClock {
    by: Duration,
}

impl Clock for SlowClock {
    fn now(&self) -> Timestamp {
        let now = SystemClock.now();
        now.checked_sub(self.by).unwrap_or(now)
    }

    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let by = self.by;
        Box::pin(async move { SystemClock.sleep_until(at.checked_add(by).unwrap_or(at)).await })
    }
}
