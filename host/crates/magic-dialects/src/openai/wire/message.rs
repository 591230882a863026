//! One message of a client, with every spelling of calls, results and reasoning that clients send back.
use super::part::{self, Parts};
use super::{WireRole, mark, result};
use crate::chat::{self, Content, Part, ToolCall};
use crate::seals::{self, Owner};
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
pub(super) struct Message {
    role: WireRole,
    content: Option<Parts>,
    name: Option<String>,
    refusal: Option<String>,
    tool_calls: Option<Vec<Call>>,
    function_call: Option<Function>,
    tool_call_id: Option<String>,
    reasoning_content: Option<Value>,
    reasoning: Option<Value>,
    reasoning_details: Option<Vec<Map<String, Value>>>,
    cache_control: Option<Value>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// OpenAI's old form of a call, which has no id: its function's name stands for it.
#[derive(Deserialize)]
struct Function {
    name: String,
    #[serde(default)]
    arguments: String,
}

#[derive(Deserialize)]
#[serde(try_from = "Map<String, Value>")]
struct Call(Part);

impl TryFrom<Map<String, Value>> for Call {
    type Error = &'static str;

    fn try_from(mut map: Map<String, Value>) -> Result<Self, Self::Error> {
        if let Some(kind) = map.get("type").and_then(Value::as_str).filter(|kind| *kind != "function") {
            let kind = kind.to_owned();
            return Ok(Self(Part::new(Content::Foreign { kind, json: Value::Object(map) })));
        }
        let id = part::text(&mut map, "id").ok_or("`id` must be a string")?;
        let Some(Value::Object(mut function)) = map.remove("function") else {
            return Err("`function` must be an object");
        };
        let name = part::text(&mut function, "name").ok_or("`function.name` must be a string")?;
        let arguments = match function.remove("arguments") {
            Some(Value::String(text)) => text,
            None | Some(Value::Null) => String::new(),
            // Some clients send back the object that they parsed.
            Some(value) => value.to_string(),
        };
        // https://ai.google.dev/gemini-api/docs/openai#thought-signatures
        let extra = map.get("extra_content").and_then(|extra| extra.pointer("/google/thought_signature"));
        let signature = extra.and_then(Value::as_str).map(str::to_owned);
        Ok(Self(Part::new(Content::ToolCall(ToolCall { id, name, arguments, signature }))))
    }
}

impl Message {
    pub(super) fn into_hub(mut self) -> chat::Message {
        self.rest.retain(|_, value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty()));
        let role = self.role.into_hub();
        let mut parts = self.reasoned();
        let mut content = self.content.map(|content| content.0).unwrap_or_default();
        mark(&mut content, self.cache_control.take());
        // A seal on an answer stands behind it.
        let seals = parts.iter().position(is_seal_of_answer).map(|at| parts.split_off(at)).unwrap_or_default();
        match self.role {
            WireRole::Tool => parts.push(result(self.tool_call_id.unwrap_or_default(), content)),
            WireRole::Function => parts.push(result(self.name.take().unwrap_or_default(), content)),
            WireRole::System | WireRole::Developer | WireRole::User | WireRole::Assistant => parts.extend(content),
        }
        parts.extend(seals);
        parts.extend(self.refusal.map(|text| Part::new(Content::Refusal(text))));
        parts.extend(self.tool_calls.unwrap_or_default().into_iter().map(|call| call.0));
        parts.extend(self.function_call.map(|Function { name, arguments }| {
            Part::new(Content::ToolCall(ToolCall { id: name.clone(), name, arguments, signature: None }))
        }));
        chat::Message { role, name: self.name, parts, rest: self.rest }
    }

    /// The sealed blocks where there are any, else the plain text.
    fn reasoned(&mut self) -> Vec<Part> {
        let plain = [self.reasoning_content.take(), self.reasoning.take()];
        let plain = plain.into_iter().flatten().find_map(|value| value.as_str().map(str::to_owned));
        let mut parts = details(self.reasoning_details.take().unwrap_or_default());
        let has_text =
            parts.iter().any(|part| matches!(&part.content, Content::Reasoning { text, .. } if !text.is_empty()));
        if let Some(text) = plain.filter(|text| !text.is_empty() && !has_text) {
            match parts.iter_mut().filter(|part| !is_seal_of_answer(part)).find_map(|part| match &mut part.content {
                Content::Reasoning { text, .. } => Some(text),
                _ => None,
            }) {
                Some(sealed) => *sealed = text,
                None => parts.insert(0, Part::new(Content::Reasoning { text, signature: None })),
            }
        }
        parts
    }
}

/// Google seals its answers as well.
fn is_seal_of_answer(part: &Part) -> bool {
    matches!(&part.content, Content::Reasoning { text, signature: Some(seal) }
        if text.is_empty() && seals::owner(seal) == Owner::Google)
}

/// OpenRouter's `reasoning_details`; a client that kept a stream's pieces apart sends them so: an unsealed piece goes on.
fn details(list: Vec<Map<String, Value>>) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for mut detail in list {
        let format = part::text(&mut detail, "format");
        if let Some(data) = part::text(&mut detail, "data") {
            parts.push(Part::new(Content::RedactedReasoning(seals::of_format(format.as_deref(), data))));
            continue;
        }
        let piece = part::text(&mut detail, "text").or_else(|| part::text(&mut detail, "summary")).unwrap_or_default();
        let seal = part::text(&mut detail, "signature").filter(|seal| !seal.is_empty());
        let seal = seal.map(|seal| seals::of_format(format.as_deref(), seal));
        match parts.last_mut().map(|part| &mut part.content) {
            Some(Content::Reasoning { text, signature: signature @ None }) => {
                text.push_str(&piece);
                *signature = seal;
            }
            _ => parts.push(Part::new(Content::Reasoning { text: piece, signature: seal })),
        }
    }
    parts
}
