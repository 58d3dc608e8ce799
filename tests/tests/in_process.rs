//! The library alone: a provider, a manager and the emulator in one process, without a socket.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use offhook::manager::{CallState, InitiateRequest, Manager, Mode, Policy, ProviderPolicy};
use offhook::twilio::{NAME, Twilio, TwilioConfig};
use offhook_carrier::{Carrier, Emulator, Habit, Settings};
use offhook_core::{Callbacks, EndReason, Party};
use offhook_tests::{EmulatorTransport, ManagerDelivery, VirtualClock};

#[tokio::test]
async fn a_call_is_placed_heard_and_ended_without_a_socket() {
    let clock = VirtualClock::at(Timestamp::UNIX_EPOCH);
    let mut settings = Settings::default();
    settings.webhook_before_answer = Habit::Never;
    let delivery = Arc::new(ManagerDelivery::new(NAME));
    let carrier = Carrier::start(
        Emulator::new(settings),
        Arc::new(clock.handle("carrier")),
        Arc::clone(&delivery) as Arc<_>,
    );
    let config = TwilioConfig::new("AC00000000000000000000000000000001", "emulator").unwrap();
    let twilio = Twilio::with_transport(config, Arc::new(EmulatorTransport(carrier)));
    let mut policy = Policy::new(NAME);
    policy.providers.insert(
        NAME,
        ProviderPolicy {
            callbacks: Callbacks::to("https://voice.example.com/webhooks/twilio".parse().unwrap()),
            from: Party::dialled("+15550100100").ok(),
            calls_per_second: 1.0,
            requests_per_second: 10.0,
        },
    );
    let manager = Manager::builder(policy)
        .provider(Arc::new(twilio))
        .clock(Arc::new(clock.handle("manager")))
        .start();
    delivery.connect(manager.clone());

    let to = Party::dialled("+15550100001").unwrap();
    let mut request = InitiateRequest::new(manager.draw_id(), to);
    request.mode = Some(Mode::Notify);
    request.message = Some("Your parcel is at the door.".parse().unwrap());
    let placed = manager.initiate(request).await.unwrap();
    assert_eq!(placed.state, CallState::Initiated);

    // Everything runs on this one thread: when it has nothing more to do, time moves.
    for _ in 0..1000 {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let record = manager.call(placed.id).await.unwrap().unwrap();
        if record.state.is_ended() {
            assert_eq!(record.end_reason(), Some(EndReason::HangupBot));
            let lasted = record.ended_at.unwrap().duration_since(record.answered_at.unwrap());
            assert!(lasted.as_secs() >= 3, "it hung up after the delay: {lasted}");
            return;
        }
        let next = clock.next_wakeup().unwrap_or(Timestamp::MAX);
        let soon = clock.now().saturating_add(Duration::from_secs(60)).unwrap();
        clock.set(next.min(soon).max(clock.now()));
    }
    panic!("the call never ended");
}
