//! What is promised is done, and what is not promised is said.

use offhook_core::{ErrorClass, Party, Search};

use super::command::{Command, intent, promised};
use super::harness::ProviderHarness;
use super::line::Line;

const SIP: &str = "sip:bob@example.com";

/// What a provider cannot do it says, and sends nothing. No default body quietly succeeds.
pub(super) async fn what_is_not_promised_is_unsupported_and_unsent(h: &dyn ProviderHarness) {
    let line = Line::dead();
    let provider = h.provider(line.clone());
    let can = provider.capabilities();
    for command in Command::ALL.into_iter().filter(|command| !command.is_promised(&can)) {
        let class = command.run(&*provider, &h.call()).await.map_err(|error| error.class());
        assert_eq!(class, Err(ErrorClass::Unsupported), "{command:?}");
    }
    if !can.find_call {
        let found = provider.find_call(&intent(&h.call())).await;
        assert!(matches!(found, Search::Unknown { .. }), "{found:?}");
    }
    assert_eq!(line.requests().len(), 0, "nothing is sent: {:?}", line.requests());
}

/// What a provider promises it tries.
pub(super) async fn what_is_promised_is_sent(h: &dyn ProviderHarness) {
    for command in promised(&*h.provider(Line::dead())) {
        let line = Line::dead();
        let class = command.run(&*h.provider(line.clone()), &h.call()).await.map_err(|e| e.class());
        assert_ne!(class, Err(ErrorClass::Unsupported), "{command:?}");
        assert!(!line.requests().is_empty(), "{command:?} is sent");
    }
    let line = Line::dead();
    let provider = h.provider(line.clone());
    if provider.capabilities().find_call {
        provider.find_call(&intent(&h.call())).await;
        assert!(!line.requests().is_empty(), "a search is sent");
    }
}

/// A SIP address is dialled as it is where the carrier takes one, and else refused unsent. So is
/// whoever cannot be dialled at all.
pub(super) async fn a_sip_address_is_dialled_as_it_is_or_refused_unsent(h: &dyn ProviderHarness) {
    let line = Line::with(Ok(h.created().0));
    let provider = h.provider(line.clone());
    let mut to_sip = intent(&h.call());
    to_sip.to = Party::observed(SIP);
    let dialled = provider.initiate_call(&to_sip).await;
    if provider.capabilities().sip {
        assert!(dialled.is_ok(), "{dialled:?}");
        assert_eq!(h.dialled(&line.requests()[0]).to, SIP);
    } else {
        let class = dialled.map_err(|error| error.class()).err();
        let is_refused = matches!(class, Some(ErrorClass::Rejected | ErrorClass::Unsupported));
        assert!(is_refused && line.requests().is_empty(), "{class:?}");
    }
}
