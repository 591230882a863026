//! The conversation in OpenAI's messages. One of the hub's may be several of OpenAI's: each tool result is one.
use super::Lost;
use crate::chat::{Content, Media, MediaKind, Message, Part, Source, ToolCall};
use crate::openai::reply::delta::{Detail, Extra};
use crate::quirks::{Quirks, ReasoningBack};
use magic_types::chat::Role;
use serde_json::{Map, Value, json};

pub(super) fn write(messages: &[Message], quirks: &Quirks, lost: &mut Lost) -> Value {
    let mut out = Vec::with_capacity(messages.len());
    // OpenAI's tool messages hold text only, and must follow their call at once: pictures come behind the last of them.
    let mut pictures = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        let mut writing = Writing { at, quirks, lost };
        writing.results(message, &mut out, &mut pictures);
        let speaks = message.parts.iter().any(|part| !matches!(part.content, Content::ToolResult { .. }));
        if message.role != Role::Tool && (speaks || message.parts.is_empty()) {
            flush(&mut pictures, &mut out);
            out.push(writing.spoken(message));
        }
    }
    flush(&mut pictures, &mut out);
    Value::Array(out)
}

fn flush(pictures: &mut Vec<Value>, out: &mut Vec<Value>) {
    if !pictures.is_empty() {
        out.push(json!({ "role": "user", "content": std::mem::take(pictures) }));
    }
}

struct Writing<'w> {
    /// The message's place in the client's list.
    at: usize,
    quirks: &'w Quirks,
    lost: &'w mut Lost,
}

// === impl Writing ===
impl Writing<'_> {
    fn results(&mut self, message: &Message, out: &mut Vec<Value>, pictures: &mut Vec<Value>) {
        for (place, part) in message.parts.iter().enumerate() {
            let Content::ToolResult { call_id, parts, is_error } = &part.content else { continue };
            let (texts, others): (Vec<&Part>, Vec<&Part>) =
                parts.iter().partition(|part| matches!(part.content, Content::Text(_)));
            let mut content = self.content(&texts);
            if let (true, Value::String(text)) = (*is_error, &mut content)
                && !text.starts_with("error")
            {
                text.insert_str(0, "error: ");
            }
            pictures.extend(others.into_iter().filter_map(|part| self.part(place, part)));
            out.push(json!({ "role": "tool", "tool_call_id": call_id, "content": content }));
        }
    }

    fn spoken(&mut self, message: &Message) -> Value {
        let role = match message.role {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant | Role::Tool => "assistant",
        };
        let mut out = Map::new();
        out.insert("role".to_owned(), json!(role));
        let said: Vec<(usize, &Part)> = message.parts.iter().enumerate().filter(|(_, part)| is_said(part)).collect();
        let only_text = said.iter().all(|(_, part)| matches!(part.content, Content::Text(_) | Content::Refusal(_)));
        let content = if only_text {
            self.content(&said.iter().map(|(_, part)| *part).collect::<Vec<_>>())
        } else {
            Value::Array(said.iter().filter_map(|(place, part)| self.part(*place, part)).collect())
        };
        let calls = self.calls(message);
        let is_silent = content == "" && !calls.is_empty();
        out.insert("content".to_owned(), if is_silent { Value::Null } else { content });
        self.reasoning(message, !calls.is_empty(), &mut out);
        if !calls.is_empty() {
            out.insert("tool_calls".to_owned(), Value::Array(calls));
        }
        match &message.name {
            Some(_) if self.quirks.strip_in_messages.contains(&"name") => self.lose("name"),
            Some(name) => {
                out.insert("name".to_owned(), json!(name));
            }
            None => {}
        }
        for key in message.rest.keys() {
            self.lose(key);
        }
        Value::Object(out)
    }

    /// Texts as one string, which every imitator takes; as a list where marks have to be kept apart.
    fn content(&mut self, texts: &[&Part]) -> Value {
        let is_marked = texts.iter().any(|part| part.cache_control.is_some());
        if is_marked && self.quirks.cache_control {
            return texts.iter().filter_map(|part| self.part(0, part)).collect();
        }
        if is_marked {
            self.lost.add("cache_control");
        }
        let texts = texts.iter().filter_map(|part| match &part.content {
            Content::Text(text) | Content::Refusal(text) => Some(text.as_str()),
            _ => None,
        });
        Value::String(texts.collect::<Vec<_>>().join("\n"))
    }

    fn part(&mut self, place: usize, part: &Part) -> Option<Value> {
        let mut json = match &part.content {
            Content::Text(text) | Content::Refusal(text) => Some(json!({ "type": "text", "text": text })),
            Content::Media(media) => self.media(place, media),
            Content::Foreign { kind, .. } => {
                self.lose_part(place, kind);
                None
            }
            Content::Reasoning { .. }
            | Content::RedactedReasoning(_)
            | Content::ToolCall(_)
            | Content::ToolResult { .. } => None,
        }?;
        match (&part.cache_control, json.as_object_mut()) {
            (Some(mark), Some(object)) if self.quirks.cache_control => {
                object.insert("cache_control".to_owned(), mark.clone());
            }
            (Some(_), _) => self.lost.add("cache_control"),
            (None, _) => {}
        }
        for key in part.rest.keys() {
            self.lose_part(place, key);
        }
        Some(json)
    }

    fn media(&mut self, place: usize, media: &Media) -> Option<Value> {
        let json = match (media.kind, &media.source) {
            (MediaKind::Image, source) => source.to_url().map(|url| {
                let mut image = json!({ "url": url });
                if let (Some(detail), Some(object)) = (&media.detail, image.as_object_mut()) {
                    object.insert("detail".to_owned(), json!(detail));
                }
                json!({ "type": "image_url", "image_url": image })
            }),
            (MediaKind::Audio, Source::Inline { mime, base64 }) => {
                let format = match mime.strip_prefix("audio/").unwrap_or(mime) {
                    "mpeg" => "mp3",
                    "x-wav" | "wave" => "wav",
                    format => format,
                };
                Some(json!({ "type": "input_audio", "input_audio": { "data": base64, "format": format } }))
            }
            (MediaKind::File, Source::Inline { .. }) => {
                let name = media.name.as_deref().unwrap_or("file.pdf");
                Some(json!({ "type": "file", "file": { "filename": name, "file_data": media.source.to_url() } }))
            }
            (MediaKind::File, Source::Id(id)) => Some(json!({ "type": "file", "file": { "file_id": id } })),
            (MediaKind::Audio, Source::Url(_) | Source::Id(_)) | (MediaKind::File, Source::Url(_)) => None,
        };
        if json.is_none() {
            let kind = match media.kind {
                MediaKind::Image => "image_url",
                MediaKind::Audio => "input_audio",
                MediaKind::File => "file",
            };
            self.lose_part(place, kind);
        }
        json
    }

    fn calls(&mut self, message: &Message) -> Vec<Value> {
        let calls = message.parts.iter().filter_map(|part| match &part.content {
            Content::ToolCall(call) => Some(self.call(call)),
            Content::Foreign { kind, json } if kind == "custom" => Some(json.clone()),
            _ => None,
        });
        calls.collect()
    }

    fn call(&self, call: &ToolCall) -> Value {
        // What is no JSON at all is refused; a model that takes nothing often writes nothing.
        let arguments = if call.arguments.is_empty() { "{}" } else { &call.arguments };
        let mut json = json!({ "id": call.id, "type": "function",
            "function": { "name": call.name, "arguments": arguments } });
        if let (Some(seal), Some(object), true) = (&call.signature, json.as_object_mut(), self.quirks.call_signatures) {
            object.insert("extra_content".to_owned(), json!(Extra::of(seal)));
        }
        json
    }

    /// What does not go back is not named as lost: its vendor would refuse or ignore it.
    fn reasoning(&self, message: &Message, calls_tools: bool, out: &mut Map<String, Value>) {
        let name = match self.quirks.reasoning {
            ReasoningBack::Never => return,
            ReasoningBack::WithToolCalls(_) if !calls_tools => return,
            ReasoningBack::WithToolCalls(name) | ReasoningBack::Always(name) => name,
            ReasoningBack::Details => {
                let details = details(message);
                if !details.is_empty() {
                    out.insert("reasoning_details".to_owned(), json!(details));
                }
                return;
            }
        };
        let texts = message.parts.iter().filter_map(|part| match &part.content {
            Content::Reasoning { text, .. } => Some(text.as_str()),
            _ => None,
        });
        let text = texts.collect::<Vec<_>>().join("\n");
        // DeepSeek wants the field on such a turn even where another vendor did the thinking.
        if !text.is_empty() || matches!(self.quirks.reasoning, ReasoningBack::WithToolCalls(_)) {
            out.insert(name.to_owned(), json!(text));
        }
    }

    fn lose(&mut self, field: &str) {
        self.lost.add(format!("messages[{}].{field}", self.at));
    }

    fn lose_part(&mut self, place: usize, field: &str) {
        self.lost.add(format!("messages[{}].content[{place}].{field}", self.at));
    }
}

fn is_said(part: &Part) -> bool {
    match &part.content {
        Content::Text(_) | Content::Media(_) | Content::Refusal(_) => true,
        Content::Foreign { kind, .. } => kind != "custom",
        Content::Reasoning { .. }
        | Content::RedactedReasoning(_)
        | Content::ToolCall(_)
        | Content::ToolResult { .. } => false,
    }
}

fn details(message: &Message) -> Vec<Detail<'_>> {
    let sealed = message.parts.iter().filter_map(|part| match &part.content {
        Content::Reasoning { text, signature } => Some((text, signature.as_deref(), false)),
        Content::RedactedReasoning(data) => Some((data, None, true)),
        _ => None,
    });
    (0..)
        .zip(sealed)
        .map(
            |(index, (text, seal, is_redacted))| {
                if is_redacted { Detail::encrypted(text, index) } else { Detail::text(text, seal, index) }
            },
        )
        .collect()
}
