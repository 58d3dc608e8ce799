//! What genuine webhooks say.

use offhook_core::{
    Answer, CallEvent, Direction, ParsedWebhook, UndecodableWebhook, VoiceProvider, verify,
};

use super::harness::{Genuine, ProviderHarness, Says};
use super::{Line, named};

fn read(
    h: &dyn ProviderHarness,
    provider: &dyn VoiceProvider,
    webhook: &Genuine,
) -> Result<ParsedWebhook, UndecodableWebhook> {
    let verified = verify(provider, &webhook.request, h.now());
    provider.parse_webhook_event(&named(webhook.name, verified))
}

/// Those of one sort, read by a provider that has read nothing else.
fn all(h: &dyn ProviderHarness, sort: fn(&Says) -> bool) -> Vec<(Genuine, ParsedWebhook)> {
    let webhooks = h.webhooks().into_iter().filter(|webhook| sort(&webhook.says));
    let read: Vec<_> = webhooks
        .map(|webhook| {
            let parsed = read(h, &*h.provider(Line::dead()), &webhook);
            let parsed = named(webhook.name, parsed);
            (webhook, parsed)
        })
        .collect();
    assert!(!read.is_empty(), "the harness has one of each sort");
    read
}

/// Every documented webhook of a call of ours is taken, is of that call, and tells what it should.
pub(super) async fn every_genuine_webhook_is_taken_and_read(h: &dyn ProviderHarness) {
    let call = h.call();
    let takes_documents = h.provider(Line::dead()).capabilities().documents;
    for (webhook, parsed) in all(h, |says| matches!(says, Says::Ours { .. })) {
        let Says::Ours { events, waits } = &webhook.says else { unreachable!("just sorted") };
        let name = webhook.name;
        assert_eq!(parsed.events, *events, "{name}");
        assert_eq!(parsed.call, Some(call.id), "{name} brings our id back");
        let is_known = |id| call.ids.iter().any(|known| known == id);
        assert!(parsed.ids.iter().all(is_known) && !parsed.ids.is_empty(), "{name}: its ids");
        assert_eq!((parsed.foreign, &parsed.offer), (false, &None), "{name}");
        assert_eq!(parsed.answer == Answer::Document, *waits, "{name}: what it waits for");
        assert!(takes_documents || !waits, "{name}: documents are a capability");
    }
}

/// To read a webhook leaves no trace in the provider: the next is read as if it were the first.
pub(super) async fn a_webhook_is_read_alike_every_time(h: &dyn ProviderHarness) {
    let provider = h.provider(Line::dead());
    for _round in 0..2 {
        for webhook in h.webhooks() {
            let first = read(h, &*h.provider(Line::dead()), &webhook);
            assert_eq!(read(h, &*provider, &webhook), first, "{}", webhook.name);
        }
    }
}

/// The first word of an inbound call is an offer, with both parties, and of no call of ours.
pub(super) async fn an_inbound_call_asks_to_be_taken(h: &dyn ProviderHarness) {
    for (webhook, parsed) in all(h, |says| matches!(says, Says::Offer { .. })) {
        let Says::Offer { from, to } = &webhook.says else { unreachable!("just sorted") };
        let offer = parsed.offer.as_ref().expect(webhook.name);
        assert_eq!((&offer.from, &offer.to), (from, to), "{}", webhook.name);
        assert!(parsed.begins_a_call() && !parsed.foreign, "{}", webhook.name);
        assert_eq!(parsed.direction, Some(Direction::Inbound), "{}", webhook.name);
        assert!(!parsed.ids.is_empty(), "{}: it can be commanded", webhook.name);
    }
}

/// A webhook of another account is marked as such and reports nothing.
pub(super) async fn a_webhook_of_another_account_has_no_effect(h: &dyn ProviderHarness) {
    for (webhook, parsed) in all(h, |says| matches!(says, Says::Foreign)) {
        assert!(parsed.foreign, "{}", webhook.name);
        assert_eq!((parsed.events, parsed.offer), (vec![], None), "{}", webhook.name);
        assert_ne!(parsed.answer, Answer::Document, "{}: it gets no script", webhook.name);
    }
}

/// What is not documented is no error: it stays in the call's timeline, and means nothing more.
pub(super) async fn what_is_not_documented_is_kept_and_harms_nothing(h: &dyn ProviderHarness) {
    for (webhook, parsed) in all(h, |says| matches!(says, Says::Undocumented)) {
        let is_unknown = |event: &CallEvent| matches!(event, CallEvent::Unknown { .. });
        assert!(parsed.events.iter().any(is_unknown), "{}: {:?}", webhook.name, parsed.events);
        let ends = |event: &CallEvent| matches!(event, CallEvent::Ended { .. });
        assert!(!parsed.events.iter().any(ends), "{}: {:?}", webhook.name, parsed.events);
        assert_eq!(parsed.call, Some(h.call().id), "{}", webhook.name);
        assert_eq!(parsed.offer, None, "{}", webhook.name);
    }
}

/// A carrier that waits for no document is told that the webhook was taken: else it comes again.
pub(super) async fn a_fixed_answer_is_a_success(h: &dyn ProviderHarness) {
    for (webhook, parsed) in all(h, |_| true) {
        if let Answer::Fixed(reply) = parsed.answer {
            assert_eq!(reply.status, 200, "{}", webhook.name);
        }
    }
}
