use super::Messages;
use crate::dialect::{Head, Writer};
use crate::reply::Reply;
use magic_types::Usage;
use magic_types::chat::FinishReason;
use magic_types::stream::ChatEvent;
use serde_json::{Value, json};

fn writer() -> Messages {
    Messages::new(&Head { id: "1".to_owned(), model: "alias".to_owned(), created: 0 })
}

fn text(text: &str) -> ChatEvent {
    ChatEvent::Text(text.to_owned())
}

fn call(index: u32, name: Option<&str>, arguments: &str) -> ChatEvent {
    ChatEvent::ToolCall {
        index,
        id: name.map(|name| format!("id_{name}")),
        name: name.map(str::to_owned),
        arguments: arguments.to_owned(),
        signature: None,
    }
}

/// The frames in short: `+` opens a block, `-` closes it, a delta is its text.
fn written(events: &[ChatEvent]) -> Vec<String> {
    let mut writer = writer();
    let mut out = String::new();
    events.iter().for_each(|event| writer.event(event, &mut out));
    writer.end(&mut out);
    out.split_terminator("\n\n").map(short).collect()
}

fn short(frame: &str) -> String {
    let (name, json) = frame.strip_prefix("event: ").and_then(|rest| rest.split_once("\ndata: ")).expect("a frame");
    let json: Value = serde_json::from_str(json).expect("JSON");
    assert_eq!(json["type"], name);
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match name {
        "content_block_start" => {
            let block = &json["content_block"];
            format!("+{} {}{}{}", json["index"], word(&block["type"]), word(&block["name"]), word(&block["data"]))
        }
        "content_block_stop" => format!("-{}", json["index"]),
        "content_block_delta" => {
            let delta = &json["delta"];
            let said = ["text", "thinking", "signature", "partial_json"].map(|key| word(&delta[key])).concat();
            format!("{} {said}", json["index"])
        }
        "message_delta" => word(&json["delta"]["stop_reason"]),
        _ => name.to_owned(),
    }
}

#[test]
fn blocks_open_and_close_in_order() {
    let events = [
        ChatEvent::Reasoning("a".to_owned()),
        ChatEvent::Signature("s".to_owned()),
        ChatEvent::Reasoning("b".to_owned()),
        ChatEvent::RedactedReasoning("x".to_owned()),
        text("hi"),
        text(" you"),
        call(0, Some("f"), "{\"a\":"),
        call(0, None, "1}"),
        ChatEvent::Finish(FinishReason::ToolCalls),
    ];
    let expected = [
        "message_start",
        "+0 thinking",
        "0 a",
        "0 s",
        "-0",
        "+1 thinking",
        "1 b",
        "-1",
        "+2 redacted_thinkingx",
        "-2",
        "+3 text",
        "3 hi",
        "3  you",
        "-3",
        "+4 tool_usef",
        "4 {\"a\":",
        "4 1}",
        "-4",
        "tool_use",
        "message_stop",
    ];
    assert_eq!(written(&events), expected);
}

#[test]
fn parallel_calls_whose_pieces_interleave_never_overlap() {
    let events = [
        call(0, Some("f"), "{\"a\":\"}"),
        call(1, Some("g"), "{"),
        text("between"),
        call(0, None, "\"}"),
        call(1, None, "}"),
        call(2, Some("h"), "{}"),
    ];
    let expected = [
        "message_start",
        "+0 tool_usef",
        "0 {\"a\":\"}",
        "0 \"}",
        "-0",
        "+1 tool_useg",
        "1 {",
        "1 }",
        "-1",
        "+2 text",
        "2 between",
        "-2",
        "+3 tool_useh",
        "3 {}",
        "-3",
        "tool_use",
        "message_stop",
    ];
    assert_eq!(written(&events), expected);
}

#[test]
fn a_call_waits_for_its_name_and_a_late_piece_of_a_closed_one_is_not_said() {
    let events = [call(0, None, "{"), call(0, Some("f"), "}"), text("x"), call(0, None, " ")];
    let expected = ["message_start", "+0 tool_usef", "0 {}", "-0", "+1 text", "1 x", "-1", "tool_use", "message_stop"];
    assert_eq!(written(&events), expected);
}

#[test]
fn a_call_that_never_completes_ends_with_the_stream() {
    let events = [call(0, Some("f"), "{\"a"), text("x"), ChatEvent::Finish(FinishReason::Length)];
    let expected =
        ["message_start", "+0 tool_usef", "0 {\"a", "-0", "+1 text", "1 x", "-1", "max_tokens", "message_stop"];
    assert_eq!(written(&events), expected);
}

#[test]
fn usage_counts_cached_tokens_apart() {
    let usage = Usage {
        input_tokens: 100,
        output_tokens: 7,
        cached_input_tokens: 60,
        cache_write_tokens: 30,
        reasoning_tokens: 3,
        cost_micros: None,
    };
    let mut out = String::new();
    let mut writer = writer();
    writer.event(&ChatEvent::Usage(usage), &mut out);
    let start: Value = serde_json::from_str(out.trim().split_once("data: ").expect("a frame").1).expect("JSON");
    assert_eq!(start["message"]["usage"]["input_tokens"], 10);
    let reply = Reply { usage: Some(usage), ..Reply::default() };
    let whole: Value = serde_json::from_str(&writer.whole(&reply)).expect("JSON");
    let expected = json!({ "input_tokens": 10, "output_tokens": 7, "cache_read_input_tokens": 60,
        "cache_creation_input_tokens": 30, "output_tokens_details": { "thinking_tokens": 3 } });
    assert_eq!(whole["usage"], expected);
}

#[test]
fn a_whole_message_has_its_blocks_in_order() {
    let events = [
        ChatEvent::Reasoning("hm".to_owned()),
        text("hi"),
        call(0, Some("f"), "{\"a\":1}"),
        call(1, Some("g"), "{\"a\":"),
        ChatEvent::Finish(FinishReason::Stop),
    ];
    let whole: Value = serde_json::from_str(&writer().whole(&Reply::of(&events))).expect("JSON");
    let expected = json!([
        { "type": "thinking", "thinking": "hm", "signature": "" },
        { "type": "text", "text": "hi" },
        { "type": "tool_use", "id": "id_f", "name": "f", "input": { "a": 1 } },
        { "type": "tool_use", "id": "id_g", "name": "g", "input": { "INVALID_JSON": "{\"a\":" } },
    ]);
    assert_eq!(whole["content"], expected);
    assert_eq!(
        (&whole["id"], &whole["model"], &whole["stop_reason"]),
        (&json!("msg_1"), &json!("alias"), &json!("tool_use"))
    );
}
