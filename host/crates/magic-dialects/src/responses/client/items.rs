//! The items of `input` as messages. What the model made in one turn (reasoning, text, calls) is one message, as every
//! other dialect has it; each tool's output is a message of its own.
use crate::chat::{Content, Media, MediaKind, Message, Part, Source, ToolCall};
use crate::fields::{At, Fields};
use magic_types::Failure;
use magic_types::chat::Role;
use serde_json::Value;

/// Bookkeeping of stored items: means nothing to another vendor.
const BOOKKEEPING: [&str; 2] = ["id", "status"];

const KNOWN_PARTS: [&str; 9] = [
    "input_text",
    "output_text",
    "text",
    "refusal",
    "reasoning_text",
    "summary_text",
    "input_image",
    "input_file",
    "input_audio",
];

pub(super) fn read(item: Value, at: &At<'_>, messages: &mut Vec<Message>) -> Result<(), Failure> {
    let kind = match item.get("type") {
        None | Some(Value::Null) => "message".to_owned(),
        Some(Value::String(kind)) => kind.clone(),
        Some(_) => return Err(At::Field(at, "type").wrong("must be a string")),
    };
    match kind.as_str() {
        "message" => message(Fields::of(item, at)?, at, messages),
        "reasoning" => reasoning(Fields::of(item, at)?, at, messages),
        "function_call" => function_call(Fields::of(item, at)?, messages),
        "function_call_output" => function_call_output(Fields::of(item, at)?, at, messages),
        _ => {
            foreign(kind, item, messages);
            Ok(())
        }
    }
}

fn message(mut item: Fields<'_>, at: &At<'_>, messages: &mut Vec<Message>) -> Result<(), Failure> {
    drop_bookkeeping(&mut item);
    drop(item.take("type"));
    let role = match item.needed_text("role")?.as_str() {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "system" | "developer" => Role::System,
        other => {
            let why = format!("`{other}` is no role of a message (known: user, assistant, system, developer)");
            return Err(item.wrong("role", &why));
        }
    };
    let parts = match item.take("content") {
        None => Vec::new(),
        Some(content) => parts(content, &At::Field(at, "content"))?,
    };
    let rest = item.left_over();
    match (role, messages.last_mut()) {
        (Role::Assistant, Some(last)) if last.role == Role::Assistant => {
            last.parts.extend(parts);
            last.rest.extend(rest);
        }
        _ => messages.push(Message { role, name: None, parts, rest }),
    }
    Ok(())
}

/// Sealed reasoning with a summary, even an empty one, is text with its seal; without any it is for its vendor alone.
fn reasoning(mut item: Fields<'_>, at: &At<'_>, messages: &mut Vec<Message>) -> Result<(), Failure> {
    let seal = item.text("encrypted_content")?;
    let (mut texts, mut found) = (String::new(), false);
    for list in ["summary", "content"] {
        let place = At::Field(at, list);
        for (index, part) in item.list(list)?.into_iter().enumerate() {
            let text = Fields::of(part, &At::Index(&place, index))?.needed_text("text")?;
            if !texts.is_empty() {
                texts.push_str("\n\n");
            }
            texts.push_str(&text);
            found = true;
        }
    }
    let content = match seal {
        Some(seal) if !found => Content::RedactedReasoning(seal),
        None if texts.is_empty() => return Ok(()),
        signature => Content::Reasoning { text: texts, signature },
    };
    say(messages, Part::new(content));
    Ok(())
}

fn function_call(mut item: Fields<'_>, messages: &mut Vec<Message>) -> Result<(), Failure> {
    let id = item.needed_text("call_id")?;
    let name = item.needed_text("name")?;
    let arguments = item.text("arguments")?.unwrap_or_default();
    let signature = item
        .take("extra_content")
        .and_then(|extra| extra.pointer("/google/thought_signature").and_then(Value::as_str).map(str::to_owned));
    drop_bookkeeping(&mut item);
    drop(item.take("type"));
    let call = Content::ToolCall(ToolCall { id, name, arguments, signature });
    say(messages, Part { content: call, cache_control: item.take("cache_control"), rest: item.left_over() });
    Ok(())
}

fn function_call_output(mut item: Fields<'_>, at: &At<'_>, messages: &mut Vec<Message>) -> Result<(), Failure> {
    let call_id = item.needed_text("call_id")?;
    let Some(output) = item.take("output") else {
        return Err(item.wrong("output", "is missing: give a string or a list of parts"));
    };
    let parts = parts(output, &At::Field(at, "output"))?;
    drop_bookkeeping(&mut item);
    drop(item.take("type"));
    let content = Content::ToolResult { call_id, parts, is_error: false };
    let part = Part { content, cache_control: item.take("cache_control"), rest: item.left_over() };
    messages.push(Message::new(Role::Tool, vec![part]));
    Ok(())
}

/// Calls of hosted tools are the model's, their outputs are the client's; a reference may be to either and is most often
/// to what the model said.
fn foreign(kind: String, json: Value, messages: &mut Vec<Message>) {
    let role = match kind.as_str() {
        "mcp_approval_response" => Role::User,
        kind if kind.ends_with("_output") => Role::Tool,
        _ => Role::Assistant,
    };
    let part = Part::new(Content::Foreign { kind, json });
    if role == Role::Assistant { say(messages, part) } else { messages.push(Message::new(role, vec![part])) }
}

fn say(messages: &mut Vec<Message>, part: Part) {
    match messages.last_mut() {
        Some(last) if last.role == Role::Assistant => last.parts.push(part),
        _ => messages.push(Message::new(Role::Assistant, vec![part])),
    }
}

fn parts(content: Value, at: &At<'_>) -> Result<Vec<Part>, Failure> {
    match content {
        Value::String(text) => Ok(vec![Part::text(text)]),
        Value::Array(list) => {
            list.into_iter().enumerate().map(|(index, value)| part(value, &At::Index(at, index))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            Err(at.wrong("must be a string or a list of parts"))
        }
    }
}

fn part(value: Value, at: &At<'_>) -> Result<Part, Failure> {
    let Some(kind) = value.get("type").and_then(Value::as_str).map(str::to_owned) else {
        return Err(At::Field(at, "type").wrong("is missing: name the part's type, such as `input_text`"));
    };
    if !KNOWN_PARTS.contains(&kind.as_str()) {
        return Ok(Part::new(Content::Foreign { kind, json: value }));
    }
    let mut part = Fields::of(value, at)?;
    drop(part.take("type"));
    let content = match kind.as_str() {
        "refusal" => Content::Refusal(part.needed_text("refusal")?),
        "reasoning_text" | "summary_text" => Content::Reasoning { text: part.needed_text("text")?, signature: None },
        "input_image" => Content::Media(image(&mut part)?),
        "input_file" => Content::Media(file(&mut part)?),
        "input_audio" => Content::Media(audio(&mut part, at)?),
        _ => {
            // What OpenAI adds to its own texts; an empty list says nothing.
            drop(part.take("logprobs"));
            if part.peek("annotations").is_some_and(|list| list.as_array().is_some_and(Vec::is_empty)) {
                drop(part.take("annotations"));
            }
            Content::Text(part.needed_text("text")?)
        }
    };
    Ok(Part { content, cache_control: part.take("cache_control"), rest: part.left_over() })
}

fn image(part: &mut Fields<'_>) -> Result<Media, Failure> {
    let detail = part.text("detail")?;
    let source = match (part.text("image_url")?, part.text("file_id")?) {
        (Some(url), _) => Source::from_url(&url),
        (None, Some(id)) => Source::Id(id),
        (None, None) => return Err(part.wrong("image_url", "is missing: give a URL or a `file_id`")),
    };
    Ok(Media { kind: MediaKind::Image, source, detail, name: None })
}

fn file(part: &mut Fields<'_>) -> Result<Media, Failure> {
    let name = part.text("filename")?;
    let detail = part.text("detail")?;
    let source = match (part.text("file_data")?, part.text("file_url")?, part.text("file_id")?) {
        (Some(data), _, _) if data.starts_with("data:") => Source::from_url(&data),
        (Some(base64), _, _) => Source::Inline { mime: mime_of(name.as_deref()).to_owned(), base64 },
        (None, Some(url), _) => Source::Url(url),
        (None, None, Some(id)) => Source::Id(id),
        (None, None, None) => {
            return Err(part.wrong("file_data", "is missing: give it, a `file_url` or a `file_id`"));
        }
    };
    Ok(Media { kind: MediaKind::File, source, detail, name })
}

fn audio(part: &mut Fields<'_>, at: &At<'_>) -> Result<Media, Failure> {
    let place = At::Field(at, "input_audio");
    let Some(audio) = part.take("input_audio") else { return Err(place.wrong("is missing")) };
    let mut audio = Fields::of(audio, &place)?;
    let base64 = audio.needed_text("data")?;
    let mime = match audio.needed_text("format")?.as_str() {
        "mp3" => "audio/mpeg".to_owned(),
        format => format!("audio/{format}"),
    };
    Ok(Media { kind: MediaKind::Audio, source: Source::Inline { mime, base64 }, detail: None, name: None })
}

/// PDF is what the reference allows without a data URL; other names tell their type.
fn mime_of(name: Option<&str>) -> &'static str {
    match name.and_then(|name| name.rsplit_once('.')).map(|(_, extension)| extension) {
        Some("txt" | "md") => "text/plain",
        Some("json") => "application/json",
        Some("csv") => "text/csv",
        Some(_) | None => "application/pdf",
    }
}

fn drop_bookkeeping(item: &mut Fields<'_>) {
    BOOKKEEPING.iter().for_each(|name| drop(item.take(name)));
}
