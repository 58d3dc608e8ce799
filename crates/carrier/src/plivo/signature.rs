//! `X-Plivo-Signature-V3` and its older sister V2.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What V3 signs: the URL with its query sorted, the parameters of a POST, the nonce.
pub(crate) fn message_v3(url: &str, form: Option<&[(String, String)]>, nonce: &str) -> String {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let mut pairs: Vec<(String, String)> =
        form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    pairs.sort();
    let pairs: Vec<String> =
        pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let query = pairs.join("&");
    let mut message = base.to_owned();
    let form = form.filter(|form| !form.is_empty());
    // With parameters there is a question mark even without a query.
    if !query.is_empty() || form.is_some() {
        message.push('?');
        message.push_str(&query);
    }
    if let Some(form) = form {
        if !query.is_empty() {
            message.push('.');
        }
        let mut sorted: Vec<&(String, String)> = form.iter().collect();
        sorted.sort();
        for (name, value) in sorted {
            message.push_str(name);
            message.push_str(value);
        }
    }
    message.push('.');
    message.push_str(nonce);
    message
}

/// What V2 signs: the URL without its query, the nonce.
pub(crate) fn message_v2(url: &str, nonce: &str) -> String {
    format!("{}{nonce}", url.split_once('?').map_or(url, |(base, _)| base))
}

/// The signatures of each token, as they stand in one header.
pub(crate) fn sign(tokens: &[String], message: &str) -> String {
    let signatures: Vec<String> = tokens
        .iter()
        .map(|token| {
            let mut mac = Hmac::<Sha256>::new_from_slice(token.as_bytes())
                .expect("HMAC takes keys of any length");
            mac.update(message.as_bytes());
            STANDARD.encode(mac.finalize().into_bytes())
        })
        .collect();
    signatures.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_v2_example_has_its_published_signature() {
        let message = message_v2("https://answer.url", "12345");
        let signature = sign(&["my_auth_token".to_owned()], &message);
        assert_eq!(signature, "ehV3IKhLysWBxC1sy8INm0qGoQYdYsHwuoKjsX7FsXc=");
    }

    #[test]
    fn the_published_v3_examples_have_their_published_signatures() {
        // The vectors `plivo-known-answer-go-*`, from the SDKs' own tests.
        const BODY: &str = "Direction=outbound&From=19792014278\
            &ALegUUID=3e82ae9d-2c78-4d85-b1a4-6eae7dbafb36&CallStatus=in-progress&BillRate=0.002\
            &ParentAuthID=MANWVLYTK4ZWU1YTY4QA\
            &To=sip%3APlivoSignature382029104058171078704104%40phone-qa.voice.plivodev.com\
            &ALegRequestUUID=3e82ae9d-2c78-4d85-b1a4-6eae7dbafb36\
            &CallUUID=3e82ae9d-2c78-4d85-b1a4-6eae7dbafb36\
            &RequestUUID=3e82ae9d-2c78-4d85-b1a4-6eae7dbafb36\
            &SIP-H-To=%3Csip%3APlivoSignature382029104058171078704104%4052.9.11.55%3Btransport%3D\
            udp%3E%3Btag%3D1&SessionStart=2020-04-08+11%3A34%3A33.238707&Event=StartApp";
        const URL: &str = "https://plivobin.non-prod.plivops.com/api/v1/validate_signature03.xml";
        let token = ["Y2Q2ZDgxZmY5YWRiOTI5YmQ1Njg0MTAxZWIyOTc4".to_owned()];
        let form: Vec<(String, String)> =
            form_urlencoded::parse(BODY.as_bytes()).into_owned().collect();
        for (url, form, signature) in [
            (
                format!("{URL}/?a=b&c=d"),
                Some(form.as_slice()),
                "k7Pusd4OxCIjR5IfA9iedDNu/h/gbdYqdzG/MiYtd1c=",
            ),
            (
                format!("{URL}/?a=b&c=d&{BODY}"),
                None,
                "UBq8jAtd32wR8EK9VgxbBn4n5rpI/l1H9iN4WfSEHFQ=",
            ),
            (URL.to_owned(), Some(form.as_slice()), "iAjE5QqI37mbkYe4w3jTMudqEzbDufdqi7sYwTu64e0="),
        ] {
            let message = message_v3(&url, form, "31627761595286130198");
            assert_eq!(sign(&token, &message), signature, "{url}");
        }
    }

    #[test]
    fn query_and_parameters_are_sorted_and_joined() {
        let form = [("To".to_owned(), "1".to_owned()), ("From".to_owned(), "2 3".to_owned())];
        let message = |url, form: Option<&[(String, String)]>| message_v3(url, form, "9");
        assert_eq!(
            message("https://h/p?b=1+2&a", Some(&form)),
            "https://h/p?a=&b=1 2.From2 3To1.9"
        );
        assert_eq!(message("https://h/p", Some(&form)), "https://h/p?From2 3To1.9");
        assert_eq!(message("https://h/p?b=2&b=1", None), "https://h/p?b=1&b=2.9");
        assert_eq!(message("https://h/p", None), "https://h/p.9");
    }
}
