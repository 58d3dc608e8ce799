use http::Method;
use serde_json::{Value, json};

use crate::line::{Line, SILENT, code};

const LIST: &str = "/v2/connections/1/active_calls";

fn page(line: &mut Line, path: &str) -> (Vec<String>, Value) {
    let (status, body) = line.api(Method::GET, path, &Value::Null);
    assert_eq!(status, 200, "{body}");
    let ids = body["data"].as_array().expect("a page is a list").iter();
    let id = |call: &Value| call["call_control_id"].as_str().unwrap_or_default().to_owned();
    let ids = ids.map(id).collect();
    (ids, body["meta"].clone())
}

#[test]
fn live_calls_are_listed_with_their_state() {
    let mut line = Line::new();
    let ended = line.connected(SILENT, &json!({}));
    line.order(&ended, "hangup", &json!({}));
    let id = line.connected(SILENT, &json!({ "client_state": "b2Zm" }));
    line.run(5.0);
    let (status, body) = line.api(Method::GET, LIST, &Value::Null);
    assert_eq!(status, 200);
    assert_eq!(body["data"].as_array().unwrap().len(), 1);
    let call = &body["data"][0];
    assert_eq!((&call["call_control_id"], &call["client_state"]), (&json!(id), &json!("b2Zm")));
    assert_eq!((&call["record_type"], &call["call_duration"]), (&json!("call"), &json!(5)));
}

#[test]
fn fresh_dial_is_listed_once_there_is_a_leg() {
    let mut line = Line::new();
    let id = line.dial(SILENT, &json!({}));
    assert_eq!(page(&mut line, LIST).0, Vec::<String>::new());
    line.run(1.0);
    assert_eq!(page(&mut line, LIST).0, [id]);
}

#[test]
fn pages_follow_cursors_that_ended_calls_do_not_shift() {
    let mut line = Line::new();
    let ids: Vec<String> = (0..5).map(|_| line.dial(SILENT, &json!({}))).collect();
    line.run(3.0);
    let (first, meta) = page(&mut line, &format!("{LIST}?page[limit]=2"));
    assert_eq!(first, ids[..2]);
    assert_eq!((&meta["total_items"], &meta["previous"]), (&json!(5), &Value::Null));
    line.order(&ids[1], "hangup", &json!({}));
    let (second, meta) =
        page(&mut line, &format!("{}&page[limit]=2", meta["next"].as_str().unwrap()));
    assert_eq!(second, ids[2..4]);
    let (third, last) =
        page(&mut line, &format!("{}&page[limit]=2", meta["next"].as_str().unwrap()));
    assert_eq!((third.as_slice(), &last["next"]), (&ids[4..], &Value::Null));
    let back = format!("{}&page[limit]=2", last["previous"].as_str().unwrap());
    assert_eq!(page(&mut line, &back).0, ids[2..4]);
}

#[test]
fn pages_have_numbers_too() {
    let mut line = Line::new();
    let ids: Vec<String> = (0..5).map(|_| line.dial(SILENT, &json!({}))).collect();
    line.run(3.0);
    let (second, meta) = page(&mut line, &format!("{LIST}?page%5Bnumber%5D=2&page%5Bsize%5D=2"));
    assert_eq!(second, ids[2..4]);
    assert_eq!((&meta["page_number"], &meta["total_pages"]), (&json!(2), &json!(3)));
    assert_eq!(page(&mut line, &format!("{LIST}?page[number]=9")).0, Vec::<String>::new());
    for query in ["page[number]=0", "page[size]=x", "page[after]=v1:!"] {
        let refused = line.api(Method::GET, &format!("{LIST}?{query}"), &Value::Null);
        assert_eq!(code(&refused), (422, "10015".to_owned()), "{query}");
    }
}
