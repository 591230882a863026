//! What a client sent to any endpoint that takes JSON: a quick look at its top level for routing and pass-through, and a
//! full reading for reasoning. The quick look keeps the client's bytes; only what a profile adds or a vendor refuses is
//! spliced.
use crate::chat::Request;
use crate::dialect::Written;
use crate::fields::invalid;
use crate::lost::Lost;
use crate::quirks::Quirks;
use magic_types::Failure;
use magic_types::chat::{Message, ToolDefinition};
use std::borrow::Cow;

use super::{reading, wire};
use object::{Entry, Fate};

mod messages;
mod object;

/// The top level of a request body. The body itself stays as the client wrote it.
#[derive(Debug)]
pub struct Head<'b> {
    pub model: Cow<'b, str>,
    pub stream: bool,
    fields: Vec<Entry<'b>>,
}

/// A whole request, read for a reasoning session.
#[derive(Debug)]
pub struct Reading {
    pub messages: Vec<Message>,
    /// The client's own tools: calls to them go back to the client.
    pub tools: Vec<ToolDefinition>,
    pub temperature: Option<f32>,
    pub top_p: Option<f32>,
    pub max_output_tokens: Option<u32>,
    pub include_usage: bool,
    /// Fields that a session has no use for; they change how a model says it, not what is asked.
    pub lost: Vec<String>,
}

/// Looks at the top level of `body`: one pass, no copy of anything but escaped strings.
///
/// # Errors
/// A client's failure that names the field.
pub fn head(body: &[u8]) -> Result<Head<'_>, Failure> {
    look(body, None)
}

/// The same where the endpoint lets the model be left out (moderations).
///
/// # Errors
/// A client's failure that names the field.
pub fn head_or<'b>(body: &'b [u8], model: &'b str) -> Result<Head<'b>, Failure> {
    look(body, Some(model))
}

fn look<'b>(body: &'b [u8], default: Option<&'b str>) -> Result<Head<'b>, Failure> {
    let fields =
        object::entries(body).map_err(|error| invalid(format!("the request body is not a JSON object: {error}")))?;
    let value = |key: &str| fields.iter().find(|field| field.key == key).map(|field| field.value);
    if fields.iter().filter(|field| field.key == "model").count() > 1 {
        return Err(invalid("`model` is given twice"));
    }
    let model = match (value("model"), default) {
        (None, Some(model)) => Cow::Borrowed(model),
        (None, None) => {
            return Err(invalid("you must provide a model parameter: name one of GET /v1/models"));
        }
        (Some(json), _) => text(json).ok_or_else(|| invalid("`model` must be a string"))?,
    };
    let stream = match value("stream") {
        None | Some("null" | "false") => false,
        Some("true") => true,
        Some(other) => return Err(invalid(format!("`stream` must be a boolean, not {other:.20}"))),
    };
    Ok(Head { model, stream, fields })
}

fn text(json: &str) -> Option<Cow<'_, str>> {
    match json.strip_prefix('"')?.strip_suffix('"')? {
        plain if !plain.contains('\\') => Some(Cow::Borrowed(plain)),
        _ => serde_json::from_str(json).ok().map(Cow::Owned),
    }
}

// === impl Head ===
impl Head<'_> {
    /// The body with another model's name, with every default that the client did not set itself, and without what the
    /// vendor refuses. All other bytes are the client's own. `defaults` holds top-level keys with their JSON text.
    pub fn splice<'d>(
        &self,
        body: &[u8],
        model_json: &str,
        defaults: impl Iterator<Item = (&'d str, &'d str)>,
        quirks: &Quirks,
    ) -> Written {
        self.splice_with(body, model_json, defaults, None, quirks)
    }

    /// The same, and whatever the client says of one key is said otherwise.
    pub fn splice_with<'d>(
        &self,
        body: &[u8],
        model_json: &str,
        defaults: impl Iterator<Item = (&'d str, &'d str)>,
        instead: Option<(&str, &str)>,
        quirks: &Quirks,
    ) -> Written {
        let mut front = Vec::new();
        let model = (!self.has("model")).then_some(("model", model_json));
        let renamed = |key: &'d str| quirks.rename.iter().find(|(ours, _)| *ours == key).map_or(key, |(_, its)| *its);
        let unset = defaults.filter(|(key, _)| !self.sets(key)).map(|(key, json)| (renamed(key), json));
        for (key, json) in unset.chain(model) {
            if !front.is_empty() {
                front.push(b',');
            }
            front.extend_from_slice(format!("\"{key}\":{json}").as_bytes());
        }
        let mut lost = Lost::default();
        let body = object::rewrite(body, &self.fields, &front, |field| match field.key.as_ref() {
            "model" => Fate::Replace(Cow::Borrowed(model_json.as_bytes())),
            "messages" => messages::replaced(field.value, quirks, &mut lost),
            key => match quirks.name(key) {
                Some(_) if let Some((_, json)) = instead.filter(|(name, _)| *name == key) => {
                    Fate::Replace(Cow::Borrowed(json.as_bytes()))
                }
                None => {
                    lost.when(field.value != "null", key);
                    Fate::Strip
                }
                Some(name) if name == key => Fate::Keep,
                // Both spellings at once would be one key twice.
                Some(name) if self.has(name) => Fate::Strip,
                Some(_) => {
                    quirks.rename.iter().find(|(ours, _)| *ours == key).map_or(Fate::Keep, |(_, its)| Fate::Rename(its))
                }
            },
        });
        Written { body: body.into(), lost: lost.into_names() }
    }

    /// The largest number that one of these keys has at the top level.
    pub fn number(&self, keys: &[&str]) -> Option<u64> {
        let named = self.fields.iter().filter(|field| keys.contains(&field.key.as_ref()));
        named.filter_map(|field| field.value.parse().ok()).max()
    }

    /// The JSON text behind a key of the top level.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.fields.iter().find(|field| field.key == key).map(|field| field.value)
    }

    /// Whether the body has that key at its top level.
    pub fn has(&self, key: &str) -> bool {
        self.fields.iter().any(|field| field.key == key)
    }

    fn sets(&self, key: &str) -> bool {
        // The two spellings mean one thing: https://platform.openai.com/docs/api-reference/chat/create
        match key {
            "max_tokens" | "max_completion_tokens" => self.has("max_tokens") || self.has("max_completion_tokens"),
            key => self.has(key),
        }
    }
}

/// Reads the whole conversation of `body`.
///
/// # Errors
/// A client's failure that names the field, also for what would change the answer and a reasoning session cannot honour.
pub fn read(body: &[u8]) -> Result<Reading, Failure> {
    reading::of(wire::read(body)?)
}

/// The same of a request that has been read already, in whatever dialect.
///
/// # Errors
/// A client's failure for what would change the answer and a reasoning session cannot honour.
pub fn reading(request: &Request) -> Result<Reading, Failure> {
    reading::of(request.clone())
}

#[cfg(test)]
mod tests;
