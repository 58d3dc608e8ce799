use http::Method;
use serde_json::{Value, json};

use crate::line::{BUSY, FROM, HOLD, Line, NEVER_ANSWERS, SILENT};

fn ids(line: &mut Line, query: &str) -> Vec<String> {
    let (status, page) = line.get(query);
    assert_eq!(status, 200, "{page}");
    let uuid = |call: &Value| call["call_uuid"].as_str().unwrap_or_default().to_owned();
    page["objects"].as_array().expect("a page has objects").iter().map(uuid).collect()
}

/// Five busy calls, then one inbound, all over and recorded; ids from the newest to the oldest.
fn history() -> (Line, Vec<String>) {
    let mut line = Line::new();
    line.document("/answer", "<Response><Hangup/></Response>");
    let mut newest = Vec::new();
    for _ in 0..5 {
        newest.insert(0, line.dial(BUSY, &Value::Null).call);
        line.run(10.0);
    }
    newest.insert(0, line.receive("silent"));
    line.run(10.0);
    (line, newest)
}

#[test]
fn records_are_listed_by_pages() {
    let (mut line, newest) = history();
    assert_eq!(ids(&mut line, ""), newest);
    let (_, page) = line.get("?limit=4");
    let meta = &page["meta"];
    assert_eq!((&meta["limit"], &meta["offset"]), (&json!(4), &json!(0)));
    assert_eq!((&meta["total_count"], &meta["previous"]), (&json!(6), &Value::Null));
    let next = meta["next"].as_str().unwrap().split_once('?').unwrap().1.to_owned();
    assert_eq!(ids(&mut line, &format!("?{next}")), newest[4..]);
    let (_, page) = line.get(&format!("?{next}"));
    assert_eq!(page["meta"]["next"], Value::Null);
    assert!(page["meta"]["previous"].as_str().unwrap().contains("offset=0"));
    for bad in ["limit=21", "limit=0", "offset=-1", "end_time__gt=yesterday"] {
        assert_eq!(line.get(&format!("?{bad}")).0, 400, "{bad}");
    }
    let (_, page) = line.get("");
    for call in page["objects"].as_array().unwrap() {
        assert!(call.get("call_status").is_none(), "{call}");
    }
}

#[test]
fn records_are_listed_by_filters() {
    let (mut line, newest) = history();
    let (inbound, busy) = (&newest[..1], &newest[1..]);
    for (query, wanted) in [
        ("call_direction=inbound", inbound),
        ("call_direction=outbound", busy),
        ("hangup_cause_code=3010", busy),
        ("hangup_cause_code=4010", &[]),
        ("hangup_source=Carrier", busy),
        ("to_number=15550100002", busy),
        ("to_number=%2B15550100002", busy),
        ("from_number=15550100100", busy),
        ("from_number=15550100099", inbound),
        ("end_time__gt=2026-01-05+09:00:45", inbound),
        ("end_time__lt=2026-01-05+09:00:45", busy),
        ("end_time__gte=2026-01-05+09:00&end_time__lte=2026-01-05+09:00:05", &busy[4..]),
        ("end_time=2026-01-05+09:00:00", &busy[4..]),
        ("end_time__gt=2026-01-06", &[]),
    ] {
        assert_eq!(ids(&mut line, &format!("?{query}")), wanted, "{query}");
    }
}

#[test]
fn live_and_queued_calls_are_listed_by_their_ids_alone() {
    let mut line = Line::new();
    line.document("/answer", HOLD);
    let mut newest: Vec<String> = Vec::new();
    for _ in 0..25 {
        newest.insert(0, line.dial(NEVER_ANSWERS, &Value::Null).call);
    }
    line.run(1.0);
    let (status, list) = line.get("?status=live");
    assert_eq!((status, &list["calls"]), (200, &json!(newest)));
    assert!(list["api_id"].is_string());
    assert_eq!(line.get("?status=live&limit=2&offset=1").1["calls"], json!(newest[1..3]));
    let to = line.get(&format!("?status=live&to_number={SILENT}"));
    assert_eq!(to.1["calls"], json!([]));
    let waiting = line.dial(SILENT, &Value::Null);
    assert_eq!(line.get("?status=queued").1["calls"], json!([waiting.request]));
    assert_eq!(line.get(&format!("?status=live&from_number={FROM}&limit=20")).0, 200);
    line.api(Method::DELETE, "", &Value::Null);
    assert_eq!(line.get("?status=live").1["calls"], json!([]));
    assert_eq!(line.get("?status=queued").1["calls"], json!([]));
}
