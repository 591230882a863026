//! OpenAI's chat completions.
use super::model::{Answer, Asked, CACHED, Complaint, Finish, INPUT, OUTPUT, Saying, picture};
use super::{and_then_silence, in_odd_pieces, json_of, pieces_of};
use crate::provider::{Call, Script};
use serde_json::{Value, json};

pub(super) fn no_such_path(call: &Call) -> Script {
    refusal(404, &format!("Invalid URL ({} {})", call.method, call.path), "invalid_request_error", &Value::Null)
}

pub(super) fn answer(call: &Call) -> Script {
    let body = json_of(call);
    let asked = match read(&body) {
        Ok(asked) => asked,
        Err(why) => return refusal(400, &format!("the scripted OpenAI: {why}"), "invalid_request_error", &Value::Null),
    };
    let stream = body["stream"] == true;
    let usage = body["stream_options"]["include_usage"] == true;
    match asked.answer() {
        Answer::Says(saying) if stream => in_odd_pieces(&frames(&saying, usage, true)),
        Answer::Says(saying) => Script::json(200, &whole(&saying)),
        Answer::Fails(complaint) => complain(complaint),
        Answer::Endless(saying) if stream => and_then_silence(&frames(&saying, false, false)),
        Answer::Endless(_) => Script::silence(),
        Answer::Breaks(saying, complaint) if stream => {
            in_odd_pieces(&(frames(&saying, false, false) + &frame(&error(complaint))))
        }
        Answer::Breaks(_, complaint) => complain(complaint),
    }
}

pub(super) fn complain(complaint: Complaint) -> Script {
    let script = Script::json(complaint.status(), &error(complaint));
    if complaint == Complaint::Busy { script.header("retry-after", "60") } else { script }
}

fn error(complaint: Complaint) -> Value {
    let (class, param, code) = match complaint {
        Complaint::Invalid => ("invalid_request_error", json!("temperature"), json!("invalid_value")),
        Complaint::TooLong => ("invalid_request_error", json!("messages"), json!("context_length_exceeded")),
        Complaint::Busy => ("requests", Value::Null, json!("rate_limit_exceeded")),
        Complaint::Broken => ("server_error", Value::Null, Value::Null),
    };
    json!({ "error": { "message": complaint.message(), "type": class, "param": param, "code": code } })
}

pub(super) fn refusal(status: u16, message: &str, class: &str, code: &Value) -> Script {
    Script::json(status, &json!({ "error": { "message": message, "type": class, "param": null, "code": code } }))
}

/// What was asked, and what OpenAI would refuse.
fn read(body: &Value) -> Result<Asked, String> {
    let messages = body["messages"].as_array().filter(|all| !all.is_empty()).ok_or("messages is missing")?;
    let mut asked = Asked { tools: tool_names(&body["tools"], "/function/name"), ..Asked::default() };
    let mut open: Vec<String> = Vec::new();
    for message in messages {
        let role = message["role"].as_str().ok_or("a message without a role")?;
        if role == "tool" {
            let id = message["tool_call_id"].as_str().unwrap_or_default();
            let at = open
                .iter()
                .position(|known| known == id)
                .ok_or_else(|| format!("a result of an unknown call `{id}`"))?;
            open.remove(at);
            asked.results.push(text(&message["content"]));
            continue;
        }
        if !open.is_empty() {
            return Err(format!("calls without a result: {open:?}"));
        }
        match role {
            "system" | "developer" => asked.system = text(&message["content"]),
            "user" => asked.user(&message["content"])?,
            "assistant" => {
                for call in message["tool_calls"].as_array().into_iter().flatten() {
                    let arguments = call["function"]["arguments"].as_str().ok_or("arguments must be a string")?;
                    serde_json::from_str::<Value>(arguments).map_err(|error| format!("arguments: {error}"))?;
                    open.push(call["id"].as_str().ok_or("a call without an id")?.to_owned());
                }
            }
            other => return Err(format!("unknown role `{other}`")),
        }
    }
    let format = &body["response_format"];
    asked.schema = (format["type"] == "json_schema").then(|| format["json_schema"]["schema"].clone());
    asked.forced = body["tool_choice"]["function"]["name"].as_str().map(str::to_owned);
    Ok(asked)
}

impl Asked {
    /// A user's message of parts, in chat's names or those of the responses API.
    pub(super) fn user(&mut self, content: &Value) -> Result<(), String> {
        let text = text(content);
        for part in content.as_array().into_iter().flatten() {
            match part["type"].as_str() {
                Some("text" | "input_text") => {}
                Some("image_url") => self.pictures.push(of_url(part["image_url"]["url"].as_str())?),
                Some("input_image") => self.pictures.push(of_url(part["image_url"].as_str())?),
                other => return Err(format!("unknown part {other:?}")),
            }
        }
        self.said(text);
        Ok(())
    }

    /// A user's message: results from before it no longer count.
    pub(super) fn said(&mut self, text: String) {
        if self.first.is_empty() {
            self.first.clone_from(&text);
        }
        self.last = text;
        self.results.clear();
    }
}

fn of_url(url: Option<&str>) -> Result<String, String> {
    let url = url.ok_or("a picture without a url")?;
    let Some(data) = url.strip_prefix("data:") else { return Ok(url.to_owned()) };
    let (media_type, base64) = data.split_once(";base64,").ok_or("a data URL that is not base64")?;
    Ok(picture(media_type, base64))
}

pub(super) fn text(content: &Value) -> String {
    let parts = content.as_array().into_iter().flatten().filter_map(|part| part["text"].as_str());
    content.as_str().map_or_else(|| parts.collect(), str::to_owned)
}

pub(super) fn tool_names(tools: &Value, pointer: &str) -> Vec<String> {
    let names = tools.as_array().into_iter().flatten().filter_map(|tool| tool.pointer(pointer)?.as_str());
    names.map(str::to_owned).collect()
}

fn finish(saying: &Saying) -> &'static str {
    match saying.finish {
        Finish::Stop => "stop",
        Finish::Length => "length",
        Finish::Calls => "tool_calls",
        Finish::Filtered => "content_filter",
    }
}

pub(super) fn usage() -> Value {
    json!({ "prompt_tokens": INPUT, "completion_tokens": OUTPUT, "total_tokens": INPUT + OUTPUT,
        "prompt_tokens_details": { "cached_tokens": CACHED } })
}

fn whole(saying: &Saying) -> Value {
    let mut message = json!({ "role": "assistant", "content": saying.text, "refusal": null });
    if !saying.thought.is_empty() {
        message["reasoning_content"] = json!(saying.thought);
    }
    if !saying.calls.is_empty() {
        message["content"] = Value::Null;
        let calls = saying.calls.iter().enumerate().map(|(at, call)| {
            json!({ "id": format!("call_{at}"), "type": "function",
                "function": { "name": call.name, "arguments": call.arguments.to_string() } })
        });
        message["tool_calls"] = calls.collect();
    }
    json!({ "id": "chatcmpl-little", "object": "chat.completion", "created": 1_700_000_000, "model": "little",
        "choices": [{ "index": 0, "message": message, "logprobs": null, "finish_reason": finish(saying) }], "usage": usage() })
}

/// With `end`, all of it; else only what is said.
fn frames(saying: &Saying, with_usage: bool, end: bool) -> String {
    let mut frames = delta(&json!({ "role": "assistant", "content": "" }), &Value::Null);
    for piece in pieces_of(saying.thought, 3) {
        frames += &delta(&json!({ "reasoning_content": piece }), &Value::Null);
    }
    for piece in pieces_of(&saying.text, 3) {
        frames += &delta(&json!({ "content": piece }), &Value::Null);
    }
    for (at, call) in saying.calls.iter().enumerate() {
        let function = json!({ "name": call.name, "arguments": "" });
        let begin = json!([{ "index": at, "id": format!("call_{at}"), "type": "function", "function": function }]);
        frames += &delta(&json!({ "tool_calls": begin }), &Value::Null);
        for piece in pieces_of(&call.arguments.to_string(), 4) {
            let more = json!([{ "index": at, "function": { "arguments": piece } }]);
            frames += &delta(&json!({ "tool_calls": more }), &Value::Null);
        }
    }
    if end {
        frames += &delta(&json!({}), &json!(finish(saying)));
        if with_usage {
            let mut last = chunk(&json!([]));
            last["usage"] = usage();
            frames += &frame(&last);
        }
        frames += "data: [DONE]\n\n";
    }
    frames
}

fn delta(delta: &Value, finish: &Value) -> String {
    frame(&chunk(&json!([{ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish }])))
}

fn chunk(choices: &Value) -> Value {
    json!({ "id": "chatcmpl-little", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "little",
        "choices": choices })
}

fn frame(value: &Value) -> String {
    format!("data: {value}\n\n")
}
