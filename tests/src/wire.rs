//! Requests byte by byte, as no client of the field would send them.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::providers::form_signature;

/// Sends these bytes on a connection of their own and reads until the other side closes it or has
/// given `answers` answers. Gives their statuses.
///
/// # Panics
/// There is no connection.
pub async fn statuses(to: SocketAddr, request: impl AsRef<[u8]>, answers: usize) -> Vec<u16> {
    let mut stream = TcpStream::connect(to).await.expect("a connection");
    // Whoever refuses early closes early.
    let _ = stream.write_all(request.as_ref()).await;
    let mut text = Vec::new();
    let mut part = [0; 4096];
    loop {
        let found = statuses_in(&text);
        if found.len() >= answers {
            return found;
        }
        match stream.read(&mut part).await {
            Ok(read) if read > 0 => text.extend_from_slice(&part[..read]),
            _ => return found,
        }
    }
}

fn statuses_in(text: &[u8]) -> Vec<u16> {
    let text = String::from_utf8_lossy(text);
    let lines = text.match_indices("HTTP/1.1 ");
    lines.filter_map(|(at, word)| text[at + word.len()..].get(..3)?.parse().ok()).collect()
}

/// A status callback as Twilio sends it, signed for this URL and sent to this target.
#[must_use]
pub fn signed_callback(signed_for: &str, target: &str, headers: &str) -> String {
    const FORM: &[(&str, &str)] = &[
        ("CallSid", "CA5d2f0e7b9c1a4e63b8d7f0a1c2e3b4d5"),
        ("CallStatus", "ringing"),
        ("Direction", "outbound-api"),
    ];
    let signature = form_signature("emulator", signed_for, FORM);
    let pairs: Vec<String> = FORM.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let body = pairs.join("&");
    format!(
        "POST {target} HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         content-length: {}\r\nx-twilio-signature: {signature}\r\n{headers}\r\n{body}",
        body.len()
    )
}
