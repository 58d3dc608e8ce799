//! What several of these stories need.

use offhook_tests::{Setup, World};
use serde_json::Value;

pub(crate) const PATIENT: &str = "+15550100011";
pub(crate) const CALLER: &str = "+15550100077";
pub(crate) const ACCOUNT: &str = "AC00000000000000000000000000000001";

/// The usual world, its calls on Twilio.
pub(crate) async fn world() -> World {
    World::with(setup()).await
}

pub(crate) fn setup() -> Setup {
    Setup::on("twilio")
}

/// A live inbound call, and the carrier's id of it.
pub(crate) async fn listening(world: &World) -> (String, String) {
    let sid = world.somebody_calls(CALLER, "silent").await;
    let call = world.call(&sid).await["id"].as_str().expect("an id").to_owned();
    world.until_state(&call, "listening").await;
    (call, sid)
}

/// The form that requests about an inbound call carry.
pub(crate) fn form<'a>(sid: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut form = vec![
        ("CallSid", sid),
        ("AccountSid", ACCOUNT),
        ("From", CALLER),
        ("To", "+15550100100"),
        ("CallStatus", "in-progress"),
        ("Direction", "inbound"),
    ];
    form.extend_from_slice(more);
    form
}

/// The documents that the carrier has got, in order.
pub(crate) async fn documents(world: &World, call: &str) -> Vec<String> {
    let line = world.line(call).await;
    let documents = line["documents"].as_array().cloned().unwrap_or_default();
    documents.iter().map(|text| text.as_str().unwrap_or_default().to_owned()).collect()
}

/// The step whose Gather is running, as its document tells it.
pub(crate) async fn step(world: &World, call: &str) -> u64 {
    let documents = documents(world, call).await;
    let last = documents.last().map(String::as_str).unwrap_or_default();
    let after = last.split("step=").nth(1).unwrap_or_default();
    after.chars().take_while(char::is_ascii_digit).collect::<String>().parse().expect("a number")
}

/// What was heard on the line of a call, in order.
pub(crate) async fn heard(world: &World, call: &str) -> Vec<String> {
    let line = world.line(call).await;
    let heard: Vec<Value> = line["heard"].as_array().cloned().unwrap_or_default();
    heard.iter().filter_map(|heard| heard["text"].as_str().map(str::to_owned)).collect()
}
