//! A driver, a store and the time. Jobs are kept until a test answers them.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use offhook_conformance::samples::{at, call_id, carrier_ids, number};
use offhook_conformance::{CommandProvider, DocumentProvider, Sent};
use offhook_core::{
    CallId, CallStatus, Callbacks, Capabilities, DedupeKey, ErrorClass, ParsedWebhook,
    ProviderCallIds, ProviderError, ProviderName, RunningCall, Search, VoiceProvider,
};
use offhook_manager::{
    Answer, Arrival, CallJob, CallRecord, CallStore, Change, CommandError, CommitError, Driver,
    EffectKind, Entry, InboundPolicy, InitiateError, InitiateRequest, Job, JobKind, MemoryStore,
    Policy, ProviderPolicy, Submission, Ticket, WebhookAnswer, machine::Command,
};

pub(crate) struct World {
    pub(crate) driver: Driver,
    pub(crate) store: MemoryStore,
    pub(crate) now: Timestamp,
    pub(crate) policy: Policy,
    pub(crate) provider: Box<dyn VoiceProvider>,
    /// What the provider can do from the next start on.
    pub(crate) capabilities: Capabilities,
    /// What other carriers can do from the next start on, where it is not the same; `None` where
    /// their provider is not there.
    pub(crate) others: HashMap<ProviderName, Option<Capabilities>>,
    /// The next commits are answered with these instead of being made.
    pub(crate) refusals: VecDeque<CommitError>,
    pub(crate) jobs: Vec<CallJob>,
    /// When the lists were begun that are under way.
    pub(crate) lists: Vec<Timestamp>,
    answers: HashMap<Ticket, Answer>,
    next: u128,
}

/// A result of the store, which is in memory and never waits.
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

pub(crate) fn policy(name: ProviderName) -> Policy {
    let mut policy = Policy::new(name.clone());
    policy.max_concurrent_calls = 2;
    policy.inbound = InboundPolicy::Open;
    let of_provider = ProviderPolicy {
        callbacks: Callbacks::to("https://voice.example.com/webhooks/test".parse().unwrap()),
        from: Some(number("+15550001111")),
        calls_per_second: 100.0,
        requests_per_second: 100_000.0,
    };
    policy.providers.insert(name, of_provider);
    policy
}

/// All providers of the policy are of one kind.
fn of_providers(
    policy: &Policy,
    capabilities: Capabilities,
) -> HashMap<ProviderName, Capabilities> {
    policy.providers.keys().map(|name| (name.clone(), capabilities)).collect()
}

impl World {
    pub(crate) fn documents() -> Self {
        Self::with(Box::new(DocumentProvider::new()), |_| {})
    }

    pub(crate) fn commands() -> Self {
        Self::with(Box::new(CommandProvider::new()), |_| {})
    }

    pub(crate) fn documents_with(edit: impl FnOnce(&mut Policy)) -> Self {
        Self::with(Box::new(DocumentProvider::new()), edit)
    }

    pub(crate) fn with(provider: Box<dyn VoiceProvider>, edit: impl FnOnce(&mut Policy)) -> Self {
        let mut policy = policy(provider.name());
        edit(&mut policy);
        let capabilities = provider.capabilities();
        let driver = Driver::new(policy.clone(), of_providers(&policy, capabilities), at(0));
        Self {
            capabilities,
            others: HashMap::new(),
            driver,
            store: MemoryStore::new(),
            now: at(0),
            policy,
            provider,
            refusals: VecDeque::new(),
            jobs: Vec::new(),
            lists: Vec::new(),
            answers: HashMap::new(),
            next: 0,
        }
    }

    pub(crate) fn fresh_id(&mut self) -> CallId {
        self.next += 1;
        call_id(self.next)
    }

    pub(crate) fn ticket(&mut self) -> Ticket {
        self.next += 1;
        Ticket(u64::try_from(self.next).unwrap())
    }

    pub(crate) fn refuse(&mut self, commits: usize) {
        for _ in 0..commits {
            self.refusals.push_back(CommitError::Refused { reason: "the disk is full".to_owned() });
        }
    }

    /// The process ends and begins anew; what was not committed is gone.
    pub(crate) fn restart(&mut self) {
        let mut of_providers = of_providers(&self.policy, self.capabilities);
        for (name, capabilities) in &self.others {
            of_providers.remove(name);
            of_providers.extend(capabilities.map(|capabilities| (name.clone(), capabilities)));
        }
        self.driver = Driver::new(self.policy.clone(), of_providers, self.now);
        self.jobs.clear();
        self.lists.clear();
        for record in ready(self.store.load_live(None, 10_000)).unwrap() {
            self.driver.restore(record);
        }
    }

    pub(crate) fn turn(&mut self) {
        let changes: Vec<Change> = self.driver.turn(self.now);
        let result = match self.refusals.front() {
            Some(_) if !changes.is_empty() => Err(self.refusals.pop_front().unwrap()),
            _ => ready(self.store.commit(&changes)),
        };
        let released = self.driver.committed(result, self.now);
        let set_free = released.answers.len() + released.snapshots.len();
        let to_read = released.reload.len() + released.find.len();
        assert_eq!(released.is_empty(), set_free + to_read == 0, "{released:?}");
        for call in released.reload {
            let record = ready(self.store.get(call)).unwrap();
            self.driver.reload(call, record);
        }
        for (ticket, provider, ids) in released.find {
            if let Some(record) = found(&self.store, &provider, &ids) {
                self.driver.found(ticket, record);
            }
        }
        for (ticket, answer) in released.answers {
            assert!(self.answers.insert(ticket, answer).is_none(), "{ticket:?} is answered once");
        }
        self.begin();
        self.check();
    }

    /// Begins what may be begun now.
    pub(crate) fn begin(&mut self) {
        for job in self.driver.start(self.now) {
            match job {
                Job::Call(job) => self.jobs.push(job),
                Job::List(_) => self.lists.push(self.now),
            }
        }
    }

    /// What must hold after every turn.
    fn check(&self) {
        let open = ready(self.store.load_live(None, 10_000)).unwrap();
        let holding = open.iter().filter(|record| record.holds_slot()).count();
        assert_eq!(self.driver.slots(), holding, "the counter is what the calls say");
        let mut effects: Vec<(CallId, u32)> = Vec::new();
        for job in &self.jobs {
            if let JobKind::Effect(effect) = job.kind {
                assert!(!effects.contains(&(job.call.id, effect.id)), "started once");
                effects.push((job.call.id, effect.id));
            }
        }
    }

    /// Turns until nothing is due now.
    pub(crate) fn settle(&mut self) {
        for _ in 0..50 {
            self.turn();
            if self.driver.next_wakeup().is_none_or(|due| due > self.now) {
                return;
            }
        }
        panic!("the driver never comes to rest");
    }

    /// Time passes, and the driver is woken when it wants to be.
    pub(crate) fn pass(&mut self, milliseconds: u64) {
        let end = self.now + Duration::from_millis(milliseconds);
        for _ in 0..1000 {
            match self.driver.next_wakeup() {
                Some(due) if due <= end => {
                    self.now = self.now.max(due);
                    self.turn();
                }
                _ => {
                    self.now = end;
                    return;
                }
            }
        }
        panic!("the driver wakes up without end");
    }

    pub(crate) fn request(&mut self, to: &str) -> InitiateRequest {
        let id = self.fresh_id();
        let mut request = InitiateRequest::new(id, number(to));
        request.message = Some("Hello.".parse().unwrap());
        request
    }

    pub(crate) fn submit_initiate(&mut self, request: InitiateRequest) -> Ticket {
        let ticket = self.ticket();
        self.driver.submit(Submission::Initiate { ticket, request: Box::new(request) });
        ticket
    }

    pub(crate) fn initiate(&mut self, to: &str) -> Result<CallId, InitiateError> {
        let request = self.request(to);
        let ticket = self.submit_initiate(request);
        self.settle();
        self.initiated(ticket)
    }

    pub(crate) fn initiated(&mut self, ticket: Ticket) -> Result<CallId, InitiateError> {
        match self.answers.remove(&ticket) {
            Some(Answer::Initiate(answer)) => answer,
            other => panic!("an answer to a dial was expected: {other:?}"),
        }
    }

    pub(crate) fn command(
        &mut self,
        call: CallId,
        command: Command,
    ) -> Result<CallId, CommandError> {
        let ticket = self.ticket();
        let found = (!self.driver.knows(call))
            .then(|| ready(self.store.get(call)).unwrap().map(Box::new))
            .flatten();
        self.driver.submit(Submission::Command { ticket, call, command, found });
        self.settle();
        match self.answers.remove(&ticket) {
            Some(Answer::Command(answer)) => answer.map(|(record, _)| record.id),
            other => panic!("an answer to a command was expected: {other:?}"),
        }
    }

    /// Submits a webhook as the task does: verified, parsed, and with what the store knows.
    pub(crate) fn submit_webhook(&mut self, sent: &Sent) -> Ticket {
        let provider = self.provider.name();
        let found = if self.asks_for_the_call_of(sent) {
            let ids = carrier_ids(&sent.carrier_id);
            match sent.call {
                Some(call) => ready(self.store.get(call)).unwrap(),
                None => found(&self.store, &provider, &ids),
            }
        } else {
            None
        };
        self.submit_webhook_of(sent, found)
    }

    /// Whether the store is to be asked for the call of a webhook.
    pub(crate) fn asks_for_the_call_of(&self, sent: &Sent) -> bool {
        let (_, parsed) = self.parsed(sent);
        self.driver.asks_for_the_call(&self.provider.name(), &parsed)
    }

    fn parsed(&self, sent: &Sent) -> (DedupeKey, ParsedWebhook) {
        let request = sent.signed();
        let verified = offhook_core::verify(&*self.provider, &request, self.now).unwrap();
        (verified.key(), self.provider.parse_webhook_event(&verified).unwrap())
    }

    /// Submits a webhook with what the store was found to know of its call.
    pub(crate) fn submit_webhook_of(&mut self, sent: &Sent, found: Option<CallRecord>) -> Ticket {
        let (key, parsed) = self.parsed(sent);
        let provider = self.provider.name();
        let ticket = self.ticket();
        let new_call = self.fresh_id();
        self.driver.submit(Submission::Webhook(Box::new(Arrival {
            ticket,
            provider,
            key,
            parsed: Box::new(parsed),
            new_call,
            found: found.map(Box::new),
        })));
        ticket
    }

    pub(crate) fn answered(&mut self, ticket: Ticket) -> WebhookAnswer {
        match self.answers.remove(&ticket) {
            Some(Answer::Webhook(answer)) => *answer,
            other => panic!("an answer to a webhook was expected: {other:?}"),
        }
    }

    pub(crate) fn webhook(&mut self, sent: &Sent) -> WebhookAnswer {
        let ticket = self.submit_webhook(sent);
        self.settle();
        self.answered(ticket)
    }

    /// The bytes that the carrier gets.
    pub(crate) fn reply(&self, answer: WebhookAnswer) -> String {
        let body = match answer {
            WebhookAnswer::Plan { reference, plan } => {
                self.provider.render_reply(&reference, &plan).body
            }
            WebhookAnswer::Fixed(reply) => reply.body,
            other => panic!("{other:?}"),
        };
        String::from_utf8(body.to_vec()).unwrap()
    }

    /// Takes the job that is under way for this effect.
    pub(crate) fn job(&mut self, wanted: impl Fn(&CallJob) -> bool) -> CallJob {
        let place = self.jobs.iter().position(wanted).expect("the job was started");
        self.jobs.remove(place)
    }

    pub(crate) fn effects(&self) -> Vec<EffectKind> {
        let of = |job: &CallJob| match job.kind {
            JobKind::Effect(effect) => Some(effect.kind),
            _ => None,
        };
        self.jobs.iter().filter_map(of).collect()
    }

    pub(crate) fn looks(&self) -> Vec<CallId> {
        let look = |job: &&CallJob| job.kind == JobKind::Status;
        self.jobs.iter().filter(look).map(|job| job.call.id).collect()
    }

    pub(crate) fn submit_done(
        &mut self,
        kind: EffectKind,
        result: Result<ProviderCallIds, ProviderError>,
    ) {
        let is_it =
            |job: &CallJob| matches!(job.kind, JobKind::Effect(effect) if effect.kind == kind);
        let job = self.job(is_it);
        let JobKind::Effect(effect) = job.kind else { unreachable!("it is an effect") };
        let call = job.call.id;
        self.driver.submit(Submission::EffectDone { call, effect: effect.id, result });
    }

    pub(crate) fn done(&mut self, kind: EffectKind, result: Result<ProviderCallIds, ErrorClass>) {
        let result = result.map_err(|class| ProviderError::new(class, "scripted"));
        self.submit_done(kind, result);
        self.settle();
    }

    /// The carrier answers the question about this call, as asked now.
    pub(crate) fn look(&mut self, call: CallId, status: CallStatus) {
        self.look_asked_at(call, status, self.now);
        self.settle();
    }

    pub(crate) fn look_asked_at(&mut self, call: CallId, status: CallStatus, asked_at: Timestamp) {
        self.job(|job| job.kind == JobKind::Status && job.call.id == call);
        self.driver.submit(Submission::Looked { call, status, asked_at });
    }

    /// The carrier answers with a list, as of when it was asked for it.
    pub(crate) fn listed(&mut self, list: Result<Vec<RunningCall>, ErrorClass>) {
        assert!(!self.lists.is_empty(), "a list is under way");
        let asked_at = self.lists.remove(0);
        let list = list.map_err(|class| ProviderError::new(class, "scripted"));
        let provider = self.provider.name();
        self.driver.submit(Submission::Listed { provider, list, asked_at });
        self.settle();
    }

    pub(crate) fn searched(&mut self, call: CallId, search: Search) {
        self.job(|job| job.kind == JobKind::Search && job.call.id == call);
        self.driver.submit(Submission::Searched { call, search });
        self.settle();
    }

    /// An outbound call that the carrier has taken, with this id of its own.
    pub(crate) fn dialled(&mut self, to: &str, carrier_id: &str) -> CallId {
        let call = self.initiate(to).unwrap();
        self.done(EffectKind::Initiate, Ok(carrier_ids(carrier_id)));
        call
    }

    /// An outbound call that was answered.
    pub(crate) fn talking(&mut self, to: &str, carrier_id: &str) -> CallId {
        let call = self.dialled(to, carrier_id);
        self.next += 1;
        let delivery = u64::try_from(self.next).unwrap();
        let mut sent = Sent::about(delivery, carrier_id)
            .of(call)
            .step(1)
            .event(offhook_core::CallEvent::Answered);
        sent.document = self.provider.capabilities().documents;
        self.webhook(&sent);
        call
    }

    pub(crate) fn record(&self, call: CallId) -> CallRecord {
        ready(self.store.get(call)).unwrap().unwrap()
    }

    pub(crate) fn entries(&self, call: CallId) -> Vec<Entry> {
        let stored = ready(self.store.timeline(call)).unwrap();
        stored.into_iter().map(|stored| stored.entry).collect()
    }

    pub(crate) fn calls(&self) -> usize {
        let query = offhook_manager::HistoryQuery {
            which: offhook_manager::Which::All,
            before: None,
            limit: 10_000,
        };
        ready(self.store.history(query)).unwrap().len()
    }
}

/// The call that has one of these carrier ids.
fn found(
    store: &dyn CallStore,
    provider: &ProviderName,
    ids: &ProviderCallIds,
) -> Option<CallRecord> {
    ids.iter().find_map(|id| ready(store.find(provider, id.value())).unwrap())
}
