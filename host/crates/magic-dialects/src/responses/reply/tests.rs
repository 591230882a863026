use super::Reply;
use crate::chat::Request;
use crate::dialect::{Client, Head, Writer};
use crate::reply::Reply as WholeReply;
use crate::responses::client::Responses;
use magic_types::Usage;
use magic_types::chat::FinishReason;
use magic_types::stream::ChatEvent;
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn head() -> Head {
    Head { id: "1".to_owned(), model: "m".to_owned(), created: 7 }
}

fn text(text: &str) -> ChatEvent {
    ChatEvent::Text(text.to_owned())
}

fn thought(text: &str) -> ChatEvent {
    ChatEvent::Reasoning(text.to_owned())
}

fn call(index: u32, start: Option<(&str, &str)>, arguments: &str) -> ChatEvent {
    let (id, name) = start.map(|(id, name)| (id.to_owned(), name.to_owned())).unzip();
    ChatEvent::ToolCall { index, id, name, arguments: arguments.to_owned(), signature: None }
}

fn streamed(events: &[ChatEvent]) -> Vec<Value> {
    let mut writer = Reply::new(head(), &Request::default());
    let mut out = String::new();
    events.iter().for_each(|event| writer.event(event, &mut out));
    writer.end(&mut out);
    let frames = out.strip_suffix("\n\n").expect("ends with a blank line").split("\n\n");
    let frames = frames.map(|frame| {
        let (name, data) = frame.split_once('\n').expect("two lines");
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").expect("data")).expect("JSON");
        assert_eq!(name.strip_prefix("event: "), data["type"].as_str());
        data
    });
    frames.collect()
}

fn whole(events: &[ChatEvent]) -> Value {
    let json = Reply::new(head(), &Request::default()).whole(&WholeReply::of(events));
    serde_json::from_str(&json).expect("JSON")
}

/// A frame in one line: its type without `response.`, where it belongs, and what it says.
fn line(frame: &Value) -> String {
    let mut line = frame["type"].as_str().expect("a type").trim_start_matches("response.").to_owned();
    for key in ["output_index", "content_index", "summary_index"] {
        if let Some(index) = frame.get(key) {
            line += &format!(" {index}");
        }
    }
    for key in ["delta", "text", "refusal", "arguments", "part", "item"] {
        if let Some(said) = frame.get(key) {
            line += &format!(" {said}");
        }
    }
    if let Some(response) = frame.get("response") {
        line += &format!(" {} {}", response["status"], response["output"].as_array().map_or(0, Vec::len));
    }
    line
}

#[test]
fn a_stream_tells_every_items_beginning_growth_and_end_in_order() {
    let frames = streamed(&[
        thought("h"),
        thought("m"),
        ChatEvent::Signature("S".to_owned()),
        text("He"),
        text("y"),
        ChatEvent::Refusal("no".to_owned()),
        call(0, Some(("c0", "f")), "{"),
        call(1, Some(("c1", "g")), "[]"),
        call(0, None, "}"),
        ChatEvent::Finish(FinishReason::ToolCalls),
        ChatEvent::Usage(Usage { input_tokens: 3, output_tokens: 4, ..Usage::default() }),
    ]);
    let numbers: Vec<u64> = frames.iter().filter_map(|frame| frame["sequence_number"].as_u64()).collect();
    assert_eq!(numbers, (0..frames.len() as u64).collect::<Vec<_>>());
    let lines: Vec<String> = frames.iter().map(line).collect();
    assert_eq!(lines, GOLDEN.lines().collect::<Vec<_>>(), "{}", lines.join("\n"));
    let last = &frames.last().expect("a last frame")["response"];
    assert_eq!(last["usage"]["total_tokens"], 7);
    assert_eq!((&last["id"], &last["created_at"], &last["model"]), (&json!("resp_1"), &json!(7), &json!("m")));
}

const GOLDEN: &str = r#"created "in_progress" 0
in_progress "in_progress" 0
output_item.added 0 {"id":"rs_1_0","status":"in_progress","summary":[],"type":"reasoning"}
reasoning_summary_part.added 0 0 {"text":"","type":"summary_text"}
reasoning_summary_text.delta 0 0 "h"
reasoning_summary_text.delta 0 0 "m"
reasoning_summary_text.done 0 0 "hm"
reasoning_summary_part.done 0 0 {"text":"hm","type":"summary_text"}
output_item.done 0 {"encrypted_content":"S","id":"rs_1_0","status":"completed","summary":[{"text":"hm","type":"summary_text"}],"type":"reasoning"}
output_item.added 1 {"content":[],"id":"msg_1_1","role":"assistant","status":"in_progress","type":"message"}
content_part.added 1 0 {"annotations":[],"logprobs":[],"text":"","type":"output_text"}
output_text.delta 1 0 "He"
output_text.delta 1 0 "y"
output_text.done 1 0 "Hey"
content_part.done 1 0 {"annotations":[],"logprobs":[],"text":"Hey","type":"output_text"}
content_part.added 1 1 {"refusal":"","type":"refusal"}
refusal.delta 1 1 "no"
refusal.done 1 1 "no"
content_part.done 1 1 {"refusal":"no","type":"refusal"}
output_item.done 1 {"content":[{"annotations":[],"logprobs":[],"text":"Hey","type":"output_text"},{"refusal":"no","type":"refusal"}],"id":"msg_1_1","role":"assistant","status":"completed","type":"message"}
output_item.added 2 {"arguments":"","call_id":"c0","id":"fc_1_2","name":"f","status":"in_progress","type":"function_call"}
function_call_arguments.delta 2 "{"
output_item.added 3 {"arguments":"","call_id":"c1","id":"fc_1_3","name":"g","status":"in_progress","type":"function_call"}
function_call_arguments.delta 3 "[]"
function_call_arguments.delta 2 "}"
function_call_arguments.done 2 "{}"
output_item.done 2 {"arguments":"{}","call_id":"c0","id":"fc_1_2","name":"f","status":"completed","type":"function_call"}
function_call_arguments.done 3 "[]"
output_item.done 3 {"arguments":"[]","call_id":"c1","id":"fc_1_3","name":"g","status":"completed","type":"function_call"}
completed "completed" 4"#;

#[test]
fn a_reply_that_was_cut_short_is_incomplete_and_says_why() {
    for (finish, reason) in
        [(FinishReason::Length, "max_output_tokens"), (FinishReason::ContentFilter, "content_filter")]
    {
        let events = [thought("t"), text("half"), ChatEvent::Finish(finish)];
        let frames = streamed(&events);
        let last = frames.last().expect("a last frame");
        assert_eq!(last["type"], "response.incomplete");
        assert_eq!(last["response"]["incomplete_details"], json!({ "reason": reason }));
        let states: Vec<&str> =
            [0, 1].iter().filter_map(|at| last["response"]["output"][*at]["status"].as_str()).collect();
        assert_eq!(states, ["completed", "incomplete"]);
        assert_eq!(whole(&events), last["response"]);
    }
}

#[test]
fn a_reply_without_a_word_still_opens_and_ends() {
    let frames: Vec<String> = streamed(&[]).iter().map(line).collect();
    assert_eq!(frames, ["created \"in_progress\" 0", "in_progress \"in_progress\" 0", "completed \"completed\" 0"]);
}

#[test]
fn a_call_is_announced_with_its_name_and_an_id_of_its_own() {
    let late = ChatEvent::ToolCall {
        index: 0,
        id: None,
        name: Some("f".to_owned()),
        arguments: "2".to_owned(),
        signature: Some("G".to_owned()),
    };
    let events = [call(0, Some(("c", "")), "1"), text("t"), late, call(1, Some(("c", "g")), ""), call(2, None, "x")];
    let frames = streamed(&events);
    let output = &frames.last().expect("a last frame")["response"]["output"];
    let calls: Vec<String> = output
        .as_array()
        .expect("a list")
        .iter()
        .filter(|item| item["type"] == "function_call")
        .map(|item| format!("{} {} {} {}", item["id"], item["call_id"], item["name"], item["arguments"]))
        .collect();
    assert_eq!(calls, [r#""fc_1_1" "c" "f" "12""#, r#""fc_1_2" "call_1_2" "g" """#, r#""fc_1_3" "call_1_3" "" "x""#]);
    assert_eq!(output[1]["extra_content"], json!({ "google": { "thought_signature": "G" } }));
}

#[test]
fn the_response_says_its_request_again() {
    let body = json!({ "model": "m", "input": "x", "instructions": "i", "metadata": { "a": "b" }, "store": false,
        "tools": [{ "type": "web_search" }], "tool_choice": "none", "text": { "verbosity": "low" }, "user": "u",
        "reasoning": { "effort": "low" }, "temperature": 0.5, "max_output_tokens": 9, "truncation": "auto" });
    let request = Responses.read(body.to_string().as_bytes()).expect("a good request");
    let json = Reply::new(head(), &request).whole(&WholeReply::of(&[text("t")]));
    let response: Value = serde_json::from_str(&json).expect("JSON");
    for name in [
        "instructions",
        "metadata",
        "store",
        "tools",
        "tool_choice",
        "user",
        "temperature",
        "max_output_tokens",
        "truncation",
    ] {
        assert_eq!(response[name], body[name], "{name}");
    }
    assert_eq!(response["text"], json!({ "format": { "type": "text" }, "verbosity": "low" }));
    assert_eq!(response["reasoning"], json!({ "effort": "low", "summary": null }));
    assert_eq!(
        (&response["top_p"], &response["parallel_tool_calls"], &response["usage"]),
        (&json!(1.0), &json!(true), &Value::Null)
    );
}

#[test]
fn what_was_written_reads_back_as_the_same_turn() {
    let events = [
        thought("t"),
        ChatEvent::Signature("S".to_owned()),
        ChatEvent::RedactedReasoning("R".to_owned()),
        ChatEvent::Signature("empty".to_owned()),
        text("a"),
        call(0, Some(("c", "f")), "{}"),
    ];
    let output = whole(&events)["output"].take();
    let request = Responses.read(json!({ "input": output }).to_string().as_bytes()).expect("a good request");
    let found: Vec<String> =
        request.messages.iter().flat_map(|message| &message.parts).map(|part| format!("{:?}", part.content)).collect();
    assert_eq!(
        found,
        [
            r#"Reasoning { text: "t", signature: Some("S") }"#,
            r#"RedactedReasoning("R")"#,
            r#"Reasoning { text: "", signature: Some("empty") }"#,
            r#"Text("a")"#,
            r#"ToolCall(ToolCall { id: "c", name: "f", arguments: "{}", signature: None })"#,
        ]
    );
}

/// What an accumulator of the SDKs makes of the frames: every delta where its frame says it belongs.
fn accumulated(frames: &[Value]) -> Vec<Vec<String>> {
    let mut items: Vec<Vec<String>> = Vec::new();
    let index = |frame: &Value, name: &str| frame[name].as_u64().map(|at| at as usize);
    for frame in frames {
        let at = index(frame, "output_index").unwrap_or_default();
        let part = index(frame, "content_index").or_else(|| index(frame, "summary_index")).unwrap_or(0);
        let kind = frame["type"].as_str().expect("a type");
        if kind == "response.output_item.added" {
            assert_eq!(at, items.len(), "items are announced in order");
            items.push(if frame["item"]["type"] == "function_call" { vec![String::new()] } else { Vec::new() });
        } else if kind.ends_with("part.added") {
            assert_eq!(part, items[at].len(), "parts are announced in order");
            items[at].push(String::new());
        } else if kind.ends_with(".delta") {
            items[at][part] += frame["delta"].as_str().expect("a delta");
        } else if let Some(done) = ["text", "refusal", "arguments"].iter().find_map(|name| frame[*name].as_str()) {
            assert_eq!(items[at][part], done, "{kind}");
        }
    }
    items
}

fn texts_of(output: &Value) -> Vec<Vec<String>> {
    let said = |part: &Value| part.get("text").or_else(|| part.get("refusal"))?.as_str().map(str::to_owned);
    let item = |item: &Value| match item["type"].as_str() {
        Some("function_call") => item["arguments"].as_str().map(str::to_owned).into_iter().collect(),
        Some("reasoning") => item["summary"].as_array().into_iter().flatten().filter_map(said).collect(),
        _ => item["content"].as_array().into_iter().flatten().filter_map(said).collect(),
    };
    output.as_array().into_iter().flatten().map(item).collect()
}

#[test]
fn deltas_done_texts_and_the_whole_object_agree_for_any_events() {
    for seed in 1..600_u64 {
        let events = random_events(seed);
        let frames = streamed(&events);
        let last = &frames.last().expect("a last frame")["response"];
        assert_eq!(accumulated(&frames), texts_of(&last["output"]), "seed {seed}");
        assert_eq!(&whole(&events), last, "seed {seed}");
        let done: Vec<&Value> = frames
            .iter()
            .filter(|frame| frame["type"] == "response.output_item.done")
            .map(|frame| &frame["item"])
            .collect();
        let mut listed: Vec<&Value> = last["output"].as_array().expect("a list").iter().collect();
        listed.sort_by_key(|item| done.iter().position(|done| done == item));
        assert_eq!(done, listed, "seed {seed}");
    }
}

fn random_events(seed: u64) -> Vec<ChatEvent> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut below = |n: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    let mut named = BTreeSet::new();
    let length = below(24);
    let mut events: Vec<ChatEvent> = (0..length)
        .map(|at| {
            let piece = if below(9) == 0 { String::new() } else { format!("{at}\nü\"") };
            match below(9) {
                0..=2 => ChatEvent::Reasoning(piece),
                3 | 4 => ChatEvent::Text(piece),
                5 => ChatEvent::Refusal(piece),
                6 => [ChatEvent::Signature(piece.clone()), ChatEvent::RedactedReasoning(piece)][below(2) as usize]
                    .clone(),
                _ => {
                    let index = below(3) as u32;
                    let (id, name) = (format!("c{index}"), format!("f{index}"));
                    call(index, named.insert(index).then_some((&*id, &*name)), &piece)
                }
            }
        })
        .collect();
    events.push(ChatEvent::Finish([FinishReason::Stop, FinishReason::Length][below(2) as usize]));
    events
}
