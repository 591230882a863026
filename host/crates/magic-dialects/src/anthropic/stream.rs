//! How Anthropic answers: the events of a stream, or one message. Events, blocks and deltas of a type that is not known
//! are passed over. Never invents an end: only `message_stop` is one.
//! Source: <https://platform.claude.com/docs/en/build-with-claude/streaming>.
use crate::errors::{at_end, bad_reply, cut_off};
use crate::usage::Anthropic;
use crate::{dialect, errors, sse};
use magic_types::chat::FinishReason;
use magic_types::stream::ChatEvent;
use magic_types::{Failure, Usage};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// One event may carry a whole answer of an imitator that does not stream in small pieces.
const EVENT_BYTES_MAX: usize = 8 << 20;
/// Blocks come one after the other; imitators may interleave a few.
const OPEN_BLOCKS_MAX: usize = 128;

/// Reads a stream into [`ChatEvent`]s.
pub(super) struct Decoder {
    sse: sse::Parser,
    reading: Reading,
}

/// What is known of a message so far.
#[derive(Default)]
struct Reading {
    open: Vec<(u64, Open)>,
    calls: u32,
    usage: Usage,
    is_done: bool,
}

enum Open {
    /// Text or thinking, whose deltas say themselves what they are.
    Words,
    /// A call, the input that its start gave, and whether a delta replaced it.
    Call { index: u32, input: String, has_pieces: bool },
    /// A block whose deltas mean nothing to a client of another dialect, e.g. a server tool's input.
    Passed,
}

// === impl Decoder ===
impl Decoder {
    pub(super) fn new() -> Self {
        Self { sse: sse::Parser::new(EVENT_BYTES_MAX), reading: Reading::default() }
    }
}

// === impl dialect::Decoder for Decoder ===
impl dialect::Decoder for Decoder {
    fn push(&mut self, chunk: &[u8], out: &mut Vec<ChatEvent>) -> Result<(), Failure> {
        let Self { sse, reading } = self;
        let mut failed = None;
        let result = sse.push(chunk, |event| {
            if failed.is_none() && !reading.is_done {
                failed = reading.event(event.data, out).err();
            }
        });
        // What came before the overlong event was heard, and its failure is the first one.
        failed.map_or(Ok(()), Err)?;
        result.map(drop).map_err(|sse::TooLong| bad_reply("an event of more than 8 MiB"))
    }

    fn end(&mut self, out: &mut Vec<ChatEvent>) -> Result<(), Failure> {
        self.push(b"\n\n", out).map_err(at_end)?;
        if self.reading.is_done { Ok(()) } else { Err(cut_off().private("no `message_stop`")) }
    }

    fn is_done(&self) -> bool {
        self.reading.is_done
    }
}

/// A whole message as the events that a stream of it would have had.
///
/// # Errors
/// `BadReply` for what is no message, the vendor's failure for an error inside a 200.
pub(super) fn decode_whole(json: &[u8]) -> Result<Vec<ChatEvent>, Failure> {
    let kind: Typed<'_> = parse(json)?;
    if kind.is_error() {
        return Err(errors::in_band(json));
    }
    let message: Message = parse(json)?;
    let Some(content) = message.content else { return Err(bad_reply("a message without `content`")) };
    let mut reading = Reading::default();
    let mut out = Vec::new();
    for block in content {
        reading.start(0, block, &mut out)?;
        reading.stop(0, &mut out);
    }
    out.extend(message.stop_reason.map(|reason| ChatEvent::Finish(finish(&reason))));
    out.push(ChatEvent::Usage(message.usage.unwrap_or_default().over(Usage::default())));
    Ok(out)
}

// === impl Reading ===
impl Reading {
    fn event(&mut self, data: &[u8], out: &mut Vec<ChatEvent>) -> Result<(), Failure> {
        let typed: Typed<'_> = parse(data)?;
        match typed.kind.as_deref() {
            Some("message_start") => {
                let event: Start = parse(data)?;
                self.usage = event.message.usage.unwrap_or_default().over(self.usage);
                out.push(ChatEvent::Usage(self.usage));
            }
            Some("content_block_start") => {
                let event: BlockStart = parse(data)?;
                self.start(event.index, event.content_block, out)?;
            }
            Some("content_block_delta") => {
                let event: BlockDelta = parse(data)?;
                self.delta(event.index, event.delta, out);
            }
            Some("content_block_stop") => self.stop(parse::<BlockStop>(data)?.index, out),
            Some("message_delta") => {
                let event: MessageDelta = parse(data)?;
                out.extend(event.delta.stop_reason.map(|reason| ChatEvent::Finish(finish(&reason))));
                if let Some(usage) = event.usage {
                    self.usage = usage.over(self.usage);
                    out.push(ChatEvent::Usage(self.usage));
                }
            }
            Some("message_stop") => self.is_done = true,
            _ if typed.is_error() => return Err(errors::in_band(data)),
            Some(_) | None => {}
        }
        Ok(())
    }

    fn start(&mut self, index: u64, block: WireBlock, out: &mut Vec<ChatEvent>) -> Result<(), Failure> {
        let open = match block.kind.as_str() {
            "text" => {
                push_words(block.text, ChatEvent::Text, out);
                Open::Words
            }
            "thinking" => {
                push_words(block.thinking, ChatEvent::Reasoning, out);
                push_words(block.signature, ChatEvent::Signature, out);
                Open::Words
            }
            "redacted_thinking" => {
                push_words(block.data, ChatEvent::RedactedReasoning, out);
                Open::Passed
            }
            "tool_use" => {
                let call = self.calls;
                self.calls += 1;
                out.push(piece(call, block.id, block.name, String::new()));
                let input = block.input.map_or_else(|| "{}".to_owned(), |json| json.get().to_owned());
                Open::Call { index: call, input, has_pieces: false }
            }
            _ => Open::Passed,
        };
        self.open.retain(|(at, _)| *at != index);
        if self.open.len() >= OPEN_BLOCKS_MAX {
            return Err(bad_reply("more than 128 content blocks open at once"));
        }
        self.open.push((index, open));
        Ok(())
    }

    fn delta(&mut self, index: u64, delta: WireDelta, out: &mut Vec<ChatEvent>) {
        let open = self.open.iter_mut().find(|(at, _)| *at == index).map(|(_, open)| open);
        match (delta.kind.as_str(), open) {
            (_, Some(Open::Passed)) => {}
            ("text_delta", _) => push_words(delta.text, ChatEvent::Text, out),
            ("thinking_delta", _) => push_words(delta.thinking, ChatEvent::Reasoning, out),
            ("signature_delta", _) => push_words(delta.signature, ChatEvent::Signature, out),
            ("input_json_delta", Some(Open::Call { index, has_pieces, .. })) => {
                if let Some(json) = delta.partial_json.filter(|json| !json.is_empty()) {
                    *has_pieces = true;
                    out.push(piece(*index, None, None, json));
                }
            }
            _ => {}
        }
    }

    /// A call that got no piece of input has the one that its start gave: `{}` with Anthropic, all of it with others.
    fn stop(&mut self, index: u64, out: &mut Vec<ChatEvent>) {
        let Some(at) = self.open.iter().position(|(at, _)| *at == index) else { return };
        if let (_, Open::Call { index, input, has_pieces: false }) = self.open.swap_remove(at) {
            out.push(piece(index, None, None, input));
        }
    }
}

fn piece(index: u32, id: Option<String>, name: Option<String>, arguments: String) -> ChatEvent {
    ChatEvent::ToolCall { index, id, name, arguments, signature: None }
}

fn push_words(words: Option<String>, event: fn(String) -> ChatEvent, out: &mut Vec<ChatEvent>) {
    out.extend(words.filter(|words| !words.is_empty()).map(event));
}

/// <https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons>
fn finish(reason: &str) -> FinishReason {
    match reason {
        "end_turn" | "stop_sequence" => FinishReason::Stop,
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "tool_use" => FinishReason::ToolCalls,
        "refusal" => FinishReason::ContentFilter,
        _ => FinishReason::Other,
    }
}

fn parse<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, Failure> {
    serde_json::from_slice(json).map_err(bad_reply)
}

/// Read first: an event of an unknown type may have any shape.
#[derive(Deserialize)]
struct Typed<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Option<Cow<'a, str>>,
    #[serde(default)]
    error: Option<serde::de::IgnoredAny>,
}

impl Typed<'_> {
    /// `type: error`, or an imitator's error without a type.
    fn is_error(&self) -> bool {
        self.kind.as_deref() == Some("error") || (self.kind.is_none() && self.error.is_some())
    }
}

#[derive(Deserialize)]
struct Start {
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Option<Vec<WireBlock>>,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    usage: Option<Anthropic>,
}

#[derive(Deserialize)]
struct BlockStart {
    index: u64,
    content_block: WireBlock,
}

#[derive(Deserialize)]
struct BlockDelta {
    index: u64,
    delta: WireDelta,
}

#[derive(Deserialize)]
struct BlockStop {
    index: u64,
}

#[derive(Deserialize)]
struct MessageDelta {
    delta: StopDelta,
    #[serde(default)]
    usage: Option<Anthropic>,
}

#[derive(Deserialize)]
struct StopDelta {
    #[serde(default)]
    stop_reason: Option<String>,
}

/// Fields of every known type of block. Those of others may have the same names and other shapes, hence [`words`].
#[derive(Deserialize)]
struct WireBlock {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, deserialize_with = "words")]
    text: Option<String>,
    #[serde(default, deserialize_with = "words")]
    thinking: Option<String>,
    #[serde(default, deserialize_with = "words")]
    signature: Option<String>,
    #[serde(default, deserialize_with = "words")]
    data: Option<String>,
    #[serde(default, deserialize_with = "words")]
    id: Option<String>,
    #[serde(default, deserialize_with = "words")]
    name: Option<String>,
    /// As the model wrote it: the order of its fields and the form of its numbers stay.
    #[serde(default)]
    input: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct WireDelta {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, deserialize_with = "words")]
    text: Option<String>,
    #[serde(default, deserialize_with = "words")]
    thinking: Option<String>,
    #[serde(default, deserialize_with = "words")]
    signature: Option<String>,
    #[serde(default, deserialize_with = "words")]
    partial_json: Option<String>,
}

/// A text; anything else is as good as none.
fn words<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    })
}

#[cfg(test)]
mod tests;
