//! Usage that the gateway asked for and the client did not: the chunk of a stream that has nothing else in it is kept from
//! the client, whose bytes are otherwise the vendor's.
use super::{USAGE, value_of};
use bytes::{Bytes, BytesMut};
use memchr::memmem::Finder;
use serde_json::{Map, Value};
use std::sync::LazyLock;

/// Where a body that streams chat completions says whether it wants usage:
/// <https://platform.openai.com/docs/api-reference/chat/create#chat-create-stream_options>
pub const STREAM_OPTIONS: &str = "stream_options";

/// What these options become so that usage is said; `None`: the client asks itself, or they are no options at all.
pub fn asking_usage(options: Option<&str>) -> Option<String> {
    const KEY: &str = "include_usage";
    let mut options = match options {
        None | Some("null") => Map::new(),
        Some(json) => serde_json::from_str::<Map<String, Value>>(json).ok()?,
    };
    let before = options.insert(KEY.to_owned(), Value::Bool(true));
    (before != Some(Value::Bool(true))).then(|| Value::Object(options).to_string())
}

static CHOICES: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"choices\":"));

/// Whole events without those that say the usage and nothing else. Copies only if there is one.
pub fn without_usage(events: Bytes) -> Bytes {
    if USAGE.find(&events).is_none() {
        return events;
    }
    let mut kept = BytesMut::new();
    let mut rest = &events[..];
    while !rest.is_empty() {
        let (event, behind) = rest.split_at(event_end(rest));
        if !says_only_usage(event) {
            kept.extend_from_slice(event);
        }
        rest = behind;
    }
    if kept.len() == events.len() { events } else { kept.freeze() }
}

/// Behind the blank line that ends the first event, or behind everything.
fn event_end(bytes: &[u8]) -> usize {
    let end_of = |blank: &[u8]| memchr::memmem::find(bytes, blank).map(|at| at + blank.len());
    let ends = [end_of(b"\n\n"), end_of(b"\r\n\r\n"), end_of(b"\r\r")];
    ends.into_iter().flatten().min().unwrap_or(bytes.len())
}

fn says_only_usage(event: &[u8]) -> bool {
    let has_usage = value_of(&USAGE, event).is_some_and(|value| value.starts_with(b"{"));
    let choices = value_of(&CHOICES, event).and_then(|value| value.strip_prefix(b"["));
    has_usage && choices.is_some_and(|inside| inside.trim_ascii_start().starts_with(b"]"))
}

#[cfg(test)]
mod tests;
