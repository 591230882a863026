//! What Google is sent: one conversation as a `GenerateContentRequest`. Its turns and settings are written next door.
//! <https://ai.google.dev/api/generate-content>
use crate::chat::{Request, Tool, ToolChoice, forces_a_tool};
use crate::dialect::{Call, Decoder, Vendor, Written};
use magic_types::Failure;
use magic_types::stream::ChatEvent;
use serde_json::{Map, Value, json};

use super::{config, contents, stream};
use crate::lost::Lost;

pub(crate) struct Gemini;

impl Vendor for Gemini {
    fn write(&self, request: &Request, call: &Call<'_>) -> Written {
        let mut lost = Lost::default();
        let body = body(request, call.model, &mut lost);
        Written { body: Value::Object(body).to_string().into(), lost: lost.into_names() }
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(stream::Decoder::default())
    }

    fn decode_whole(&self, json: &[u8]) -> Result<Vec<ChatEvent>, Failure> {
        stream::decode_whole(json)
    }
}

/// The request's JSON. The model is not in it: it stands in the path.
pub(super) fn body(request: &Request, model: &str, lost: &mut Lost) -> Map<String, Value> {
    let turns = contents::write(&request.messages, model, lost);
    let mut body = Map::new();
    body.insert("contents".to_owned(), Value::Array(turns.contents));
    if !turns.system.is_empty() {
        body.insert("systemInstruction".to_owned(), json!({ "parts": turns.system }));
    }
    let tools = tools(&request.tools, lost);
    if !tools.is_empty() {
        body.insert("tools".to_owned(), Value::Array(tools));
        if let Some(choice) = request.tool_choice.as_ref() {
            body.insert("toolConfig".to_owned(), tool_config(choice));
        }
    } else {
        lost.when(forces_a_tool(request), "tool_choice");
    }
    let settings = config::write(request, model, lost);
    if !settings.is_empty() {
        body.insert("generationConfig".to_owned(), Value::Object(settings));
    }
    for (name, given) in
        [("user", request.user.is_some()), ("parallel_tool_calls", request.parallel_tool_calls == Some(false))]
    {
        if given {
            lost.name(name);
        }
    }
    // The client's own before the profile's, so that it wins.
    for (name, value) in request.rest.iter().chain(&request.extra) {
        extra(name, value, &mut body, lost);
    }
    body
}

/// A field beside OpenAI's. Google answers 400 for a name that it does not know, so only its own are written.
fn extra(name: &str, value: &Value, body: &mut Map<String, Value>, lost: &mut Lost) {
    match name {
        "safety_settings" | "safetySettings" => put(body, "safetySettings", value),
        "cached_content" | "cachedContent" => put(body, "cachedContent", value),
        "labels" => put(body, "labels", value),
        "generation_config" | "generationConfig" => {
            let fields = value.as_object().into_iter().flatten();
            fields.for_each(|(name, value)| put(settings(body), name, value));
        }
        // Google's tools of its own, such as `{"googleSearch":{}}`.
        "google_tools" | "googleTools" => {
            let own = value.as_array().into_iter().flatten().cloned();
            if let Some(tools) = body.entry("tools").or_insert_with(|| json!([])).as_array_mut() {
                tools.extend(own);
            }
        }
        // Where clients of Google's imitation of OpenAI put them: https://ai.google.dev/gemini-api/docs/openai.
        "extra_body" if value.get("google").is_some_and(Value::is_object) => {
            let fields = value.get("google").and_then(Value::as_object).into_iter().flatten();
            for (name, value) in fields {
                extra_of_google(name, value, body, lost);
            }
        }
        _ => setting(name, value, body, lost),
    }
}

/// One of `extra_body.google`: not followed any deeper.
fn extra_of_google(name: &str, value: &Value, body: &mut Map<String, Value>, lost: &mut Lost) {
    if name == "extra_body" {
        lost.name(name);
    } else {
        extra(name, value, body, lost);
    }
}

fn setting(name: &str, value: &Value, body: &mut Map<String, Value>, lost: &mut Lost) {
    match config::own_name(name) {
        Some(own) => put(settings(body), own, value),
        None => lost.field(name, value),
    }
}

fn put(object: &mut Map<String, Value>, name: &str, value: &Value) {
    object.entry(name).or_insert_with(|| value.clone());
}

fn settings(body: &mut Map<String, Value>) -> &mut Map<String, Value> {
    let slot = body.entry("generationConfig").or_insert_with(|| json!({}));
    if !slot.is_object() {
        *slot = json!({});
    }
    match slot {
        Value::Object(object) => object,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            unreachable!("it was made an object above")
        }
    }
}

fn tools(tools: &[Tool], lost: &mut Lost) -> Vec<Value> {
    let mut functions = Vec::new();
    for (at, tool) in tools.iter().enumerate() {
        lost.when(tool.cache_control.is_some(), "cache_control");
        lost.when(tool.strict == Some(true), format!("tools[{at}].strict"));
        match &tool.foreign {
            None => functions.push(function(tool)),
            Some(foreign) => {
                let kind = foreign.get("type").and_then(Value::as_str).unwrap_or(&tool.name);
                lost.name(format!("tools[{at}].{kind}"));
            }
        }
    }
    if functions.is_empty() { Vec::new() } else { vec![json!({ "functionDeclarations": functions })] }
}

/// `parametersJsonSchema` takes JSON Schema as it is; `parameters` would take OpenAPI's subset only.
fn function(tool: &Tool) -> Value {
    let mut function = json!({ "name": tool.name, "description": tool.description });
    if let (Some(schema), Some(object)) = (&tool.parameters, function.as_object_mut()) {
        object.insert("parametersJsonSchema".to_owned(), schema.clone());
    }
    function
}

fn tool_config(choice: &ToolChoice) -> Value {
    let config = match choice {
        ToolChoice::Auto => json!({ "mode": "AUTO" }),
        ToolChoice::None => json!({ "mode": "NONE" }),
        ToolChoice::Required => json!({ "mode": "ANY" }),
        ToolChoice::Named(name) => json!({ "mode": "ANY", "allowedFunctionNames": [name] }),
    };
    json!({ "functionCallingConfig": config })
}

#[cfg(test)]
mod tests;
