//! A request as it came over the wire. Source: RFC 9112, 2.1.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

#[derive(Debug)]
pub(super) struct Capture {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// The body is shorter than its header says.
    pub(super) is_cut: bool,
}

impl Capture {
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let mut rest = text;
        let start = line(&mut rest).unwrap_or_default();
        let mut words = start.split(' ').filter(|word| !word.is_empty());
        let (Some(method), Some(target)) = (words.next(), words.next()) else {
            return Err("it begins with a line such as POST /webhooks/twilio HTTP/1.1".to_owned());
        };
        let method = method.parse().map_err(|_| format!("{method:?} is no method"))?;
        // A proxy's log may have the whole URL.
        let target = match target.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
            None => target,
        };
        if !target.starts_with('/') {
            return Err(format!("{target:?} in its first line is no path"));
        }
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (target, None),
        };
        let path = path.to_owned();
        let headers = headers(&mut rest)?;
        let length = headers.get(header::CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.trim().parse::<usize>().ok());
        let body = match length {
            Some(length) => &rest[..length.min(rest.len())],
            None => without_line_end(rest),
        };
        let is_cut = length.is_some_and(|length| length > body.len());
        Ok(Self { method, path, query, headers, body: Bytes::copy_from_slice(body), is_cut })
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

fn headers(rest: &mut &[u8]) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    while let Some(text) = line(rest) {
        if text.is_empty() {
            break;
        }
        // The line itself may hold a signature: its name is enough.
        let (name, value) = text.split_once(':').ok_or("a line of its head has no colon")?;
        let unreadable = || format!("the header {name:?} cannot be read");
        let name: HeaderName = name.trim().parse().map_err(|_| unreadable())?;
        let value: HeaderValue = value.trim().parse().map_err(|_| unreadable())?;
        headers.append(name, value);
    }
    Ok(headers)
}

/// Takes a line off, without its end.
fn line(rest: &mut &[u8]) -> Option<String> {
    if rest.is_empty() {
        return None;
    }
    let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let text = String::from_utf8_lossy(&rest[..end]).trim_end_matches('\r').to_owned();
    *rest = rest.get(end + 1..).unwrap_or_default();
    Some(text)
}

/// Editors end a file with one.
fn without_line_end(body: &[u8]) -> &[u8] {
    let body = body.strip_suffix(b"\n").unwrap_or(body);
    body.strip_suffix(b"\r").unwrap_or(body)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// What is read is a request, whatever it was read from.
    fn bears(bytes: &[u8]) {
        let Ok(capture) = Capture::parse(bytes) else { return };
        assert!(capture.path.starts_with('/') && !capture.path.contains('?'));
        assert!(capture.body.len() <= bytes.len());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_bytes_are_a_request_or_none(bytes in vec(any::<u8>(), 0..300)) {
            bears(&bytes);
        }

        #[test]
        fn any_head_is_borne(
            first in "[A-Z]{0,7} ?[ -~é]{0,40}( HTTP/1.1)?",
            headers in vec("[ -~é]{0,20}:?[ -~é]{0,20}", 0..5),
            end in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
            length in proptest::option::of(any::<usize>()),
            body in vec(any::<u8>(), 0..50),
        ) {
            let mut head = [vec![first], headers].concat();
            head.extend(length.map(|length| format!("content-length: {length}")));
            let head = head.join(end) + end + end;
            bears(&[head.as_bytes(), &body].concat());
        }
    }

    #[test]
    fn the_worst_captures_are_read_at_every_size() {
        for kibibytes in [1, 4, 16, 64] {
            for piece in ["\n", "\r\n", " ", ":", "a:b\n", "GET / ", "://", "?", "\u{fffd}"] {
                let filling = piece.repeat(kibibytes * 1024 / piece.len());
                bears(filling.as_bytes());
                bears(format!("POST /{filling} HTTP/1.1\n\n").as_bytes());
                bears(format!("POST / HTTP/1.1\n{filling}\n\n").as_bytes());
            }
        }
    }

    #[test]
    fn either_line_end_and_any_end_of_the_body_give_the_same_request() {
        let head = "POST /webhooks/twilio?a=1 HTTP/1.1\nHost: a.example\nContent-Length: 3\n\na=b";
        let without = head.replace("Content-Length: 3\n", "");
        for text in [
            head.to_owned(),
            format!("{head}\n"),
            head.replace('\n', "\r\n"),
            without.clone(),
            format!("{without}\r\n"),
            without.replace(" /webhooks", " https://a.example/webhooks"),
        ] {
            let capture = Capture::parse(text.as_bytes()).unwrap();
            assert_eq!(capture.method, Method::POST);
            assert_eq!(capture.path, "/webhooks/twilio");
            assert_eq!(capture.query.as_deref(), Some("a=1"));
            assert_eq!(capture.header("host"), Some("a.example"));
            assert_eq!((&capture.body[..], capture.is_cut), (&b"a=b"[..], false));
        }
        assert!(Capture::parse(&head.as_bytes()[..head.len() - 1]).unwrap().is_cut);
    }

    #[test]
    fn what_is_no_request_says_why() {
        for text in ["", "hello", "POST webhooks HTTP/1.1", "POST / HTTP/1.1\nno colon\n\n"] {
            assert!(Capture::parse(text.as_bytes()).is_err(), "{text:?}");
        }
    }
}
