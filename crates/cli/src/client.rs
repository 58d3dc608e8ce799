//! Talks to the daemon's admin API. Never binds a port.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, header};
use offhook_core::{
    FaultKind, GuardedClient, HostPolicy, Transport, TransportFault, TransportRequest,
};
use secrecy::ExposeSecret;
use serde_json::Value;
use url::Url;

use crate::arguments::Connection;
use crate::config::{self, ClientConfig};
use crate::failure::Failure;
use crate::refusal::Refusal;

/// The daemon, as its clients see it.
#[derive(Debug)]
pub(crate) struct Client {
    base: Url,
    authorization: HeaderValue,
    http: GuardedClient,
}

impl Client {
    /// Finds the daemon by the configuration, and its token.
    pub(crate) fn connect(connection: &Connection) -> Result<Self, Failure> {
        let config = config::load_client(connection.config.as_deref())
            .map_err(|problems| Failure::Configuration(problems.to_string()))?;
        let address = match connection.api.as_ref().filter(|url| !url.is_empty()) {
            Some(url) => url.clone(),
            None => format!("http://{}", config.api_listen),
        };
        Self::to(&address, &token(&config))
    }

    /// The daemon at this address.
    pub(crate) fn to(address: &str, token: &str) -> Result<Self, Failure> {
        let invalid = |what: String| Failure::Usage(format!("--api {address}: {what}"));
        let base = Url::parse(address).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let base = base
            .ok_or_else(|| invalid("not a URL; write it like http://127.0.0.1:3335".to_owned()))?;
        let http = GuardedClient::new(base.clone(), HostPolicy::AllowPrivate)
            .map_err(|error| invalid(error.to_string()))?;
        let mut authorization = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| Failure::Configuration("the API token cannot be sent".to_owned()))?;
        authorization.set_sensitive(true);
        Ok(Self { base, authorization, http })
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value, Failure> {
        Ok(self.send(Method::GET, path, None).await??)
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        Ok(self.send(Method::POST, path, Some(body)).await??)
    }

    /// Where the daemon is.
    pub(crate) const fn base(&self) -> &Url {
        &self.base
    }

    /// The header that carries the token.
    pub(crate) const fn authorization(&self) -> &HeaderValue {
        &self.authorization
    }

    pub(crate) fn url(&self, path: &str) -> Result<Url, Failure> {
        self.base.join(path).map_err(Failure::operation)
    }

    /// Sends a request; what the daemon refuses is told apart from what did not reach it.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Result<Value, Refusal>, Failure> {
        // A dial is waited for by the daemon for 10 s.
        self.send_within(method, path, body, Duration::from_secs(20)).await
    }

    /// The same with another patience.
    pub(crate) async fn send_within(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        patience: Duration,
    ) -> Result<Result<Value, Refusal>, Failure> {
        let mut request = TransportRequest::new(method, self.url(path)?);
        request.timeout = patience;
        request.headers.insert(header::AUTHORIZATION, self.authorization.clone());
        if let Some(body) = body {
            request.body = Bytes::from(body.to_string());
            request
                .headers
                .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let response = self.http.send(request).await.map_err(|fault| self.unreachable(&fault))?;
        let value = serde_json::from_slice(&response.body).map_err(|_| {
            Failure::Unreachable(format!(
                "no Offhook daemon answers at {}, but something else ({}); is the address right?",
                self.base, response.status
            ))
        })?;
        Ok(if response.status.is_success() {
            Ok(value)
        } else {
            Err(Refusal::new(response.status, &response.headers, value))
        })
    }

    fn unreachable(&self, fault: &TransportFault) -> Failure {
        let hint = match fault.kind() {
            FaultKind::Connect => "; is `offhook serve` running?",
            _ => "",
        };
        Failure::Unreachable(format!("the daemon at {} is not reachable: {fault}{hint}", self.base))
    }
}

/// The API's token: configured, or in its file.
pub(crate) fn token(config: &ClientConfig) -> String {
    match &config.token {
        Some(token) => token.expose_secret().to_owned(),
        None => {
            let file = config.store.token_file();
            std::fs::read_to_string(&file).unwrap_or_default().trim().to_owned()
        }
    }
}

/// A call's id as part of a path.
pub(crate) fn path_of(id: &str, rest: &str) -> String {
    let mut url = Url::parse("http://path/v1/calls").expect("a constant URL");
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.push(id);
    }
    format!("{}{rest}", url.path())
}
