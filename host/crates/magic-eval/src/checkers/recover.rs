//! Calls that stand in a text because nobody made tool calls of them: the forms that models were trained to write. JSON
//! only, and it must be whole; nothing is mended.
use super::Call;
use crate::schema::{Tool, wire_name};
use serde_json::{Map, Value};

const NAMES: [&str; 4] = ["name", "tool_name", "function", "tool"];
const ARGUMENTS: [&str; 5] = ["arguments", "parameters", "args", "input", "tool_input"];

/// In the order of the text.
pub(super) fn calls(text: &str, tools: &[Tool]) -> Vec<Call> {
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some(begin) = rest.find(['{', '[']).and_then(|at| rest.get(at..)) {
        let mut values = serde_json::Deserializer::from_str(begin).into_iter::<Value>();
        let (value, end) = (values.next().and_then(Result::ok), values.byte_offset());
        match value.map(|value| read(&value, tools)) {
            Some(calls) if !calls.is_empty() => {
                found.extend(calls);
                rest = begin.get(end..).unwrap_or_default();
            }
            // A bracket of prose, or JSON around what is wanted: what is inside may still be a call.
            _ => rest = begin.get(1..).unwrap_or_default(),
        }
    }
    found
}

fn read(value: &Value, tools: &[Tool]) -> Vec<Call> {
    match value {
        Value::Array(list) => list.iter().flat_map(|one| read(one, tools)).collect(),
        Value::Object(object) => named(object, tools).or_else(|| keyed(object, tools)).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// `{"name": "f", "arguments": {…}}` and its kin, also inside `{"function": {…}}`.
fn named(object: &Map<String, Value>, tools: &[Tool]) -> Option<Call> {
    if let Some(inner) = object.get("function").and_then(Value::as_object) {
        return named(inner, tools);
    }
    let name = NAMES.iter().find_map(|key| object.get(*key)?.as_str()).filter(|name| is_known(name, tools))?;
    let arguments = ARGUMENTS.iter().find_map(|key| object.get(*key)).cloned().unwrap_or_else(|| Map::new().into());
    Some(Call { name: name.to_owned(), arguments: unquoted(arguments) })
}

/// `{"f": {…}}`.
fn keyed(object: &Map<String, Value>, tools: &[Tool]) -> Option<Call> {
    let (name, arguments) = object.iter().next().filter(|_| object.len() == 1)?;
    let is_call = is_known(name, tools) && arguments.is_object();
    is_call.then(|| Call { name: name.clone(), arguments: arguments.clone() })
}

/// OpenAI's arguments are JSON in a string.
pub(crate) fn unquoted(arguments: Value) -> Value {
    match &arguments {
        Value::String(text) => serde_json::from_str(text).unwrap_or(arguments),
        _ => arguments,
    }
}

fn is_known(name: &str, tools: &[Tool]) -> bool {
    tools.iter().any(|tool| tool.name == wire_name(name))
}
