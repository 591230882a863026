//! The conversation in OpenAI's messages. One of the hub's may be several of OpenAI's: each tool result is one.
use crate::chat::{Content, Media, MediaKind, Message, Part, Source, ToolCall};
use crate::lost::Lost;
use crate::openai::reply::delta::{Detail, Extra};
use crate::quirks::{Quirks, ReasoningBack};
use crate::seals;
use magic_types::chat::Role;
use serde_json::{Map, Value, json};

pub(super) fn write(messages: &[Message], quirks: &Quirks, lost: &mut Lost) -> Value {
    let mut out = Vec::with_capacity(messages.len());
    // OpenAI's tool messages hold text only, and must follow their call at once: pictures come behind the last of them.
    let mut pictures = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        let mut writing = Writing { at, quirks, lost };
        writing.rest(&format!("messages[{at}]"), &message.rest);
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

/// A part and its place among its neighbours.
type Numbered<'p> = (usize, &'p Part);

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
            let path = format!("messages[{}].content[{place}]", self.at);
            self.rest(&path, &part.rest);
            let (texts, others): (Vec<Numbered<'_>>, Vec<Numbered<'_>>) =
                parts.iter().enumerate().partition(|(_, part)| matches!(part.content, Content::Text(_)));
            let mut content = self.content(&path, &texts, part.cache_control.as_ref());
            if let (true, Value::String(text)) = (*is_error, &mut content)
                && !text.starts_with("error")
            {
                text.insert_str(0, "error: ");
            }
            pictures
                .extend(others.into_iter().filter_map(|(at, part)| self.part(&format!("{path}.content[{at}]"), part)));
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
        let path = format!("messages[{}]", self.at);
        let said: Vec<Numbered<'_>> = message.parts.iter().enumerate().filter(|(_, part)| is_said(part)).collect();
        let only_text = said.iter().all(|(_, part)| matches!(part.content, Content::Text(_) | Content::Refusal(_)));
        let content = if only_text {
            self.content(&path, &said, None)
        } else {
            Value::Array(
                said.iter().filter_map(|(place, part)| self.part(&format!("{path}.content[{place}]"), part)).collect(),
            )
        };
        let calls = self.calls(message);
        let is_silent = content == "" && !calls.is_empty();
        out.insert("content".to_owned(), if is_silent { Value::Null } else { content });
        self.reasoning(message, !calls.is_empty(), &mut out);
        if !calls.is_empty() {
            out.insert("tool_calls".to_owned(), Value::Array(calls));
        }
        match &message.name {
            Some(_) if self.quirks.strip_in_messages.contains(&"name") => self.lost.name(format!("{path}.name")),
            Some(name) => {
                out.insert("name".to_owned(), json!(name));
            }
            None => {}
        }
        Value::Object(out)
    }

    /// Texts as one string, which every imitator takes; as a list where marks have to be kept apart. `mark` is that of the
    /// whole, and so of its last text.
    fn content(&mut self, path: &str, texts: &[Numbered<'_>], mark: Option<&Value>) -> Value {
        let is_marked = mark.is_some() || texts.iter().any(|(_, part)| part.cache_control.is_some());
        if is_marked && self.quirks.cache_control && !texts.is_empty() {
            let texts = texts.iter().filter_map(|(at, part)| self.part(&format!("{path}.content[{at}]"), part));
            let mut list: Vec<Value> = texts.collect();
            if let (Some(mark), Some(Value::Object(last))) = (mark, list.last_mut()) {
                last.entry("cache_control").or_insert_with(|| mark.clone());
            }
            return Value::Array(list);
        }
        self.lost.when(is_marked, "cache_control");
        for (at, part) in texts {
            self.rest(&format!("{path}.content[{at}]"), &part.rest);
        }
        let texts = texts.iter().filter_map(|(_, part)| match &part.content {
            Content::Text(text) | Content::Refusal(text) => Some(text.as_str()),
            _ => None,
        });
        Value::String(texts.collect::<Vec<_>>().join("\n"))
    }

    fn part(&mut self, path: &str, part: &Part) -> Option<Value> {
        let mut json = match &part.content {
            Content::Text(text) | Content::Refusal(text) => Some(json!({ "type": "text", "text": text })),
            Content::Media(media) => self.media(path, media),
            Content::Foreign { kind, .. } => {
                self.lost.name(format!("{path}.{kind}"));
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
            (Some(_), _) => self.lost.name("cache_control"),
            (None, _) => {}
        }
        self.rest(path, &part.rest);
        Some(json)
    }

    fn media(&mut self, path: &str, media: &Media) -> Option<Value> {
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
            self.lost.name(format!("{path}.{}", media.kind.as_str()));
        }
        json
    }

    fn calls(&mut self, message: &Message) -> Vec<Value> {
        for (place, part) in message.parts.iter().enumerate() {
            if matches!(part.content, Content::ToolCall(_)) {
                // A call has no place for a mark, not even with those who know marks.
                self.lost.when(part.cache_control.is_some(), "cache_control");
                self.rest(&format!("messages[{}].content[{place}]", self.at), &part.rest);
            }
        }
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

    /// DeepSeek's rule for plain turns is no loss: it would not read them.
    fn reasoning(&mut self, message: &Message, calls_tools: bool, out: &mut Map<String, Value>) {
        let name = match self.quirks.reasoning {
            ReasoningBack::Never => {
                let thinks = |part: &Part| matches!(&part.content, Content::Reasoning { text, .. } if !text.is_empty());
                return self.lost.when(message.parts.iter().any(thinks), "reasoning");
            }
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

    /// Fields that nobody here knows.
    fn rest(&mut self, path: &str, rest: &Map<String, Value>) {
        for (key, value) in rest {
            self.lost.when(!value.is_null(), format!("{path}.{key}"));
        }
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

/// With the seals that OpenRouter knows; a thought with another is a thought without one.
fn details(message: &Message) -> Vec<Detail<'_>> {
    let mut details = Vec::new();
    for part in &message.parts {
        let index = details.len().try_into().unwrap_or(u32::MAX);
        match &part.content {
            Content::Reasoning { text, signature } => match signature.as_deref().and_then(seals::to_format) {
                Some((format, seal)) => details.push(Detail::text(text, Some(seal), index).of_format(format)),
                None if text.is_empty() => {}
                None => details.push(Detail::text(text, None, index)),
            },
            Content::RedactedReasoning(sealed) => details.extend(
                seals::to_format(sealed).map(|(format, data)| Detail::encrypted(data, index).of_format(format)),
            ),
            Content::Text(_)
            | Content::Media(_)
            | Content::Refusal(_)
            | Content::ToolCall(_)
            | Content::ToolResult { .. }
            | Content::Foreign { .. } => {}
        }
    }
    details
}
