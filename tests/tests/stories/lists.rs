//! A restart with more live calls than the carrier should be asked about one by one.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use http::Method;
use offhook_core::{Transport, TransportFault, TransportRequest, TransportResponse};
use offhook_tests::{Credentials, Setup, Way, World, stories};
use serde_json::{Value, json};

stories! {
    on every provider:
    a_restart_with_501_calls_takes_two_lists_and_no_question_about_any_of_them,
}

/// What the daemon asks the carrier, in order.
type Questions = Arc<Mutex<Vec<String>>>;

/// The way to the carrier, with a note of each question.
#[derive(Debug)]
struct Noting {
    inner: Arc<dyn Transport>,
    questions: Questions,
}

#[async_trait]
impl Transport for Noting {
    async fn send(&self, request: TransportRequest) -> Result<TransportResponse, TransportFault> {
        if request.method == Method::GET {
            let url = &request.url;
            let question = format!("{}?{}", url.path(), url.query().unwrap_or_default());
            self.questions.lock().unwrap().push(question);
        }
        self.inner.send(request).await
    }
}

async fn a_restart_with_501_calls_takes_two_lists_and_no_question_about_any_of_them(setup: Setup) {
    let mut setup = Setup { requests_per_second: 5000.0, calls_per_second: 5000.0, ..setup };
    setup.carrier.calls_per_second = 5000.0;
    setup.policy.max_concurrent_calls = 600;
    let mut world = World::with(setup).await;
    let mut calls = Vec::new();
    for number in 0..501 {
        let to = format!("+1555020{number:04}");
        calls.push(world.place(json!({ "to": to, "mode": "conversation" })).await);
    }
    world.until_state(&calls[500], "listening").await;
    world.crash().await;

    let questions = Questions::default();
    let (provider, settings) = (world.provider, world.settings.clone());
    let noted = Arc::clone(&questions);
    world.rebuild(provider, move |way| {
        let transport =
            Arc::new(Noting { inner: way.transport, questions: Arc::clone(&noted) }) as Arc<_>;
        (provider.build)(&settings, Credentials::Genuine, Way { transport, ..way })
    });
    world.start().await;
    world.run_for(Duration::from_secs(10)).await;
    let report = world.api(Method::GET, "/v1/restore-report", Value::Null).await.json();
    assert_eq!(report["settled"], true);
    let decided = report["calls"].as_array().unwrap();
    let why = |call: &&Value| call["why"].as_str().unwrap().starts_with("listed as live; ");
    assert_eq!((decided.len(), decided.iter().filter(why).count()), (501, 501), "{report:#}");

    let questions = questions.lock().unwrap();
    let of_a_list = provider.lists_501_calls_by;
    assert_eq!(questions.len(), 2 * of_a_list.len(), "{questions:#?}");
    for (question, page) in questions.iter().zip(of_a_list.iter().cycle()) {
        assert!(question.contains(page), "{question}");
    }
}
