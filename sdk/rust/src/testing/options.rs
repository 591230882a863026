//! What a pattern says of its options, checked. Refuses to run the pattern.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// What is wrong with a schema of options; empty is right. Its defaults must be those of the type, and its `examples`
/// must read.
#[must_use]
pub fn misfits<T: DeserializeOwned + PartialEq>(schema: Option<&str>) -> Vec<String> {
    let schema: Value = match serde_json::from_str(schema.unwrap_or_default()) {
        Ok(schema) => schema,
        Err(error) => return vec![format!("the schema is not JSON: {error}")],
    };
    let mut misfits = Vec::new();
    if schema["additionalProperties"] != false {
        misfits.push("the schema does not set `additionalProperties` to false".into());
    }
    let mut defaults = Map::new();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if property["description"].as_str().is_none_or(str::is_empty) {
            misfits.push(format!("option `{name}` has no description"));
        }
        defaults.extend(property.get("default").map(|default| (name.clone(), default.clone())));
    }
    let read = |value: Value| serde_json::from_value::<T>(value).map_err(|error| error.to_string());
    match (read(Value::Object(defaults)), read(Value::Object(Map::new()))) {
        (Ok(said), Ok(own)) if said == own => {}
        (Ok(_), Ok(_)) => misfits.push("the schema's defaults are not those of the type".into()),
        (Err(error), _) | (_, Err(error)) => misfits.push(format!("the defaults do not read: {error}")),
    }
    let examples = schema["examples"].as_array().map(Vec::as_slice).unwrap_or_default();
    misfits.extend(examples.iter().filter_map(|example| read(example.clone()).err()));
    misfits
}
