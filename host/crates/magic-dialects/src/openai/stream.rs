//! What a vendor streams back, read piece by piece: fully for a reasoning step, or from the side while the bytes go on
//! to the client untouched. Never invents an end: a stream that stops before `[DONE]` is a cut stream.
use magic_types::chat::FinishReason;
use magic_types::stream::ChatEvent;
use magic_types::{Failure, Kind, Usage};
use memchr::memmem::Finder;
use serde::Deserialize;
use std::borrow::Cow;
use std::sync::LazyLock;

use super::errors;
use crate::sse;

/// One event may carry a whole answer of a vendor that does not stream in small pieces.
const EVENT_BYTES_MAX: usize = 8 << 20;

static ERROR: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"error\""));
static USAGE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"usage\":"));

/// Reads a stream into [`ChatEvent`]s.
pub struct Decoder {
    sse: sse::Parser,
    done: bool,
}

impl Default for Decoder {
    fn default() -> Self {
        Self { sse: sse::Parser::new(EVENT_BYTES_MAX), done: false }
    }
}

impl Decoder {
    /// Feeds a chunk; appends what it completes to `out`.
    ///
    /// # Errors
    /// The vendor's in-band error, or a reply that is not OpenAI's dialect. What came before it is in `out`.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<ChatEvent>) -> Result<(), Failure> {
        let mut failed = None;
        let done = &mut self.done;
        let result = self.sse.push(chunk, |event| {
            if failed.is_none() && !*done {
                failed = decode(event.data, done, out).err();
            }
        });
        result.map_err(|sse::TooLong| too_long())?;
        failed.map_or(Ok(()), Err)
    }
}

/// Looks on while a stream passes: finds the first event, an in-band error, usage and the end. Allocates nothing per
/// event but what the SSE parser holds of a split line.
pub struct Onlooker {
    sse: sse::Parser,
    pub events: u64,
    pub usage: Option<Usage>,
    pub done: bool,
    /// An error that the vendor sent inside the stream.
    pub failure: Option<Failure>,
    /// An event grew past the bound: nothing that follows can be read.
    pub overflowed: bool,
}

impl Default for Onlooker {
    fn default() -> Self {
        Self {
            sse: sse::Parser::new(EVENT_BYTES_MAX),
            events: 0,
            usage: None,
            done: false,
            failure: None,
            overflowed: false,
        }
    }
}

impl Onlooker {
    /// Looks at a chunk and says how many of its bytes end at an event's end. The rest is to be held back until the next
    /// chunk, so that a cut stream can be followed by a frame of our own.
    pub fn push(&mut self, chunk: &[u8]) -> usize {
        let Self { sse, events, usage, done, failure, overflowed } = self;
        let result = sse.push(chunk, |event| {
            *events += 1;
            if event.data == b"[DONE]" {
                *done = true;
            } else if failure.is_none() && ERROR.find(event.data).is_some() {
                *failure = in_band_error(event.data);
            } else if reports_usage(event.data) {
                *usage = usage_of(event.data).or(*usage);
            }
        });
        result.unwrap_or_else(|sse::TooLong| {
            *overflowed = true;
            0
        })
    }

    /// The body has ended: a last event without its blank line counts, since some vendors leave that out.
    pub fn end(&mut self) {
        self.push(b"\n\n");
    }
}

/// Reads a whole reply (`stream: false`) just as far as the gateway must: it is JSON, it is no error, and what it cost.
///
/// # Errors
/// [`Kind::BadReply`] for what is not JSON, the vendor's failure for a 200 with an error inside.
pub fn inspect(json: &[u8]) -> Result<Option<Usage>, Failure> {
    #[derive(Deserialize)]
    struct Reply {
        #[serde(default)]
        usage: Option<WireUsage>,
        #[serde(default)]
        error: Option<serde::de::IgnoredAny>,
    }
    let reply: Reply = serde_json::from_slice(json).map_err(|error| bad_reply(&error.to_string()))?;
    if reply.error.is_some() {
        return Err(in_band_error(json).unwrap_or_else(|| bad_reply("an error without a text")));
    }
    Ok(reply.usage.map(WireUsage::into_usage))
}

/// Reads a whole reply (`stream: false`) as the events that a stream of it would have had.
///
/// # Errors
/// Those of [`inspect`].
pub fn decode_whole(json: &[u8]) -> Result<Vec<ChatEvent>, Failure> {
    let mut events = Vec::new();
    decode(json, &mut false, &mut events)?;
    Ok(events)
}

/// Many vendors write `"usage":null` into every chunk: only an object is worth reading.
fn reports_usage(json: &[u8]) -> bool {
    let rest = USAGE.find(json).and_then(|at| json.get(at + USAGE.needle().len()..));
    rest.is_some_and(|rest| rest.trim_ascii_start().starts_with(b"{"))
}

fn usage_of(json: &[u8]) -> Option<Usage> {
    inspect(json).ok().flatten()
}

fn decode(data: &[u8], done: &mut bool, out: &mut Vec<ChatEvent>) -> Result<(), Failure> {
    if data == b"[DONE]" {
        *done = true;
        return Ok(());
    }
    let chunk: Chunk<'_> = serde_json::from_slice(data).map_err(|error| bad_reply(&error.to_string()))?;
    if chunk.error.is_some() {
        return Err(in_band_error(data).unwrap_or_else(|| bad_reply("an error without a text")));
    }
    for choice in chunk.choices {
        push_delta(choice.delta, out);
        if let Some(reason) = choice.finish_reason {
            out.push(ChatEvent::Finish(finish(&reason)));
        }
    }
    out.extend(chunk.usage.map(|usage| ChatEvent::Usage(usage.into_usage())));
    Ok(())
}

fn push_delta(delta: Delta<'_>, out: &mut Vec<ChatEvent>) {
    // Three spellings of one field: DeepSeek and llama.cpp, vLLM and OpenRouter, Mistral's `thinking` comes later.
    let reasoning = delta.reasoning_content.or(delta.reasoning).filter(|text| !text.is_empty());
    out.extend(reasoning.map(|text| ChatEvent::Reasoning(text.into_owned())));
    let text = delta.content.filter(|text| !text.is_empty());
    out.extend(text.map(|text| ChatEvent::Text(text.into_owned())));
    for (place, call) in (0..).zip(delta.tool_calls.unwrap_or_default()) {
        let function = call.function.unwrap_or_default();
        out.push(ChatEvent::ToolCall {
            index: call.index.unwrap_or(place),
            id: call.id.map(Cow::into_owned),
            name: function.name.map(Cow::into_owned),
            arguments: function.arguments.map(Cow::into_owned).unwrap_or_default(),
        });
    }
}

fn in_band_error(data: &[u8]) -> Option<Failure> {
    let text = errors::message(data)?;
    Some(errors::failure(errors::kind_of(errors::status_in(data).unwrap_or(500), data), &text))
}

/// What an overflow means for the request.
pub fn too_long() -> Failure {
    bad_reply("an event of more than 8 MiB")
}

fn bad_reply(why: &str) -> Failure {
    Failure::new(Kind::BadReply, "the model's vendor sent a reply that cannot be read").private(why)
}

fn finish(reason: &str) -> FinishReason {
    match reason {
        "stop" => FinishReason::Stop,
        "length" => FinishReason::Length,
        "tool_calls" | "function_call" => FinishReason::ToolCalls,
        "content_filter" => FinishReason::ContentFilter,
        _ => FinishReason::Other,
    }
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow, default)]
    choices: Vec<Choice<'a>>,
    #[serde(default)]
    usage: Option<WireUsage>,
    #[serde(default)]
    error: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    // A whole reply says `message` where a stream says `delta`; the fields are the same.
    #[serde(borrow, default, alias = "message")]
    delta: Delta<'a>,
    #[serde(borrow, default)]
    finish_reason: Option<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
struct Delta<'a> {
    #[serde(borrow, default)]
    content: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    reasoning_content: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    reasoning: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    tool_calls: Option<Vec<CallDelta<'a>>>,
}

#[derive(Deserialize)]
struct CallDelta<'a> {
    #[serde(default)]
    index: Option<u32>,
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    function: Option<FunctionDelta<'a>>,
}

#[derive(Default, Deserialize)]
struct FunctionDelta<'a> {
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    arguments: Option<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
    prompt_tokens_details: Option<PromptDetails>,
    completion_tokens_details: Option<CompletionDetails>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PromptDetails {
    cached_tokens: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CompletionDetails {
    reasoning_tokens: Option<u64>,
}

impl WireUsage {
    fn into_usage(self) -> Usage {
        Usage {
            input_tokens: self.prompt_tokens,
            output_tokens: self.completion_tokens,
            cached_input_tokens: self.prompt_tokens_details.and_then(|details| details.cached_tokens).unwrap_or(0),
            reasoning_tokens: self.completion_tokens_details.and_then(|d| d.reasoning_tokens).unwrap_or(0),
            cost_micros: None,
        }
    }
}

#[cfg(test)]
mod tests;
