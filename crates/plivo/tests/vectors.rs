//! The signatures that the official SDKs make and accept; see `fixtures/README.md`.

mod support;

use std::collections::HashMap;

use http::Method;
use jiff::Timestamp;
use offhook_core::{WebhookRejection, WebhookRequest, verify};
use offhook_plivo::PlivoConfig;
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

    fn config(&self, v2: bool) -> PlivoConfig {
        let config = PlivoConfig::new(support::ACCOUNT, &self.secret).expect("a token");
        config.with_signature_v2(v2)
    }

    fn is_accepted_by(&self, config: PlivoConfig) -> bool {
        verify(&support::silent(config), &self.request(), Timestamp::UNIX_EPOCH).is_ok()
    }
}

#[test]
fn every_vector_of_the_official_sdks_is_judged_as_they_judge_it() {
    let vectors = Vector::all();
    let judged_otherwise = |vector: &&Vector| {
        let accepted = vector.is_accepted_by(vector.config(vector.scheme == "v2"));
        accepted != (vector.expect == "valid")
    };
    let wrong: Vec<_> =
        vectors.iter().filter(judged_otherwise).map(|vector| &vector.name).collect();
    assert!(wrong.is_empty(), "judged otherwise than by the SDKs: {wrong:?}");
    assert_eq!(vectors.len(), 73);
    assert_eq!(vectors.iter().filter(|vector| vector.expect == "valid").count(), 40);
}

#[test]
fn opting_for_v2_makes_no_difference_where_v3_is_given() {
    for vector in Vector::all().iter().filter(|vector| vector.scheme == "v3") {
        let by_v3 = vector.is_accepted_by(vector.config(false));
        assert_eq!(vector.is_accepted_by(vector.config(true)), by_v3, "{}", vector.name);
    }
}

#[test]
fn v2_counts_for_nothing_where_it_is_not_opted_for() {
    let v2: Vec<_> = Vector::all().into_iter().filter(|v| v.scheme == "v2").collect();
    assert!(v2.len() > 4);
    for vector in v2 {
        let plivo = support::silent(vector.config(false));
        let refused = verify(&plivo, &vector.request(), Timestamp::UNIX_EPOCH).map(|_| ());
        assert_eq!(refused, Err(WebhookRejection::Scheme { scheme: "V2" }), "{}", vector.name);
    }
}

#[test]
fn what_the_main_account_signs_counts_by_its_own_token_and_by_no_other() {
    let vectors = Vector::all();
    for name in ["plivo-ma-header-only", "plivo-ma-header-matches-sub-does-not"] {
        let vector = vectors.iter().find(|vector| vector.name == name).expect("it is there");
        let of_subaccount = |token: &str| PlivoConfig::new(support::SUBACCOUNT, token).unwrap();
        assert!(!vector.is_accepted_by(of_subaccount(&vector.secret)), "{name}: not its header");
        let with_main = of_subaccount("its own token").with_main_auth_token(&vector.secret);
        assert!(vector.is_accepted_by(with_main), "{name}");
        let main = PlivoConfig::new(support::ACCOUNT, "new").unwrap();
        assert!(vector.is_accepted_by(main.with_previous_auth_token(&vector.secret)), "{name}");
    }
    // The other way round the main token signs no header of the subaccount.
    let own = vectors.iter().find(|vector| vector.name == "plivo-post-answer").unwrap();
    let config = PlivoConfig::new(support::SUBACCOUNT, "its own token").unwrap();
    assert!(!own.is_accepted_by(config.with_main_auth_token(&own.secret)));
}
