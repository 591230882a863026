//! A step of a reasoning session, as a pattern asks for it, in the richer words of this crate.
use super::{Content, Format, Media, MediaKind, Message, Part, Request, Source, Tool, ToolCall, ToolChoice};
use magic_types::chat::{self, CompletionRequest, Extra};
use serde_json::{Map, Value};

impl From<&CompletionRequest> for Request {
    fn from(asked: &CompletionRequest) -> Self {
        let schema = asked.response_json_schema.as_deref().and_then(json);
        let format = |schema| Format::JsonSchema { name: "answer".to_owned(), description: None, schema, strict: None };
        // A dotted key belongs to somebody else (`vendor.name`); a plain one is a parameter of the wire, e.g. `grammar`.
        let plain = asked.extra.iter().filter(|extra| !extra.key.contains('.') && choice(extra).is_none());
        Self {
            messages: asked.messages.iter().map(message).collect(),
            tools: asked.tools.iter().map(tool).collect(),
            tool_choice: asked.extra.iter().find_map(choice),
            max_output_tokens: asked.max_output_tokens.map(u64::from),
            temperature: asked.temperature.and_then(decimal),
            top_p: asked.top_p.and_then(decimal),
            seed: asked.seed.and_then(|seed| i64::try_from(seed).ok()),
            stop: asked.stop.clone(),
            format: schema.map(format),
            stream: true,
            include_usage: true,
            extra: plain.filter_map(|extra| Some((extra.key.clone(), json(&extra.value)?))).collect(),
            ..Self::default()
        }
    }
}

/// `0.2f32` as `0.2` and not as `0.20000000298`: vendors echo and log it.
fn decimal(value: f32) -> Option<f64> {
    value.to_string().parse().ok()
}

fn json(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

/// The one parameter that every dialect has in a form of its own: `tool_choice` with `"auto"`, `"none"` or `"required"`.
fn choice(extra: &Extra) -> Option<ToolChoice> {
    if extra.key != "tool_choice" {
        return None;
    }
    match json(&extra.value)?.as_str()? {
        "auto" => Some(ToolChoice::Auto),
        "none" => Some(ToolChoice::None),
        "required" => Some(ToolChoice::Required),
        _ => None,
    }
}

fn message(message: &chat::Message) -> Message {
    Message::new(message.role, message.parts.iter().map(|found| Part::new(part(found))).collect())
}

fn part(part: &chat::Part) -> Content {
    match part {
        chat::Part::Text(text) => Content::Text(text.clone()),
        chat::Part::Media(media) => Content::Media(self::media(media)),
        chat::Part::Reasoning(text) => Content::Reasoning { text: text.clone(), signature: None },
        chat::Part::ToolCall(chat::ToolCall { id, name, arguments_json }) => Content::ToolCall(ToolCall {
            id: id.clone(),
            name: name.clone(),
            arguments: arguments_json.clone(),
            signature: None,
        }),
        chat::Part::ToolResult(chat::ToolResult { call_id, outcome }) => {
            let (text, is_error) = match outcome {
                Ok(output) => (output.text.clone(), false),
                Err(error) => (format!("error: {error}"), true),
            };
            Content::ToolResult { call_id: call_id.clone(), parts: vec![Part::text(text)], is_error }
        }
    }
}

fn media(media: &chat::Media) -> Media {
    let kind = match media.mime.split('/').next() {
        Some("audio") => MediaKind::Audio,
        Some("image") => MediaKind::Image,
        Some(_) | None => MediaKind::File,
    };
    Media { kind, source: Source::from_url(&media.url), detail: None, name: None }
}

fn tool(tool: &chat::ToolDefinition) -> Tool {
    let parameters = json(&tool.parameters_json_schema).unwrap_or_else(|| Value::Object(Map::new()));
    Tool {
        name: tool.name.clone(),
        description: tool.description.clone(),
        parameters: Some(parameters),
        strict: None,
        cache_control: None,
        foreign: None,
    }
}
