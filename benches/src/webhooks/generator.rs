//! The load: connections that stay open, each with its own calls one after the other.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Barrier;

use crate::carrier::{Carrier, ObedientCarrier};
use crate::figures::thread_time;

pub(crate) const CONNECTIONS: u64 = 64;

/// What one side did in one round.
#[derive(Debug)]
pub(crate) struct Round {
    pub(crate) webhooks: usize,
    pub(crate) took: Duration,
    /// The generator's own processor time, where it is known.
    pub(crate) own_time: Option<Duration>,
    pub(crate) latencies: Vec<Duration>,
}

impl Round {
    pub(crate) fn rate(&self) -> f64 {
        self.webhooks as f64 / self.took.as_secs_f64()
    }
}

/// Calls that are to be driven against a listener.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) carrier: Arc<dyn Carrier>,
    /// Who takes our commands. `None` where nobody gives any.
    pub(crate) commands: Option<Arc<ObedientCarrier>>,
    pub(crate) address: SocketAddr,
}

impl Load {
    /// Drives so many calls on each connection, the first with the number `from`. Runs on a thread
    /// of its own.
    pub(crate) fn drive(&self, from: u64, calls: u64) -> io::Result<Round> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            // The clock starts when all are connected and have prepared what they can.
            let ready = Arc::new(Barrier::new(CONNECTIONS as usize + 1));
            let tasks: Vec<_> = (0..CONNECTIONS)
                .map(|connection| {
                    let first = from + connection * calls;
                    let (load, ready) = (self.clone(), Arc::clone(&ready));
                    tokio::spawn(async move { load.on_one(first..first + calls, &ready).await })
                })
                .collect();
            ready.wait().await;
            let (begun, own_before) = (Instant::now(), thread_time());
            let mut latencies = Vec::new();
            for task in tasks {
                latencies.extend(task.await.map_err(io::Error::other)??);
            }
            let took = begun.elapsed();
            let own_time = thread_time().zip(own_before).map(|(after, before)| after - before);
            Ok(Round { webhooks: latencies.len(), took, own_time, latencies })
        })
    }

    /// Calls on one connection, one after the other.
    async fn on_one(
        &self,
        numbers: std::ops::Range<u64>,
        ready: &Barrier,
    ) -> io::Result<Vec<Duration>> {
        let connection = Connection::open(self.address).await;
        let calls: Vec<(String, Vec<u8>)> = numbers
            .map(|number| {
                let id = self.carrier.id(number);
                let offer = self.carrier.request(&id, 0, "");
                (id, offer)
            })
            .collect();
        let mut latencies = Vec::with_capacity(calls.len() * self.carrier.steps());
        ready.wait().await;
        let mut connection = connection?;
        for (id, offer) in calls {
            self.call(&id, &offer, &mut connection, &mut latencies).await?;
        }
        Ok(latencies)
    }

    /// One call, from its offer to its end.
    pub(crate) async fn call(
        &self,
        id: &str,
        offer: &[u8],
        connection: &mut Connection,
        latencies: &mut Vec<Duration>,
    ) -> io::Result<()> {
        let mut orders = self.commands.as_ref().map(|commands| commands.listen(id));
        let document = connection.exchange(offer, latencies).await?;
        let mut told = self.carrier.told_by(document);
        for step in 1..self.carrier.steps() {
            if let (Some(orders), Some(name)) = (&mut orders, self.carrier.comes_after(step)) {
                told = orders.wait_for(name).await?.or(told);
            }
            let repeated = told.as_deref().unwrap_or(self.carrier.stand_in());
            let request = self.carrier.request(id, step, repeated);
            let document = connection.exchange(&request, latencies).await?;
            told = self.carrier.told_by(document).or(told);
        }
        if let Some(commands) = &self.commands {
            commands.forget(id);
        }
        Ok(())
    }
}

#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; 16 * 1024] })
    }

    /// Sends a request and reads the whole answer. Gives its body.
    pub(crate) async fn exchange(
        &mut self,
        request: &[u8],
        latencies: &mut Vec<Duration>,
    ) -> io::Result<&[u8]> {
        let begun = Instant::now();
        self.stream.write_all(request).await?;
        let mut filled = 0;
        let (head, end) = loop {
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            filled += read;
            if let Some((head, length)) = head_of(&self.buffer[..filled])?
                && filled >= head + length
            {
                break (head, head + length);
            }
        };
        latencies.push(begun.elapsed());
        Ok(&self.buffer[head..end])
    }
}

/// Where the head of an answer ends, and how long its body is.
fn head_of(answer: &[u8]) -> io::Result<Option<(usize, usize)>> {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = String::from_utf8_lossy(&answer[..end]);
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    if !status.starts_with("HTTP/1.1 200") && !status.starts_with("HTTP/1.1 204") {
        return Err(io::Error::other(format!("a webhook was answered with {status}")));
    }
    let length = lines
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.parse().ok());
    Ok(Some((end + 4, length.unwrap_or(0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_as_far_as_it_is_needed() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<a/>\n";
        assert_eq!(head_of(answer).unwrap(), Some((38, 5)));
        assert_eq!(head_of(&answer[..20]).unwrap(), None);
        assert!(head_of(b"HTTP/1.1 503 Service Unavailable\r\n\r\n").is_err());
    }
}
