//! How the daemon itself does: alive, ready, and what it found when it started.

use axum::extract::State;
use axum::response::Json;
use jiff::Timestamp;
use offhook_core::CallId;
use offhook_manager::{Decision, Manager, RestoredCall};
use serde::Serialize;
use utoipa::ToSchema;

use super::code::Code;
use super::openapi::{problems, texts};
use super::problem::Problem;

/// How the daemon does.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    #[schema(value_type = String, examples("ok", "ready"))]
    status: &'static str,
}

problems!(open Healthy);

/// Whether the daemon runs.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "daemon",
    security(()),
    responses((status = 200, description = "It runs", body = Health), Healthy),
)]
pub(super) async fn healthy() -> Json<Health> {
    Json(Health { status: "ok" })
}

problems!(open Ready: NotReady);

/// Whether the live calls are loaded, so that calls can be placed.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "daemon",
    security(()),
    responses((status = 200, description = "It is ready", body = Health), Ready),
)]
pub(super) async fn ready(State(manager): State<Manager>) -> Result<Json<Health>, Problem> {
    if manager.is_ready() {
        Ok(Json(Health { status: "ready" }))
    } else {
        Err(Problem::new(Code::NotReady, "the live calls are being loaded; try again in a moment"))
    }
}

/// What became of each call that was live when the daemon stopped.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RestoreReport)]
pub(super) struct RestoreReportView {
    /// When the calls were loaded.
    started_at: Timestamp,
    /// Whether every call is decided.
    settled: bool,
    /// The calls, oldest first.
    calls: Vec<RestoredCallView>,
}

/// One of them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RestoredCall)]
struct RestoredCallView {
    #[schema(value_type = texts::Id)]
    call: CallId,
    provider: String,
    /// Null while the carrier is being asked.
    #[schema(value_type = Option<texts::Decision>, required)]
    decision: Option<&'static str>,
    /// Why.
    why: String,
}

impl From<&RestoredCall> for RestoredCallView {
    fn from(restored: &RestoredCall) -> Self {
        Self {
            call: restored.call,
            provider: restored.provider.as_str().to_owned(),
            decision: restored.decision.map(Decision::as_str),
            why: restored.why.clone(),
        }
    }
}

problems!(Reporting);

/// What became of each call at the last start, and why.
#[utoipa::path(
    get,
    path = "/v1/restore-report",
    tag = "daemon",
    responses((status = 200, description = "The report", body = RestoreReportView), Reporting),
)]
pub(super) async fn restore_report(State(manager): State<Manager>) -> Json<RestoreReportView> {
    // In this order: what is ready stays so.
    let is_loaded = manager.is_ready();
    let report = manager.restore_report();
    Json(RestoreReportView {
        started_at: report.started_at,
        // Before the calls are loaded the report has none, which decides nothing.
        settled: report.settled && is_loaded,
        calls: report.calls.iter().map(RestoredCallView::from).collect(),
    })
}
