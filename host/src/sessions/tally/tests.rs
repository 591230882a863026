//! What is counted of a `ladder` event, whoever says it.
use super::Tally;
use magic_sessions::SessionEvent;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn said(tally: &Tally, payload: &Value) {
    tally.said(&SessionEvent::Progress { kind: "ladder".to_owned(), payload: payload.to_string() });
}

#[test]
fn words_that_a_driver_made_up_are_not_counted() {
    let tally = Tally::default();
    said(&tally, &json!({ "protocol": "tags", "rungs": { "tag": 2, "made-up": 1, "native": "many" } }));
    said(&tally, &json!({ "protocol": "made-up", "rungs": { "tag": 1 } }));
    assert_eq!(tally.get().rungs, BTreeMap::from([("tags", BTreeMap::from([("tag", 2)]))]));
}

#[test]
fn a_count_that_is_too_large_stops_at_the_largest() {
    let tally = Tally::default();
    said(&tally, &json!({ "protocol": "tags", "rungs": { "tag": u64::MAX } }));
    said(&tally, &json!({ "protocol": "tags", "rungs": { "tag": 1 } }));
    assert_eq!(tally.get().rungs, BTreeMap::from([("tags", BTreeMap::from([("tag", u64::MAX)]))]));
}
