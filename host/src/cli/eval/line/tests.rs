//! Replies in, lines out.
use super::*;
use serde_json::json;
use std::time::Duration;

fn item(line: &Value) -> Item {
    magic_eval::read(&line.to_string()).unwrap().remove(0)
}

fn line(item: &Item, reply: Result<Value, String>, reasons: bool) -> Line {
    let exchange = Exchange { status: Some(200), reply, cached: false, latency: Duration::from_millis(1500) };
    Line::new(item, item.messages.clone(), exchange, reasons)
}

fn number() -> Item {
    item(&json!({ "question": "2 * 4?", "answer": "8", "checker": "number" }))
}

#[test]
fn what_a_reply_cost_is_taken_from_its_usage_where_that_says_it() {
    let reply = json!({ "choices": [{ "message": { "content": "It is 8.", "reasoning_content": "2 * 4" }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 5, "completion_tokens": 7, "model_calls": 3, "cost_micros": 11 } });
    let mut outcome = line(&number(), Ok(reply.clone()), true).outcome();
    assert_eq!((outcome.correct, outcome.calls, outcome.cost_micros), (Some(true), Some(3), Some(11)));
    assert_eq!((outcome.input_tokens, outcome.output_tokens, outcome.latency_ms), (Some(5), Some(7), 1500));

    let mut silent = reply;
    silent["usage"] = Value::Null;
    outcome = line(&number(), Ok(silent.clone()), true).outcome();
    assert_eq!((outcome.calls, outcome.input_tokens), (None, None), "what nobody says is not made up");
    assert_eq!(line(&number(), Ok(silent), false).outcome().calls, Some(1), "a plain alias takes one call");
}

#[test]
fn content_in_parts_is_one_text_and_no_content_is_a_wrong_answer() {
    let reply = |content: Value| json!({ "choices": [{ "message": { "content": content } }] });
    let parts = json!([{ "type": "text", "text": "It is " }, { "type": "text", "text": "8" }]);
    assert_eq!(line(&number(), Ok(reply(parts)), false).outcome().correct, Some(true));
    assert_eq!(line(&number(), Ok(reply(Value::Null)), false).outcome().correct, Some(false));
}

#[test]
fn a_failure_is_neither_right_nor_wrong() {
    let failed = line(&number(), Err("503: busy".to_owned()), false);
    assert_eq!((failed.outcome().correct, failed.is_answered()), (None, false));
    let nothing = line(&number(), Ok(json!({ "choices": [] })), false);
    assert_eq!(nothing.error.as_deref(), Some("the reply has no choice with a message"));
}

#[test]
fn a_line_that_was_written_reads_as_it_was() {
    let item = item(&json!({ "question": "?", "tools": [{ "name": "f.g", "parameters": { "type": "dict", "properties":
        { "a": { "type": "integer" } }, "required": ["a"] } }], "accepted_calls": [{ "f.g": { "a": [1] } }], "checker": "tool_call" }));
    let call = json!({ "id": "c", "type": "function", "function": { "name": "f_g", "arguments": "{\"a\": 1}" } });
    let written =
        line(&item, Ok(json!({ "choices": [{ "message": { "content": null, "tool_calls": [call] } }] })), false);
    let read: Line = serde_json::from_str(&serde_json::to_string(&written).unwrap()).unwrap();
    assert_eq!(read.outcome(), written.outcome());
    assert_eq!((read.outcome().correct, read.outcome().recovered), (Some(true), Some(true)));
    assert_eq!(read.checked.as_deref(), Some("f_g({\"a\":1})"));
}
