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
