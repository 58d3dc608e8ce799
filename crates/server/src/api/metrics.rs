//! Figures for a monitoring system, in the Prometheus text format (version 0.0.4).

use std::fmt::Write;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use offhook_manager::Manager;

use super::openapi::problems;

problems!(Measuring);

/// Figures for a monitoring system, in the Prometheus text format.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "metrics",
    tag = "daemon",
    responses(
        (status = 200, description = "The figures", body = String, content_type = "text/plain"),
        Measuring,
    ),
)]
pub(super) async fn text(State(manager): State<Manager>) -> Response {
    let counters = manager.counters();
    let live = manager.slots() as u64;
    let ready = u64::from(manager.is_ready());
    let mut text = String::new();
    for (name, kind, help, value) in [
        ("offhook_ready", "gauge", "Whether the live calls are loaded.", ready),
        ("offhook_live_calls", "gauge", "Calls that hold a slot.", live),
        (
            "offhook_webhook_repeats_total",
            "counter",
            "Webhooks that repeated an earlier one.",
            counters.repeats,
        ),
        (
            "offhook_webhook_foreign_total",
            "counter",
            "Webhooks of another account.",
            counters.foreign,
        ),
        (
            "offhook_webhook_unknown_calls_total",
            "counter",
            "Webhooks of calls that nobody knows.",
            counters.unknown_calls,
        ),
        (
            "offhook_refused_commits_total",
            "counter",
            "Commits that the store refused.",
            counters.refused_commits,
        ),
    ] {
        // Writing into memory does not fail.
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
    }
    text.push_str(
        "# HELP offhook_ignored_inputs_total Inputs without effect.\n\
         # TYPE offhook_ignored_inputs_total counter\n",
    );
    for (reason, value) in [
        ("already_ended", counters.already_ended),
        ("nothing_new", counters.nothing_new),
        ("older_step", counters.older_step),
        ("not_waiting", counters.not_waiting),
    ] {
        let _ = writeln!(text, "offhook_ignored_inputs_total{{reason=\"{reason}\"}} {value}");
    }
    let mut response = text.into_response();
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"),
    );
    response
}
