//! What the targets share: requests and answers out of the fuzzer's bytes, and what must hold of them
//! whoever the carrier is.

mod answers;
mod document;
mod form;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use offhook_core::{
    CallId, CallRef, Callbacks, ProviderCallIds, Step, Transport, TransportFault, TransportRequest,
    TransportResponse, VoiceProvider, WebhookRequest, verify,
};
use url::Url;

pub use answers::{Carrier, are_borne};
pub use document::says_exactly;
pub use form::pairs;

/// The first line, and all that stands behind it.
pub fn first_line(data: &[u8]) -> Option<(&str, &[u8])> {
    let end = data.iter().position(|byte| *byte == b'\n')?;
    Some((std::str::from_utf8(&data[..end]).ok()?, &data[end + 1..]))
}

/// A request with these headers, as far as they can be headers.
pub fn request(
    method: Method,
    url: &str,
    headers: &[(&'static str, &[u8])],
    body: &[u8],
) -> WebhookRequest {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            map.append(HeaderName::from_static(name), value);
        }
    }
    WebhookRequest { method, url: url.to_owned(), headers: map, body: Bytes::copy_from_slice(body) }
}

/// Step 3 of a call of ours that the carrier knows by these ids.
fn call(ids: ProviderCallIds) -> CallRef {
    CallRef {
        id: "01890a5d-ac96-774b-bcce-b302099a8057".parse::<CallId>().expect("a UUID"),
        ids,
        step: Step(3),
        callbacks: Callbacks::to(
            Url::parse("https://voice.example.com/webhooks/carrier").expect("a URL"),
        ),
    }
}

/// A genuine request is taken, its key is the same at every look, and the parser bears it.
pub fn is_taken_and_read(
    provider: &dyn VoiceProvider,
    request: &WebhookRequest,
    now: jiff::Timestamp,
) {
    let first = provider.verify_webhook(request, now).expect("it is genuine");
    assert_eq!(provider.verify_webhook(request, now), Ok(first));
    let verified = verify(provider, request, now).expect("it is genuine");
    let _ = provider.parse_webhook_event(&verified);
}

/// A transport for what must not ask anybody anything.
#[derive(Debug)]
pub struct Nobody;

impl Nobody {
    pub fn new() -> Arc<dyn Transport> {
        Arc::new(Self)
    }
}

#[async_trait]
impl Transport for Nobody {
    async fn send(&self, _: TransportRequest) -> Result<TransportResponse, TransportFault> {
        panic!("nothing is sent for a webhook")
    }
}
