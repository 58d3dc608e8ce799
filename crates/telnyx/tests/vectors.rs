//! The signatures that the official SDKs make and accept; see `fixtures/README.md`.

mod support;

use std::collections::HashMap;

use http::Method;
use jiff::Timestamp;
use offhook_core::{WebhookRequest, verify};
use offhook_telnyx::TelnyxConfig;
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    name: String,
    scheme: String,
    public_key: String,
    now: i64,
    method: String,
    url: String,
    headers: HashMap<String, String>,
    body: String,
    expect: String,
}

impl Vector {
    fn all() -> Vec<Self> {
        serde_json::from_str(include_str!("../fixtures/signature-vectors.json"))
            .expect("the vectors can be read")
    }

    fn request(&self) -> WebhookRequest {
        WebhookRequest {
            method: Method::from_bytes(self.method.as_bytes()).expect("a method"),
            url: self.url.clone(),
            headers: (&self.headers).try_into().expect("headers"),
            body: self.body.clone().into(),
        }
    }

    fn config(&self) -> TelnyxConfig {
        assert_eq!(self.scheme, "ed25519", "{}", self.name);
        TelnyxConfig::new(support::API_KEY, support::CONNECTION, &self.public_key).expect("a key")
    }

    fn is_accepted(&self, config: TelnyxConfig) -> bool {
        let now = Timestamp::from_second(self.now).expect("an instant");
        verify(&support::silent(config), &self.request(), now).is_ok()
    }
}

#[test]
fn every_vector_of_the_official_sdks_is_judged_as_they_judge_it() {
    let vectors = Vector::all();
    let wrong: Vec<_> = vectors
        .iter()
        .filter(|vector| vector.is_accepted(vector.config()) != (vector.expect == "valid"))
        .map(|vector| &vector.name)
        .collect();
    assert!(wrong.is_empty(), "judged otherwise than by the SDKs: {wrong:?}");
    assert_eq!(vectors.len(), 60);
    assert_eq!(vectors.iter().filter(|vector| vector.expect == "valid").count(), 26);
}

#[test]
fn while_the_key_is_rotated_no_vector_is_judged_otherwise() {
    let other = support::public(&support::carrier_key());
    for vector in Vector::all() {
        let config = TelnyxConfig::new(support::API_KEY, support::CONNECTION, &other)
            .and_then(|config| config.with_previous_public_key(&vector.public_key))
            .expect("keys");
        assert_eq!(vector.is_accepted(config), vector.expect == "valid", "{}", vector.name);
    }
}
