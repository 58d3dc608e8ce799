//! `offhook carrier`: the emulator alone.

use std::sync::Arc;

use offhook_carrier::{Emulator, HttpDelivery, Settings, SystemClock, TelnyxAccount};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::arguments::Carrier;
use crate::failure::Failure;
use crate::output;

/// The account that the emulator knows.
pub(crate) const ACCOUNT_SID: &str = "AC00000000000000000000000000000001";
/// Its token.
pub(crate) const AUTH_TOKEN: &str = "emulator";

pub(crate) async fn run(carrier: Carrier, json: bool) -> Result<(), Failure> {
    let listener = TcpListener::bind(carrier.listen).await.map_err(|error| {
        Failure::Operation(format!(
            "the carrier emulator cannot listen on {} ({error}); choose another address with --listen",
            carrier.listen
        ))
    })?;
    let address = listener.local_addr().map_err(Failure::operation)?;
    // Before anybody is told that we listen: from then on an interrupt ends us as it should.
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::operation)?;
    let emulator = start(carrier.webhook_base, carrier.speed, 1.0)?;
    let telnyx = TelnyxAccount::default();
    let public_key = telnyx.public_key();
    if json {
        output::announce(json!({
            "event": "listening",
            "carrier": format!("http://{address}"),
            "telnyx_public_key": public_key,
        }));
    } else {
        output::announce(format_args!(
            "The carrier emulator listens on http://{address}. No real call is placed.\n  \
             Twilio  account {ACCOUNT_SID}, token {AUTH_TOKEN}\n  \
             Telnyx  key {}, connection {}, public key {public_key}\n  \
             call us POST http://{address}/emulator/calls",
            telnyx.api_key, telnyx.connection_id,
        ));
    }
    tokio::select! {
        served = emulator.serve(listener) => served.map_err(Failure::operation),
        _ = interrupt.recv() => Ok(()),
    }
}

/// Starts an emulator whose inbound calls go to this webhook base.
pub(crate) fn start(
    webhook_base: String,
    speed: f64,
    calls_per_second: f64,
) -> Result<offhook_carrier::Carrier, Failure> {
    let mut settings = Settings::default();
    settings.webhook_base = Some(webhook_base);
    settings.speed = speed;
    settings.calls_per_second = calls_per_second;
    let delivery = HttpDelivery::new().map_err(Failure::operation)?;
    Ok(offhook_carrier::Carrier::start(
        Emulator::new(settings),
        Arc::new(SystemClock),
        Arc::new(delivery),
    ))
}
