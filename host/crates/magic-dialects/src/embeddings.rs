//! OpenAI's `/v1/embeddings` before Google's `batchEmbedContents`: body in, body out. Vectors are Google's, digit by digit.
//! <https://ai.google.dev/api/embeddings>
use crate::dialect::Written;
use crate::errors::{self, bad_reply};
use crate::fields::{Fields, invalid};
use crate::gemini::model;
use crate::lost::Lost;
use crate::operation::Answer;
use crate::{base64, counting};
use magic_types::{Failure, Usage};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// What the reply's form hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    texts: usize,
    in_base64: bool,
    /// Of all texts.
    tokens_estimated: u64,
}

/// The body for Google. `model` is Google's name for it.
///
/// # Errors
/// A client's failure that names the field.
pub fn write(body: &[u8], model: &str) -> Result<(Written, Asked), Failure> {
    let mut fields = Fields::read(body)?;
    let mut lost = Lost::default();
    let texts = texts(fields.take("input"))?;
    let dimensions = fields.count("dimensions")?;
    let in_base64 = match fields.text("encoding_format")?.as_deref() {
        None | Some("float") => false,
        Some("base64") => true,
        Some(_) => return Err(invalid("`encoding_format` must be `float` or `base64`")),
    };
    // Google's own: what the vectors are for changes them.
    let task = fields.text("task_type")?;
    fields.lose_the_rest(&mut lost);
    let name = format!("models/{}", model::bare(model));
    let request = |text: &String| {
        let mut request = json!({ "model": name, "content": { "parts": [{ "text": text }] } });
        if let Some(object) = request.as_object_mut() {
            object.extend(dimensions.map(|number| ("outputDimensionality".to_owned(), json!(number))));
            object.extend(task.as_ref().map(|task| ("taskType".to_owned(), json!(task))));
        }
        request
    };
    let requests: Vec<Value> = texts.iter().map(request).collect();
    let tokens_estimated = texts.iter().map(|text| counting::of_text(text)).fold(0, u64::saturating_add);
    let body = json!({ "requests": requests }).to_string().into();
    let asked = Asked { texts: texts.len(), in_base64, tokens_estimated };
    Ok((Written { body, lost: lost.into_names() }, asked))
}

fn texts(input: Option<Value>) -> Result<Vec<String>, Failure> {
    let text = |value| match value {
        Value::String(text) => Ok(text),
        Value::Number(_) | Value::Array(_) => Err(invalid("`input`: Google embeds texts and not tokens; send strings")),
        Value::Null | Value::Bool(_) | Value::Object(_) => {
            Err(invalid("`input` must be a string or a list of strings"))
        }
    };
    match input {
        None => Err(invalid("`input` is missing")),
        Some(Value::Array(list)) if list.is_empty() => Err(invalid("`input` is empty")),
        Some(Value::Array(list)) => list.into_iter().map(text).collect(),
        Some(other) => text(other).map(|text| vec![text]),
    }
}

// === impl Asked ===
impl Asked {
    /// Google's reply as OpenAI's list. `model` is the name that the client used.
    ///
    /// # Errors
    /// `BadReply` for what cannot be read or has another number of vectors than texts, Google's failure for an error inside
    /// a 200.
    pub fn read(&self, json: &[u8], model: &str) -> Result<Answer, Failure> {
        let reply: Reply<'_> = serde_json::from_slice(json).map_err(bad_reply)?;
        if reply.error.is_some() {
            return Err(errors::in_band(json));
        }
        if reply.embeddings.len() != self.texts {
            return Err(bad_reply(format!("{} vectors for {} texts", reply.embeddings.len(), self.texts)));
        }
        let mut data = String::with_capacity(json.len() + 64);
        for (index, embedding) in reply.embeddings.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let vector = self.vector(embedding.values)?;
            // Writing to a string cannot fail.
            let _infallible =
                write!(data, "{comma}{{\"object\":\"embedding\",\"index\":{index},\"embedding\":{vector}}}");
        }
        let tokens = self.tokens_estimated;
        let body = format!(
            "{{\"object\":\"list\",\"data\":[{data}],\"model\":{},\"usage\":{{\"prompt_tokens\":{tokens},\"total_tokens\":{tokens}}}}}",
            json!(model)
        );
        let usage = Usage { input_tokens: tokens, ..Usage::default() };
        Ok(Answer { usage_is_estimated: true, ..Answer::json(body, Some(usage)) })
    }

    /// A JSON value: Google's own digits, or OpenAI's base64 of little-endian 32-bit floats.
    fn vector(&self, values: &RawValue) -> Result<String, Failure> {
        let floats: Vec<f32> = serde_json::from_str(values.get()).map_err(bad_reply)?;
        if !self.in_base64 {
            return Ok(values.get().to_owned());
        }
        let bytes: Vec<u8> = floats.iter().flat_map(|float| float.to_le_bytes()).collect();
        Ok(format!("\"{}\"", base64::encode(&bytes)))
    }
}

#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(borrow, default)]
    embeddings: Vec<Embedding<'a>>,
    #[serde(default)]
    error: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Embedding<'a> {
    #[serde(borrow)]
    values: &'a RawValue,
}

#[cfg(test)]
mod tests;
