//! Forms (`application/x-www-form-urlencoded`), as carriers post them and as queries carry them.
//!
//! Source: WHATWG, "URL", 5.1.

use std::borrow::Cow;

use http::Method;

use crate::{UndecodableWebhook, VerifiedWebhook, WebhookRequest};

/// A decoded name and its value.
pub type FormPair<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

/// No carrier sends more parameters than that as a rule. What a stranger sends makes no larger room
/// before it is looked at.
const USUAL_PAIRS: usize = 64;

/// The decoded names and values of a form, as bytes: what was signed need not be UTF-8.
///
/// ```
/// let pairs = offhook_core::form_pairs(b"To=%2B1555&Note=a+b&Note");
/// assert_eq!(*pairs[0].1, *b"+1555");
/// assert_eq!((&*pairs[1].1, &*pairs[2].1), (&b"a b"[..], &b""[..]));
/// ```
#[must_use]
pub fn form_pairs(form: &[u8]) -> Vec<FormPair<'_>> {
    let mut pairs = Vec::with_capacity(at_most(form));
    pairs.extend(each_pair(form));
    pairs
}

fn each_pair(form: &[u8]) -> impl Iterator<Item = FormPair<'_>> {
    form.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        match pair.iter().position(|byte| *byte == b'=') {
            Some(at) => (decoded(&pair[..at]), decoded(&pair[at + 1..])),
            None => (decoded(pair), Cow::Borrowed(&[][..])),
        }
    })
}

/// How many pairs there are room for: a body of nothing but `&` has none.
fn at_most(form: &[u8]) -> usize {
    let separators = form.iter().filter(|byte| **byte == b'&').count();
    (separators + 1).min(USUAL_PAIRS)
}

fn decoded(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.iter().any(|byte| matches!(byte, b'+' | b'%')) {
        return Cow::Borrowed(text);
    }
    let mut decoded = Vec::with_capacity(text.len());
    for (place, part) in text.split(|byte| *byte == b'+').enumerate() {
        if place > 0 {
            decoded.push(b' ');
        }
        decoded.extend(percent_encoding::percent_decode(part));
    }
    Cow::Owned(decoded)
}

/// The parameters of a webhook: of a GET those of its query, else those of its body. The first of
/// a repeated name counts.
#[derive(Debug)]
pub struct WebhookForm<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> WebhookForm<'a> {
    /// Reads them.
    ///
    /// # Errors
    /// One of them is not UTF-8, or the body is JSON.
    pub fn read(webhook: &VerifiedWebhook<'a>) -> Result<Self, UndecodableWebhook> {
        let request = webhook.request();
        let form = if request.method == Method::GET {
            request.query().as_bytes()
        } else if request.media_type() == Some("application/json") {
            return Err(UndecodableWebhook { what: "voice webhooks are forms, not JSON" });
        } else {
            &request.body
        };
        let mut pairs = Vec::with_capacity(at_most(form));
        for (name, value) in each_pair(form) {
            pairs.push((text(name)?, text(value)?));
        }
        Ok(Self(pairs))
    }

    /// A parameter that is there and not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.iter().find(|(its, _)| its == name).map(|(_, value)| &**value);
        value.filter(|value| !value.is_empty())
    }
}

fn text(bytes: Cow<'_, [u8]>) -> Result<Cow<'_, str>, UndecodableWebhook> {
    let undecodable = UndecodableWebhook { what: "a parameter is not UTF-8" };
    match bytes {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
        Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
    }
    .ok_or(undecodable)
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
        let read = |form: &[u8]| -> Vec<(Vec<u8>, Vec<u8>)> {
            each_pair(form).map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
        };
        let pair = |name: &[u8], value: &[u8]| (name.to_vec(), value.to_vec());
        assert_eq!(read(b""), []);
        assert_eq!(read(b"&&a=1&"), [pair(b"a", b"1")]);
        assert_eq!(read(b"a=b=c&=x&y"), [pair(b"a", b"b=c"), pair(b"", b"x"), pair(b"y", b"")]);
        assert_eq!(read(b"%4e+1=%2B%2b%zz%"), [pair(b"N 1", b"++%zz%")]);
        assert_eq!(read(b"n=%FF\xFE"), [pair(b"n", b"\xFF\xFE")]);
    }
}
