//! The admin API as it describes itself. Whether its answers fit their schemas is schemathesis'
//! matter: `cargo xtask api`.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::support::{Config, Daemon, Request};

/// Every path of the description with its operations, by their methods.
fn described(daemon: &Daemon) -> Vec<(String, Map<String, Value>)> {
    let document = daemon.get("/v1/openapi.json").json();
    let paths = document["paths"].as_object().unwrap().clone();
    let paths: Vec<_> =
        paths.into_iter().map(|(path, item)| (path, item.as_object().unwrap().clone())).collect();
    assert!(paths.len() > 10, "{paths:?}");
    paths
}

/// A path with something for what it leaves open.
fn filled(path: &str) -> String {
    path.replace("{id}", "nobody").replace("{turn}", "1")
}

fn schema<'a>(document: &'a Value, name: &str) -> &'a Value {
    &document["components"]["schemas"][name]
}

#[test]
fn a_described_path_takes_just_the_methods_that_are_described() {
    let daemon = Daemon::start(Config::new());
    for (path, operations) in described(&daemon) {
        // Whatever is routed is told when something else is asked for.
        let answer = daemon.send(&Request::new("TRACE", &filled(&path)));
        answer.is_problem(405, "method_not_allowed");
        let allowed = answer.header("allow").unwrap_or_default().split(',').map(str::trim);
        let allowed: BTreeSet<_> = allowed.map(str::to_ascii_lowercase).collect();
        let mut expected: BTreeSet<_> = operations.keys().cloned().collect();
        // Who answers GET answers HEAD.
        expected.extend(expected.contains("get").then(|| "head".to_owned()));
        assert_eq!(allowed, expected, "{path}");
    }
}

#[test]
fn the_token_is_asked_for_where_the_description_says_so() {
    let daemon = Daemon::start(Config::new());
    for (path, operations) in described(&daemon) {
        for (method, operation) in operations {
            let request = Request::new(&method.to_ascii_uppercase(), &filled(&path));
            let answer = request.send(daemon.api);
            let is_open = operation["security"] == serde_json::json!([{}]);
            assert_eq!(answer.status == 401, !is_open, "{method} {path}: {}", answer.status);
            assert_eq!(operation["responses"]["401"].is_null(), is_open, "{method} {path}");
        }
    }
}

#[test]
fn every_schema_that_is_named_is_there() {
    let daemon = Daemon::start(Config::new());
    let answer = daemon.get("/v1/openapi.json");
    let document = answer.json();
    let references: BTreeSet<_> = answer
        .body
        .split("#/components/schemas/")
        .skip(1)
        .map(|rest| &rest[..rest.find('"').unwrap()])
        .collect();
    assert!(references.contains("Problem"), "{references:?}");
    for name in references {
        assert!(schema(&document, name).is_object(), "{name}");
    }
}

#[test]
fn what_is_refused_is_described_as_refused() {
    let daemon = Daemon::start(Config::new());
    let document = daemon.get("/v1/openapi.json").json();
    for request in ["NewCall", "Speak", "Ask", "Listen", "Dtmf"] {
        assert_eq!(schema(&document, request)["additionalProperties"], false, "{request}");
    }
    assert_eq!(schema(&document, "SpokenText")["maxLength"], 4096);
    assert_eq!(schema(&document, "NewCall")["required"], serde_json::json!(["to"]));
}
