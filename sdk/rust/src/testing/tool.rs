//! What a tool says of itself, checked. Refuses to call it.

use serde_json::Value;

use crate::Tool;

/// What is wrong with what a tool says of itself; empty is right. It reads the schema, and gives every one of the
/// schema's `examples` to the tool's argument type.
#[must_use]
pub fn problems<T: Tool>() -> Vec<String> {
    let mut problems = Vec::new();
    let name_fits = |name: &str| {
        (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    };
    if !name_fits(T::NAME) {
        problems.push(format!("the name `{}` is not [a-zA-Z0-9_-]{{1,64}}", T::NAME));
    }
    if T::DESCRIPTION.trim().is_empty() {
        problems.push("the description is empty".into());
    }
    match serde_json::from_str::<Value>(T::SCHEMA) {
        Ok(schema) => of_schema::<T>(&schema, &mut problems),
        Err(error) => problems.push(format!("the schema is not JSON: {error}")),
    }
    if let Some(Err(error)) = T::OUTPUT_SCHEMA.map(serde_json::from_str::<Value>) {
        problems.push(format!("the output schema is not JSON: {error}"));
    }
    problems
}

fn of_schema<T: Tool>(schema: &Value, problems: &mut Vec<String>) {
    if schema["type"] != "object" {
        problems.push("the schema's type is not `object`".into());
    }
    if schema["additionalProperties"] != false {
        problems.push("the schema does not set `additionalProperties` to false".into());
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if property["description"].as_str().is_none_or(str::is_empty) {
            problems.push(format!("property `{name}` has no description"));
        }
    }
    let examples = schema["examples"].as_array().map(Vec::as_slice).unwrap_or_default();
    if examples.is_empty() {
        problems.push("the schema has no `examples`".into());
    }
    for example in examples {
        if let Err(error) = serde_json::from_value::<T::Args>(example.clone()) {
            problems.push(format!("the example {example} does not fit the arguments: {error}"));
        }
    }
}
