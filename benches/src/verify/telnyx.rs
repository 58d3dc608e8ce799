//! Telnyx: Ed25519 over the timestamp and the raw body.

use std::error::Error;

use offhook_core::WebhookRequest;

use super::Contest;
use crate::carrier::Telnyx;

pub(super) fn contest() -> Result<Contest, Box<dyn Error>> {
    let telnyx = Telnyx::new();
    let key = telnyx.public_key();
    let plain =
        move |request: &WebhookRequest| Telnyx::bare_check(&key, &request.headers, &request.body);
    Contest::of(&telnyx, "the bare Ed25519 check", Box::new(plain), 1.1)
}
