//! The carrier, which knows nothing of the attack.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hmac::Hmac;
use sha1::Sha1;

use crate::carrier::{self, STEPS, Template};
use crate::webhooks::Connection;

pub(super) const CALLS: u64 = 400;
pub(super) const CLIENTS: u64 = 8;

/// No carrier waits longer.
const PATIENCE: Duration = Duration::from_secs(15);

/// What became of the webhooks.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) latencies: Vec<Duration>,
    pub(super) failed: usize,
}

pub(super) fn drive(address: SocketAddr, from: u64) -> io::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let shared = Arc::new((Template::all(), carrier::key()));
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let shared = Arc::clone(&shared);
                tokio::spawn(async move {
                    let mut outcome = Outcome::default();
                    for number in (from..from + CALLS).filter(|it| it % CLIENTS == client) {
                        let before = outcome.latencies.len();
                        let call = one_call(address, number, &shared, &mut outcome.latencies);
                        if !matches!(tokio::time::timeout(PATIENCE, call).await, Ok(Ok(()))) {
                            outcome.failed += STEPS - (outcome.latencies.len() - before);
                        }
                    }
                    outcome
                })
            })
            .collect();
        let mut all = Outcome::default();
        for client in clients {
            let one = client.await.map_err(io::Error::other)?;
            all.latencies.extend(one.latencies);
            all.failed += one.failed;
        }
        Ok(all)
    })
}

async fn one_call(
    address: SocketAddr,
    number: u64,
    (templates, key): &([Template; STEPS], Hmac<Sha1>),
    latencies: &mut Vec<Duration>,
) -> io::Result<()> {
    let begun = std::time::Instant::now();
    let mut connection = Connection::open(address).await?;
    let connecting = begun.elapsed();
    let first = latencies.len();
    let sid = carrier::sid(number);
    let mut query = String::new();
    for (step, template) in templates.iter().enumerate() {
        if step + 1 == STEPS {
            query = query.replace("kind=gather", "kind=status");
        }
        let request = template.request(&sid, &query, key);
        query = connection.exchange(&request, latencies).await?;
        if step == 0 {
            latencies[first] += connecting;
        }
    }
    Ok(())
}
