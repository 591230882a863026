//! Errors inside replies that pass: the object found wherever a dialect puts it. What it means is decided in `errors`.
use crate::errors;
use magic_types::{Failure, Kind};
use serde_json::{Value, json};

/// An error in data that merely holds the word; `None` if it holds no error.
pub(super) fn in_band(data: &[u8]) -> Option<Failure> {
    let value: Value = serde_json::from_slice(data).ok()?;
    Some(failure(find(&value)?))
}

/// The error in an event that is one by its name.
pub(super) fn said_in(data: &[u8]) -> Failure {
    let value: Value = serde_json::from_slice(data).unwrap_or_default();
    failure(find(&value).unwrap_or(&value))
}

pub(super) fn bad_reply(why: &str) -> Failure {
    Failure::new(Kind::BadReply, "the model's vendor sent a reply that cannot be read").private(why)
}

/// `response.error`, `error`, or the object itself where it says that it is one.
fn find(value: &Value) -> Option<&Value> {
    let says_something = |error: &&Value| match error {
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
        Value::String(text) => !text.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(list) => !list.is_empty(),
    };
    let is_itself = ["type", "object"].iter().any(|name| value.get(name).is_some_and(|word| word == "error"));
    let inside = [value.pointer("/response/error"), value.get("error")];
    inside.into_iter().flatten().find(says_something).or_else(|| is_itself.then_some(value))
}

/// Every dialect's object in the one place where it is looked for.
fn failure(error: &Value) -> Failure {
    errors::in_band(json!({ "error": error }).to_string().as_bytes())
}
