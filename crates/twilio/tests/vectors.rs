//! The signatures that the official SDKs make and accept; see `fixtures/README.md`.

mod support;

use std::collections::HashMap;

use http::Method;
use jiff::Timestamp;
use offhook_core::{WebhookRejection, WebhookRequest, verify};
use offhook_twilio::TwilioConfig;
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    name: String,
    scheme: String,
    secret: String,
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

    fn config(&self) -> TwilioConfig {
        match self.scheme.as_str() {
            "hmac-sha1" => TwilioConfig::new(support::ACCOUNT, &self.secret).expect("a token"),
            "shared-key" => TwilioConfig::new(support::ACCOUNT, "the auth token, another secret")
                .expect("a token")
                .with_shared_key(&self.secret),
            other => panic!("{} has the unknown scheme {other}", self.name),
        }
    }
}

#[test]
fn every_vector_of_the_official_sdks_is_judged_as_they_judge_it() {
    let vectors = Vector::all();
    let expected: Vec<_> = vectors.iter().map(|v| (v.name.as_str(), v.expect.as_str())).collect();
    let judged: Vec<_> = vectors
        .iter()
        .map(|vector| {
            let twilio = support::silent(vector.config());
            let request = vector.request();
            let verdict = verify(&twilio, &request, Timestamp::UNIX_EPOCH);
            (vector.name.as_str(), if verdict.is_ok() { "valid" } else { "invalid" })
        })
        .collect();
    let wrong: Vec<_> =
        judged.iter().zip(&expected).filter(|(a, b)| a != b).map(|(a, _)| a).collect();
    assert!(wrong.is_empty(), "judged otherwise than by the SDKs: {wrong:?}");
    assert_eq!(vectors.len(), 75);
    assert_eq!(expected.iter().filter(|(_, expect)| *expect == "valid").count(), 41);
}

#[test]
fn a_shared_key_counts_for_nothing_where_none_is_configured() {
    let shared: Vec<_> = Vector::all().into_iter().filter(|v| v.scheme == "shared-key").collect();
    assert_eq!(shared.len(), 6);
    for vector in shared {
        let request = vector.request();
        // Not even as the auth token: the header that names the algorithm is the sender's word.
        for token in ["another secret", vector.secret.as_str()] {
            let twilio =
                support::silent(TwilioConfig::new(support::ACCOUNT, token).expect("a token"));
            let refused = verify(&twilio, &request, Timestamp::UNIX_EPOCH).map(|_| ());
            let reason = WebhookRejection::Scheme { scheme: "SharedKey" };
            assert_eq!(refused, Err(reason), "{}", vector.name);
        }
    }
}
