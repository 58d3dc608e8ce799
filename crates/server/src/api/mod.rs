//! The admin API.

mod calls;
mod events;
mod extract;
mod guard;
mod metrics;
mod problem;
mod steering;
mod view;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef, State};
use axum::middleware;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use http::StatusCode;
use offhook_manager::Manager;
use tokio::sync::watch;

use crate::settings::ServerSettings;
use guard::Guard;
use problem::Problem;

pub use view::{CallView, EntryView};

/// The longest request body. The longest field is a text of 4,096 characters.
const MAX_BODY: usize = 64 * 1024;

/// What the handlers share.
#[derive(Clone, Debug)]
struct Api {
    manager: Manager,
    /// How long a body may take to arrive.
    body_time: Duration,
    /// Set when the listener stops: streams end then.
    stopped: watch::Receiver<bool>,
}

impl FromRef<Api> for Manager {
    fn from_ref(api: &Api) -> Self {
        api.manager.clone()
    }
}

pub(crate) fn router(
    manager: Manager,
    settings: &ServerSettings,
    address: SocketAddr,
    stopped: watch::Receiver<bool>,
) -> Router {
    let guard = Arc::new(Guard::new(settings, address));
    let body_time = settings.body_time;
    let guarded = Router::new()
        .route("/v1/calls", post(calls::initiate).get(calls::list))
        .route("/v1/calls/{id}", get(calls::show))
        .route("/v1/calls/{id}/timeline", get(calls::timeline))
        .route("/v1/calls/{id}/hangup", post(steering::hangup))
        .route("/v1/calls/{id}/speak", post(steering::speak))
        .route("/v1/calls/{id}/ask", post(steering::ask))
        .route("/v1/calls/{id}/turns/{turn}", get(steering::turn))
        .route("/v1/calls/{id}/listen", post(steering::listen))
        .route("/v1/calls/{id}/stop-listening", post(steering::stop_listening))
        .route("/v1/calls/{id}/dtmf", post(steering::dtmf))
        .route("/v1/events", get(events::stream))
        .route("/metrics", get(metrics::text))
        .route("/v1/restore-report", get(restore_report))
        .layer(middleware::from_fn_with_state(Arc::clone(&guard), guard::token));
    Router::new()
        .route("/healthz", get(healthy))
        .route("/readyz", get(ready))
        .merge(guarded)
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        // Host and Origin come before everything else, health included.
        .layer(middleware::from_fn_with_state(guard, guard::origin))
        .with_state(Api { manager, body_time, stopped })
}

async fn healthy() -> Json<serde_json::Value> {
    Json(serde_json::json!({ "status": "ok" }))
}

async fn ready(State(manager): State<Manager>) -> Response {
    if manager.is_ready() {
        Json(serde_json::json!({ "status": "ready" })).into_response()
    } else {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "not_ready",
            "the live calls are being loaded; try again in a moment",
        )
        .into_response()
    }
}

async fn restore_report(State(manager): State<Manager>) -> Json<serde_json::Value> {
    // In this order: what is ready stays so.
    let is_loaded = manager.is_ready();
    let mut report = serde_json::json!(*manager.restore_report());
    // Before the calls are loaded the report has none, which decides nothing.
    if !is_loaded {
        report["settled"] = false.into();
    }
    Json(report)
}

async fn nothing_here() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "there is nothing at this path")
}

async fn wrong_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "this path does not take this method",
    )
}
