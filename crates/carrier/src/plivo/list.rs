//! The list of records: filters and pages.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::call::{Call, Phase};
use super::refusal::Refusal;
use super::view;

/// The parameters of a query.
pub(crate) type Query = BTreeMap<String, String>;

/// The longest page, which is also the usual one.
const PAGE: usize = 20;

pub(crate) fn query(raw: &str) -> Query {
    form_urlencoded::parse(raw.as_bytes())
        .into_owned()
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

/// A page of something: where it begins, and how long it may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub(crate) limit: usize,
    pub(crate) offset: usize,
}

impl Window {
    pub(crate) fn of(query: &Query) -> Result<Self, Refusal> {
        let number = |name: &str, least: usize, most: usize, default: usize| {
            let Some(text) = query.get(name) else { return Ok(default) };
            let number = text.parse().ok().filter(|number| (least..=most).contains(number));
            number.ok_or_else(|| Refusal::invalid(name))
        };
        let limit = number("limit", 1, PAGE, PAGE)?;
        Ok(Self { limit, offset: number("offset", 0, usize::MAX, 0)? })
    }
}

/// Whether a query has this value, or asks for none.
pub(crate) fn matches(query: &Query, name: &str, value: &str) -> bool {
    query.get(name).is_none_or(|wanted| wanted == value)
}

/// Whether a query has this number, with or without a plus, or asks for none.
pub(crate) fn has_number(query: &Query, name: &str, number: &str) -> bool {
    query.get(name).is_none_or(|wanted| {
        // A plus that was not escaped is a space.
        let wanted = wanted.trim().trim_start_matches('+');
        wanted.split('<').any(|wanted| wanted.trim_start_matches('+') == number)
    })
}

/// The answer to a request for the list of records. `calls` begins with the newest.
pub(crate) fn page<'a>(
    account: &str,
    api_id: &str,
    calls: impl Iterator<Item = &'a Call>,
    query: &Query,
) -> Result<Value, Refusal> {
    let window = Window::of(query)?;
    let span = Span::of(query)?;
    let found: Vec<&Call> = calls
        .filter(|call| {
            let Phase::Ended(ending) = call.phase else { return false };
            has_number(query, "from_number", &call.from)
                && has_number(query, "to_number", &call.to)
                && matches(query, "call_direction", call.direction())
                && matches(query, "hangup_cause_code", &ending.code.to_string())
                && matches(query, "hangup_source", ending.source)
                && !query.contains_key("parent_call_uuid")
                && !query.contains_key("subaccount")
                && call.ended.is_some_and(|ended| span.allows(ended))
        })
        .collect();
    let first = window.offset.min(found.len());
    let last = first.saturating_add(window.limit).min(found.len());
    let address = |offset: usize| {
        let mut address = form_urlencoded::Serializer::new(String::new());
        for (name, value) in query.iter().filter(|(name, _)| !is_of_window(name)) {
            address.append_pair(name, value);
        }
        address.append_pair("limit", &window.limit.to_string());
        address.append_pair("offset", &offset.to_string());
        format!("/v1/Account/{account}/Call/?{}", address.finish())
    };
    let objects = &found[first..last];
    Ok(json!({
        "api_id": api_id,
        "meta": {
            "limit": window.limit,
            "next": (last < found.len()).then(|| address(last)),
            "offset": window.offset,
            "previous": (first > 0).then(|| address(first.saturating_sub(window.limit))),
            "total_count": found.len(),
        },
        "objects": objects.iter().map(|call| view::record(account, call)).collect::<Vec<_>>(),
    }))
}

fn is_of_window(name: &str) -> bool {
    matches!(name, "limit" | "offset")
}

/// The ends that a filter allows.
#[derive(Debug, Default)]
struct Span {
    bounds: Vec<(Bound, Timestamp)>,
}

#[derive(Debug, Clone, Copy)]
enum Bound {
    Exactly,
    After,
    From,
    Before,
    UpTo,
}

impl Span {
    fn of(query: &Query) -> Result<Self, Refusal> {
        let mut span = Self::default();
        for (name, bound) in [
            ("end_time", Bound::Exactly),
            ("end_time__gt", Bound::After),
            ("end_time__gte", Bound::From),
            ("end_time__lt", Bound::Before),
            ("end_time__lte", Bound::UpTo),
        ] {
            if let Some(text) = query.get(name) {
                let at = instant(text).ok_or_else(|| Refusal::invalid(name))?;
                span.bounds.push((bound, at));
            }
        }
        Ok(span)
    }

    fn allows(&self, ended: Timestamp) -> bool {
        self.bounds.iter().all(|(bound, at)| match bound {
            // What is shown has whole seconds.
            Bound::Exactly => ended.as_second() == at.as_second(),
            Bound::After => ended > *at,
            Bound::From => ended >= *at,
            Bound::Before => ended < *at,
            Bound::UpTo => ended <= *at,
        })
    }
}

/// A time of day in UTC, which may lack its seconds, or the whole time.
fn instant(text: &str) -> Option<Timestamp> {
    let text = text.trim().trim_end_matches("+00:00");
    let with_seconds = format!("{text}:00");
    let at = text.parse::<DateTime>().or_else(|_| with_seconds.parse::<DateTime>());
    let at = at.or_else(|_| text.parse::<Date>().map(|day| day.at(0, 0, 0, 0)));
    at.ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_plivo_writes_them() {
        let seven = "2026-01-05T07:30:00Z".parse().ok();
        for text in ["2026-01-05 07:30", "2026-01-05 07:30:00", "2026-01-05 07:30:00+00:00"] {
            assert_eq!(instant(text), seven, "{text}");
        }
        assert_eq!(instant("2026-01-05"), "2026-01-05T00:00:00Z".parse().ok());
        assert_eq!(instant("yesterday"), None);
    }
}
