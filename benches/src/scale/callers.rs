//! Callers, each of whom remembers where the last document of its call sends the next webhook.

use std::io;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Barrier;

use crate::carrier::{Carrier, Twilio};
use crate::webhooks::Connection;

const CONNECTIONS: usize = 64;

/// One call, as its carrier sees it.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    number: u64,
    query: String,
}

impl Caller {
    /// Callers who have not called yet.
    pub(super) fn several(numbers: RangeInclusive<u64>) -> Vec<Self> {
        numbers.map(|number| Self { number, query: String::new() }).collect()
    }
}

/// What came of a drive.
#[derive(Debug)]
pub(super) struct Drive {
    pub(super) callers: Vec<Caller>,
    pub(super) webhooks: usize,
    pub(super) took: Duration,
    /// The longest that one of them waited for its answer.
    pub(super) longest: Duration,
}

/// Sends these webhooks of each caller (their places among those of a call), one caller after the
/// other on each of 64 connections.
pub(super) fn drive(
    address: SocketAddr,
    callers: Vec<Caller>,
    webhooks: &[usize],
) -> io::Result<Drive> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let shared = Arc::new((Twilio::new(), webhooks.to_vec()));
    runtime.block_on(async {
        // The clock starts when all are connected.
        let ready = Arc::new(Barrier::new(CONNECTIONS + 1));
        let shares = shares(callers);
        let tasks: Vec<_> = shares
            .into_iter()
            .map(|mut callers| {
                let (shared, ready) = (Arc::clone(&shared), Arc::clone(&ready));
                tokio::spawn(async move {
                    let mut connection = Connection::open(address).await;
                    ready.wait().await;
                    let connection =
                        connection.as_mut().map_err(|error| io::Error::other(error.to_string()))?;
                    let mut latencies = Vec::with_capacity(callers.len() * shared.1.len());
                    for caller in &mut callers {
                        one(caller, connection, &shared, &mut latencies).await?;
                    }
                    io::Result::Ok((callers, latencies))
                })
            })
            .collect();
        ready.wait().await;
        let begun = Instant::now();
        let mut drive = Drive {
            callers: Vec::new(),
            webhooks: 0,
            took: Duration::ZERO,
            longest: Duration::ZERO,
        };
        for task in tasks {
            let (callers, latencies) = task.await.map_err(io::Error::other)??;
            drive.callers.extend(callers);
            drive.webhooks += latencies.len();
            drive.longest = drive.longest.max(latencies.into_iter().max().unwrap_or_default());
        }
        drive.took = begun.elapsed();
        Ok(drive)
    })
}

fn shares(callers: Vec<Caller>) -> Vec<Vec<Caller>> {
    let mut shares = vec![Vec::new(); CONNECTIONS];
    for (place, caller) in callers.into_iter().enumerate() {
        shares[place % CONNECTIONS].push(caller);
    }
    shares
}

async fn one(
    caller: &mut Caller,
    connection: &mut Connection,
    (carrier, webhooks): &(Twilio, Vec<usize>),
    latencies: &mut Vec<Duration>,
) -> io::Result<()> {
    let sid = carrier.id(caller.number);
    for webhook in webhooks {
        let request = carrier.request(&sid, *webhook, &caller.query);
        let document = connection.exchange(&request, latencies).await?;
        if let Some(query) = carrier.told_by(document) {
            caller.query = query;
        }
    }
    Ok(())
}
