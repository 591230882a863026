//! Tools as BFCL and OpenAI write them. BFCL names types after Python (`dict`, `float`, `tuple`, `any`) and puts dots in
//! names; what goes out is OpenAI's.
use serde_json::{Map, Value, json};

/// What a checker has to know of a tool.
#[derive(Clone, Debug)]
pub struct Tool {
    /// As it goes out.
    pub(crate) name: String,
    pub(crate) properties: Map<String, Value>,
    pub(crate) required: Vec<String>,
}

/// A type that a value can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    String,
    Integer,
    Float,
    Boolean,
    Array,
    Object,
    Null,
    /// Whatever is right.
    Any,
}

// === impl Tool ===
impl Tool {
    pub(crate) fn read(tool: &Value) -> Result<Self, String> {
        let tool = function(tool);
        let name = tool["name"].as_str().ok_or_else(|| format!("a tool without a `name`: {tool}"))?;
        let parameters = &tool["parameters"];
        let required = parameters["required"].as_array().into_iter().flatten();
        Ok(Self {
            name: wire_name(name),
            properties: parameters["properties"].as_object().cloned().unwrap_or_default(),
            required: required.filter_map(|name| name.as_str().map(str::to_owned)).collect(),
        })
    }
}

// === impl Type ===
impl Type {
    /// Of a parameter's schema.
    pub(crate) fn declared(schema: &Value) -> Self {
        match schema["type"].as_str().unwrap_or("any") {
            "string" => Self::String,
            "integer" => Self::Integer,
            "float" | "number" => Self::Float,
            "boolean" | "bool" => Self::Boolean,
            "array" | "list" | "tuple" => Self::Array,
            "dict" | "object" => Self::Object,
            _ => Self::Any,
        }
    }

    pub(crate) fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Boolean,
            Value::Number(number) if number.is_f64() => Self::Float,
            Value::Number(_) => Self::Integer,
            Value::String(_) => Self::String,
            Value::Array(_) => Self::Array,
            Value::Object(_) => Self::Object,
        }
    }
}

/// OpenAI allows letters, digits, `_` and `-`. BFCL's own harness replaces dots the same way.
pub(crate) fn wire_name(name: &str) -> String {
    let allowed = |one: char| one.is_ascii_alphanumeric() || one == '_' || one == '-';
    name.chars().map(|one| if allowed(one) { one } else { '_' }).collect()
}

/// The tool as OpenAI's endpoint takes it.
pub(crate) fn openai(tool: &Value) -> Result<Value, String> {
    let mut function = function(tool).clone();
    let name = function["name"].as_str().ok_or_else(|| format!("a tool without a `name`: {tool}"))?;
    let name = wire_name(name);
    let Some(fields) = function.as_object_mut() else { return Err(format!("a tool is {tool}: write an object")) };
    fields.insert("name".to_owned(), name.into());
    if let Some(parameters) = fields.get_mut("parameters") {
        rename_types(parameters);
    }
    Ok(json!({ "type": "function", "function": function }))
}

/// OpenAI wraps it, BFCL does not.
fn function(tool: &Value) -> &Value {
    tool.get("function").unwrap_or(tool)
}

fn rename_types(schema: &mut Value) {
    let Some(fields) = schema.as_object_mut() else { return };
    let renamed = match fields.get("type").and_then(Value::as_str) {
        Some("dict") => Some("object"),
        Some("float") => Some("number"),
        Some("list" | "tuple") => Some("array"),
        Some("bool") => Some("boolean"),
        _ => None,
    };
    if let Some(renamed) = renamed {
        fields.insert("type".to_owned(), renamed.into());
    }
    if fields.get("type").and_then(Value::as_str) == Some("any") {
        fields.remove("type");
    }
    // A property may itself be called `type` or `items`: only schemas are gone into.
    if let Some(properties) = fields.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(rename_types);
    }
    for key in ["items", "additionalProperties"] {
        fields.get_mut(key).into_iter().for_each(rename_types);
    }
}

#[cfg(test)]
mod tests;
