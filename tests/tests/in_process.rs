//! The library alone: a provider, a manager and the emulator in one process, without a socket.

#![expect(clippy::unwrap_used, reason = "a story is a test, though `stories!` makes it one")]

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use offhook::manager::{CallState, InitiateRequest, Manager, Mode, Policy, ProviderPolicy};
use offhook_carrier::{Carrier, Emulator, Habit, Settings};
use offhook_core::{Callbacks, EndReason, Party};
use offhook_tests::{
    Credentials, EmulatorTransport, ManagerDelivery, Setup, VirtualClock, Way, stories,
};

stories! {
    on every provider:
    a_call_is_placed_heard_and_ended_without_a_socket,
}

async fn a_call_is_placed_heard_and_ended_without_a_socket(setup: Setup) {
    let name = || setup.provider.name.clone();
    let clock = VirtualClock::at(Timestamp::UNIX_EPOCH);
    let mut settings = Settings::default();
    settings.webhook_before_answer = Habit::Never;
    let delivery = Arc::new(ManagerDelivery::new(name()));
    let carrier = Carrier::start(
        Emulator::new(settings.clone()),
        Arc::new(clock.handle("carrier")),
        Arc::clone(&delivery) as Arc<_>,
    );
    let way = Way {
        base: "https://carrier.example.com".parse().unwrap(),
        transport: Arc::new(EmulatorTransport(carrier)),
    };
    let provider = (setup.provider.build)(&settings, Credentials::Genuine, way);
    let mut policy = Policy::new(name());
    policy.providers.insert(
        name(),
        ProviderPolicy {
            callbacks: Callbacks::to("https://voice.example.com/webhooks".parse().unwrap()),
            from: Party::dialled("+15550100100").ok(),
            calls_per_second: 1.0,
            requests_per_second: 10.0,
        },
    );
    let manager = Manager::builder(policy)
        .provider(provider)
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
