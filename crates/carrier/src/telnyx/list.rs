//! The list of a connection's active calls.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::call::Call;
use super::refusal::Refusal;

/// The answer to a request for the list, oldest call first. It is paged by cursors, as the
/// reference says, and by numbers, as the SDKs ask.
pub(crate) fn page(
    connection: &str,
    calls: &[Call],
    query: &str,
    now: Timestamp,
) -> Result<Value, Refusal> {
    const PAGE_SIZE: usize = 20;
    const LONGEST_PAGE: usize = 250;
    let query: BTreeMap<String, String> =
        form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let number = |name: &str| match query.get(name) {
        None => Ok(None),
        Some(text) => match text.parse::<usize>() {
            Ok(number) if number > 0 => Ok(Some(number)),
            _ => Err(Refusal::bad(name, "The page parameter must be a positive integer")),
        },
    };
    let size = number("page[size]")?.or(number("page[limit]")?);
    let size = size.unwrap_or(PAGE_SIZE).min(LONGEST_PAGE);
    let numbered = number("page[number]")?;
    let cursor = |name: &str| match query.get(name) {
        None => Ok(None),
        Some(text) => place(text).map(Some).ok_or_else(|| Refusal::bad(name, "Invalid cursor")),
    };
    let (after, before) = (cursor("page[after]")?, cursor("page[before]")?);

    let alive: Vec<(usize, &Call)> =
        calls.iter().enumerate().filter(|(_, call)| call.is_alive()).collect();
    let first = match (after, before) {
        (Some(after), _) => alive.partition_point(|(place, _)| *place <= after),
        (None, Some(before)) => {
            alive.partition_point(|(place, _)| *place < before).saturating_sub(size)
        }
        (None, None) => numbered.unwrap_or(1).saturating_sub(1).saturating_mul(size),
    };
    let first = first.min(alive.len());
    let last = first.saturating_add(size).min(alive.len());
    let shown = &alive[first..last];

    let path = format!("/v2/connections/{connection}/active_calls");
    let before = shown.first().filter(|_| first > 0).map(|(place, _)| cursor_of(*place));
    let after = shown.last().filter(|_| last < alive.len()).map(|(place, _)| cursor_of(*place));
    let address = |name: &str, cursor: &Option<String>| {
        cursor.as_ref().map(|cursor| format!("{path}?page[{name}]={cursor}"))
    };
    Ok(json!({
        "data": shown.iter().map(|(_, call)| shape(call, now)).collect::<Vec<_>>(),
        "meta": {
            "total_items": alive.len(),
            "cursors": { "after": after, "before": before },
            "next": address("after", &after),
            "previous": address("before", &before),
            "page_number": numbered.unwrap_or(1),
            "page_size": size,
            "total_pages": alive.len().div_ceil(size),
            "total_results": alive.len(),
        },
    }))
}

fn shape(call: &Call, now: Timestamp) -> Value {
    json!({
        "record_type": "call",
        "call_control_id": call.control_id,
        "call_leg_id": call.leg_id,
        "call_session_id": call.session_id,
        "client_state": call.client_state.as_deref().unwrap_or_default(),
        "call_duration": call.seconds(now),
    })
}

/// A cursor names a place in the list of all calls there ever were, so that a call that ends
/// meanwhile does not shift the pages.
fn cursor_of(place: usize) -> String {
    format!("v1:{}", URL_SAFE_NO_PAD.encode(place.to_string()))
}

fn place(cursor: &str) -> Option<usize> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor.strip_prefix("v1:")?).ok()?;
    std::str::from_utf8(&bytes).ok()?.parse().ok()
}
