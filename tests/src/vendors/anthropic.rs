//! Anthropic's messages and its count of tokens.
use super::model::{Answer, Asked, CACHED, Complaint, Finish, INPUT, OUTPUT, Saying, picture};
use super::openai::{text, tool_names};
use super::{and_then_silence, in_odd_pieces, json_of, pieces_of};
use crate::provider::{Call, Script};
use serde_json::{Value, json};

/// Signs the thinking; a client must send it back as it was.
const SIGNATURE: &str = "c2lnbmVkIGJ5IHRoZSBsaXR0bGUgbW9kZWw=";

pub(super) fn answer(call: &Call, path: &str) -> Script {
    let body = json_of(call);
    let asked = match head(call).and_then(|()| read(&body)) {
        Ok(asked) => asked,
        Err(why) => return refusal(400, "invalid_request_error", &format!("the scripted Anthropic: {why}")),
    };
    if path == "/messages/count_tokens" {
        return Script::json(200, &json!({ "input_tokens": INPUT }));
    }
    if body["max_tokens"].as_u64().is_none_or(|tokens| tokens == 0) {
        return refusal(400, "invalid_request_error", "max_tokens: Field required");
    }
    let stream = body["stream"] == true;
    match asked.answer() {
        Answer::Says(saying) if stream => in_odd_pieces(&frames(&saying, true)),
        Answer::Says(saying) => Script::json(200, &whole(&saying)),
        Answer::Fails(complaint) => complain(complaint),
        Answer::Endless(saying) if stream => and_then_silence(&frames(&saying, false)),
        Answer::Endless(_) => Script::silence(),
        Answer::Breaks(saying, complaint) if stream => {
            in_odd_pieces(&(frames(&saying, false) + &frame("error", &error(class(complaint), complaint.message()))))
        }
        Answer::Breaks(_, complaint) => complain(complaint),
    }
}

fn head(call: &Call) -> Result<(), String> {
    call.header("anthropic-version").map(|_| ()).ok_or_else(|| "anthropic-version: header is required".to_owned())
}

fn complain(complaint: Complaint) -> Script {
    let message = match complaint {
        Complaint::TooLong => "prompt is too long: 200011 tokens > 200000 maximum",
        Complaint::Invalid | Complaint::Busy | Complaint::Broken => complaint.message(),
    };
    let script = refusal(complaint.status(), class(complaint), message);
    if complaint == Complaint::Busy { script.header("retry-after", "60") } else { script }
}

fn class(complaint: Complaint) -> &'static str {
    match complaint {
        Complaint::Invalid | Complaint::TooLong => "invalid_request_error",
        Complaint::Busy => "rate_limit_error",
        Complaint::Broken => "api_error",
    }
}

fn refusal(status: u16, class: &str, message: &str) -> Script {
    Script::json(status, &error(class, message))
}

fn error(class: &str, message: &str) -> Value {
    json!({ "type": "error", "error": { "type": class, "message": message }, "request_id": "req_little" })
}

/// What was asked, and what Anthropic would refuse.
fn read(body: &Value) -> Result<Asked, String> {
    let messages = body["messages"].as_array().filter(|all| !all.is_empty()).ok_or("messages: Field required")?;
    let mut asked = Asked { system: text(&body["system"]), ..Asked::default() };
    asked.tools = tool_names(&body["tools"], "/name");
    let mut open: Vec<String> = Vec::new();
    for message in messages {
        let blocks = match &message["content"] {
            Value::String(text) => vec![json!({ "type": "text", "text": text })],
            Value::Array(blocks) => blocks.clone(),
            other => return Err(format!("content: {other}")),
        };
        match message["role"].as_str() {
            Some("user") => asked.blocks(&blocks, &mut open)?,
            Some("assistant") => said_before(&blocks, &mut open)?,
            other => return Err(format!("messages: unexpected role {other:?}")),
        }
    }
    let format = &body["output_config"]["format"];
    asked.schema = (format["type"] == "json_schema").then(|| format["schema"].clone());
    asked.forced = (body["tool_choice"]["type"] == "tool")
        .then(|| body["tool_choice"]["name"].as_str().unwrap_or_default().to_owned());
    if let Some(name) = &asked.forced
        && !asked.tools.contains(name)
    {
        return Err(format!("tool_choice: no tool `{name}`"));
    }
    Ok(asked)
}

/// The blocks of an assistant's turn.
fn said_before(blocks: &[Value], open: &mut Vec<String>) -> Result<(), String> {
    if !open.is_empty() {
        return Err(format!("`tool_use` ids were found without `tool_result` blocks: {open:?}"));
    }
    for block in blocks {
        match block["type"].as_str() {
            Some("text") if block["text"].as_str().is_none_or(str::is_empty) => {
                return Err("text content blocks must be non-empty".to_owned());
            }
            Some("thinking") if block["signature"] != SIGNATURE => return Err("Invalid `signature`".to_owned()),
            Some("text" | "thinking") => {}
            Some("tool_use") if block["input"].is_object() => {
                open.push(block["id"].as_str().unwrap_or_default().to_owned());
            }
            other => return Err(format!("an assistant's block {other:?}")),
        }
    }
    Ok(())
}

impl Asked {
    /// The blocks of a user's turn: results come first, in one message for all calls.
    fn blocks(&mut self, blocks: &[Value], open: &mut Vec<String>) -> Result<(), String> {
        let mut texts = String::new();
        for block in blocks {
            match block["type"].as_str() {
                Some("tool_result") => {
                    let id = block["tool_use_id"].as_str().unwrap_or_default();
                    let at = open.iter().position(|known| known == id);
                    open.remove(at.ok_or_else(|| format!("unexpected `tool_use_id` `{id}`"))?);
                    self.results.push(text(&block["content"]));
                }
                _ if !open.is_empty() => return Err("`tool_result` blocks must come first".to_owned()),
                Some("text") => {
                    texts.push_str(block["text"].as_str().filter(|text| !text.is_empty()).ok_or("an empty text")?)
                }
                Some("image") => self.pictures.push(of_source(&block["source"])?),
                other => return Err(format!("a user's block {other:?}")),
            }
        }
        if !open.is_empty() {
            return Err(format!("`tool_use` ids were found without `tool_result` blocks: {open:?}"));
        }
        if !texts.is_empty() {
            self.said(texts);
        }
        Ok(())
    }
}

fn of_source(source: &Value) -> Result<String, String> {
    let part = |name: &str| {
        source[name].as_str().map(str::to_owned).ok_or_else(|| format!("image.source.{name}: Field required"))
    };
    if source["type"] == "url" { part("url") } else { Ok(picture(&part("media_type")?, &part("data")?)) }
}

fn stop_reason(saying: &Saying) -> &'static str {
    match saying.finish {
        Finish::Stop => "end_turn",
        Finish::Length => "max_tokens",
        Finish::Calls => "tool_use",
        Finish::Filtered => "refusal",
    }
}

/// What was cached is not in `input_tokens`.
fn usage(output: u64) -> Value {
    json!({ "input_tokens": INPUT - CACHED, "cache_creation_input_tokens": 0, "cache_read_input_tokens": CACHED,
        "output_tokens": output })
}

fn message(content: &Value, stop_reason: &Value, output: u64) -> Value {
    json!({ "id": "msg_little", "type": "message", "role": "assistant", "model": "little", "content": content,
        "stop_reason": stop_reason, "stop_sequence": null, "usage": usage(output) })
}

fn whole(saying: &Saying) -> Value {
    let mut content = Vec::new();
    if !saying.thought.is_empty() {
        content.push(json!({ "type": "thinking", "thinking": saying.thought, "signature": SIGNATURE }));
    }
    if !saying.text.is_empty() {
        content.push(json!({ "type": "text", "text": saying.text }));
    }
    for (at, call) in saying.calls.iter().enumerate() {
        content.push(
            json!({ "type": "tool_use", "id": format!("toolu_{at}"), "name": call.name, "input": call.arguments }),
        );
    }
    message(&json!(content), &json!(stop_reason(saying)), OUTPUT)
}

/// With `end`, all of it; else only what is said.
fn frames(saying: &Saying, end: bool) -> String {
    let begin = json!({ "type": "message_start", "message": message(&json!([]), &Value::Null, 1) });
    let mut frames = frame("message_start", &begin) + &frame("ping", &json!({ "type": "ping" }));
    let mut blocks = Vec::new();
    if !saying.thought.is_empty() {
        let mut deltas: Vec<Value> = pieces_of(saying.thought, 3)
            .iter()
            .map(|piece| json!({ "type": "thinking_delta", "thinking": piece }))
            .collect();
        deltas.push(json!({ "type": "signature_delta", "signature": SIGNATURE }));
        blocks.push((json!({ "type": "thinking", "thinking": "", "signature": "" }), deltas));
    }
    if !saying.text.is_empty() {
        let deltas = pieces_of(&saying.text, 3);
        let deltas = deltas.iter().map(|piece| json!({ "type": "text_delta", "text": piece })).collect();
        blocks.push((json!({ "type": "text", "text": "" }), deltas));
    }
    for (at, call) in saying.calls.iter().enumerate() {
        let deltas = pieces_of(&call.arguments.to_string(), 4);
        let deltas = deltas.iter().map(|piece| json!({ "type": "input_json_delta", "partial_json": piece })).collect();
        let begin = json!({ "type": "tool_use", "id": format!("toolu_{at}"), "name": call.name, "input": {} });
        blocks.push((begin, deltas));
    }
    let last = blocks.len().saturating_sub(1);
    for (index, (begin, deltas)) in blocks.into_iter().enumerate() {
        let begin = json!({ "type": "content_block_start", "index": index, "content_block": begin });
        frames += &frame("content_block_start", &begin);
        for delta in deltas {
            let delta = json!({ "type": "content_block_delta", "index": index, "delta": delta });
            frames += &frame("content_block_delta", &delta);
        }
        if end || index < last {
            frames += &frame("content_block_stop", &json!({ "type": "content_block_stop", "index": index }));
        }
    }
    if end {
        let delta = json!({ "stop_reason": stop_reason(saying), "stop_sequence": null });
        let last = json!({ "type": "message_delta", "delta": delta, "usage": { "output_tokens": OUTPUT } });
        frames += &frame("message_delta", &last);
        frames += &frame("message_stop", &json!({ "type": "message_stop" }));
    }
    frames
}

fn frame(event: &str, data: &Value) -> String {
    format!("event: {event}\ndata: {data}\n\n")
}
