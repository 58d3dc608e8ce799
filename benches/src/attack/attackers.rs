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
    /// Whether the bound on one source may help.
    from_one_address: bool,
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
    /// The beginning a hundred times in one piece; then its answers are read.
    InHeaps,
}

const BAD_SIGNATURE: &[u8] = b"POST /webhooks/twilio HTTP/1.1\r\nhost: voice.example.com\r\n\
    content-type: application/x-www-form-urlencoded\r\ncontent-length: 62\r\n\
    x-twilio-signature: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n\
    CallSid=CA00000000000000000000000000000000&CallStatus=ringing1";

const SLOW_BODY: &[u8] = b"POST /webhooks/twilio HTTP/1.1\r\nhost: x\r\n\
    content-length: 65536\r\n\r\n";

/// Larger than is taken, small enough to be read to its end.
const LARGE_BODY: &[u8] = &filled::<200_000>(
    b"POST /webhooks/twilio HTTP/1.1\r\nhost: x\r\ncontent-length: 199933\r\n\r\n",
);

const HUGE_HEAD: &[u8] = &filled::<40_000>(b"GET /webhooks/twilio HTTP/1.1\r\nx: ");

const fn filled<const LENGTH: usize>(beginning: &[u8]) -> [u8; LENGTH] {
    let mut all = [b'y'; LENGTH];
    let mut at = 0;
    while at < beginning.len() {
        all[at] = beginning[at];
        at += 1;
    }
    all
}

const SLOW_HEAD: &[u8] = b"POST /webhooks/twilio HTTP/1.1\r\nx: ";

const JUNK: &[u8] = b"\0\x16\x03\r\n\r\n";

const fn attack(name: &'static str, beginning: &'static [u8], more: More) -> Attack {
    Attack { name, holds: false, from_one_address: false, beginning, more }
}

const fn holding(name: &'static str, beginning: &'static [u8], more: More) -> Attack {
    Attack { holds: true, ..attack(name, beginning, more) }
}

pub(super) const ATTACKS: &[Attack] = &[
    holding("idle connections", b"", More::Nothing),
    Attack {
        from_one_address: true,
        ..holding("idle connections of one address", b"", More::Nothing)
    },
    holding("heads that come slowly", SLOW_HEAD, More::Drops(b"y")),
    holding("bodies that come slowly", SLOW_BODY, More::Drops(b"yyyy")),
    holding("answers that are not read", BAD_SIGNATURE, More::Deaf),
    attack("bad signatures", BAD_SIGNATURE, More::Again),
    attack("bad signatures, a hundred at once", BAD_SIGNATURE, More::InHeaps),
    attack("huge heads", HUGE_HEAD, More::Again),
    attack("bodies that are too large", LARGE_BODY, More::Again),
    attack("junk", JUNK, More::Again),
    attack("junk, a hundred at once", JUNK, More::InHeaps),
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
        if let Ok(stream) = connect(to, if attack.from_one_address { 0 } else { number }).await {
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

/// From one of several addresses, none of them the carrier's.
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
        More::InHeaps => {
            stream.write_all(&attack.beginning.repeat(100)).await?;
            while stream.read(&mut answer).await? > 0 {}
            Ok(())
        }
    }
}
