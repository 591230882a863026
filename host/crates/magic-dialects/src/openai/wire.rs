//! The JSON of a chat completion request as clients write it, and its reading into canonical messages. Lenient where
//! OpenAI is, strict where leniency would drop something.
use magic_types::chat::{Media, Message, Part, Role, ToolCall, ToolDefinition, ToolHints, ToolOutput, ToolResult};
use magic_types::{Failure, Kind};
use serde::Deserialize;
use serde_json::Value;

use super::request::Reading;

#[derive(Deserialize)]
pub(super) struct Request {
    messages: Vec<WireMessage>,
    #[serde(default)]
    tools: Option<Vec<WireTool>>,
    #[serde(default)]
    tool_choice: Option<Value>,
    #[serde(default)]
    temperature: Option<f32>,
    #[serde(default)]
    top_p: Option<f32>,
    #[serde(default)]
    max_tokens: Option<u32>,
    #[serde(default)]
    max_completion_tokens: Option<u32>,
    #[serde(default)]
    n: Option<u32>,
    #[serde(default)]
    stop: Option<Value>,
    #[serde(default)]
    response_format: Option<ResponseFormat>,
    #[serde(default)]
    stream_options: Option<StreamOptions>,
}

#[derive(Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: Option<bool>,
}

#[derive(Deserialize)]
struct ResponseFormat {
    r#type: String,
}

#[derive(Deserialize)]
struct WireTool {
    function: WireFunction,
}

#[derive(Deserialize)]
struct WireFunction {
    name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    parameters: Option<Value>,
}

#[derive(Deserialize)]
struct WireMessage {
    role: WireRole,
    #[serde(default)]
    content: Option<Content>,
    #[serde(default)]
    tool_calls: Option<Vec<WireCall>>,
    #[serde(default)]
    tool_call_id: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WireRole {
    System,
    Developer,
    User,
    Assistant,
    Tool,
}

/// A string or a list of parts. Told apart by hand, since an untagged enum loses the reason of a failure.
struct Content(Vec<WirePart>);

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self(vec![WirePart::Text { text }])),
            Value::Null => Ok(Self(Vec::new())),
            list @ Value::Array(_) => serde_json::from_value(list).map(Self).map_err(serde::de::Error::custom),
            Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
                Err(serde::de::Error::custom("content must be a string or a list of parts"))
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum WirePart {
    Text { text: String },
    Refusal { refusal: String },
    ImageUrl { image_url: Url },
}

#[derive(Deserialize)]
struct Url {
    url: String,
}

#[derive(Deserialize)]
struct WireCall {
    id: String,
    function: WireCallFunction,
}

#[derive(Deserialize)]
struct WireCallFunction {
    name: String,
    arguments: String,
}

impl Request {
    pub(super) fn into_reading(self) -> Result<Reading, Failure> {
        self.refuse_what_reasoning_cannot_honour()?;
        let tools_off = self.tool_choice.as_ref().is_some_and(|choice| choice == "none");
        let tools = if tools_off { Vec::new() } else { self.tools.unwrap_or_default() };
        let messages: Vec<Message> = self.messages.into_iter().map(WireMessage::into_message).collect();
        if !messages.iter().any(|message| message.role == Role::User) {
            return Err(invalid("`messages` holds no message of the user"));
        }
        Ok(Reading {
            messages,
            tools: tools.into_iter().map(WireTool::into_definition).collect(),
            temperature: self.temperature,
            top_p: self.top_p,
            max_output_tokens: self.max_completion_tokens.or(self.max_tokens),
            include_usage: self.stream_options.and_then(|options| options.include_usage).unwrap_or(false),
        })
    }

    fn refuse_what_reasoning_cannot_honour(&self) -> Result<(), Failure> {
        if self.n.is_some_and(|n| n != 1) {
            return Err(invalid("`n`: a reasoning alias gives one answer; leave `n` out or use a plain alias"));
        }
        if self.response_format.as_ref().is_some_and(|format| format.r#type != "text") {
            return Err(invalid(
                "`response_format`: a reasoning alias answers in text; ask for the form in the prompt or use a plain alias",
            ));
        }
        if self.tool_choice.as_ref().is_some_and(|choice| !choice.is_null() && choice != "auto" && choice != "none") {
            return Err(invalid(
                "`tool_choice`: a reasoning alias chooses by itself; use `auto`, `none` or a plain alias",
            ));
        }
        if self.stop.as_ref().is_some_and(|stop| !stop.is_null()) {
            return Err(invalid("`stop`: a reasoning alias sets its own stop sequences; use a plain alias"));
        }
        Ok(())
    }
}

impl WireMessage {
    fn into_message(self) -> Message {
        let mut parts: Vec<Part> =
            self.content.map(|content| content.0).unwrap_or_default().into_iter().map(part).collect();
        for call in self.tool_calls.unwrap_or_default() {
            let WireCallFunction { name, arguments } = call.function;
            parts.push(Part::ToolCall(ToolCall { id: call.id, name, arguments_json: arguments }));
        }
        let role = match self.role {
            WireRole::System | WireRole::Developer => Role::System,
            WireRole::User => Role::User,
            WireRole::Assistant => Role::Assistant,
            WireRole::Tool => Role::Tool,
        };
        let message = Message { role, parts };
        if role == Role::Tool { tool_result(message, self.tool_call_id) } else { message }
    }
}

fn tool_result(message: Message, call_id: Option<String>) -> Message {
    let output = ToolOutput { text: message.plain_text(), structured: None };
    let result = ToolResult { call_id: call_id.unwrap_or_default(), outcome: Ok(output) };
    Message { role: Role::Tool, parts: vec![Part::ToolResult(result)] }
}

fn part(part: WirePart) -> Part {
    match part {
        WirePart::Text { text } | WirePart::Refusal { refusal: text } => Part::Text(text),
        WirePart::ImageUrl { image_url } => Part::Media(Media { mime: "image/*".to_owned(), url: image_url.url }),
    }
}

impl WireTool {
    fn into_definition(self) -> ToolDefinition {
        let parameters = self.function.parameters.unwrap_or_else(|| serde_json::json!({ "type": "object" }));
        ToolDefinition {
            name: self.function.name,
            description: self.function.description.unwrap_or_default(),
            parameters_json_schema: parameters.to_string(),
            output_json_schema: None,
            hints: ToolHints::default(),
        }
    }
}

fn invalid(text: &str) -> Failure {
    Failure::new(Kind::InvalidRequest, text)
}
