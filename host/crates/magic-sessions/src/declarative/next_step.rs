//! The second phase of `json_schema`: the schema under which a model states what it decided on, and how that is read.
//! The thinking is over by then, so that nothing is constrained before it.
use crate::action::{self, Call};
use magic_types::chat::ToolDefinition;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What a model stated.
pub(super) enum Stated {
    Answer(String),
    Calls(Vec<Call>),
    /// What is wrong with it, for the model.
    Nothing(String),
}

/// Vendors compile a schema before the first token, and bound it: beyond this, arguments are left to any object.
const SCHEMA_BYTES_MAX: usize = 32 << 10;

/// Root and branches are objects, since vendors refuse a union at the root. The call's name is `action` and not `tool_name`:
/// keys are sorted on their way to the vendor, decoders write them in that order, and the name has to come first.
pub(super) fn schema(tools: &[ToolDefinition]) -> String {
    let exact = spelled(tools, true);
    if exact.len() <= SCHEMA_BYTES_MAX { exact } else { spelled(tools, false) }
}

fn spelled(tools: &[ToolDefinition], exact: bool) -> String {
    let any = || json!({ "type": "object" });
    let calls = tools.iter().map(|tool| {
        let arguments = if exact { serde_json::from_str(&tool.parameters_json_schema).ok() } else { None };
        let arguments = arguments.filter(Value::is_object).unwrap_or_else(any);
        object(&[("action", json!({ "type": "string", "enum": [tool.name] })), ("arguments", arguments)])
    });
    let answer = object(&[("final_answer", json!({ "type": "string" }))]);
    let steps: Vec<Value> = calls.chain([answer]).collect();
    object(&[("next", json!({ "anyOf": steps }))]).to_string()
}

fn object(properties: &[(&str, Value)]) -> Value {
    let required: Vec<&str> = properties.iter().map(|(name, _)| *name).collect();
    let properties: Map<String, Value> =
        properties.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

/// Reads what the schema allows, and the same without `next` around it: not every backend that takes a schema obeys it.
pub(super) fn read(text: &str) -> Stated {
    let text = action::without_fence(text.trim());
    let inner = fields(text).and_then(|fields| Some(fields.get("next")?.get())).unwrap_or(text);
    let answer =
        fields(inner).and_then(|fields| serde_json::from_str::<String>(fields.get("final_answer")?.get()).ok());
    if let Some(answer) = answer.filter(|answer| !answer.trim().is_empty()) {
        return Stated::Answer(answer);
    }
    match action::parse(inner) {
        Ok(calls) if calls.is_empty() => Stated::Nothing("You stated no next step.".to_owned()),
        Ok(calls) => Stated::Calls(calls),
        Err(error) => Stated::Nothing(error.to_string()),
    }
}

fn fields(text: &str) -> Option<BTreeMap<String, &RawValue>> {
    serde_json::from_str(text).ok()
}

#[cfg(test)]
mod tests;
