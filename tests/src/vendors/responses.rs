//! OpenAI's responses, with what it stores of them.
use super::model::{Answer, Asked, CACHED, Complaint, Finish, INPUT, OUTPUT, Saying};
use super::openai::{complain, refusal, text};
use super::{and_then_silence, in_odd_pieces, json_of, pieces_of};
use crate::provider::{Call, Script};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// What later requests may name.
#[derive(Default)]
pub(super) struct Stored {
    kept: HashMap<String, Kept>,
    /// Responses so far: the number in the next one's id.
    number: usize,
}

struct Kept {
    response: Value,
    /// The conversation with its answer.
    items: Vec<Value>,
}

/// `None` for paths of others.
pub(super) fn answer(call: &Call, path: &str, stored: &Mutex<Stored>) -> Option<Script> {
    let rest = path.strip_prefix("/responses")?;
    let mut stored = stored.lock().unwrap_or_else(PoisonError::into_inner);
    let mut parts = rest.trim_matches('/').split('/');
    let answer = match (call.method.as_str(), parts.next().filter(|id| !id.is_empty()), parts.next()) {
        ("POST", None, None) => stored.create(&json_of(call)),
        ("GET", Some(id), None) => stored.show(id),
        ("DELETE", Some(id), None) => stored.delete(id),
        _ => return None,
    };
    Some(answer)
}

// === impl Stored ===

impl Stored {
    fn show(&self, id: &str) -> Script {
        self.kept.get(id).map_or_else(|| no_such(id), |kept| Script::json(200, &kept.response))
    }

    fn delete(&mut self, id: &str) -> Script {
        let gone = json!({ "id": id, "object": "response", "deleted": true });
        self.kept.remove(id).map_or_else(|| no_such(id), |_| Script::json(200, &gone))
    }

    fn create(&mut self, body: &Value) -> Script {
        let mut items = Vec::new();
        if let Some(id) = body["previous_response_id"].as_str() {
            let Some(before) = self.kept.get(id) else {
                let message = format!("Previous response with id '{id}' not found.");
                return refusal(400, &message, "invalid_request_error", &json!("previous_response_not_found"));
            };
            items.clone_from(&before.items);
        }
        match &body["input"] {
            Value::String(text) => items.push(json!({ "type": "message", "role": "user", "content": text })),
            Value::Array(more) => items.extend(more.iter().cloned()),
            other => return mistake(&format!("input: {other}")),
        }
        let asked = match read(body, &items) {
            Ok(asked) => asked,
            Err(why) => return mistake(&why),
        };
        self.number += 1;
        let id = format!("resp_little{}", self.number);
        let stream = body["stream"] == true;
        match asked.answer() {
            Answer::Says(saying) => {
                let reply = Reply::new(&id, body, &saying);
                items.extend(reply.output.iter().cloned());
                let response = reply.response();
                if body["store"] != false {
                    self.kept.insert(id.clone(), Kept { response: response.clone(), items });
                }
                if stream { in_odd_pieces(&reply.frames(true)) } else { Script::json(200, &response) }
            }
            Answer::Endless(saying) if stream => and_then_silence(&Reply::new(&id, body, &saying).frames(false)),
            Answer::Endless(_) => Script::silence(),
            Answer::Breaks(saying, complaint) if stream => {
                let reply = Reply::new(&id, body, &saying);
                let frames = reply.frames(false);
                in_odd_pieces(&(frames + &reply.failure(complaint)))
            }
            Answer::Fails(complaint) | Answer::Breaks(_, complaint) => complain(complaint),
        }
    }
}

fn no_such(id: &str) -> Script {
    let message = format!("Response with id '{id}' not found.");
    refusal(404, &message, "invalid_request_error", &Value::Null)
}

fn mistake(why: &str) -> Script {
    refusal(400, &format!("the scripted OpenAI: {why}"), "invalid_request_error", &Value::Null)
}

/// What was asked, and what OpenAI would refuse.
fn read(body: &Value, items: &[Value]) -> Result<Asked, String> {
    let mut asked = Asked { system: text(&body["instructions"]), ..Asked::default() };
    let mut open: Vec<&str> = Vec::new();
    for item in items {
        match (item["type"].as_str().unwrap_or("message"), item["role"].as_str()) {
            ("message", Some("user")) => asked.user(&item["content"])?,
            ("message", Some("system" | "developer")) => asked.system = text(&item["content"]),
            ("message", Some("assistant")) | ("reasoning", _) => {}
            ("function_call", _) => open.push(item["call_id"].as_str().ok_or("a call without call_id")?),
            ("function_call_output", _) => {
                let id = item["call_id"].as_str().unwrap_or_default();
                let at = open.iter().position(|known| *known == id);
                open.remove(
                    at.ok_or_else(|| format!("No tool call found for function call output with call_id {id}."))?,
                );
                asked.results.push(text(&item["output"]));
            }
            other => return Err(format!("unknown item {other:?}")),
        }
    }
    if !open.is_empty() {
        return Err(format!("No tool output found for function call {open:?}."));
    }
    let format = &body["text"]["format"];
    asked.schema = (format["type"] == "json_schema").then(|| format["schema"].clone());
    asked.forced = body["tool_choice"]["name"].as_str().map(str::to_owned);
    Ok(asked)
}

/// One response and the frames of its stream.
struct Reply<'a> {
    base: Value,
    saying: &'a Saying,
    output: Vec<Value>,
}

// === impl Reply ===

impl<'a> Reply<'a> {
    fn new(id: &str, body: &Value, saying: &'a Saying) -> Self {
        let base = json!({ "id": id, "object": "response", "created_at": 1_700_000_000, "status": "in_progress", "model": "little",
            "error": null, "incomplete_details": null, "instructions": body["instructions"], "metadata": {}, "output": [],
            "parallel_tool_calls": true, "temperature": 1.0, "tool_choice": "auto", "tools": [], "top_p": 1.0, "usage": null,
            "text": { "format": { "type": "text" } }, "previous_response_id": body["previous_response_id"] });
        let mut output = Vec::new();
        if !saying.thought.is_empty() {
            let summary = json!([{ "type": "summary_text", "text": saying.thought }]);
            output.push(json!({ "type": "reasoning", "id": format!("rs_{id}"), "summary": summary }));
        }
        if !saying.text.is_empty() {
            let part = json!({ "type": "output_text", "text": saying.text, "annotations": [] });
            let status = if saying.finish == Finish::Stop { "completed" } else { "incomplete" };
            output.push(json!({ "type": "message", "id": format!("msg_{id}"), "role": "assistant", "status": status, "content": [part] }));
        }
        for (at, call) in saying.calls.iter().enumerate() {
            output
                .push(json!({ "type": "function_call", "id": format!("fc_{id}_{at}"), "call_id": format!("call_{at}"),
                "name": call.name, "arguments": call.arguments.to_string(), "status": "completed" }));
        }
        Self { base, saying, output }
    }

    fn response(&self) -> Value {
        let mut response = self.base.clone();
        let reason = match self.saying.finish {
            Finish::Stop | Finish::Calls => Value::Null,
            Finish::Length => json!({ "reason": "max_output_tokens" }),
            Finish::Filtered => json!({ "reason": "content_filter" }),
        };
        response["status"] = json!(if reason.is_null() { "completed" } else { "incomplete" });
        response["incomplete_details"] = reason;
        response["output"] = json!(self.output);
        response["usage"] = json!({ "input_tokens": INPUT, "input_tokens_details": { "cached_tokens": CACHED },
            "output_tokens": OUTPUT, "output_tokens_details": { "reasoning_tokens": 0 }, "total_tokens": INPUT + OUTPUT });
        response
    }

    /// With `end`, all of it; else only what is said.
    fn frames(&self, end: bool) -> String {
        let mut events = vec![
            json!({ "type": "response.created", "response": self.base }),
            json!({ "type": "response.in_progress", "response": self.base }),
        ];
        for (index, item) in self.output.iter().enumerate() {
            let frames = match item["type"].as_str() {
                Some("reasoning") => reasoning(index, item),
                Some("message") => message(index, item),
                _ => function_call(index, item),
            };
            // The last two of a part that is not over say that it is.
            let kept = if end { frames.len() } else { frames.len().saturating_sub(3) };
            events.extend(frames.into_iter().take(kept));
        }
        if end {
            let response = self.response();
            let status = response["status"].as_str().unwrap_or_default();
            events.push(json!({ "type": format!("response.{status}"), "response": response }));
        }
        events.iter().enumerate().map(|(number, event)| frame(number, event)).collect()
    }

    fn failure(&self, complaint: Complaint) -> String {
        let mut response = self.base.clone();
        response["status"] = json!("failed");
        response["error"] = json!({ "code": "server_error", "message": complaint.message() });
        frame(9999, &json!({ "type": "response.failed", "response": response }))
    }
}

fn with(item: &Value, changes: &Value) -> Value {
    let mut changed = item.clone();
    for (name, value) in changes.as_object().into_iter().flatten() {
        changed[name] = value.clone();
    }
    changed
}

fn reasoning(index: usize, item: &Value) -> Vec<Value> {
    let (id, text) = (&item["id"], item["summary"][0]["text"].as_str().unwrap_or_default());
    let at = json!({ "output_index": index, "item_id": id, "summary_index": 0 });
    let mut events = vec![
        json!({ "type": "response.output_item.added", "output_index": index, "item": with(item, &json!({ "summary": [] })) }),
        with(
            &at,
            &json!({ "type": "response.reasoning_summary_part.added", "part": { "type": "summary_text", "text": "" } }),
        ),
    ];
    for piece in pieces_of(text, 3) {
        events.push(with(&at, &json!({ "type": "response.reasoning_summary_text.delta", "delta": piece })));
    }
    events.push(with(&at, &json!({ "type": "response.reasoning_summary_text.done", "text": text })));
    events.push(with(&at, &json!({ "type": "response.reasoning_summary_part.done", "part": item["summary"][0] })));
    events.push(json!({ "type": "response.output_item.done", "output_index": index, "item": item }));
    events
}

fn message(index: usize, item: &Value) -> Vec<Value> {
    let (id, text) = (&item["id"], item["content"][0]["text"].as_str().unwrap_or_default());
    let at = json!({ "output_index": index, "item_id": id, "content_index": 0 });
    let empty = json!({ "type": "output_text", "text": "", "annotations": [] });
    let begun = with(item, &json!({ "content": [], "status": "in_progress" }));
    let mut events = vec![
        json!({ "type": "response.output_item.added", "output_index": index, "item": begun }),
        with(&at, &json!({ "type": "response.content_part.added", "part": empty })),
    ];
    for piece in pieces_of(text, 3) {
        events.push(with(&at, &json!({ "type": "response.output_text.delta", "delta": piece, "logprobs": [] })));
    }
    events.push(with(&at, &json!({ "type": "response.output_text.done", "text": text, "logprobs": [] })));
    events.push(with(&at, &json!({ "type": "response.content_part.done", "part": item["content"][0] })));
    events.push(json!({ "type": "response.output_item.done", "output_index": index, "item": item }));
    events
}

fn function_call(index: usize, item: &Value) -> Vec<Value> {
    let (id, arguments) = (&item["id"], item["arguments"].as_str().unwrap_or_default());
    let at = json!({ "output_index": index, "item_id": id });
    let begun = with(item, &json!({ "arguments": "", "status": "in_progress" }));
    let mut events = vec![json!({ "type": "response.output_item.added", "output_index": index, "item": begun })];
    for piece in pieces_of(arguments, 4) {
        events.push(with(&at, &json!({ "type": "response.function_call_arguments.delta", "delta": piece })));
    }
    events.push(with(
        &at,
        &json!({ "type": "response.function_call_arguments.done", "name": item["name"], "arguments": arguments }),
    ));
    events.push(json!({ "type": "response.output_item.done", "output_index": index, "item": item }));
    events
}

fn frame(number: usize, event: &Value) -> String {
    let event = with(event, &json!({ "sequence_number": number }));
    format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default())
}
