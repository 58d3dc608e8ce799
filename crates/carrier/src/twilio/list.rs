//! The list of calls: filters and pages.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::call::Call;
use super::form::Form;
use super::refusal::Refusal;
use super::view::{self, View};

/// A span of time that a filter allows, its ends included.
#[derive(Debug, Default)]
struct Span {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

impl Span {
    fn of(query: &Form, name: &str) -> Result<Self, Refusal> {
        let mut span = Self::default();
        if let Some(text) = query.get(name) {
            let (first, _) = instants(text).ok_or_else(|| Refusal::invalid(name))?;
            // The SDKs send a day as its midnight, so a moment means its day too.
            let (first, last) =
                day(first.to_zoned(TimeZone::UTC).date()).ok_or_else(|| Refusal::invalid(name))?;
            span = Self { from: Some(first), to: Some(last) };
        }
        // The SDKs send `StartTime>` and `StartTime<` as names; `>=` in a
        // hand-written query leaves the same names behind.
        if let Some(text) = query.get(&format!("{name}>")) {
            span.from = Some(instants(text).ok_or_else(|| Refusal::invalid(name))?.0);
        }
        if let Some(text) = query.get(&format!("{name}<")) {
            span.to = Some(instants(text).ok_or_else(|| Refusal::invalid(name))?.1);
        }
        Ok(span)
    }

    fn allows(&self, at: Option<Timestamp>) -> bool {
        if self.from.is_none() && self.to.is_none() {
            return true;
        }
        at.is_some_and(|at| {
            self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at <= to)
        })
    }
}

/// The first and the last instant that a text means: a moment, or a whole day.
fn instants(text: &str) -> Option<(Timestamp, Timestamp)> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some((moment, moment));
    }
    day(text.parse().ok()?)
}

fn day(day: Date) -> Option<(Timestamp, Timestamp)> {
    let first = day.to_zoned(TimeZone::UTC).ok()?.timestamp();
    let next = day.tomorrow().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some((first, next.checked_sub(jiff::SignedDuration::from_nanos(1)).ok()?))
}

/// The answer to a request for the list. `calls` begins with the newest.
pub(crate) fn page<'a>(
    account: &str,
    calls: impl Iterator<Item = &'a Call>,
    query: &Form,
    raw_query: &str,
    now: Timestamp,
) -> Result<Value, Refusal> {
    const PAGE_SIZE: u32 = 50;
    const LONGEST_PAGE: u32 = 1000;
    let started = Span::of(query, "StartTime")?;
    let ended = Span::of(query, "EndTime")?;
    let matches = |name: &str, value: &str| query.get(name).is_none_or(|wanted| wanted == value);
    let allowed = |(call, view): &(&Call, &View)| {
        matches("Status", view.status)
            && matches("To", &call.to)
            && matches("From", &call.from)
            && query.get("ParentCallSid").is_none()
            && started.allows(view.started)
            && ended.allows(view.ended)
    };
    let found: Vec<(&Call, &View)> = calls
        .filter(|call| !call.deleted)
        .filter_map(|call| Some((call, call.visible.at(now)?)))
        .filter(allowed)
        .collect();

    let size = query.number("PageSize", 1, u32::MAX)?.unwrap_or(PAGE_SIZE).min(LONGEST_PAGE);
    let number = query.number("Page", 0, u32::MAX)?.unwrap_or(0);
    let width = usize::try_from(size).unwrap_or(usize::MAX);
    let number_wide = usize::try_from(number).unwrap_or(usize::MAX);
    // The token names the last call of the page before, so that a call that
    // began meanwhile does not shift the pages.
    let after_token = query.get("PageToken").and_then(|token| {
        let sid = token.strip_prefix("PA")?;
        found.iter().position(|(call, _)| call.sid == sid).map(|index| index + 1)
    });
    let start = after_token.unwrap_or_else(|| number_wide.saturating_mul(width)).min(found.len());
    let end = start.saturating_add(width).min(found.len());
    let shown = &found[start..end];

    let address = |page: u32, token: Option<&str>| page_uri(account, raw_query, size, page, token);
    let last = shown.last().map(|(call, _)| call.sid.as_str());
    Ok(json!({
        "calls": shown.iter().map(|(call, view)| view::json(account, call, view)).collect::<Vec<_>>(),
        "page": number,
        "page_size": size,
        "first_page_uri": address(0, None),
        "next_page_uri": (end < found.len()).then(|| address(number.saturating_add(1), last)),
        "previous_page_uri": (number > 0).then(|| address(number - 1, None)),
        "uri": address(number, query.get("PageToken").and_then(|token| token.strip_prefix("PA"))),
        "start": start,
        "end": end.saturating_sub(1).max(start),
    }))
}

fn page_uri(account: &str, raw_query: &str, size: u32, page: u32, token: Option<&str>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(raw_query.as_bytes()) {
        if !matches!(name.as_ref(), "PageSize" | "Page" | "PageToken") {
            query.append_pair(&name, &value);
        }
    }
    query.append_pair("PageSize", &size.to_string());
    query.append_pair("Page", &page.to_string());
    if let Some(sid) = token {
        query.append_pair("PageToken", &format!("PA{sid}"));
    }
    format!("/2010-04-01/Accounts/{account}/Calls.json?{}", query.finish())
}
