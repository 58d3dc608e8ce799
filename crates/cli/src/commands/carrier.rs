//! `offhook carrier`: the emulator alone.

use std::sync::Arc;

use offhook_carrier::{Emulator, HttpDelivery, Settings, SystemClock};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use uuid::Uuid;

use crate::arguments::Carrier;
use crate::failure::Failure;
use crate::output;

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
    let settings = settings(carrier.webhook_base, carrier.speed, 1.0);
    let (twilio, plivo) = (settings.twilio.clone(), settings.plivo.clone());
    let telnyx = settings.telnyx.clone();
    let public_key = telnyx.public_key();
    let emulator = start(settings)?;
    if json {
        output::announce(json!({
            "event": "listening",
            "carrier": format!("http://{address}"),
            "telnyx_public_key": public_key,
        }));
    } else {
        output::announce(format_args!(
            "The carrier emulator listens on http://{address}. No real call is placed.\n  \
             Twilio  account {}, token {}\n  \
             Plivo   auth id {}, token {}\n  \
             Telnyx  key {}, connection {}, public key {public_key}\n  \
             call us POST http://{address}/emulator/calls",
            twilio.sid,
            twilio.auth_token,
            plivo.auth_id,
            plivo.auth_token,
            telnyx.api_key,
            telnyx.connection_id,
        ));
    }
    tokio::select! {
        served = emulator.serve(listener) => served.map_err(Failure::operation),
        _ = interrupt.recv() => Ok(()),
    }
}

/// An emulator whose inbound calls go to this webhook base.
pub(crate) fn settings(webhook_base: String, speed: f64, calls_per_second: f64) -> Settings {
    let mut settings = Settings::default();
    settings.webhook_base = Some(webhook_base);
    settings.speed = speed;
    settings.calls_per_second = calls_per_second;
    settings.id_salt = Uuid::new_v4().as_u64_pair().0;
    settings
}

/// Starts an emulator.
pub(crate) fn start(settings: Settings) -> Result<offhook_carrier::Carrier, Failure> {
    let delivery = HttpDelivery::new().map_err(Failure::operation)?;
    Ok(offhook_carrier::Carrier::start(
        Emulator::new(settings),
        Arc::new(SystemClock),
        Arc::new(delivery),
    ))
}
