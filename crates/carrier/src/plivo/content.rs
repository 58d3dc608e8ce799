//! What a webhook carries: parameters, signed anew for each attempt.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use url::Url;

use jiff::Timestamp;

use super::callbacks::Params;
use super::signature::{message_v2, message_v3, sign};
use crate::content::{Content, Sealed};
use crate::settings::PlivoAccount;

/// Whose tokens sign.
#[derive(Debug)]
pub(crate) struct Tokens {
    account: Vec<String>,
    main: Vec<String>,
}

impl Tokens {
    pub(crate) fn of(account: &PlivoAccount) -> Self {
        let own = account.tokens();
        let main = account
            .main_auth_token
            .as_ref()
            .map_or_else(|| own.clone(), |token| vec![token.clone()]);
        Self { account: own, main }
    }
}

/// A webhook with everything that its signature needs.
#[derive(Debug)]
pub(crate) struct Signed {
    url: String,
    /// The address as it is signed: without what only opens the door.
    signed_url: String,
    /// The parameters of a POST.
    form: Option<Params>,
    tokens: Tokens,
    nonce: u64,
}

impl Signed {
    /// None if the URL is none.
    pub(crate) fn new(
        url: &str,
        is_form: bool,
        params: &Params,
        tokens: Tokens,
        nonce: u64,
    ) -> Option<Self> {
        let mut parsed = Url::parse(url).ok()?;
        if !is_form {
            parsed.query_pairs_mut().extend_pairs(params);
        }
        // A port that is the scheme's own stands in the signed address if it stood in the given.
        let (_, rest) = url.trim().split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let mut path = parsed.path().to_owned();
        if let Some(query) = parsed.query() {
            path.push('?');
            path.push_str(query);
        }
        let scheme = parsed.scheme();
        Some(Self {
            url: format!("{scheme}://{authority}{path}"),
            signed_url: format!("{scheme}://{host}{path}"),
            form: is_form.then(|| params.clone()),
            tokens,
            nonce,
        })
    }
}

impl Content for Signed {
    fn url(&self, _: u32) -> &str {
        &self.url
    }

    fn sealed(&self, attempt: u32, _: Timestamp) -> Sealed {
        let nonce = format!("{:020}", self.nonce.wrapping_add(u64::from(attempt)));
        let v3 = message_v3(&self.signed_url, self.form.as_deref(), &nonce);
        let v2 = message_v2(&self.signed_url, &nonce);
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, HeaderValue::from_static("Plivo"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        for (name, value) in [
            ("x-plivo-signature-v3", sign(&self.tokens.account, &v3)),
            ("x-plivo-signature-ma-v3", sign(&self.tokens.main, &v3)),
            ("x-plivo-signature-v3-nonce", nonce.clone()),
            ("x-plivo-signature-v2", sign(&self.tokens.account, &v2)),
            ("x-plivo-signature-ma-v2", sign(&self.tokens.main, &v2)),
            ("x-plivo-signature-v2-nonce", nonce.clone()),
        ] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        let mut body = Bytes::new();
        if let Some(form) = &self.form {
            let kind = "application/x-www-form-urlencoded";
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
            let mut encoder = form_urlencoded::Serializer::new(String::new());
            encoder.extend_pairs(form);
            body = Bytes::from(encoder.finish());
        }
        Sealed { headers, body }
    }
}
