//! A plain HTTP client.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use offhook_core::{Connection, GuardedClient, HostPolicy, Transport, TransportRequest};
use serde_json::Value;
use url::Url;

/// An answer, read whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub body: String,
}

impl Answer {
    /// The body as JSON; null if it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

thread_local! {
    /// A client reads the system's certificates, which takes longer than most stories. A story has
    /// a thread of its own.
    static CLIENTS: RefCell<BTreeMap<Url, Arc<GuardedClient>>> = RefCell::default();
}

/// The client of this story for this host.
pub(crate) fn client(base: &Url) -> Arc<GuardedClient> {
    CLIENTS.with_borrow_mut(|clients| {
        let client = clients.entry(base.clone()).or_insert_with(|| {
            let client = GuardedClient::new(base.clone(), HostPolicy::AllowPrivate);
            Arc::new(client.expect("a client"))
        });
        Arc::clone(client)
    })
}

/// Sends a request and reads the answer.
///
/// # Panics
/// There is no answer.
pub(crate) async fn send(
    method: Method,
    url: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Answer {
    let url = Url::parse(url).expect("the URL of a request");
    let base = url.join("/").expect("the root of it");
    let client = client(&base);
    let mut request = TransportRequest::new(method, url);
    request.timeout = std::time::Duration::from_secs(30);
    request.body = body.into();
    // The other end may have crashed since the last one.
    request.connection = Connection::Fresh;
    for (name, value) in headers {
        request.headers.append(
            HeaderName::try_from(*name).expect("the name of a header"),
            HeaderValue::try_from(*value).expect("the value of a header"),
        );
    }
    let response = client.send(request).await.expect("an answer");
    Answer {
        status: response.status.as_u16(),
        headers: response.headers,
        body: String::from_utf8_lossy(&response.body).into_owned(),
    }
}
