//! The running emulator: one task owns the machine, others talk to it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::delivery::Delivery;
use crate::emulator::Emulator;
use crate::exchange::{
    ApiRequest, ApiResponse, ConnectionDropped, DeliveryFault, DeliveryId, WebhookAnswer,
};
use crate::settings::later;

type Answer = Result<ApiResponse, ConnectionDropped>;

#[derive(Debug)]
struct Job {
    request: ApiRequest,
    reply: oneshot::Sender<Answer>,
}

#[derive(Debug, Default)]
struct Gauges {
    requests: AtomicUsize,
    deliveries: AtomicUsize,
    held: AtomicUsize,
}

/// A handle of a running emulator. The emulator ends with its last handle.
#[derive(Debug, Clone)]
pub struct Carrier {
    jobs: mpsc::UnboundedSender<Job>,
    gauges: Arc<Gauges>,
}

impl Carrier {
    /// Starts an emulator on the current runtime.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    #[must_use]
    pub fn start(emulator: Emulator, clock: Arc<dyn Clock>, delivery: Arc<dyn Delivery>) -> Self {
        let (jobs, queue) = mpsc::unbounded_channel();
        let gauges = Arc::new(Gauges::default());
        let task = Task {
            emulator,
            clock,
            delivery,
            queue,
            gauges: Arc::clone(&gauges),
            sending: JoinSet::new(),
            held: BTreeMap::new(),
            answers: 0,
        };
        tokio::spawn(task.run());
        Self { jobs, gauges }
    }

    /// Sends a request without a network.
    ///
    /// # Errors
    ///
    /// If a fault says that the connection is closed without an answer.
    pub async fn request(&self, request: ApiRequest) -> Result<ApiResponse, ConnectionDropped> {
        let (reply, answer) = oneshot::channel();
        self.gauges.requests.fetch_add(1, Ordering::SeqCst);
        if self.jobs.send(Job { request, reply }).is_err() {
            self.gauges.requests.fetch_sub(1, Ordering::SeqCst);
            return Err(ConnectionDropped { taken: false });
        }
        answer.await.unwrap_or(Err(ConnectionDropped { taken: false }))
    }

    /// The webhooks that were sent and whose outcome has not been dealt with.
    #[must_use]
    pub fn deliveries_in_flight(&self) -> usize {
        self.gauges.deliveries.load(Ordering::SeqCst)
    }

    /// The requests that have not been carried out. One whose answer is only
    /// held back does not count: it waits for the clock.
    #[must_use]
    pub fn requests_in_flight(&self) -> usize {
        self.gauges.requests.load(Ordering::SeqCst)
    }

    /// The answers that are held back: their requests are carried out, and wait for the clock.
    #[must_use]
    pub fn answers_held(&self) -> usize {
        self.gauges.held.load(Ordering::SeqCst)
    }
}

type Outcome = (DeliveryId, Result<WebhookAnswer, DeliveryFault>);

struct Task {
    emulator: Emulator,
    clock: Arc<dyn Clock>,
    delivery: Arc<dyn Delivery>,
    queue: mpsc::UnboundedReceiver<Job>,
    gauges: Arc<Gauges>,
    sending: JoinSet<Outcome>,
    /// Answers that are held back, by the instant at which they go out.
    held: BTreeMap<(Timestamp, u64), (oneshot::Sender<Answer>, Answer)>,
    answers: u64,
}

impl Task {
    async fn run(mut self) {
        let (mut requests, mut deliveries) = (0, 0);
        loop {
            self.release_answers();
            self.send_webhooks();
            let waited_for = |(reply, _): &&(oneshot::Sender<Answer>, Answer)| !reply.is_closed();
            let held = self.held.values().filter(waited_for).count();
            self.gauges.held.store(held, Ordering::SeqCst);
            // Only now, so that whoever sees zero sees all consequences as well.
            self.gauges.requests.fetch_sub(requests, Ordering::SeqCst);
            self.gauges.deliveries.fetch_sub(deliveries, Ordering::SeqCst);
            (requests, deliveries) = (0, 0);

            let held = self.held.keys().next().map(|(at, _)| *at);
            let wakeup = [self.emulator.next_wakeup(), held].into_iter().flatten().min();
            let wakeup = wakeup.unwrap_or(Timestamp::MAX);
            tokio::select! {
                biased;
                Some(outcome) = self.sending.join_next(), if !self.sending.is_empty() => {
                    deliveries = 1;
                    match outcome {
                        Ok((id, outcome)) => {
                            self.emulator.delivered(id, outcome, self.clock.now());
                        }
                        // The machine gives the attempt up by itself.
                        Err(error) => tracing::error!(%error, "a delivery broke down"),
                    }
                }
                job = self.queue.recv() => {
                    let Some(job) = job else { return };
                    requests = 1;
                    self.carry_out(job);
                }
                () = self.clock.sleep_until(wakeup) => {}
            }
        }
    }

    fn carry_out(&mut self, job: Job) {
        let now = self.clock.now();
        let answered = self.emulator.answer(&job.request, now);
        if answered.held_for.is_zero() {
            // A client that is gone misses nothing.
            let _ = job.reply.send(answered.result);
            return;
        }
        self.answers += 1;
        let key = (later(now, answered.held_for), self.answers);
        self.held.insert(key, (job.reply, answered.result));
    }

    fn release_answers(&mut self) {
        let now = self.clock.now();
        while let Some(entry) = self.held.first_entry().filter(|entry| entry.key().0 <= now) {
            let (reply, answer) = entry.remove();
            let _ = reply.send(answer);
        }
    }

    fn send_webhooks(&mut self) {
        for webhook in self.emulator.poll(self.clock.now()) {
            self.gauges.deliveries.fetch_add(1, Ordering::SeqCst);
            let delivery = Arc::clone(&self.delivery);
            self.sending.spawn(async move {
                let id = webhook.id;
                (id, delivery.deliver(webhook).await)
            });
        }
    }
}
