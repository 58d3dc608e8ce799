//! What happens, as it happens: server-sent events. Source: WHATWG HTML, 9.2.
//!
//! The id of an event is its place in the order of all commits, so a reader that comes back with
//! `Last-Event-ID` misses nothing, over a restart either.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use http::HeaderMap;
use offhook_manager::Events;
use tokio::sync::watch;
use utoipa::ToSchema;

use super::Api;
use super::openapi::problems;
use super::problem::Problem;
use super::view::EntryView;

/// How often a silent stream shows that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// One event, as its fields are called there.
#[derive(ToSchema)]
#[schema(as = Event)]
#[expect(dead_code, reason = "what describes the events of `stream`")]
struct EventView {
    /// The id of the entry.
    #[schema(pattern = "^[0-9]+$")]
    id: String,
    /// The kind of the entry.
    event: String,
    /// The entry itself.
    #[schema(content_media_type = "application/json")]
    data: String,
}

problems!(Streaming: InvalidRequest, StoreUnavailable);

/// What happens to all calls, as it happens.
///
/// Server-sent events. The `data` of each is an `Entry`, as a timeline has it, and its `id` is what
/// `Last-Event-ID` takes.
#[utoipa::path(
    get,
    path = "/v1/events",
    operation_id = "events",
    tag = "calls",
    params(
        (
            "Last-Event-ID" = Option<u64>, Header, nullable = false,
            description = "The last event that was seen: what came after it comes first.",
        ),
    ),
    responses(
        (
            status = 200, description = "Events without end",
            body = EventView, content_type = "text/event-stream",
        ),
        Streaming,
    ),
)]
pub(super) async fn stream(
    State(api): State<Api>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let after = match headers.get("last-event-id") {
        None => None,
        Some(id) => {
            let id = id.to_str().ok().and_then(|id| id.trim().parse().ok());
            // As far as a store counts.
            let id = id.filter(|id| i64::try_from(*id).is_ok());
            Some(id.ok_or_else(|| {
                Problem::invalid("Last-Event-ID: the id of an event that came from here")
            })?)
        }
    };
    let events = api.manager.events(after).await?;
    let stream = futures_util::stream::unfold((events, api.stopped), next);
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

type Reader = (Events, watch::Receiver<bool>);

/// The stream ends when the listener stops, and when the store cannot be read: the reader comes
/// back and goes on where it was.
async fn next((mut events, mut stopped): Reader) -> Option<(Result<Event, Infallible>, Reader)> {
    let entry = tokio::select! {
        entry = events.next() => match entry {
            Ok(entry) => entry?,
            Err(error) => {
                tracing::error!(%error, "the store cannot be read");
                return None;
            }
        },
        _ = stopped.wait_for(|stop| *stop) => return None,
    };
    let id = entry.id.to_string();
    let view = EntryView::from(entry);
    let event = Event::default()
        .id(id)
        .event(view.kind())
        .json_data(&view)
        .expect("an entry has string keys, which JSON always takes");
    Some((Ok(event), (events, stopped)))
}
