//! The way to the carrier: a request is parked until the simulation has decided its fate.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use async_trait::async_trait;
use offhook_core::{Transport, TransportFault, TransportRequest, TransportResponse};

/// What a request comes back with.
pub(crate) type Answer = Result<TransportResponse, TransportFault>;

/// Where requests wait.
#[derive(Debug, Default)]
pub(crate) struct Lobby {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    parked: Vec<(u64, TransportRequest)>,
    answers: BTreeMap<u64, Answer>,
}

impl Lobby {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The requests that have come since this was last asked.
    pub(crate) fn take(&self) -> Vec<(u64, TransportRequest)> {
        std::mem::take(&mut self.lock().parked)
    }

    /// Gives a request its answer. Poll what waits for it.
    pub(crate) fn answer(&self, request: u64, answer: Answer) {
        self.lock().answers.insert(request, answer);
    }
}

#[async_trait]
impl Transport for Lobby {
    async fn send(&self, request: TransportRequest) -> Answer {
        let number = {
            let mut inner = self.lock();
            inner.next += 1;
            let number = inner.next;
            inner.parked.push((number, request));
            number
        };
        Parked { lobby: self, number }.await
    }
}

struct Parked<'a> {
    lobby: &'a Lobby,
    number: u64,
}

impl Future for Parked<'_> {
    type Output = Answer;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Answer> {
        match self.lobby.lock().answers.remove(&self.number) {
            Some(answer) => Poll::Ready(answer),
            None => Poll::Pending,
        }
    }
}
