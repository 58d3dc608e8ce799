//! The carrier's side: people on the line, and the carrier's own books.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use offhook_carrier::{ApiRequest, Carrier, Settings};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::failure::Failure;

/// The emulator, and what it knows.
pub(super) struct Phones {
    carrier: Carrier,
    provider: String,
}

impl Phones {
    /// Starts the carrier; real HTTP, on a port of its own.
    pub(super) async fn listen() -> Result<(TcpListener, SocketAddr), Failure> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(Failure::operation)?;
        let address = listener.local_addr().map_err(Failure::operation)?;
        Ok((listener, address))
    }

    pub(super) fn start(
        provider: &str,
        listener: TcpListener,
        settings: Settings,
    ) -> Result<Self, Failure> {
        let carrier = crate::commands::carrier::start(settings)?;
        tokio::spawn(carrier.clone().serve(listener));
        Ok(Self { carrier, provider: provider.to_owned() })
    }

    async fn ask(&self, method: Method, path: &str, body: &Value) -> Result<Value, Failure> {
        let request = ApiRequest {
            method,
            path_and_query: path.to_owned(),
            headers: HeaderMap::new(),
            body: Bytes::from(body.to_string()),
        };
        let answer = self.carrier.request(request).await;
        let answer = answer.map_err(|_| Failure::Operation("the emulator is gone".to_owned()))?;
        serde_json::from_slice(&answer.body).map_err(Failure::operation)
    }

    /// Somebody calls us. Gives the carrier's id of the call.
    pub(super) async fn somebody_calls(&self, from: &str, to: &str) -> Result<String, Failure> {
        let call = json!({ "provider": self.provider, "from": from, "to": to, "party": "silent" });
        let started = self.ask(Method::POST, "/emulator/calls", &call).await?;
        Ok(started["id"].as_str().unwrap_or_default().to_owned())
    }

    /// The person on the line says something.
    pub(super) async fn say(&self, id: &str, text: &str) -> Result<(), Failure> {
        let path = format!("/emulator/calls/{id}/say");
        self.ask(Method::POST, &path, &json!({ "text": text })).await.map(drop)
    }

    /// The person on the line hangs up.
    pub(super) async fn hang_up(&self, id: &str) -> Result<(), Failure> {
        self.ask(Method::POST, &format!("/emulator/calls/{id}/hangup"), &json!({})).await.map(drop)
    }

    /// The carrier's own view of a call, when it is as it should be or after a while.
    pub(super) async fn call_when(
        &self,
        id: &str,
        patience: Duration,
        is_right: impl Fn(&Value) -> bool,
    ) -> Result<Value, Failure> {
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            let call =
                self.ask(Method::GET, &format!("/emulator/calls/{id}"), &Value::Null).await?;
            if is_right(&call) || tokio::time::Instant::now() >= deadline {
                return Ok(call);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// How many calls the carrier was asked to place.
    pub(super) async fn dialled(&self) -> Result<usize, Failure> {
        let list = self.ask(Method::GET, "/emulator/calls", &Value::Null).await?;
        let calls = list["calls"].as_array().cloned().unwrap_or_default();
        let outbound = |call: &&Value| {
            call["direction"].as_str().is_some_and(|direction| direction.starts_with("outbound"))
        };
        Ok(calls.iter().filter(outbound).count())
    }
}
