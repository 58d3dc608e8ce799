//! One call and the carrier at its other end. After every input it is checked what must hold of
//! every call (see [`check`]).

use std::time::Duration;

use jiff::Timestamp;
use offhook_conformance::samples::{at, call_id, carrier_ids, limits, number, speech};
use offhook_conformance::{CommandProvider, DocumentProvider};
use offhook_core::{
    CallEvent, CallPlan, CallStatus, Capabilities, DedupeKey, EndReason, ErrorClass, ListenFor,
    Locale, ProviderCallIds, ProviderError, ProviderName, Search, Step, Turn, VoiceProvider,
};
use offhook_manager::machine::{
    self, Command, CommandRefusal, DeadlineKind, Ignored, Input, NewInbound, NewOutbound, Refusal,
    Transition, Webhook, next_deadline,
};
use offhook_manager::{
    CallRecord, CallState, DialOutcome, Effect, EffectKind, Entry, EntryKind, Mode, RepliedPlan,
};

/// The two ways in which a carrier is steered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Documents,
    Commands,
}

pub(crate) const BOTH: [Way; 2] = [Way::Documents, Way::Commands];

impl Way {
    pub(crate) fn capabilities(self) -> Capabilities {
        match self {
            Self::Documents => DocumentProvider::new().capabilities(),
            Self::Commands => CommandProvider::new().capabilities(),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) way: Way,
    pub(crate) capabilities: Capabilities,
    pub(crate) record: CallRecord,
    pub(crate) entries: Vec<Entry>,
    pub(crate) now: Timestamp,
    pub(crate) ignored: Option<Ignored>,
    deliveries: u64,
}

pub(crate) fn new_outbound(way: Way, mode: Mode, message: Option<&str>) -> NewOutbound {
    let mut limits = limits();
    limits.dial_slack = way.capabilities().dial_slack;
    NewOutbound {
        id: call_id(1),
        provider: ProviderName::new("test"),
        from: number("+15550001111"),
        to: number("+15550002222"),
        mode,
        message: message.map(speech),
        locale: Locale::en_us(),
        limits,
        metadata: std::collections::BTreeMap::new(),
        queued: false,
    }
}

fn new_inbound(greeting: Option<&str>) -> NewInbound {
    NewInbound {
        id: call_id(1),
        provider: ProviderName::new("test"),
        ids: carrier_ids("CALL-1"),
        from: number("+15550002222"),
        to: number("+15550001111"),
        greeting: greeting.map(speech),
        locale: Locale::en_us(),
        limits: limits(),
    }
}

pub(crate) fn failure(class: ErrorClass) -> ProviderError {
    ProviderError::new(class, "scripted")
}

/// What must hold of every call after every input.
pub(crate) fn check(before: &CallRecord, after: &Transition, now: Timestamp) {
    let record = &after.record;
    let changed_at = if after.entries.is_empty() { before.updated_at } else { now };
    assert_eq!(record.updated_at, changed_at, "what the timeline tells is when it changed");
    if after.changed {
        let first = before.entries;
        let numbers: Vec<u32> = after.entries.iter().map(|entry| entry.number).collect();
        assert_eq!(numbers, (first..record.entries).collect::<Vec<_>>(), "entries have no gaps");
    } else {
        assert_eq!(record, before, "a change without an entry would never be committed");
    }
    if let Some(reason) = before.end_reason() {
        assert_eq!(record.end_reason(), Some(reason), "ended is absorbing");
        assert_eq!(record.ended_at, before.ended_at);
        assert_eq!(record.answered_at, before.answered_at);
    }
    assert_eq!(record.state.is_ended(), record.ended_at.is_some());
    if before.answered_at.is_some() {
        assert_eq!(record.answered_at, before.answered_at, "the first answer counts");
    }
    if !record.state.is_ended() {
        assert!(next_deadline(record).is_some(), "a call that is not over has a deadline");
    }
    let dials = record.outbox.iter().filter(|effect| effect.kind == EffectKind::Initiate);
    let dials_before = before.outbox.iter().filter(|effect| effect.kind == EffectKind::Initiate);
    assert!(dials.count() <= dials_before.count() || before.state == CallState::Queued);
    let step = record.script.step;
    let of_older_step =
        |effect: &Effect| matches!(effect.kind, EffectKind::Perform(of) if of != step);
    assert!(!record.outbox.iter().any(of_older_step), "an older plan waits: {:?}", record.outbox);
    assert!(record.outbox.len() <= 6, "the outbox is bounded: {:?}", record.outbox);
}

impl Line {
    fn begin(way: Way, begin: impl FnOnce(&Capabilities, Timestamp) -> Transition) -> Self {
        let capabilities = way.capabilities();
        let first = begin(&capabilities, at(0));
        let numbers: Vec<u32> = first.entries.iter().map(|entry| entry.number).collect();
        assert_eq!(numbers, (0..first.record.entries).collect::<Vec<_>>());
        Self {
            way,
            capabilities,
            record: first.record,
            entries: first.entries,
            now: at(0),
            ignored: None,
            deliveries: 0,
        }
    }

    pub(crate) fn of(new: NewOutbound, way: Way) -> Self {
        Self::begin(way, |capabilities, now| machine::outbound(new, capabilities, now))
    }

    /// An outbound call whose dial is in the outbox.
    pub(crate) fn outbound(way: Way, mode: Mode, message: Option<&str>) -> Self {
        Self::of(new_outbound(way, mode, message), way)
    }

    /// An inbound call whose first webhook has come.
    pub(crate) fn inbound(way: Way, greeting: Option<&str>) -> (Self, Option<RepliedPlan>) {
        let new = new_inbound(greeting);
        let mut line =
            Self::begin(way, |capabilities, now| machine::inbound(new, capabilities, now));
        let reply = line.webhook(None, &[], way == Way::Documents);
        (line, reply)
    }

    /// An inbound call on a carrier of documents, before its first webhook is applied.
    pub(crate) fn offered(greeting: Option<&str>) -> Self {
        let new = new_inbound(greeting);
        Self::begin(Way::Documents, |capabilities, now| machine::inbound(new, capabilities, now))
    }

    pub(crate) fn refused(way: Way, refusal: Refusal) -> (Self, Option<RepliedPlan>) {
        let new = new_inbound(None);
        let mut line =
            Self::begin(way, |capabilities, now| machine::refused(new, refusal, capabilities, now));
        let reply = line.webhook(None, &[], way == Way::Documents);
        (line, reply)
    }

    pub(crate) fn apply(&mut self, input: Input<'_>) -> Transition {
        let next = machine::apply(&self.record, input, &self.capabilities, self.now);
        check(&self.record, &next, self.now);
        self.record = next.record.clone();
        self.entries.extend(next.entries.iter().cloned());
        self.ignored = next.ignored;
        next
    }

    pub(crate) fn webhook_from(
        &mut self,
        ids: &ProviderCallIds,
        step: Option<u32>,
        events: &[CallEvent],
        wants_document: bool,
    ) -> Option<RepliedPlan> {
        self.deliveries += 1;
        let key = DedupeKey(u128::from(self.deliveries).to_be_bytes());
        let webhook =
            Webhook { key, ids, step: step.map(Step), pushed: false, events, wants_document };
        self.apply(Input::Webhook(webhook)).reply
    }

    /// The carrier comes for the plan of a step that was pushed.
    pub(crate) fn fetches_pushed(&mut self, step: Step) -> RepliedPlan {
        self.deliveries += 1;
        let key = DedupeKey(u128::from(self.deliveries).to_be_bytes());
        let (ids, events) = (&carrier_ids("CALL-1"), &[CallEvent::Answered]);
        let step = Some(step);
        let webhook = Webhook { key, ids, step, pushed: true, events, wants_document: true };
        self.apply(Input::Webhook(webhook)).reply.expect("it waits for a document")
    }

    pub(crate) fn webhook(
        &mut self,
        step: Option<u32>,
        events: &[CallEvent],
        wants_document: bool,
    ) -> Option<RepliedPlan> {
        self.webhook_from(&carrier_ids("CALL-1"), step, events, wants_document)
    }

    /// A status callback that waits for nothing.
    pub(crate) fn event(&mut self, event: CallEvent) {
        self.webhook(None, &[event], false);
    }

    /// An event of the present step, as the carrier brings it: with documents it is a request for
    /// the next document; without, the commands that follow are carried out.
    pub(crate) fn comes_back(&mut self, event: CallEvent) {
        self.comes_back_for(self.record.script.step.0, event);
    }

    pub(crate) fn comes_back_for(&mut self, step: u32, event: CallEvent) {
        let documents = self.way == Way::Documents;
        let reply = self.webhook(Some(step), &[event], documents);
        assert_eq!(reply.is_some(), documents);
        self.carry_out();
    }

    pub(crate) fn command(&mut self, command: &Command) -> Result<Turn, CommandRefusal> {
        self.apply(Input::Command(command)).command.expect("a command is answered")
    }

    pub(crate) fn speak(&mut self, text: &str) -> Turn {
        let turn = self.command(&Command::Speak { speech: speech(text) }).expect("it is taken");
        self.carry_out();
        turn
    }

    pub(crate) fn ask(&mut self, text: &str, timeout: Option<u64>) -> Turn {
        self.ask_for(ListenFor::Speech, text, timeout)
    }

    pub(crate) fn ask_for(&mut self, input: ListenFor, text: &str, timeout: Option<u64>) -> Turn {
        let timeout = timeout.map(Duration::from_secs);
        let command = Command::Ask { speech: speech(text), input, timeout };
        let turn = self.command(&command).expect("it is taken");
        self.carry_out();
        turn
    }

    pub(crate) fn hang_up(&mut self) {
        self.command(&Command::HangUp).expect("a hangup is always taken");
    }

    pub(crate) fn waiting(&self) -> Option<Effect> {
        machine::startable(&self.record, &[], self.now)
    }

    pub(crate) fn outbox(&self) -> Vec<EffectKind> {
        self.record.outbox.iter().map(|effect| effect.kind).collect()
    }

    pub(crate) fn takes(&mut self, effect: u32) {
        let ids = carrier_ids("CALL-1");
        let initiate = self
            .record
            .outbox
            .iter()
            .any(|waiting| waiting.id == effect && waiting.kind == EffectKind::Initiate);
        let result = Ok(if initiate { ids } else { ProviderCallIds::none() });
        self.apply(Input::EffectDone { effect, result: &result });
    }

    /// The carrier answers the effect that is due with an error.
    pub(crate) fn fails(&mut self, class: ErrorClass) -> EffectKind {
        let effect = self.waiting().expect("something is due");
        let result = Err(failure(class));
        self.apply(Input::EffectDone { effect: effect.id, result: &result });
        effect.kind
    }

    /// The carrier takes all that is due, one thing after the other.
    pub(crate) fn carry_out(&mut self) -> Vec<EffectKind> {
        let mut done = Vec::new();
        while let Some(effect) = self.waiting() {
            assert!(done.len() < 10, "no end of effects: {done:?}");
            done.push(effect.kind);
            self.takes(effect.id);
        }
        done
    }

    /// Dialled, rung, answered, and the first plan under way.
    pub(crate) fn answered(way: Way, mode: Mode, message: Option<&str>) -> Self {
        let mut line = Self::outbound(way, mode, message);
        assert_eq!(line.carry_out(), [EffectKind::Initiate]);
        line.pass(2);
        if way == Way::Documents {
            line.event(CallEvent::Ringing);
        }
        line.pass(3);
        line.pick_up();
        line
    }

    pub(crate) fn pick_up(&mut self) {
        self.webhook(Some(1), &[CallEvent::Answered], self.way == Way::Documents);
        self.carry_out();
    }

    pub(crate) fn status(&mut self, status: &CallStatus) {
        self.status_of(status, self.now, false);
    }

    pub(crate) fn status_of(&mut self, status: &CallStatus, asked_at: Timestamp, second: bool) {
        self.apply(Input::Status { status, asked_at, second_look: second });
    }

    pub(crate) fn search(&mut self, search: &Search) {
        self.apply(Input::Search(search));
    }

    /// Time passes, and whatever falls due on the way is applied when it does.
    pub(crate) fn pass(&mut self, seconds: u64) -> Vec<DeadlineKind> {
        let end = self.now.saturating_add(Duration::from_secs(seconds)).expect("a near instant");
        let mut passed = Vec::new();
        while let Some((due, kind)) = next_deadline(&self.record).filter(|(due, _)| *due <= end) {
            assert!(passed.len() < 100, "no end of deadlines: {passed:?}");
            self.now = self.now.max(due);
            let before = self.record.clone();
            self.apply(Input::Deadline);
            assert!(
                before.state != self.record.state
                    || next_deadline(&self.record) != Some((due, kind)),
                "the deadline {kind:?} led nowhere"
            );
            passed.push(kind);
            if kind == DeadlineKind::Retry {
                break;
            }
        }
        if passed.last() != Some(&DeadlineKind::Retry) {
            self.now = end;
        }
        passed
    }

    pub(crate) fn restart(&mut self) {
        self.apply(Input::Restored);
    }

    pub(crate) fn state(&self) -> CallState {
        self.record.state
    }

    pub(crate) fn ended(&self) -> Option<EndReason> {
        self.record.end_reason()
    }

    pub(crate) fn plan(&self) -> &CallPlan {
        &self.record.script.plan
    }

    pub(crate) fn outcome(&self) -> Option<DialOutcome> {
        self.record.dial.map(|dial| dial.outcome)
    }

    pub(crate) fn has_entry(&self, wanted: impl Fn(&EntryKind) -> bool) -> bool {
        self.entries.iter().any(|entry| wanted(&entry.kind))
    }

    pub(crate) fn listens_for(&self) -> Option<Turn> {
        match self.plan() {
            CallPlan::Listen(listen) => Some(listen.turn),
            _ => None,
        }
    }

    pub(crate) fn says(&self) -> Option<&str> {
        match self.plan() {
            CallPlan::Say(say) => Some(say.speech.text.as_str()),
            _ => None,
        }
    }
}

pub(crate) fn heard() -> CallEvent {
    CallEvent::SpeechEnded { completed: true }
}

pub(crate) fn words(text: &str) -> CallEvent {
    CallEvent::Transcript { text: text.into(), is_final: true }
}

pub(crate) fn over(reason: EndReason) -> CallEvent {
    CallEvent::Ended { reason, cause: None }
}

pub(crate) fn live(progress: Option<offhook_core::Progress>) -> CallStatus {
    CallStatus::Live { progress }
}
