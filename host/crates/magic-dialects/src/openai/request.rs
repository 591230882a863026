//! What a client sent to `/v1/chat/completions`: a quick look at its top level for routing and pass-through, and a full
//! reading for reasoning. The quick look keeps the client's bytes; only what a profile adds is spliced in.
use bytes::Bytes;
use magic_types::chat::{Message, ToolDefinition};
use magic_types::{Failure, Kind};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::ops::Range;

use super::wire;

/// The top level of a request body. The body itself stays as the client wrote it.
#[derive(Debug)]
pub struct Head<'b> {
    pub model: Cow<'b, str>,
    pub stream: bool,
    /// Where the model's JSON string stands in the body, quotes included.
    model_span: Range<usize>,
    keys: Vec<Cow<'b, str>>,
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
}

/// Looks at the top level of `body`: one pass, no copy of anything but escaped strings.
///
/// # Errors
/// A client's failure that names the field.
pub fn head(body: &[u8]) -> Result<Head<'_>, Failure> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let top = TopSeed.deserialize(&mut json).and_then(|top| json.end().map(|()| top)).map_err(malformed)?;
    let Some(raw) = top.model else {
        return Err(Failure::new(
            Kind::InvalidRequest,
            "you must provide a model parameter: name one of GET /v1/models",
        ));
    };
    let model = serde_json::from_str::<Text<'_>>(raw.get())
        .map_err(|_| Failure::new(Kind::InvalidRequest, "`model` must be a string"))?;
    // The raw value is a slice of `body`, so its address is its place.
    let start = raw.get().as_ptr().addr() - body.as_ptr().addr();
    Ok(Head { model: model.0, stream: top.stream, model_span: start..start + raw.get().len(), keys: top.keys })
}

impl Head<'_> {
    /// The body with another model's name, and with every default that the client did not set itself. All other bytes
    /// are the client's own. `defaults` holds top-level keys with their JSON text.
    pub fn splice<'d>(
        &self,
        body: &[u8],
        model_json: &str,
        defaults: impl Iterator<Item = (&'d str, &'d str)>,
    ) -> Bytes {
        let open = memchr::memchr(b'{', body).map_or(0, |at| at + 1);
        let parts = (body.get(..open), body.get(open..self.model_span.start), body.get(self.model_span.end..));
        let (Some(before), Some(between), Some(after)) = parts else {
            return Bytes::copy_from_slice(body);
        };
        let mut out = Vec::with_capacity(body.len() + model_json.len() + 64);
        out.extend_from_slice(before);
        for (key, json) in defaults.filter(|(key, _)| !self.sets(key)) {
            out.push(b'"');
            out.extend_from_slice(key.as_bytes());
            out.extend_from_slice(b"\":");
            out.extend_from_slice(json.as_bytes());
            out.push(b',');
        }
        out.extend_from_slice(between);
        out.extend_from_slice(model_json.as_bytes());
        out.extend_from_slice(after);
        out.into()
    }

    fn sets(&self, key: &str) -> bool {
        let has = |wanted: &str| self.keys.iter().any(|key| key == wanted);
        // The two spellings mean one thing: https://platform.openai.com/docs/api-reference/chat/create
        match key {
            "max_tokens" | "max_completion_tokens" => has("max_tokens") || has("max_completion_tokens"),
            key => has(key),
        }
    }
}

/// Reads the whole conversation of `body`.
///
/// # Errors
/// A client's failure that names the field, also for what would change the answer and a reasoning session cannot honour.
pub fn read(body: &[u8]) -> Result<Reading, Failure> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let request: wire::Request = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| Failure::new(Kind::InvalidRequest, format!("`{}`: {}", error.path(), error.inner())))?;
    request.into_reading()
}

fn malformed(error: serde_json::Error) -> Failure {
    Failure::new(Kind::InvalidRequest, format!("the request body is not a JSON object of a chat completion: {error}"))
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

struct Top<'a> {
    model: Option<&'a RawValue>,
    stream: bool,
    keys: Vec<Cow<'a, str>>,
}

struct TopSeed;

impl<'de> DeserializeSeed<'de> for TopSeed {
    type Value = Top<'de>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Top<'de>, D::Error> {
        deserializer.deserialize_map(TopVisitor)
    }
}

struct TopVisitor;

impl<'de> Visitor<'de> for TopVisitor {
    type Value = Top<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Top<'de>, A::Error> {
        let mut top = Top { model: None, stream: false, keys: Vec::with_capacity(16) };
        while let Some(key) = map.next_key::<Text<'de>>()? {
            match key.0.as_ref() {
                // Two models in one body would let the gateway route by one and the vendor bill by the other.
                "model" if top.model.is_some() => return Err(A::Error::custom("`model` is given twice")),
                "model" => top.model = Some(map.next_value()?),
                "stream" => {
                    let stream = map.next_value::<Option<bool>>();
                    top.stream =
                        stream.map_err(|error| A::Error::custom(format!("`stream`: {error}")))?.unwrap_or(false);
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            top.keys.push(key.0);
        }
        Ok(top)
    }
}

#[cfg(test)]
mod tests;
