use super::{Collector, Page, Stored, deleted, expand, input_items, record, wishes};
use magic_types::Kind;
use serde_json::{Value, json};

fn stored(id: &str, input: &Value, output: &Value) -> Stored {
    Stored {
        id: id.to_owned(),
        previous: None,
        input: input.to_string(),
        output: output.to_string(),
        reply: String::new(),
    }
}

fn parse(json: impl AsRef<[u8]>) -> Value {
    serde_json::from_slice(json.as_ref()).expect("JSON")
}

#[test]
fn a_request_that_goes_on_says_all_that_was_before_it() {
    let first =
        stored("resp_1", &json!([{ "role": "user", "content": "1" }]), &json!([{ "type": "message", "id": "m1" }]));
    let silent = stored("resp_2", &json!([]), &json!([{ "type": "message", "id": "m2" }]));
    let body = br#"{"model":"m","instructions":"now","input":"3", "previous_response_id":"resp_2","x":1.50}"#;
    let expanded = expand(body, &[first, silent]).expect("expanded");
    let value = parse(&expanded);
    assert_eq!(
        value["input"],
        json!([{ "role": "user", "content": "1" }, { "type": "message", "id": "m1" }, { "type": "message", "id": "m2" },
            { "type": "message", "role": "user", "content": [{ "type": "input_text", "text": "3" }] }])
    );
    assert_eq!((&value["model"], &value["instructions"]), (&json!("m"), &json!("now")));
    assert!(value.get("previous_response_id").is_none());
    assert!(memchr::memmem::find(&expanded, b"\"x\":1.50").is_some(), "other fields are the client's bytes");
}

#[test]
fn an_input_may_be_missing_null_a_list_or_a_text_and_nothing_else() {
    for (body, items) in [
        (r#"{"model":"m"}"#, 0),
        (r#"{"input":null}"#, 0),
        (r#"{"input": [ ] }"#, 0),
        (r#"{"input":[{"a":1} , {"b":2}]}"#, 2),
        (r#"{"input":"]"}"#, 1),
    ] {
        let value = parse(expand(body.as_bytes(), &[]).expect("expanded"));
        assert_eq!(value["input"].as_array().map(Vec::len), Some(items), "{body}");
    }
    for body in [r#"{"input":7}"#, "[]", "{", ""] {
        assert_eq!(expand(body.as_bytes(), &[]).expect_err("refused").kind, Kind::InvalidRequest, "{body}");
    }
}

#[test]
fn a_record_keeps_the_requests_own_input_and_the_replys_output() {
    let reply = r#"{"id":"resp_2","object":"response","output":[{"type":"message","id":"m"}],"status":"completed"}"#;
    let body = r#"{"input":"hi","previous_response_id":"resp_1"}"#;
    let kept = record(body.as_bytes(), reply).expect("recorded");
    assert_eq!((kept.id.as_str(), kept.previous.as_deref()), ("resp_2", Some("resp_1")));
    assert_eq!((kept.output.as_str(), kept.reply.as_str()), (r#"[{"type":"message","id":"m"}]"#, reply));
    let next = parse(expand(br#"{"input":[]}"#, &[kept]).expect("expanded"));
    assert_eq!(next["input"].as_array().map(Vec::len), Some(2));
    for bad in ["{}", "null", r#"{"id":"r","output":null}"#, r#"{"id":"r","output":{}}"#] {
        assert_eq!(record(body.as_bytes(), bad).expect_err("no response").kind, Kind::BadReply, "{bad}");
    }
}

#[test]
fn a_response_is_kept_unless_the_client_says_no() {
    let wish = |body: &str| wishes(body.as_bytes()).map(|wishes| (wishes.store, wishes.previous));
    assert_eq!(wish(r#"{"model":"m","input":[{"store":false}]}"#), Ok((true, None)));
    assert_eq!(wish(r#"{"store":false,"previous_response_id":"r\u0031"}"#), Ok((false, Some("r1".to_owned()))));
    assert_eq!(wish(r#"{"store":null,"previous_response_id":null}"#), Ok((true, None)));
    let failure = wish(r#"{"store":"yes"}"#).expect_err("no flag");
    assert!(failure.public.starts_with("`store`"), "{}", failure.public);
}

#[test]
fn input_items_are_listed_in_pages_with_lasting_ids() {
    let input = json!([{ "role": "user", "content": "a" }, { "id": "own", "type": "function_call", "call_id": "c", "name": "f", "arguments": "" },
        { "type": "function_call_output", "call_id": "c", "output": "o" }]);
    let kept = stored("resp_9", &input, &json!([]));
    let ids = |page: Page| {
        let list = parse(input_items(&kept, &page));
        let ids: Vec<String> = list["data"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|item| item["id"].as_str().map(str::to_owned))
            .collect();
        assert_eq!(list["first_id"].as_str(), ids.first().map(String::as_str));
        assert_eq!(list["last_id"].as_str(), ids.last().map(String::as_str));
        (ids, list["has_more"].as_bool())
    };
    let page = |limit, order, after| Page::new(limit, order, after).expect("a page");
    let names = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    assert_eq!(ids(page(None, None, None)), (names(&["fco_9_in2", "own", "msg_9_in0"]), Some(false)));
    assert_eq!(ids(page(Some("2"), Some("asc"), None)), (names(&["msg_9_in0", "own"]), Some(true)));
    assert_eq!(ids(page(Some("2"), Some("asc"), Some("own"))), (names(&["fco_9_in2"]), Some(false)));
    assert_eq!(ids(page(None, None, Some("gone"))), (names(&[]), Some(false)));
    let list = parse(input_items(&kept, &page(None, Some("asc"), None)));
    assert_eq!(
        list["data"][0],
        json!({ "id": "msg_9_in0", "type": "message", "role": "user", "status": "completed",
            "content": [{ "type": "input_text", "text": "a" }] })
    );
    for (limit, order) in [(Some("0"), None), (Some("101"), None), (Some("x"), None), (None, Some("up"))] {
        assert!(Page::new(limit, order, None).is_err());
    }
    assert_eq!(parse(deleted("r")), json!({ "id": "r", "object": "response", "deleted": true }));
}

#[test]
fn the_final_response_is_collected_whatever_the_split() {
    let stream = concat!(
        "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"r\"}}\n\n",
        "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"\\\"response\\\"ü\"}\n\n",
        "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"output\":[]}}\n\n",
    );
    let nameless: String =
        stream.lines().filter(|line| !line.starts_with("event:")).fold(String::new(), |all, line| all + line + "\n");
    for stream in [stream, stream.trim_end(), &nameless] {
        for cut in 0..=stream.len() {
            let (head, tail) = stream.as_bytes().split_at(cut);
            let mut collector = Collector::default();
            collector.push(head);
            collector.push(tail);
            assert_eq!(collector.finish().as_deref(), Some(r#"{"id":"r","output":[]}"#), "cut at byte {cut}");
        }
    }
    let mut collector = Collector::default();
    collector.push(b"event: response.failed\ndata: {\"response\":{}}\n\nevent: response.completed\ndata: {\"resp");
    assert_eq!(collector.finish(), None);
}
