//! One part of a message as Anthropic's content block. What has no block is named.
use crate::anthropic::tool_input;
use crate::base64;
use crate::chat::{Content, Media, MediaKind, Part, Source};
use crate::lost::Lost;
use crate::seals::{Owner, owner};
use serde_json::{Value, json};
use std::borrow::Cow;

/// Blocks of Anthropic's own that may stand in a request.
const OWN_BLOCKS: [&str; 18] = [
    "bash_code_execution_tool_result",
    "code_execution_tool_result",
    "compaction",
    "container_upload",
    "document",
    "fallback",
    "image",
    "mcp_tool_result",
    "mcp_tool_use",
    "mid_conv_system",
    "search_result",
    "server_tool_use",
    "text_editor_code_execution_tool_result",
    "tool_reference",
    "tool_result",
    "tool_search_tool_result",
    "web_fetch_tool_result",
    "web_search_tool_result",
];
/// Fields of blocks that Anthropic knows.
const OWN_FIELDS: [&str; 5] = ["citations", "title", "context", "caller", "toolset_name"];

/// `system` holds texts alone.
pub(super) fn system(part: &Part, path: &str, lost: &mut Lost) -> Option<Value> {
    if let Content::Text(_) = part.content {
        return block(part, path, lost);
    }
    lost.name(format!("{path}.{}", word(&part.content)));
    None
}

pub(super) fn block(part: &Part, path: &str, lost: &mut Lost) -> Option<Value> {
    let block = match &part.content {
        // Anthropic refuses texts of nothing but white space; there is nothing in them to lose.
        Content::Text(text) | Content::Refusal(text) => {
            if text.trim().is_empty() {
                return None;
            }
            json!({ "type": "text", "text": text })
        }
        Content::Media(media) => self::media(media).or_else(|| {
            lost.name(format!("{path}.{}", word(&part.content)));
            None
        })?,
        // Only with its seal does Anthropic take a thought back.
        Content::Reasoning { text, signature: Some(signature) } if owner(signature) == Owner::Anthropic => {
            json!({ "type": "thinking", "thinking": text, "signature": signature })
        }
        Content::Reasoning { text, .. } => {
            lost.when(!text.is_empty(), "reasoning");
            return None;
        }
        Content::RedactedReasoning(sealed) => match owner(sealed) {
            Owner::Anthropic => json!({ "type": "redacted_thinking", "data": sealed }),
            // The seal of something else, without which it says nothing.
            Owner::Google => return None,
            Owner::OpenAi | Owner::Other => {
                lost.name("reasoning");
                return None;
            }
        },
        Content::ToolCall(call) => {
            let input = tool_input(&call.arguments);
            json!({ "type": "tool_use", "id": tool_id(&call.id), "name": call.name, "input": input })
        }
        Content::ToolResult { call_id, parts, is_error } => {
            let blocks = parts.iter().enumerate();
            let content: Vec<Value> =
                blocks.filter_map(|(at, part)| self::block(part, &format!("{path}.content[{at}]"), lost)).collect();
            let mut block = json!({ "type": "tool_result", "tool_use_id": tool_id(call_id), "content": content });
            if let Some(fields) = block.as_object_mut().filter(|_| *is_error) {
                fields.insert("is_error".to_owned(), json!(true));
            }
            block
        }
        Content::Foreign { kind, json } => {
            if !OWN_BLOCKS.contains(&kind.as_str()) {
                lost.name(format!("{path}.{kind}"));
                return None;
            }
            json.clone()
        }
    };
    Some(with_rest(block, part, path, lost))
}

fn with_rest(mut block: Value, part: &Part, path: &str, lost: &mut Lost) -> Value {
    let Some(fields) = block.as_object_mut() else { return block };
    let is_thought = matches!(part.content, Content::Reasoning { .. } | Content::RedactedReasoning(_));
    if let Some(cache_control) = &part.cache_control {
        // Thoughts cannot be marked.
        if is_thought {
            lost.name("cache_control");
        } else {
            fields.insert("cache_control".to_owned(), cache_control.clone());
        }
    }
    let known = |key: &str| OWN_FIELDS.contains(&key) && takes(fields.get("type"), key);
    let rest = part.rest.iter().filter(|(_, value)| !value.is_null());
    let (own, others): (Vec<_>, Vec<_>) = rest.partition(|(key, _)| known(key));
    others.into_iter().for_each(|(key, _)| lost.name(format!("{path}.{key}")));
    own.into_iter().for_each(|(key, value)| drop(fields.insert(key.clone(), value.clone())));
    block
}

fn takes(kind: Option<&Value>, key: &str) -> bool {
    match kind.and_then(Value::as_str) {
        Some("text") => key == "citations",
        Some("document") => matches!(key, "citations" | "title" | "context"),
        Some("tool_use") => matches!(key, "caller" | "toolset_name"),
        Some("tool_result") => key == "toolset_name",
        Some(_) | None => false,
    }
}

/// `None` for audio, for files that are neither PDF nor text, and for ids of other vendors' files.
fn media(media: &Media) -> Option<Value> {
    let source = match &media.source {
        Source::Url(url) => json!({ "type": "url", "url": url }),
        // Anthropic's ids begin so, OpenAI's with `file-`.
        Source::Id(id) if id.starts_with("file_") => json!({ "type": "file", "file_id": id }),
        Source::Id(_) => return None,
        Source::Inline { mime, base64 } if media.kind == MediaKind::File && mime.starts_with("text/") => {
            let text = String::from_utf8(base64::decode(base64)?).ok()?;
            json!({ "type": "text", "media_type": "text/plain", "data": text })
        }
        Source::Inline { mime, base64 } => {
            // A common misspelling, which Anthropic refuses.
            let mime = if mime == "image/jpg" { "image/jpeg" } else { mime };
            if media.kind == MediaKind::File && mime != "application/pdf" {
                return None;
            }
            json!({ "type": "base64", "media_type": mime, "data": base64 })
        }
    };
    match media.kind {
        MediaKind::Image => Some(json!({ "type": "image", "source": source })),
        MediaKind::File => Some(match &media.name {
            Some(name) => json!({ "type": "document", "source": source, "title": name }),
            None => json!({ "type": "document", "source": source }),
        }),
        MediaKind::Audio => None,
    }
}

/// Anthropic takes `[a-zA-Z0-9_-]+`; ids of other vendors may hold more. A call and its result change alike.
fn tool_id(id: &str) -> Cow<'_, str> {
    let is_fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if id.is_empty() {
        return Cow::Borrowed("call");
    }
    if id.chars().all(is_fine) {
        return Cow::Borrowed(id);
    }
    Cow::Owned(id.chars().map(|c| if is_fine(c) { c } else { '_' }).collect())
}

/// OpenAI's word for a part.
fn word(content: &Content) -> &str {
    match content {
        Content::Text(_) => "text",
        Content::Media(media) => media.kind.as_str(),
        Content::Reasoning { .. } | Content::RedactedReasoning(_) => "reasoning",
        Content::Refusal(_) => "refusal",
        Content::ToolCall(_) => "tool_calls",
        Content::ToolResult { .. } => "tool_result",
        Content::Foreign { kind, .. } => kind,
    }
}
