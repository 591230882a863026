//! JSON Schemas of a component, compiled once: arguments are held to one, structured output to the other. References
//! outside the schema are refused, and so is a schema that explodes while it is checked.
use crate::defaults;
use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value;

mod cost;

pub(crate) struct Schema {
    validator: Validator,
    depth_max: u32,
}

// === impl Schema ===
impl Schema {
    /// A schema whose instances are objects, as arguments are.
    pub(crate) fn of_object(text: &str) -> Result<Self, String> {
        let value = parse(text)?;
        match value.get("type").and_then(Value::as_str) {
            Some("object") => compile(&value),
            Some(_) | None => Err("it is not a schema of an object: say `\"type\": \"object\"` at its top".to_owned()),
        }
    }

    pub(crate) fn of_any(text: &str) -> Result<Self, String> {
        compile(&parse(text)?)
    }

    /// The text names every violation with its path, for a model to mend.
    pub(crate) fn check_arguments(&self, arguments_json: &str) -> Result<(), String> {
        if arguments_json.len() > defaults::ARGUMENTS_BYTES_MAX {
            let (bytes, bytes_max) = (arguments_json.len(), defaults::ARGUMENTS_BYTES_MAX);
            return Err(format!("the arguments are {bytes} bytes, more than {bytes_max}"));
        }
        match arguments_json.trim() {
            "" => self.check("{}"),
            given => self.check(given),
        }
    }

    pub(crate) fn check(&self, json: &str) -> Result<(), String> {
        let value: Value = serde_json::from_str(json).map_err(|error| format!("not valid JSON: {error}"))?;
        if depth(&value) > self.depth_max {
            return Err(format!("nested deeper than {} levels", self.depth_max));
        }
        match self.validator.is_valid(&value) {
            true => Ok(()),
            false => Err(violations(&self.validator, &value)),
        }
    }
}

fn violations(validator: &Validator, value: &Value) -> String {
    let mut errors = validator.iter_errors(value);
    let mut told: Vec<String> = Vec::new();
    for error in errors.by_ref().take(defaults::VIOLATIONS_MAX) {
        let path = error.instance_path().to_string();
        let place = if path.is_empty() { "the top".to_owned() } else { format!("`{path}`") };
        let message = error.to_string();
        told.push(format!("at {place}: {}", crate::lines::cut(&message, 512)));
    }
    if errors.next().is_some() {
        told.push("and more".to_owned());
    }
    told.join("; ")
}

/// Levels of nesting; serde_json has bounded them already.
fn depth(value: &Value) -> u32 {
    match value {
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

fn parse(text: &str) -> Result<Value, String> {
    if text.len() > defaults::SCHEMA_BYTES_MAX {
        return Err(format!("it is {} bytes, more than {}", text.len(), defaults::SCHEMA_BYTES_MAX));
    }
    let value: Value = serde_json::from_str(text).map_err(|error| format!("not valid JSON: {error}"))?;
    match value {
        Value::Object(_) => Ok(value),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err("it is not a JSON object".to_owned())
        }
    }
}

fn compile(value: &Value) -> Result<Schema, String> {
    let cost = cost::check(value)?;
    let options = jsonschema::options().with_draft(Draft::Draft202012).offline();
    // Guests choose the patterns: a matcher without backtracking cannot be made to hang.
    let options = options.with_pattern_options(PatternOptions::regex().size_limit(defaults::PATTERN_BYTES_MAX));
    let built = options.build(value).map_err(|error| format!("not a valid JSON Schema: {error}"));
    built.map(|validator| Schema { validator, depth_max: cost.depth_max })
}

#[cfg(test)]
mod tests;
