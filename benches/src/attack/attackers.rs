//! Who attacks, and how.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Between two drops of what is slow.
const DROP: Duration = Duration::from_millis(500);

/// One way to attack.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attack {
    pub(super) name: &'static str,
    /// Whether as many connections as possible are held, or few that are busy.
    holds: bool,
    /// What is sent at once.
    beginning: &'static [u8],
    /// What is sent again and again.
    more: More,
}

#[derive(Clone, Copy, Debug)]
enum More {
    Nothing,
    /// A little, now and then.
    Drops(&'static [u8]),
    /// The beginning again as soon as it was answered.
    Again,
    /// The beginning again, and no answer is read.
    Deaf,
}

const BAD_SIGNATURE: &[u8] = b"POST /webhooks/twilio HTTP/1.1\r\nhost: voice.example.com\r\n\
    content-type: application/x-www-form-urlencoded\r\ncontent-length: 62\r\n\
    x-twilio-signature: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n\
    CallSid=CA00000000000000000000000000000000&CallStatus=ringing1";

const SLOW_BODY: &[u8] = b"POST /webhooks/twilio HTTP/1.1\r\nhost: x\r\n\
    content-length: 65536\r\n\r\n";

const HUGE_HEAD: &[u8] = &{
    let mut head = [b'y'; 40_000];
    let line = b"GET /webhooks/twilio HTTP/1.1\r\nx: ";
    let mut at = 0;
    while at < line.len() {
        head[at] = line[at];
        at += 1;
    }
    head
};

pub(super) const ATTACKS: &[Attack] = &[
    Attack { name: "idle connections", holds: true, beginning: b"", more: More::Nothing },
    Attack {
        name: "heads that come slowly",
        holds: true,
        beginning: b"POST /webhooks/twilio HTTP/1.1\r\nx: ",
        more: More::Drops(b"y"),
    },
    Attack {
        name: "bodies that come slowly",
        holds: true,
        beginning: SLOW_BODY,
        more: More::Drops(b"yyyy"),
    },
    Attack {
        name: "answers that are not read",
        holds: true,
        beginning: BAD_SIGNATURE,
        more: More::Deaf,
    },
    Attack { name: "bad signatures", holds: false, beginning: BAD_SIGNATURE, more: More::Again },
    Attack { name: "huge heads", holds: false, beginning: HUGE_HEAD, more: More::Again },
    Attack { name: "junk", holds: false, beginning: b"\0\x16\x03\r\n\r\n", more: More::Again },
];

/// Connections that are busy, where none are held.
const BUSY: usize = 32;

/// Begins an attack, and returns when it is under way.
pub(super) fn begin(
    attack: Attack,
    to: SocketAddr,
    connections: usize,
    stop: Arc<AtomicBool>,
) -> io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let count = if attack.holds { connections } else { BUSY };
    let begun = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&begun);
    let (tell, told) = std::sync::mpsc::channel();
    let thread = std::thread::Builder::new().name("attackers".to_owned()).spawn(move || {
        runtime.block_on(async {
            let mut looks = tokio::time::interval(Duration::from_millis(10));
            for number in 0..count {
                tokio::spawn(one(attack, to, number, Arc::clone(&counted)));
                // Not faster than the backlog of a listener.
                if number % 100 == 99 {
                    looks.tick().await;
                }
            }
            while counted.load(Ordering::Relaxed) < count && !stop.load(Ordering::Relaxed) {
                looks.tick().await;
            }
            let _ = tell.send(());
            while !stop.load(Ordering::Relaxed) {
                looks.tick().await;
            }
        });
    })?;
    told.recv().map_err(io::Error::other)?;
    Ok(thread)
}

/// One attacker: whenever it is thrown out it comes again.
async fn one(attack: Attack, to: SocketAddr, number: usize, begun: Arc<AtomicUsize>) {
    let mut is_first = true;
    let mut rest = tokio::time::interval(Duration::from_millis(100));
    loop {
        if let Ok(stream) = connect(to, number).await {
            if std::mem::take(&mut is_first) {
                begun.fetch_add(1, Ordering::Relaxed);
            }
            let _ = attend(attack, stream).await;
        }
        if attack.holds {
            rest.tick().await;
        }
    }
}

/// From one of several addresses, so that no bound on one source counts.
async fn connect(to: SocketAddr, number: usize) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if cfg!(target_os = "linux") {
        let last = u8::try_from(number % 200 + 10).unwrap_or(10);
        socket.bind((Ipv4Addr::new(127, 0, 1, last), 0).into())?;
    }
    socket.connect(to).await
}

async fn attend(attack: Attack, mut stream: TcpStream) -> io::Result<()> {
    let mut answer = [0; 1024];
    stream.write_all(attack.beginning).await?;
    match attack.more {
        More::Nothing => stream.read(&mut answer).await.map(|_| ()),
        More::Drops(drop) => {
            let mut tick = tokio::time::interval(DROP);
            loop {
                tick.tick().await;
                stream.write_all(drop).await?;
            }
        }
        More::Again => loop {
            if stream.read(&mut answer).await? == 0 {
                return Ok(());
            }
            stream.write_all(attack.beginning).await?;
        },
        More::Deaf => loop {
            stream.write_all(attack.beginning).await?;
        },
    }
}
