//! Forms (`application/x-www-form-urlencoded`), as carriers post them and as queries carry them.
//!
//! Source: WHATWG, "URL", 5.1.

use http::Method;
use memchr::{memchr, memchr_iter, memchr2};

use crate::{UndecodableWebhook, VerifiedWebhook, WebhookRequest};

/// A decoded name and its value.
pub type FormPair<'a> = (&'a [u8], &'a [u8]);

/// No carrier sends more parameters than that as a rule. What a stranger sends makes no larger room
/// before it is looked at.
const USUAL_PAIRS: usize = 64;

/// A form, decoded: its names and values as bytes, since what was signed need not be UTF-8.
///
/// ```
/// let form = offhook_core::Form::decode(b"To=%2B1555&Note=a+b&Note");
/// let pairs: Vec<_> = form.pairs().collect();
/// assert_eq!(pairs, [(&b"To"[..], &b"+1555"[..]), (b"Note", b"a b"), (b"Note", b"")]);
/// ```
#[derive(Debug)]
pub struct Form {
    /// All names and values in one piece, which is cheaper to make than many.
    decoded: Vec<u8>,
    ends: Vec<Ends>,
}

/// Where a name and its value end; each begins where the one before it ends.
#[derive(Clone, Copy, Debug)]
struct Ends {
    name: usize,
    value: usize,
}

impl Form {
    /// Decodes a form, whatever it holds: what is no escape stands for itself.
    #[must_use]
    pub fn decode(form: &[u8]) -> Self {
        // Nothing becomes longer.
        let mut decoded = Vec::with_capacity(form.len());
        let mut ends = Vec::with_capacity(first_room(form));
        let mut begin = 0;
        for end in memchr_iter(b'&', form).chain(std::iter::once(form.len())) {
            let pair = &form[begin..end];
            begin = end + 1;
            if pair.is_empty() {
                continue;
            }
            let equals = memchr(b'=', pair);
            decode(&pair[..equals.unwrap_or(pair.len())], &mut decoded);
            let name = decoded.len();
            decode(equals.map_or(&[], |at| &pair[at + 1..]), &mut decoded);
            ends.push(Ends { name, value: decoded.len() });
        }
        Self { decoded, ends }
    }

    /// Its names and values, in their order.
    pub fn pairs(&self) -> impl ExactSizeIterator<Item = FormPair<'_>> + Clone {
        let mut begin = 0;
        self.ends.iter().map(move |ends| {
            let name = &self.decoded[begin..ends.name];
            begin = ends.value;
            (name, &self.decoded[ends.name..ends.value])
        })
    }
}

/// How many pairs room is made for at first: a body of nothing but `&` has none.
fn first_room(form: &[u8]) -> usize {
    (memchr_iter(b'&', form).count() + 1).min(USUAL_PAIRS)
}

fn decode(text: &[u8], decoded: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = memchr2(b'+', b'%', rest) {
        decoded.extend_from_slice(&rest[..at]);
        let (byte, length) = match rest[at..] {
            [b'%', high, low, ..] => match (hex(high), hex(low)) {
                (Some(high), Some(low)) => (high << 4 | low, 3),
                _ => (b'%', 1),
            },
            [b'+', ..] => (b' ', 1),
            _ => (b'%', 1),
        };
        decoded.push(byte);
        rest = &rest[at + length..];
    }
    decoded.extend_from_slice(rest);
}

const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// The parameters of a webhook: of a GET those of its query, else those of its body. The first of
/// a repeated name counts.
#[derive(Debug)]
pub struct WebhookForm {
    text: String,
    ends: Vec<Ends>,
}

impl WebhookForm {
    /// Reads them.
    ///
    /// # Errors
    /// One of them is not UTF-8, or the body is JSON.
    pub fn read(webhook: &VerifiedWebhook<'_>) -> Result<Self, UndecodableWebhook> {
        Self::of(webhook.request())
    }

    fn of(request: &WebhookRequest) -> Result<Self, UndecodableWebhook> {
        let form = if request.method == Method::GET {
            request.query().as_bytes()
        } else if request.media_type() == Some("application/json") {
            return Err(UndecodableWebhook { what: "voice webhooks are forms, not JSON" });
        } else {
            &request.body
        };
        let Form { decoded, ends } = Form::decode(form);
        let undecodable = UndecodableWebhook { what: "a parameter is not UTF-8" };
        let text = String::from_utf8(decoded).map_err(|_| undecodable.clone())?;
        // Two halves of a character may stand side by side and be none of either.
        let whole = |end| text.is_char_boundary(end);
        if !ends.iter().all(|ends| whole(ends.name) && whole(ends.value)) {
            return Err(undecodable);
        }
        Ok(Self { text, ends })
    }

    /// A parameter that is there and not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut begin = 0;
        let found = self.ends.iter().find(|ends| {
            let its = begin..ends.name;
            begin = ends.value;
            self.text.get(its) == Some(name)
        });
        found.and_then(|ends| self.text.get(ends.name..ends.value)).filter(|it| !it.is_empty())
    }
}

impl WebhookRequest {
    /// The query of the URL, without its question mark; empty for none.
    #[must_use]
    pub fn query(&self) -> &str {
        self.url.split_once('?').map_or("", |(_, query)| query)
    }

    /// The media type of the body, without its parameters.
    #[must_use]
    pub fn media_type(&self) -> Option<&str> {
        let value = self.headers.get(http::header::CONTENT_TYPE)?.to_str().ok()?;
        Some(value.split(';').next().unwrap_or_default().trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_byte_by_byte_and_whatever_it_holds() {
        let pair = |name: &[u8], value: &[u8]| (name.to_vec(), value.to_vec());
        let read = |form: &[u8]| -> Vec<(Vec<u8>, Vec<u8>)> {
            Form::decode(form).pairs().map(|(name, value)| pair(name, value)).collect()
        };
        assert_eq!(read(b""), []);
        assert_eq!(read(b"&&a=1&"), [pair(b"a", b"1")]);
        assert_eq!(read(b"a=b=c&=x&y"), [pair(b"a", b"b=c"), pair(b"", b"x"), pair(b"y", b"")]);
        assert_eq!(read(b"%4e+1=%2B%2b%zz%"), [pair(b"N 1", b"++%zz%")]);
        assert_eq!(read(b"n=%FF\xFE"), [pair(b"n", b"\xFF\xFE")]);
        assert_eq!(
            read(b"%=%&%4=%4&%g0=%0g"),
            [pair(b"%", b"%"), pair(b"%4", b"%4"), pair(b"%g0", b"%0g")]
        );
    }

    #[test]
    fn halves_of_a_character_in_two_parameters_are_no_character() {
        for (body, is_text) in [("a=%C3%A9", true), ("a=%C3&%A9=b", false), ("%C3=%A9", false)] {
            let headers = http::HeaderMap::new();
            let body = body.as_bytes().into();
            let url = "https://a.example/x".to_owned();
            let request = WebhookRequest { method: Method::POST, url, headers, body };
            assert_eq!(WebhookForm::of(&request).is_ok(), is_text, "{request:?}");
        }
    }
}
