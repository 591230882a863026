//! Reads what stands inside `<ACTION>`: which tools are called with what. Tolerant in form, never in meaning; its errors
//! are sentences for the model.
mod found;

pub(crate) use found::find;

use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// A wish to call a tool, not yet checked against what there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) name: String,
    /// The text of a JSON object, as the model wrote it.
    pub(crate) arguments_json: String,
}

/// Says to the model what to mend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ActionError {
    #[error(
        "Your action is not valid JSON: {0}. Write one object: \
         {{\"tool_name\": \"...\", \"arguments\": {{...}}}}, and nothing else."
    )]
    NotJson(String),
    #[error("Your action must be a JSON object with \"tool_name\" and \"arguments\", or a list of such objects.")]
    NotAnObject,
    #[error("Your action does not say which tool to call: add \"tool_name\".")]
    NoName,
    #[error("The value of \"{0}\" in your action must be a JSON object such as {{\"name\": \"value\"}}.")]
    BadArguments(String),
    #[error("Your action has both \"{0}\" and \"{1}\": put the arguments into one object, \"arguments\".")]
    Ambiguous(&'static str, &'static str),
    #[error("Your action calls {0} tools at once: call at most {CALLS_MAX}.")]
    TooMany(usize),
}

const CALLS_MAX: usize = 16;
const NAMES: [&str; 4] = ["tool_name", "name", "tool", "action"];
const ARGUMENTS: [&str; 4] = ["arguments", "args", "parameters", "input"];

type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// The calls in order; none means "go on".
pub(crate) fn parse(text: &str) -> Result<Vec<Call>, ActionError> {
    let text = without_fence(text.trim());
    match calls(text) {
        Err(ActionError::NotJson(problem)) => {
            // Models put real line breaks into strings. That has one meaning only.
            let mended = with_escaped_controls(text);
            calls(&mended).map_err(|_| ActionError::NotJson(problem))
        }
        done => done,
    }
}

fn calls(text: &str) -> Result<Vec<Call>, ActionError> {
    let mut calls = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
        let value = value.map_err(|error| ActionError::NotJson(error.to_string()))?.get();
        if value.starts_with('[') {
            for item in serde_json::from_str::<Vec<&RawValue>>(value).map_err(not_json)? {
                calls.push(call(item.get())?);
            }
        } else {
            calls.push(call(value)?);
        }
    }
    if calls.len() > CALLS_MAX { Err(ActionError::TooMany(calls.len())) } else { Ok(calls) }
}

fn call(text: &str) -> Result<Call, ActionError> {
    if !text.starts_with('{') {
        return Err(ActionError::NotAnObject);
    }
    let mut fields: Fields<'_> = serde_json::from_str(text).map_err(not_json)?;
    // OpenAI's form: {"type": "function", "function": {"name": .., "arguments": ".."}}.
    if let Some(inner) = fields.get("function").map(|inner| inner.get()).filter(|inner| inner.starts_with('{')) {
        fields = serde_json::from_str(inner).map_err(not_json)?;
    }
    let name = NAMES.iter().find_map(|key| fields.remove(*key)).ok_or(ActionError::NoName)?;
    let name: String = serde_json::from_str(name.get()).map_err(|_| ActionError::NoName)?;
    let mut given = ARGUMENTS.iter().filter_map(|key| Some((*key, fields.get(*key)?.get())));
    let arguments_json = match (given.next(), given.next()) {
        (Some((first, _)), Some((second, _))) => return Err(ActionError::Ambiguous(first, second)),
        (Some((key, value)), None) => object(value).ok_or_else(|| ActionError::BadArguments(key.to_owned()))?,
        // Arguments beside the name: nothing else can be meant.
        (None, _) => flat(&fields),
    };
    Ok(Call { name: name.trim().to_owned(), arguments_json })
}

/// The object that a value is, or that a string holds the text of.
fn object(value: &str) -> Option<String> {
    if value.starts_with('{') {
        return Some(value.to_owned());
    }
    if value == "null" {
        return Some("{}".to_owned());
    }
    let text: String = serde_json::from_str(value).ok()?;
    let text = text.trim();
    if text.is_empty() {
        return Some("{}".to_owned());
    }
    let inner: &RawValue = serde_json::from_str(text).ok()?;
    inner.get().starts_with('{').then(|| inner.get().to_owned())
}

fn flat(fields: &Fields<'_>) -> String {
    let pairs = fields.iter().map(|(key, value)| format!("{}: {}", json_string(key), value.get()));
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
}

pub(crate) fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

pub(crate) fn without_fence(text: &str) -> &str {
    let Some(inner) = text.strip_prefix("```") else { return text };
    let inner = inner.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
    inner.trim_end().trim_end_matches('`').trim()
}

fn with_escaped_controls(text: &str) -> String {
    let (mut out, mut in_string, mut escaped) = (String::with_capacity(text.len()), false, false);
    for c in text.chars() {
        match c {
            '\n' if in_string => out.push_str("\\n"),
            '\r' if in_string => out.push_str("\\r"),
            '\t' if in_string => out.push_str("\\t"),
            _ => out.push(c),
        }
        in_string ^= c == '"' && !escaped;
        escaped = c == '\\' && in_string && !escaped;
    }
    out
}

#[expect(clippy::needless_pass_by_value, reason = "used as a function of `map_err`")]
fn not_json(error: serde_json::Error) -> ActionError {
    ActionError::NotJson(error.to_string())
}

#[cfg(test)]
mod tests;
