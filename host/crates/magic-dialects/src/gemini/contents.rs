//! A conversation's messages as Google's `contents`: two roles in turn, function calls and their responses matched by name.
//! <https://ai.google.dev/api/caching#Content>
use crate::chat::{Content, Media, Message, NOTHING_SAID, Part, Source, ToolCall};
use crate::lost::Lost;
use crate::seals::{self, Owner};
use magic_types::chat::Role;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

use super::model::{self, Generation};

/// For a call that Google did not make itself, which Gemini 3 would refuse:
/// <https://ai.google.dev/gemini-api/docs/thought-signatures#faqs>.
const SEAL_SKIPPED: &str = "skip_thought_signature_validator";

/// Where the tool's name is not known: the result of a call that is not in the history.
const NAME_UNKNOWN: &str = "unknown";

pub(super) struct Turns {
    /// Parts of the system instruction.
    pub system: Vec<Value>,
    /// Invariant: no two neighbours have the same role, and none is without parts.
    pub contents: Vec<Value>,
}

pub(super) fn write(messages: &[Message], model: &str, lost: &mut Lost) -> Turns {
    let mut writer = Writer {
        lost,
        names: HashMap::new(),
        seals: model::generation(model) == Generation::Level,
        system: Vec::new(),
        turns: Vec::new(),
    };
    for (at, message) in messages.iter().enumerate() {
        writer.message(at, message);
    }
    writer.finish()
}

struct Writer<'a> {
    lost: &'a mut Lost,
    /// Of the calls so far: id -> name.
    names: HashMap<&'a str, &'a str>,
    /// Whether a call without a seal is refused.
    seals: bool,
    system: Vec<Value>,
    turns: Vec<(&'static str, Vec<Value>)>,
}

// === impl Writer ===
impl<'a> Writer<'a> {
    fn message(&mut self, at: usize, message: &'a Message) {
        // The name of a tool's message is the tool's; any other is the speaker's, and Google knows no speakers.
        if message.name.is_some() && message.role != Role::Tool {
            self.lost.name(format!("messages[{at}].name"));
        }
        self.rest(&format!("messages[{at}]"), &message.rest);
        let mut parts = Vec::new();
        for (place, part) in message.parts.iter().enumerate() {
            let path = format!("messages[{at}].content[{place}]");
            self.part(&path, message, part, &mut parts);
        }
        if message.role == Role::User && parts.is_empty() {
            parts.push(json!({ "text": NOTHING_SAID }));
        }
        match message.role {
            Role::System => self.system.extend(parts),
            Role::User | Role::Tool => self.turn("user", parts),
            Role::Assistant => {
                self.seal_first_call(&mut parts);
                self.turn("model", parts);
            }
        }
    }

    fn turn(&mut self, role: &'static str, parts: Vec<Value>) {
        if parts.is_empty() {
            return;
        }
        match self.turns.last_mut() {
            Some((last, before)) if *last == role => before.extend(parts),
            _ => self.turns.push((role, parts)),
        }
    }

    fn finish(mut self) -> Turns {
        // Google refuses a request without turns; other vendors take instructions alone.
        if self.turns.is_empty() && !self.system.is_empty() {
            let system = std::mem::take(&mut self.system);
            self.turn("user", system);
        }
        let contents = self.turns.into_iter().map(|(role, parts)| json!({ "role": role, "parts": parts })).collect();
        Turns { system: self.system, contents }
    }

    /// Of calls made at once only the first bears a seal, and only there one is asked for. In earlier turns nobody asks, but
    /// a turn that changes its bytes when it grows old would spoil Google's prompt cache.
    fn seal_first_call(&self, parts: &mut [Value]) {
        let first = parts.iter_mut().find(|part| part.get("functionCall").is_some());
        if let Some(object) = first.filter(|_| self.seals).and_then(Value::as_object_mut) {
            object.entry("thoughtSignature").or_insert_with(|| json!(SEAL_SKIPPED));
        }
    }

    fn rest(&mut self, path: &str, rest: &Map<String, Value>) {
        for (name, value) in rest.iter().filter(|(_, value)| !value.is_null()) {
            self.lost.field(&format!("{path}.{name}"), value);
        }
    }

    fn part(&mut self, path: &str, message: &'a Message, part: &'a Part, out: &mut Vec<Value>) {
        self.lost.when(part.cache_control.is_some(), "cache_control");
        self.rest(path, &part.rest);
        match &part.content {
            // Google refuses a text without letters.
            Content::Text(text) | Content::Refusal(text) if text.is_empty() => {}
            Content::Text(text) | Content::Refusal(text) => out.push(json!({ "text": text })),
            // Google's instructions are text.
            other if message.role == Role::System => self.lost.name(format!("{path}.{}", word(other))),
            Content::Media(media) => self.media(path, media, out),
            Content::Reasoning { text, signature } => out.extend(thought(text, signature.as_deref())),
            // A seal of Google's own without what it was on says nothing; what others sealed is thoughts.
            Content::RedactedReasoning(sealed) => self.lost.when(seals::owner(sealed) != Owner::Google, "reasoning"),
            Content::ToolCall(call) => {
                self.names.insert(&call.id, &call.name);
                out.push(function_call(call));
            }
            Content::ToolResult { call_id, parts, is_error } => {
                let name = self.names.get(call_id.as_str()).copied().or(message.name.as_deref());
                let response = response(parts, *is_error);
                out.push(json!({ "functionResponse": {
                    "id": call_id, "name": name.unwrap_or(NAME_UNKNOWN), "response": response } }));
                self.result_media(path, parts, out);
            }
            Content::Foreign { kind, .. } => self.lost.name(format!("{path}.{kind}")),
        }
    }

    /// What a result holds beside text stands behind it, in the same turn. Results inside results do not exist.
    fn result_media(&mut self, path: &str, parts: &'a [Part], out: &mut Vec<Value>) {
        for (place, part) in parts.iter().enumerate() {
            let path = format!("{path}.content[{place}]");
            self.lost.when(part.cache_control.is_some(), "cache_control");
            self.rest(&path, &part.rest);
            match &part.content {
                Content::Text(_) => {}
                Content::Media(media) => self.media(&path, media, out),
                Content::Reasoning { .. }
                | Content::RedactedReasoning(_)
                | Content::Refusal(_)
                | Content::ToolCall(_)
                | Content::ToolResult { .. }
                | Content::Foreign { .. } => self.lost.name(format!("{path}.{}", word(&part.content))),
            }
        }
    }

    fn media(&mut self, path: &str, media: &Media, out: &mut Vec<Value>) {
        let word = media.kind.as_str();
        match &media.source {
            Source::Inline { mime, base64 } => {
                out.push(json!({ "inlineData": { "mimeType": mime, "data": base64 } }));
            }
            Source::Url(url) => {
                let mut file = json!({ "fileUri": url });
                if let (Some(mime), Some(object)) = (mime_of(url), file.as_object_mut()) {
                    object.insert("mimeType".to_owned(), json!(mime));
                }
                out.push(json!({ "fileData": file }));
            }
            // Uploaded to another vendor.
            Source::Id(_) => return self.lost.name(format!("{path}.{word}")),
        }
        if media.detail.as_deref().is_some_and(|detail| detail != "auto") {
            self.lost.name(format!("{path}.{word}.detail"));
        }
        if media.name.is_some() {
            self.lost.name(format!("{path}.{word}.filename"));
        }
    }
}

fn word(content: &Content) -> &str {
    match content {
        Content::Text(_) => "text",
        Content::Refusal(_) => "refusal",
        Content::Media(media) => media.kind.as_str(),
        Content::Reasoning { .. } | Content::RedactedReasoning(_) => "reasoning",
        Content::ToolCall(_) => "tool_call",
        Content::ToolResult { .. } => "tool_result",
        Content::Foreign { kind, .. } => kind,
    }
}

/// By the path's last letters, as far as Google reads such files; `None` leaves it to Google.
fn mime_of(url: &str) -> Option<&'static str> {
    const ENDS: &[(&str, &str)] = &[
        (".png", "image/png"),
        (".jpg", "image/jpeg"),
        (".jpeg", "image/jpeg"),
        (".webp", "image/webp"),
        (".heic", "image/heic"),
        (".pdf", "application/pdf"),
        (".mp3", "audio/mp3"),
        (".wav", "audio/wav"),
        (".flac", "audio/flac"),
        (".ogg", "audio/ogg"),
        (".mp4", "video/mp4"),
        (".txt", "text/plain"),
    ];
    let path = url.split(['?', '#']).next().unwrap_or(url).to_ascii_lowercase();
    ENDS.iter().find(|(end, _)| path.ends_with(end)).map(|(_, mime)| *mime)
}

/// A thought goes back with Google's own seal only; an empty one is the seal of a text before it.
fn thought(text: &str, signature: Option<&str>) -> Option<Value> {
    let seal = signature.and_then(seals::to_google);
    match (text.is_empty(), seal) {
        (true, None) => None,
        (true, Some(seal)) => Some(json!({ "text": "", "thoughtSignature": seal })),
        (false, None) => Some(json!({ "text": text, "thought": true })),
        (false, Some(seal)) => Some(json!({ "text": text, "thought": true, "thoughtSignature": seal })),
    }
}

fn function_call(call: &ToolCall) -> Value {
    let args = match serde_json::from_str(&call.arguments) {
        Ok(object @ Value::Object(_)) => object,
        // Google takes objects only: what the model wrote is kept as a text in one.
        Ok(_) | Err(_) if !call.arguments.trim().is_empty() => json!({ "arguments": call.arguments }),
        Ok(_) | Err(_) => json!({}),
    };
    let mut part = json!({ "functionCall": { "id": call.id, "name": call.name, "args": args } });
    if let (Some(seal), Some(object)) = (&call.signature, part.as_object_mut()) {
        object.insert("thoughtSignature".to_owned(), json!(seal));
    }
    part
}

/// Google takes objects only: a result that is one is sent as it is, any other under `result`, a failure under `error`.
fn response(parts: &[Part], is_error: bool) -> Value {
    let texts = parts
        .iter()
        .filter_map(|part| if let Content::Text(text) = &part.content { Some(text.as_str()) } else { None });
    let text = texts.collect::<Vec<_>>().join("\n");
    match serde_json::from_str(&text) {
        _ if is_error => json!({ "error": text }),
        Ok(object @ Value::Object(_)) => object,
        Ok(_) | Err(_) => json!({ "result": text }),
    }
}

#[cfg(test)]
mod tests;
