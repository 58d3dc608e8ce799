//! The carrier, which knows nothing of the attack.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::carrier::Twilio;
use crate::webhooks::{Connection, Load};

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
        // The daemon is another process: it tells nobody what to do.
        let load = Load { carrier: Arc::new(Twilio::new()), commands: None, address };
        let mut beginnings = tokio::time::interval(PACE);
        let mut calls = Vec::new();
        for number in from..from + CALLS {
            beginnings.tick().await;
            let load = load.clone();
            calls.push(tokio::spawn(async move {
                let mut latencies = Vec::new();
                let call = one_call(&load, number, &mut latencies);
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
            all.lost += load.carrier.steps() - latencies.len();
            all.why = all.why.or(why);
            all.latencies.extend(latencies);
        }
        Ok(all)
    })
}

async fn one_call(load: &Load, number: u64, latencies: &mut Vec<Duration>) -> io::Result<()> {
    let begun = std::time::Instant::now();
    let mut connection = Connection::open(load.address).await?;
    let connecting = begun.elapsed();
    let id = load.carrier.id(number);
    let offer = load.carrier.request(&id, 0, "");
    let result = load.call(&id, &offer, &mut connection, latencies).await;
    if let Some(first) = latencies.first_mut() {
        *first += connecting;
    }
    result
}
