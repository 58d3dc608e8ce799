//! The admin API.

mod calls;
mod code;
mod daemon;
mod events;
mod extract;
mod guard;
mod metrics;
mod openapi;
mod problem;
mod steering;
mod view;
mod words;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::middleware;
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use offhook_manager::Manager;
use tokio::sync::watch;
use tower_service::Service;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::settings::ServerSettings;
use code::Code;
use guard::Guard;
use openapi::Description;
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
    description: Description,
}

impl FromRef<Api> for Manager {
    fn from_ref(api: &Api) -> Self {
        api.manager.clone()
    }
}

impl FromRef<Api> for Description {
    fn from_ref(api: &Api) -> Self {
        api.description.clone()
    }
}

pub(crate) fn router(
    manager: Manager,
    settings: &ServerSettings,
    address: SocketAddr,
    stopped: watch::Receiver<bool>,
) -> Router {
    let guard = Arc::new(Guard::new(settings, address));
    let guarded = guarded().layer(middleware::from_fn_with_state(Arc::clone(&guard), guard::token));
    let (router, description) = open().merge(guarded).split_for_parts();
    router
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        // Host and Origin come before everything else, health included.
        .layer(middleware::from_fn_with_state(guard, guard::origin))
        .with_state(Api {
            manager,
            body_time: settings.body_time,
            stopped,
            description: description.into(),
        })
}

/// The answer to one request.
pub(crate) async fn answer(mut router: Router, request: Request<Incoming>) -> Response {
    let Ok(response) = router.call(request.map(Body::new)).await;
    response
}

/// What needs no token, and the beginning of the description.
fn open() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(openapi::begin())
        .routes(routes!(daemon::healthy))
        .routes(routes!(daemon::ready))
}

fn guarded() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .routes(routes!(calls::initiate, calls::list))
        .routes(routes!(calls::show))
        .routes(routes!(calls::timeline))
        .routes(routes!(steering::hangup))
        .routes(routes!(steering::speak))
        .routes(routes!(steering::ask))
        .routes(routes!(steering::turn))
        .routes(routes!(steering::listen))
        .routes(routes!(steering::stop_listening))
        .routes(routes!(steering::dtmf))
        .routes(routes!(events::stream))
        .routes(routes!(daemon::restore_report))
        .routes(routes!(metrics::text))
        .routes(routes!(openapi::show))
}

async fn nothing_here() -> Problem {
    Problem::new(Code::NotFound, "there is nothing at this path")
}

async fn wrong_method() -> Problem {
    Problem::new(Code::MethodNotAllowed, "this path does not take this method")
}
