//! Messages and their content blocks. A tool's result, which Anthropic puts into the user's turn, becomes a message of
//! its own; a block that no other dialect knows stays as it is.
use super::{Object, invalid, numbered, source};
use crate::chat::{Content, Media, MediaKind, Message, Part, ToolCall};
use crate::seals;
use magic_types::Failure;
use magic_types::chat::Role;
use serde_json::{Map, Value};

/// Of the top level's `system`.
pub(super) fn system(value: Value, path: &str) -> Result<Message, Failure> {
    Ok(Message::new(Role::System, parts(value, path)?))
}

/// Appends one message as it stands in the body: results of tools before the rest of it, both in their order.
pub(super) fn message(value: Value, path: String, out: &mut Vec<Message>) -> Result<(), Failure> {
    let mut message = Object::of(value, path)?;
    let role = match message.text("role")?.as_str() {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "system" => Role::System,
        other => return Err(message.invalid("role", &format!("`{other}` is none of user, assistant, system"))),
    };
    let path = message.at("content");
    let content = message.take("content").ok_or_else(|| invalid(&path, "Field required"))?;
    let (results, parts): (Vec<Part>, Vec<Part>) =
        self::parts(content, &path)?.into_iter().partition(|part| matches!(part.content, Content::ToolResult { .. }));
    let only_results = parts.is_empty() && !results.is_empty();
    out.extend(results.into_iter().map(|result| Message::new(Role::Tool, vec![result])));
    match out.last_mut().filter(|_| only_results) {
        Some(last) => last.rest = message.fields,
        None => out.push(Message { role, name: None, parts: sealed_calls(parts), rest: message.fields }),
    }
    Ok(())
}

/// A call's seal, which our own reply put before the call, goes back onto it.
fn sealed_calls(parts: Vec<Part>) -> Vec<Part> {
    let mut out: Vec<Part> = Vec::with_capacity(parts.len());
    for mut part in parts {
        if let Content::ToolCall(call) = &mut part.content
            && let Some(Content::RedactedReasoning(sealed)) = out.last().map(|last| &last.content)
            && let Some(seal) = seals::to_call(sealed)
        {
            call.signature = Some(seal.to_owned());
            out.pop();
        }
        out.push(part);
    }
    out
}

/// A string or a list of blocks.
fn parts(value: Value, path: &str) -> Result<Vec<Part>, Failure> {
    match value {
        Value::String(text) => Ok(vec![Part::text(text)]),
        Value::Array(blocks) => numbered(path, blocks).into_iter().map(|(path, block)| part(block, path)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            Err(invalid(path, "Input should be a string or a list of content blocks"))
        }
    }
}

fn part(value: Value, path: String) -> Result<Part, Failure> {
    let mut block = Object::of(value, path)?;
    let kind = block.text("type")?;
    let content = match kind.as_str() {
        "text" => Content::Text(block.text("text")?),
        "image" => match media(&mut block, MediaKind::Image)? {
            Some(media) => Content::Media(media),
            None => return Ok(foreign(kind, block)),
        },
        "document" => match document(&mut block)? {
            Some(content) => content,
            None => return Ok(foreign(kind, block)),
        },
        "thinking" => Content::Reasoning {
            text: block.text("thinking")?,
            signature: block.text_or_none("signature")?.filter(|signature| !signature.is_empty()),
        },
        "redacted_thinking" => Content::RedactedReasoning(block.text("data")?),
        "tool_use" => Content::ToolCall(ToolCall {
            id: block.text("id")?,
            name: block.text("name")?,
            arguments: block.take("input").unwrap_or_else(|| Value::Object(Map::new())).to_string(),
            signature: None,
        }),
        "tool_result" => Content::ToolResult {
            call_id: block.text("tool_use_id")?,
            parts: match block.take("content") {
                Some(content) => parts(content, &block.at("content"))?,
                None => Vec::new(),
            },
            is_error: block.flag("is_error")?.unwrap_or(false),
        },
        _ => return Ok(foreign(kind, block)),
    };
    let cache_control = block.take("cache_control");
    Ok(Part { content, cache_control, rest: block.fields })
}

/// A block as it was: the whole of it is in its JSON.
fn foreign(kind: String, mut block: Object) -> Part {
    block.fields.insert("type".to_owned(), Value::String(kind.clone()));
    Part::new(Content::Foreign { kind, json: Value::Object(block.fields) })
}

/// `None`, and the block untouched, for a source of a type that is not media.
fn media(block: &mut Object, kind: MediaKind) -> Result<Option<Media>, Failure> {
    let kind_of_source = block.fields.get("source").and_then(|source| source.get("type")).and_then(Value::as_str);
    if kind_of_source.is_some_and(|kind| !matches!(kind, "base64" | "url" | "file")) {
        return Ok(None);
    }
    let mut given = block.object("source")?.ok_or_else(|| block.invalid("source", "Field required"))?;
    Ok(Some(Media { kind, source: source(&mut given)?, detail: None, name: None }))
}

/// A document in plain text is a text: every vendor can read it so. Its title then stays in the part's `rest`.
fn document(block: &mut Object) -> Result<Option<Content>, Failure> {
    let source = block.fields.get("source");
    let is_text = source.and_then(|source| source.get("type")).and_then(Value::as_str) == Some("text");
    if is_text && let Some(mut source) = block.object("source")? {
        return source.text("data").map(|text| Some(Content::Text(text)));
    }
    let Some(mut media) = media(block, MediaKind::File)? else { return Ok(None) };
    media.name = block.text_or_none("title")?;
    Ok(Some(Content::Media(media)))
}
