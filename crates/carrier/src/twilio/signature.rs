//! `X-Twilio-Signature`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// The signature of a webhook: the URL, then each distinct name in order with
/// each of its distinct values in order. A GET signs its URL alone.
pub(crate) fn sign(auth_token: &str, url: &str, form: &[(String, String)]) -> String {
    let mut sorted: Vec<&(String, String)> = form.iter().collect();
    sorted.sort();
    sorted.dedup();
    let mut mac =
        Hmac::<Sha1>::new_from_slice(auth_token.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(url.as_bytes());
    for (name, value) in sorted {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(body: &str) -> Vec<(String, String)> {
        form_urlencoded::parse(body.as_bytes()).into_owned().collect()
    }

    #[test]
    fn the_published_example_has_its_published_signature() {
        // The vector `twilio-known-answer-sdk-form`, from the SDKs' own tests.
        let body = "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234\
                    &From=%2B14158675309&To=%2B18005551212";
        let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
        assert_eq!(sign("12345", url, &form(body)), "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
    }

    #[test]
    fn repeated_pairs_and_order_do_not_matter() {
        let signed = sign("t", "https://h/", &form("b=2&a=1&a=0&a=1"));
        assert_eq!(signed, sign("t", "https://h/", &form("a=0&a=1&b=2")));
    }
}
