//! The load: connections that stay open, each with its own calls one after the other.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hmac::Hmac;
use sha1::Sha1;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Barrier;

use crate::carrier::{self, STEPS, Template};
use crate::figures::thread_time;

pub(super) const CONNECTIONS: u64 = 64;

/// What an answer without a document is taken for, so that both sides cost the generator the same.
const STAND_IN: &str = "?call=01890a5d-ac96-774b-bcce-b302099a8057&step=1&kind=gather";

/// What one side did in one round.
#[derive(Debug)]
pub(super) struct Round {
    pub(super) webhooks: usize,
    pub(super) took: Duration,
    /// The generator's own processor time, where it is known.
    pub(super) own_time: Option<Duration>,
    pub(super) latencies: Vec<Duration>,
}

impl Round {
    pub(super) fn rate(&self) -> f64 {
        self.webhooks as f64 / self.took.as_secs_f64()
    }
}

/// Drives calls against a listener, `calls` on each connection, the first with the number `from`.
/// Runs on a thread of its own.
pub(super) fn drive(address: SocketAddr, from: u64, calls: u64) -> io::Result<Round> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let shared = Arc::new((Template::all(), carrier::key()));
        // The clock starts when all are connected and have prepared what they can.
        let ready = Arc::new(Barrier::new(CONNECTIONS as usize + 1));
        let tasks: Vec<_> = (0..CONNECTIONS)
            .map(|connection| {
                let first = from + connection * calls;
                let (shared, ready) = (Arc::clone(&shared), Arc::clone(&ready));
                tokio::spawn(async move {
                    let (templates, key) = &*shared;
                    connection_of(address, first..first + calls, templates, key, &ready).await
                })
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

async fn connection_of(
    address: SocketAddr,
    numbers: std::ops::Range<u64>,
    templates: &[Template; STEPS],
    key: &Hmac<Sha1>,
    ready: &Barrier,
) -> io::Result<Vec<Duration>> {
    let mut connection = Connection::open(address).await;
    let calls: Vec<(String, Vec<u8>)> = numbers
        .map(|number| {
            let sid = carrier::sid(number);
            let offer = templates[0].request(&sid, "", key);
            (sid, offer)
        })
        .collect();
    let mut latencies = Vec::with_capacity(calls.len() * STEPS);
    ready.wait().await;
    let connection = connection.as_mut().map_err(|error| io::Error::other(error.to_string()))?;
    for (sid, offer) in calls {
        let mut query = connection.exchange(&offer, &mut latencies).await?;
        for (step, template) in templates.iter().enumerate().skip(1) {
            if step + 1 == STEPS {
                query = query.replace("kind=gather", "kind=status");
            }
            let request = template.request(&sid, &query, key);
            query = connection.exchange(&request, &mut latencies).await?;
        }
    }
    Ok(latencies)
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

    /// Sends a request and reads the whole answer. Gives the query of the action in its document.
    pub(crate) async fn exchange(
        &mut self,
        request: &[u8],
        latencies: &mut Vec<Duration>,
    ) -> io::Result<String> {
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
        Ok(action_of(&self.buffer[head..end]))
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

fn action_of(document: &[u8]) -> String {
    const ACTION: &str = "action=\"";
    let document = std::str::from_utf8(document).unwrap_or_default();
    let Some((_, action)) = document.split_once(ACTION) else { return STAND_IN.to_owned() };
    let url = action.split(['"', '#']).next().unwrap_or_default();
    let query = url.find('?').map_or("", |at| &url[at..]);
    query.replace("&amp;", "&")
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
        let document = br#"<Gather action="https://a.example/w?call=1&amp;step=2#rc=3"/>"#;
        assert_eq!(action_of(document), "?call=1&step=2");
        assert_eq!(action_of(b""), STAND_IN);
    }
}
