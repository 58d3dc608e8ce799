//! The carrier, which knows nothing of the attack.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hmac::Hmac;
use sha1::Sha1;

use crate::carrier::{self, STEPS, Template};
use crate::webhooks::Connection;

/// How many calls come while one attack goes on, each with five webhooks on a connection of its own.
pub(super) const CALLS: u64 = 400;

/// Between the beginnings of two calls: they come whether the one before was answered or not.
pub(super) const PACE: Duration = Duration::from_millis(10);

/// No carrier waits longer.
const PATIENCE: Duration = Duration::from_secs(15);

/// What became of the webhooks, each of which is sent once.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) latencies: Vec<Duration>,
    pub(super) lost: usize,
    /// Why the first of those that were lost was.
    pub(super) why: Option<String>,
}

pub(super) fn drive(address: SocketAddr, from: u64) -> io::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let shared = Arc::new((Template::all(), carrier::key()));
        let mut beginnings = tokio::time::interval(PACE);
        let mut calls = Vec::new();
        for number in from..from + CALLS {
            beginnings.tick().await;
            let shared = Arc::clone(&shared);
            calls.push(tokio::spawn(async move {
                let mut latencies = Vec::new();
                let call = one_call(address, number, &shared, &mut latencies);
                // What is lost is what was not answered: nothing is sent behind it.
                let why = match tokio::time::timeout(PATIENCE, call).await {
                    Ok(Ok(())) => None,
                    Ok(Err(error)) => Some(error.to_string()),
                    Err(_) => Some("it was not answered in time".to_owned()),
                };
                (latencies, why)
            }));
        }
        let mut all = Outcome::default();
        for call in calls {
            let (latencies, why) = call.await.map_err(io::Error::other)?;
            all.lost += STEPS - latencies.len();
            all.why = all.why.or(why);
            all.latencies.extend(latencies);
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
