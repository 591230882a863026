//! Names of what of a request could not be carried over: each once, in the order in which they were met, and no more than
//! a client reads. The one collector for every writer.
use serde_json::Value;

/// They end up in a header. The bound also keeps [`Lost::name`] from being quadratic.
const NAMES_MAX: usize = 64;
/// A name may be a client's own key, of any length.
const NAME_CHARS_MAX: usize = 128;
/// Stands for all that follow.
const MORE: &str = "…";

#[derive(Default)]
pub(crate) struct Lost(Vec<String>);

// === impl Lost ===
impl Lost {
    pub(crate) fn name(&mut self, name: impl AsRef<str>) {
        let name = name.as_ref();
        let end = name.char_indices().nth(NAME_CHARS_MAX).map_or(name.len(), |(at, _)| at);
        let name = name.get(..end).unwrap_or_default();
        if self.0.len() > NAMES_MAX || self.0.iter().any(|known| known == name) {
            return;
        }
        self.0.push(if self.0.len() == NAMES_MAX { MORE } else { name }.to_owned());
    }

    pub(crate) fn when(&mut self, is_lost: bool, name: impl AsRef<str>) {
        if is_lost {
            self.name(name);
        }
    }

    /// A field of the client's that has no place here: lost, unless it asks for what happens anyway.
    pub(crate) fn field(&mut self, name: &str, value: &Value) {
        self.when(!asks_nothing(name, value), name);
    }

    pub(crate) fn into_names(self) -> Vec<String> {
        self.0
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

#[cfg(test)]
mod tests;
