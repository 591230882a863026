//! What a vendor is sent for one step of a reasoning session: a canonical request in OpenAI's JSON, always streamed.
use bytes::Bytes;
use magic_types::chat::{CompletionRequest, Message, Part, Role, ToolCall, ToolDefinition};
use serde_json::{Map, Value, json};

/// The body for `POST /chat/completions`. `defaults` are the profile's generation parameters; what the request sets wins.
pub fn encode(request: &CompletionRequest, model: &str, defaults: &Map<String, Value>) -> Bytes {
    let mut body = defaults.clone();
    body.insert("model".to_owned(), json!(model));
    body.insert("messages".to_owned(), request.messages.iter().flat_map(messages).collect());
    body.insert("stream".to_owned(), json!(true));
    body.insert("stream_options".to_owned(), json!({ "include_usage": true }));
    if !request.tools.is_empty() {
        body.insert("tools".to_owned(), request.tools.iter().map(tool).collect());
    }
    if !request.stop.is_empty() {
        body.insert("stop".to_owned(), json!(request.stop));
    }
    if let Some(max) = request.max_output_tokens {
        let key = if body.contains_key("max_completion_tokens") { "max_completion_tokens" } else { "max_tokens" };
        body.insert(key.to_owned(), json!(max));
    }
    let numbers = [("temperature", request.temperature), ("top_p", request.top_p)];
    for (key, value) in numbers.into_iter().filter_map(|(key, value)| Some((key, value?))) {
        body.insert(key.to_owned(), decimal(value));
    }
    if let Some(seed) = request.seed {
        body.insert("seed".to_owned(), json!(seed));
    }
    if let Some(schema) = request.response_json_schema.as_deref().and_then(parse) {
        let format = json!({ "type": "json_schema", "json_schema": { "name": "answer", "schema": schema } });
        body.insert("response_format".to_owned(), format);
    }
    // A dotted key belongs to somebody else (`vendor.name`); a plain one is a parameter of the wire, e.g. `grammar`.
    for extra in request.extra.iter().filter(|extra| !extra.key.contains('.')) {
        if let Some(value) = parse(&extra.value) {
            body.insert(extra.key.clone(), value);
        }
    }
    Value::Object(body).to_string().into()
}

/// `0.2f32` as `0.2` and not as `0.20000000298`: vendors echo and log it.
fn decimal(value: f32) -> Value {
    value.to_string().parse::<f64>().map_or(Value::Null, |number| json!(number))
}

fn parse(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

/// One canonical message is several of OpenAI's where it holds several tool results.
fn messages(message: &Message) -> Vec<Value> {
    let results = message.parts.iter().filter_map(|part| match part {
        Part::ToolResult(result) => {
            let content = match &result.outcome {
                Ok(output) => output.text.clone(),
                Err(error) => format!("error: {error}"),
            };
            Some(json!({ "role": "tool", "tool_call_id": result.call_id, "content": content }))
        }
        Part::Text(_) | Part::Media(_) | Part::Reasoning(_) | Part::ToolCall(_) => None,
    });
    match message.role {
        Role::Tool => results.collect(),
        Role::System | Role::User | Role::Assistant => vec![spoken(message)],
    }
}

fn spoken(message: &Message) -> Value {
    let role = match message.role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant | Role::Tool => "assistant",
    };
    let calls: Vec<Value> = message.parts.iter().filter_map(tool_call).collect();
    let has_media = message.parts.iter().any(|part| matches!(part, Part::Media(_)));
    let content = if has_media {
        message.parts.iter().filter_map(content_part).collect()
    } else {
        Value::String(message.plain_text())
    };
    let mut out = json!({ "role": role, "content": content });
    if let (false, Some(object)) = (calls.is_empty(), out.as_object_mut()) {
        object.insert("tool_calls".to_owned(), Value::Array(calls));
    }
    out
}

fn content_part(part: &Part) -> Option<Value> {
    match part {
        Part::Text(text) => Some(json!({ "type": "text", "text": text })),
        Part::Media(media) => Some(json!({ "type": "image_url", "image_url": { "url": media.url } })),
        Part::Reasoning(_) | Part::ToolCall(_) | Part::ToolResult(_) => None,
    }
}

fn tool_call(part: &Part) -> Option<Value> {
    match part {
        Part::ToolCall(call) => Some(call_json(call)),
        Part::Text(_) | Part::Media(_) | Part::Reasoning(_) | Part::ToolResult(_) => None,
    }
}

pub(super) fn call_json(call: &ToolCall) -> Value {
    json!({ "id": call.id, "type": "function", "function": { "name": call.name, "arguments": call.arguments_json } })
}

fn tool(tool: &ToolDefinition) -> Value {
    let parameters = parse(&tool.parameters_json_schema).unwrap_or_else(|| json!({ "type": "object" }));
    json!({ "type": "function", "function": {
        "name": tool.name, "description": tool.description, "parameters": parameters } })
}

#[cfg(test)]
mod tests;
