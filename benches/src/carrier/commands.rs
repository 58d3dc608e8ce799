//! The other direction: what we tell a carrier to do.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use offhook_core::{Transport, TransportFault, TransportRequest, TransportResponse};
use serde::Deserialize;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::Carrier;

/// No command of a call takes longer, unless it does not come.
const PATIENCE: Duration = Duration::from_secs(10);

/// Carries out every command at once, counts it, and lets the call know whose it is.
#[derive(Debug)]
pub(crate) struct ObedientCarrier {
    done: &'static [u8],
    commands: AtomicU64,
    calls: Mutex<HashMap<String, UnboundedSender<Command>>>,
}

/// A command to a call.
#[derive(Debug)]
struct Command {
    name: String,
    client_state: Option<String>,
}

/// What one call is told.
#[derive(Debug)]
pub(crate) struct Orders(UnboundedReceiver<Command>);

#[derive(Deserialize)]
struct Body {
    client_state: Option<String>,
}

impl ObedientCarrier {
    pub(crate) fn new(carrier: &dyn Carrier) -> Self {
        Self { done: carrier.done(), commands: AtomicU64::new(0), calls: Mutex::default() }
    }

    /// How many commands have come.
    pub(crate) fn commands(&self) -> u64 {
        self.commands.load(Ordering::Relaxed)
    }

    /// From now on the call with this id hears what it is told.
    pub(crate) fn listen(&self, id: &str) -> Orders {
        let (tell, told) = unbounded_channel();
        self.calls().insert(id.to_owned(), tell);
        Orders(told)
    }

    /// The call is over.
    pub(crate) fn forget(&self, id: &str) {
        self.calls().remove(id);
    }

    fn calls(&self) -> MutexGuard<'_, HashMap<String, UnboundedSender<Command>>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a call know of a command whose path names it: `…/calls/{id}/actions/{name}`.
    fn pass_on(&self, request: &TransportRequest) {
        let mut path = request.url.path().rsplit('/');
        let (Some(name), Some("actions"), Some(id)) = (path.next(), path.next(), path.next())
        else {
            return;
        };
        let body: Option<Body> = serde_json::from_slice(&request.body).ok();
        let client_state = body.and_then(|body| body.client_state);
        if let Some(tell) = self.calls().get(id) {
            // A call that has ended hears nothing.
            let _ = tell.send(Command { name: name.to_owned(), client_state });
        }
    }
}

impl Orders {
    /// Waits for this command. Gives its `client_state`, if it has one.
    pub(crate) async fn wait_for(&mut self, name: &str) -> io::Result<Option<String>> {
        loop {
            let command = tokio::time::timeout(PATIENCE, self.0.recv()).await?;
            let command = command.ok_or(io::ErrorKind::UnexpectedEof)?;
            if command.name == name {
                return Ok(command.client_state);
            }
        }
    }
}

#[async_trait]
impl Transport for ObedientCarrier {
    async fn send(&self, request: TransportRequest) -> Result<TransportResponse, TransportFault> {
        self.commands.fetch_add(1, Ordering::Relaxed);
        self.pass_on(&request);
        let body = Bytes::from_static(self.done);
        Ok(TransportResponse { status: StatusCode::OK, headers: HeaderMap::new(), body })
    }
}
