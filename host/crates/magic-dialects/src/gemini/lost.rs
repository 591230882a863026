//! Names of what could not be carried over: each once, in the order in which they were met.
use serde_json::Value;
use std::collections::HashSet;

#[derive(Default)]
pub(crate) struct Lost {
    names: Vec<String>,
    known: HashSet<String>,
}

// === impl Lost ===
impl Lost {
    pub(crate) fn name(&mut self, name: impl Into<String>) {
        let name = name.into();
        if self.known.insert(name.clone()) {
            self.names.push(name);
        }
    }

    /// A field of the client's that has no place here: lost, unless it asks for what happens anyway.
    pub(crate) fn field(&mut self, name: &str, value: &Value) {
        if !asks_nothing(name, value) {
            self.name(name);
        }
    }

    pub(crate) fn into_names(self) -> Vec<String> {
        self.names
    }
}

/// Whether a value is what the field's absence would mean, so that nothing is lost with it.
fn asks_nothing(name: &str, value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Array(list) => list.is_empty() || (name == "modalities" && list.iter().all(|word| word == "text")),
        Value::Object(object) => object.is_empty(),
        Value::Number(number) => name == "n" && number.as_u64() == Some(1),
        Value::String(word) => name == "service_tier" && matches!(word.as_str(), "auto" | "default"),
    }
}
