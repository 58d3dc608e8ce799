//! The carrier's webhooks on their way to us, and our answers on the way back.

use offhook_carrier::{DeliveryFault, OutgoingWebhook, WebhookAnswer as Delivered};
use offhook_core::{
    Answer, CallEvent, DedupeKey, ParsedWebhook, ProviderCallId, ProviderCallIds, WebhookReply,
    WebhookRequest,
};

use super::{Event, World};
use crate::invariant::Invariant;
use crate::plant::Plant;
use crate::process::{Arrived, Message, Process, WaitingHook};
use crate::story::{Fault, Kind, Weather};

/// A webhook that the carrier has sent.
#[derive(Debug)]
pub(super) struct Hook {
    outgoing: OutgoingWebhook,
    fate: Option<Fault>,
    is_answered: bool,
}

/// Words while they are spoken, keys while they are gathered, and nothing else: of these the store need
/// not know.
pub(super) fn is_preview(parsed: &ParsedWebhook) -> bool {
    let preview = |event: &CallEvent| {
        matches!(
            event,
            CallEvent::Transcript { is_final: false, .. } | CallEvent::KeyPressed { .. }
        )
    };
    !matches!(parsed.answer, Answer::Document)
        && !parsed.events.is_empty()
        && parsed.events.iter().all(preview)
}

impl World<'_> {
    /// What the carrier has to send leaves.
    pub(super) fn send_webhooks(&mut self) {
        for outgoing in self.emulator.poll(self.now) {
            let fate = self.fate(Kind::Webhook);
            self.tally.exchange("webhooks");
            let hook = self.hooks.len();
            self.tell(|| {
                let fate = fate.map_or(String::new(), |fate| format!("  [{}]", fate.word()));
                let what = what(&outgoing);
                format!(
                    "CARRIER sends webhook {hook}: {} {}{what}{fate}",
                    outgoing.method, outgoing.url
                )
            });
            let on_the_way = self.chance.between(5, 120);
            self.hooks.push(Hook { outgoing, fate, is_answered: false });
            if fate == Some(Fault::WebhookDropped) {
                self.come(on_the_way, Event::WebhookAnswered { hook, reply: None });
                continue;
            }
            let wait = match fate {
                Some(Fault::WebhookLate(milliseconds)) => on_the_way + milliseconds,
                _ => on_the_way,
            };
            self.come(wait, Event::WebhookArrives { hook, is_copy: false });
            if let Some(Fault::WebhookTwice(milliseconds)) = fate {
                self.come(wait + milliseconds, Event::WebhookArrives { hook, is_copy: true });
            }
        }
    }

    /// A webhook is at our listener: verified, read, and given to the process.
    pub(super) fn webhook_arrives(&mut self, hook: usize, is_copy: bool) {
        let fate = self.hooks[hook].fate;
        if fate.is_some() {
            self.oracle.disturb(self.now);
        }
        let is_open = self.process.as_ref().is_some_and(Process::is_open);
        if !is_open || self.is(Weather::Unreachable) {
            self.tell(|| format!("NET  webhook {hook} finds nobody"));
            if !is_copy {
                self.deliver(hook, Err(DeliveryFault::Connect));
            }
            return;
        }
        let outgoing = &self.hooks[hook].outgoing;
        let request = WebhookRequest {
            method: outgoing.method.clone(),
            url: outgoing.url.clone(),
            headers: outgoing.headers.clone(),
            body: outgoing.body.clone(),
        };
        let request = if self.plant == Some(Plant::WrongKey) {
            WebhookRequest {
                url: format!("{}&forged=1", request.url),
                body: Vec::from(b"x").into(),
                ..request
            }
        } else {
            request
        };
        let provider = std::sync::Arc::clone(&self.provider);
        let verified = match offhook_core::verify(&*provider, &request, self.now) {
            Ok(verified) => verified,
            Err(rejection) => {
                let detail = format!("webhook {hook} is refused: {rejection}");
                return self.oracle.refute(Invariant::GenuineIsTaken, self.now, detail);
            }
        };
        let mut parsed = match self.provider.parse_webhook_event(&verified) {
            Ok(parsed) => parsed,
            Err(error) => {
                let detail = format!("webhook {hook}: {error}");
                return self.oracle.refute(Invariant::GenuineIsTaken, self.now, detail);
            }
        };
        if self.plant == Some(Plant::CallsInvented) && parsed.begins_a_call() {
            parsed.ids =
                ProviderCallIds::of(ProviderCallId::new("invented", 1, "a call of nobody"));
        }
        let tells_an_end =
            || parsed.events.iter().any(|event| matches!(event, CallEvent::Ended { .. }));
        if self.plant == Some(Plant::EndsUnheard) && tells_an_end() {
            return self.deliver(hook, Err(DeliveryFault::Connect));
        }
        let key = verified.key();
        let repeated = self.plant == Some(Plant::KeysDiffer) && self.oracle.is_applied(key);
        let told_key = if repeated { other(key, hook) } else { key };
        self.tell(|| format!("OURS gets webhook {hook}{}", if is_copy { " again" } else { "" }));
        if self.plant == Some(Plant::AcknowledgedUnread)
            && let Answer::Fixed(reply) = &parsed.answer
        {
            let waiting = WaitingHook {
                hook,
                is_copy,
                key,
                told_key,
                call: parsed.call,
                ids: Vec::new(),
                counts: !parsed.foreign && !is_preview(&parsed),
                has_call: parsed.begins_a_call() || parsed.call.is_some(),
            };
            return self.webhook_replied(&waiting, Some(reply.clone()));
        }
        let arrived = Arrived { hook, is_copy, key, told_key, parsed: Box::new(parsed) };
        if let Some(process) = &mut self.process {
            process.messages.push_back(Message::Webhook(Box::new(arrived)));
        }
    }

    /// The process has answered a webhook; `None` is a 503.
    pub(super) fn webhook_replied(&mut self, waiting: &WaitingHook, reply: Option<WebhookReply>) {
        let hook = waiting.hook;
        if let Some(reply) = &reply {
            self.oracle.answered(waiting, reply.status.as_u16(), &reply.body, self.now);
        }
        if waiting.is_copy {
            return;
        }
        let reply = reply.map_or((503, "", bytes::Bytes::new()), |reply| {
            (reply.status.as_u16(), reply.content_type, reply.body)
        });
        let back = self.chance.between(5, 60);
        let wait = match self.hooks[hook].fate {
            Some(Fault::WebhookAnswerLost) => {
                return self.come(back, Event::WebhookAnswered { hook, reply: None });
            }
            Some(Fault::WebhookAnswerLate) => 20_000,
            _ => back,
        };
        self.come(wait, Event::WebhookAnswered { hook, reply: Some(reply) });
    }

    /// Our answer is at the carrier, or the connection is broken.
    pub(super) fn webhook_answered(
        &mut self,
        hook: usize,
        reply: Option<(u16, &'static str, bytes::Bytes)>,
    ) {
        if self.hooks[hook].fate.is_some() {
            self.oracle.disturb(self.now);
        }
        let outcome = reply.ok_or(DeliveryFault::Broken).map(|(status, content_type, body)| {
            let mut headers = http::HeaderMap::new();
            if !content_type.is_empty() {
                let value = http::HeaderValue::from_static(content_type);
                headers.insert(http::header::CONTENT_TYPE, value);
            }
            let status = http::StatusCode::from_u16(status).unwrap_or_default();
            Delivered { status, headers, body }
        });
        self.deliver(hook, outcome);
    }

    fn deliver(&mut self, hook: usize, outcome: Result<Delivered, DeliveryFault>) {
        let Some(it) = self.hooks.get_mut(hook) else { return };
        if std::mem::replace(&mut it.is_answered, true) {
            return;
        }
        let id = it.outgoing.id;
        self.tell(|| match &outcome {
            Ok(answer) => {
                let body = String::from_utf8_lossy(&answer.body);
                format!("CARRIER has {} for webhook {hook} {body}", answer.status.as_u16())
            }
            Err(fault) => format!("CARRIER has no answer to webhook {hook}: {fault}"),
        });
        self.emulator.delivered(id, outcome, self.now);
    }

    /// The process is gone, and with it the connections of those that wait.
    pub(super) fn break_webhooks(&mut self, process: &Process) {
        let waiting = process.hooks().filter(|hook| !hook.is_copy).map(|hook| hook.hook);
        let queued = process.messages.iter().filter_map(|message| match message {
            Message::Webhook(arrived) if !arrived.is_copy => Some(arrived.hook),
            _ => None,
        });
        let broken: Vec<usize> = waiting.chain(queued).collect();
        for hook in broken {
            self.deliver(hook, Err(DeliveryFault::Broken));
        }
    }
}

/// Another key.
fn other(key: DedupeKey, hook: usize) -> DedupeKey {
    let mut bytes = key.0;
    bytes[0] ^= (hook as u8) | 1;
    DedupeKey(bytes)
}

/// What a webhook says, for a trace.
fn what(outgoing: &OutgoingWebhook) -> String {
    let body = String::from_utf8_lossy(&outgoing.body);
    let word = |from: &str, until: char| {
        let rest = body.split_once(from)?.1;
        Some(format!("  {}", rest.split(until).next().unwrap_or_default()))
    };
    word("\"event_type\":\"", '"').or_else(|| word("CallStatus=", '&')).unwrap_or_default()
}
