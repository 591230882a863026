//! JSON Schemas as Anthropic wants them. Changes only what it would refuse and what does not change the meaning for a
//! model; a keyword that it does not know is left for it to name.
use serde_json::{Map, Value, json};

/// An `input_schema` must be one of an object; a tool without parameters has an empty one.
pub(super) fn of_object(schema: Option<&Value>) -> Value {
    let mut fields = match schema {
        Some(Value::Object(fields)) => fields.clone(),
        Some(_) | None => Map::new(),
    };
    if fields.get("type").is_none_or(|kind| kind != "object") {
        fields.insert("type".to_owned(), json!("object"));
    }
    if fields.len() == 1 {
        fields.insert("properties".to_owned(), json!({}));
    }
    Value::Object(fields)
}

/// Structured outputs and strict tools ask every object to say `additionalProperties: false`. One that says something else
/// means it: the vendor refuses it in its own words.
/// <https://platform.claude.com/docs/en/build-with-claude/structured-outputs>
pub(super) fn closed(schema: Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let is_object =
                fields.get("type").is_some_and(|kind| kind == "object") || fields.contains_key("properties");
            let mut fields: Map<String, Value> = fields.into_iter().map(|(key, value)| keyword(key, value)).collect();
            if is_object {
                fields.entry("additionalProperties").or_insert(json!(false));
            }
            Value::Object(fields)
        }
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => other,
    }
}

/// Only where a schema stands: a property may be called `type`, an `enum` may hold objects.
fn keyword(key: String, value: Value) -> (String, Value) {
    let value = match (key.as_str(), value) {
        ("properties" | "$defs" | "definitions", Value::Object(named)) => {
            Value::Object(named.into_iter().map(|(name, schema)| (name, closed(schema))).collect())
        }
        ("anyOf" | "allOf" | "oneOf" | "prefixItems", Value::Array(schemas)) => {
            Value::Array(schemas.into_iter().map(closed).collect())
        }
        ("items" | "not", schema) => closed(schema),
        (_, value) => value,
    };
    (key, value)
}
