//! The carrier's REST side, in the daemon's own process: it says of every call that it lives, and
//! counts what it is asked.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use offhook_core::{Transport, TransportFault, TransportRequest, TransportResponse};
use serde::{Deserialize, Serialize};

use super::start;
use crate::carrier::{Carrier as _, TWILIO_ACCOUNT, Twilio};

/// Takes every command, and answers every question.
#[derive(Debug)]
pub(super) struct Carrier {
    answers: start::Carrier,
    begun: Instant,
    counted: Mutex<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    in_flight: usize,
    most_in_flight: usize,
    /// When each request came, counted from the beginning.
    arrivals: Vec<Duration>,
}

/// What came to the carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Asked {
    pub(super) requests: usize,
    pub(super) most_in_flight: usize,
    pub(super) most_in_a_second: usize,
}

impl Carrier {
    pub(super) fn new(answers: start::Carrier) -> Self {
        Self { answers, begun: Instant::now(), counted: Mutex::default() }
    }

    pub(super) fn asked(&self) -> Asked {
        self.counting(|counted| Asked {
            requests: counted.arrivals.len(),
            most_in_flight: counted.most_in_flight,
            most_in_a_second: most_within(Duration::from_secs(1), &counted.arrivals),
        })
    }

    fn counting<T>(&self, count: impl FnOnce(&mut Counted) -> T) -> T {
        count(&mut self.counted.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn answer(&self, request: &TransportRequest) -> (StatusCode, String) {
        let path = request.url.path();
        let last = path.rsplit('/').next().unwrap_or_default();
        let call = last.strip_suffix(".json").unwrap_or(last);
        if call != "Calls" || request.method != Method::GET {
            return (StatusCode::OK, format!(r#"{{"sid":"{call}","status":"in-progress"}}"#));
        }
        let Some(calls) = self.answers.lists else {
            return (StatusCode::FORBIDDEN, r#"{"code":20003}"#.to_owned());
        };
        let asked = |wanted| {
            let mut pairs = request.url.query_pairs();
            pairs.find(|(name, _)| name == wanted).and_then(|(_, value)| value.parse().ok())
        };
        (StatusCode::OK, page(calls, asked("Page").unwrap_or(0), asked("PageSize").unwrap_or(50)))
    }
}

/// One page of the calls with the numbers up to this one.
fn page(calls: u64, page: u64, size: u64) -> String {
    let first = page * size + 1;
    let twilio = Twilio::new();
    let listed: Vec<String> = (first..=calls.min(page * size + size))
        .map(|number| format!(r#"{{"sid":"{}","status":"in-progress"}}"#, twilio.id(number)))
        .collect();
    let next = if first + size > calls {
        "null".to_owned()
    } else {
        let page = page + 1;
        format!(
            r#""/2010-04-01/Accounts/{TWILIO_ACCOUNT}/Calls.json?Page={page}&PageToken=PA{page}""#
        )
    };
    format!(r#"{{"calls":[{}],"next_page_uri":{next}}}"#, listed.join(","))
}

/// The most of these instants, which are in order, that lie within a time of this length.
fn most_within(length: Duration, instants: &[Duration]) -> usize {
    let mut first = 0;
    let mut most = 0;
    for (place, instant) in instants.iter().enumerate() {
        while *instant - instants[first] >= length {
            first += 1;
        }
        most = most.max(place + 1 - first);
    }
    most
}

#[async_trait]
impl Transport for Carrier {
    async fn send(&self, request: TransportRequest) -> Result<TransportResponse, TransportFault> {
        self.counting(|counted| {
            counted.in_flight += 1;
            counted.most_in_flight = counted.most_in_flight.max(counted.in_flight);
            counted.arrivals.push(self.begun.elapsed());
        });
        let (status, body) = self.answer(&request);
        if self.answers.latency > 0 {
            tokio::time::sleep(Duration::from_millis(self.answers.latency)).await;
        }
        self.counting(|counted| counted.in_flight -= 1);
        Ok(TransportResponse { status, headers: HeaderMap::new(), body: Bytes::from(body) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_within_a_second_are_counted_wherever_it_begins() {
        let instants = [0, 900, 950, 1000, 1899, 1900, 5000].map(Duration::from_millis);
        assert_eq!(most_within(Duration::from_secs(1), &instants), 4);
        assert_eq!(most_within(Duration::from_secs(1), &[]), 0);
    }

    #[test]
    fn the_pages_of_a_list_have_each_call_once() {
        let pages = [page(5, 0, 2), page(5, 1, 2), page(5, 2, 2)];
        for number in 1..=5 {
            let having =
                pages.iter().filter(|page| page.contains(&Twilio::new().id(number))).count();
            assert_eq!(having, 1, "{number}");
        }
        assert!(pages[1].contains("Page=2"));
        assert!(pages[2].ends_with(r#""next_page_uri":null}"#));
        assert!(page(4, 1, 2).ends_with(r#""next_page_uri":null}"#));
    }
}
