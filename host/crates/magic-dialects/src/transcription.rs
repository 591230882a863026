//! OpenAI's `/v1/audio/transcriptions` before a listening Gemini: a form in, a text out. Google tells no times, so no
//! subtitles are made.
use crate::base64;
use crate::dialect::Written;
use crate::errors::bad_reply;
use crate::fields::invalid;
use crate::gemini::wire::{Response, UsageMetadata};
use crate::lost::Lost;
use crate::multipart::{Field, Form};
use crate::operation::Answer;
use crate::speech::silent;
use magic_types::{Failure, Usage};
use serde_json::json;

const INSTRUCTION: &str = "Transcribe the speech in this recording word for word, in the language that is spoken. \
    Answer with the transcript alone: no remarks, no times, no names of speakers, no translation. \
    If nobody speaks, answer with nothing.";

/// What the reply's form hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The bare text instead of JSON.
    is_text: bool,
}

/// The body for Google. `form` must be whole.
///
/// # Errors
/// A client's failure that names the field.
pub fn write(form: &Form) -> Result<(Written, Asked), Failure> {
    let mut lost = Lost::default();
    let file = form.fields().iter().find(|field| field.name == "file" && field.filename.is_some());
    let file = file.ok_or_else(|| invalid("`file` is missing"))?;
    let mut instruction = INSTRUCTION.to_owned();
    let mut config = json!({});
    let mut is_text = false;
    for field in form.fields().iter().filter(|field| *field != file && field.name != "model") {
        let value =
            std::str::from_utf8(form.value(field)).map_err(|_| invalid(format!("`{}` is not text", field.name)))?;
        match field.name.as_str() {
            _ if value.is_empty() => {}
            "language" => instruction.push_str(&format!("\nThe language is `{value}` (ISO 639-1).")),
            "prompt" => {
                instruction.push_str(&format!("\nWhat was said before it, or how words in it are spelt:\n{value}"))
            }
            "temperature" => config = temperature(value)?,
            "response_format" => match value {
                "json" => is_text = false,
                "text" => is_text = true,
                "verbose_json" | "diarized_json" => lost.name("response_format"),
                other => {
                    return Err(invalid(format!(
                        "`response_format`: Google cannot make `{other}`; use `json` or `text`"
                    )));
                }
            },
            "stream" if value == "false" => {}
            name => lost.name(name.trim_end_matches("[]")),
        }
    }
    let mut body = json!({ "contents": [{ "role": "user", "parts": [
        { "text": instruction },
        { "inlineData": { "mimeType": mime(file), "data": base64::encode(form.value(file)) } },
    ] }] });
    if let (Some(object), false) = (body.as_object_mut(), config.as_object().is_none_or(serde_json::Map::is_empty)) {
        object.insert("generationConfig".to_owned(), config);
    }
    Ok((Written { body: body.to_string().into(), lost: lost.into_names() }, Asked { is_text }))
}

fn temperature(value: &str) -> Result<serde_json::Value, Failure> {
    let number: f64 = value.trim().parse().map_err(|_| invalid("`temperature` must be a number"))?;
    Ok(json!({ "temperature": number }))
}

/// What the client says of its file, or what the file's name says: many clients call everything an octet stream.
fn mime(file: &Field) -> String {
    const ENDS: &[(&str, &str)] = &[
        (".wav", "audio/wav"),
        (".mp3", "audio/mp3"),
        (".mpga", "audio/mp3"),
        (".mpeg", "audio/mpeg"),
        (".m4a", "audio/mp4"),
        (".mp4", "audio/mp4"),
        (".ogg", "audio/ogg"),
        (".oga", "audio/ogg"),
        (".flac", "audio/flac"),
        (".aac", "audio/aac"),
        (".webm", "audio/webm"),
    ];
    let said = file.content_type.as_deref().filter(|mime| mime.starts_with("audio/") || mime.starts_with("video/"));
    let name = file.filename.as_deref().unwrap_or_default().to_ascii_lowercase();
    let by_name = ENDS.iter().find(|(end, _)| name.ends_with(end)).map(|(_, mime)| *mime);
    said.or(by_name).unwrap_or("audio/wav").to_owned()
}

// === impl Asked ===
impl Asked {
    /// Google's reply as the client asked for it.
    ///
    /// # Errors
    /// `BadReply` for what cannot be read, `ContentPolicy` where Google would not write, Google's failure for an error
    /// inside a 200.
    pub fn read(&self, json: &[u8]) -> Result<Answer, Failure> {
        let response: Response<'_> = serde_json::from_slice(json).map_err(bad_reply)?;
        if let Some(failure) = response.failure(json) {
            return Err(failure);
        }
        let usage = response.usage_metadata.map(UsageMetadata::into_usage);
        let first = response.candidates.as_ref().and_then(|candidates| candidates.first());
        let parts = first.and_then(|candidate| candidate.content.as_ref()).and_then(|content| content.parts.as_ref());
        let spoken = parts.into_iter().flatten().filter(|part| part.thought != Some(true));
        let text: String = spoken.filter_map(|part| part.text.as_deref()).collect();
        // Silence is an answer, a reply that did not end well is none.
        if first.and_then(|candidate| candidate.finish_reason.as_deref()) != Some("STOP") {
            return Err(silent(&response));
        }
        let text = text.trim();
        if self.is_text {
            let body = format!("{text}\n").into();
            return Ok(Answer { content_type: "text/plain; charset=utf-8", body, usage, usage_is_estimated: false });
        }
        let mut body = json!({ "text": text });
        if let (Some(usage), Some(object)) = (&usage, body.as_object_mut()) {
            object.insert("usage".to_owned(), tokens(usage));
        }
        Ok(Answer::json(body.to_string(), usage))
    }
}

/// <https://platform.openai.com/docs/api-reference/audio/json-object>
fn tokens(usage: &Usage) -> serde_json::Value {
    json!({ "type": "tokens", "input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens() })
}

#[cfg(test)]
mod tests;
