//! Events as lines for people.

use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::super::{table, timeline};
use crate::output;

/// How many calls that are over are remembered, for what comes behind their end.
const ENDED_AT_MOST: usize = 1000;

/// Columns that stay where they are, whatever comes next: the widths are those of the widest id,
/// the longest call and the longest kind that we know.
#[derive(Debug)]
pub(super) struct Lines {
    colour: bool,
    day: Option<Date>,
    /// When the first line of each call was.
    beginnings: HashMap<String, Timestamp>,
    ended: VecDeque<String>,
}

impl Lines {
    pub(super) fn new(colour: bool) -> Self {
        Self { colour, day: None, beginnings: HashMap::new(), ended: VecDeque::new() }
    }

    pub(super) fn head(&self) -> String {
        output::paint(
            self.colour,
            "2",
            &row(["ID", "UTC", "SINCE", "CALL", "WHAT", "DETAIL"].map(str::to_owned)),
        )
    }

    /// One line, under the day where that is another than before.
    pub(super) fn told(&mut self, id: &str, kind: &str, entry: &Value) -> String {
        let call = entry["call"].as_str().unwrap_or("-");
        let words = timeline::words(kind, &entry["detail"]);
        let mut day = None;
        let (time, since) = match entry["at"].as_str().unwrap_or_default().parse() {
            Ok(at) => {
                // As in the daemon's log.
                let utc = Timestamp::to_zoned(at, TimeZone::UTC);
                day = Some(utc.date());
                (utc.strftime("%H:%M:%S%.3f").to_string(), self.since(call, at, kind))
            }
            Err(_) => ("-".to_owned(), "-".to_owned()),
        };
        let line = row([id.to_owned(), time, since, call.to_owned(), timeline::plain(kind), words]);
        match day {
            Some(date) if self.day.replace(date) != day => {
                format!("{}\n{line}", output::paint(self.colour, "2", &date.to_string()))
            }
            _ => line,
        }
    }

    /// How long after the first line of its call.
    fn since(&mut self, call: &str, at: Timestamp, kind: &str) -> String {
        let beginning = *self.beginnings.entry(call.to_owned()).or_insert(at);
        if kind == "ended" {
            self.ended.push_back(call.to_owned());
        }
        if self.ended.len() > ENDED_AT_MOST
            && let Some(oldest) = self.ended.pop_front()
        {
            self.beginnings.remove(&oldest);
        }
        table::since(beginning, at)
    }
}

fn row([id, time, since, call, what, detail]: [String; 6]) -> String {
    let line = format!("{id:>7}  {time:<12}  {since:>11}  {call:<36}  {what:<14}  {detail}");
    line.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ONE: &str = "01960000-0000-7000-8000-000000000001";
    const OTHER: &str = "01960000-0000-7000-8000-000000000002";

    fn entry(call: &str, at: &str, detail: &Value) -> Value {
        json!({ "call": call, "at": at, "detail": detail })
    }

    #[test]
    fn every_line_has_its_columns_at_the_same_places_however_exact_its_time_is() {
        let mut lines = Lines::new(false);
        let told = [
            lines.head(),
            lines.told("7", "admitted", &entry(ONE, "2026-03-01T23:59:58Z", &Value::Null)),
            lines.told("8", "admitted", &entry(OTHER, "2026-03-01T23:59:58.5Z", &Value::Null)),
            lines.told(
                "1234567",
                "turn_timed_out",
                &entry(ONE, "2026-03-02T00:00:01.123456789Z", &json!({ "turn": 2 })),
            ),
            lines.told(
                "1234568",
                "ended",
                &entry(ONE, "2026-03-02T03:59:58.25Z", &json!({ "reason": "busy" })),
            ),
        ];
        let expected = format!(
            "     ID  UTC                 SINCE  CALL                                  WHAT            DETAIL\n\
             2026-03-01\n      \
             7  23:59:58.000      +0.00 s  {ONE}  admitted\n      \
             8  23:59:58.500      +0.00 s  {OTHER}  admitted\n\
             2026-03-02\n\
             1234567  00:00:01.123      +3.12 s  {ONE}  turn timed out  no answer in time [turn 2]\n\
             1234568  03:59:58.250  +14400.25 s  {ONE}  ended           busy"
        );
        assert_eq!(told.join("\n"), expected);
    }

    #[test]
    fn what_comes_behind_the_end_counts_from_the_same_beginning() {
        let mut lines = Lines::new(false);
        for (at, kind) in [("00Z", "admitted"), ("05Z", "ended"), ("09Z", "webhook")] {
            let at = format!("2026-03-01T12:00:{at}");
            let told = lines.told("1", kind, &entry(ONE, &at, &Value::Null));
            if kind == "webhook" {
                assert!(told.contains("+9.00 s"), "{told}");
            }
        }
    }

    #[test]
    fn a_time_that_is_none_is_told_as_missing() {
        let mut lines = Lines::new(false);
        let told = lines.told("1", "ended", &json!({ "at": 7 }));
        assert_eq!(told.split_whitespace().collect::<Vec<_>>(), ["1", "-", "-", "-", "ended"]);
    }
}
