//! What a vendor streams back, or says whole, read into events. Never invents an end: a stream that stops before `[DONE]`
//! is a cut stream.
use magic_types::chat::FinishReason;
use magic_types::stream::ChatEvent;
use magic_types::{Failure, Kind};

use crate::errors::{at_end, bad_reply, cut_off};
use crate::{dialect, errors, seals, sse};
use calls::Calls;
use chunk::{Chunk, Delta, Detail};

use std::borrow::Cow;

mod calls;
mod chunk;

/// One event may carry a whole answer of a vendor that does not stream in small pieces.
const EVENT_BYTES_MAX: usize = 8 << 20;

/// Reads a stream into [`ChatEvent`]s.
pub(super) struct Decoder {
    sse: sse::Parser,
    state: State,
}

/// What one event must know of those before it.
#[derive(Default)]
struct State {
    done: bool,
    /// Reasoning came as plain text: what `reasoning_details` say of it is the same once more.
    is_told: bool,
    calls: Calls,
}

impl Default for Decoder {
    fn default() -> Self {
        Self { sse: sse::Parser::new(EVENT_BYTES_MAX), state: State::default() }
    }
}

impl dialect::Decoder for Decoder {
    fn push(&mut self, chunk: &[u8], out: &mut Vec<ChatEvent>) -> Result<(), Failure> {
        let Self { sse, state } = self;
        let mut failed = None;
        let result = sse.push(chunk, |event| {
            if failed.is_none() && !state.done {
                failed = decode(event.data, state, out).err();
            }
        });
        // What came before the overlong event was heard, and its failure is the first one.
        failed.map_or(Ok(()), Err)?;
        result.map(drop).map_err(|sse::TooLong| bad_reply("an event of more than 8 MiB"))
    }

    fn end(&mut self, out: &mut Vec<ChatEvent>) -> Result<(), Failure> {
        self.push(b"\n\n", out).map_err(at_end)?;
        if self.state.done { Ok(()) } else { Err(cut_off()) }
    }

    fn is_done(&self) -> bool {
        self.state.done
    }
}

/// Reads a whole reply (`stream: false`) as the events that a stream of it would have had.
///
/// # Errors
/// [`Kind::BadReply`] for what is not JSON, the vendor's failure for a 200 with an error inside.
pub(super) fn decode_whole(json: &[u8]) -> Result<Vec<ChatEvent>, Failure> {
    let mut events = Vec::new();
    let mut state = State { calls: Calls::of_whole_reply(), ..State::default() };
    decode(json, &mut state, &mut events)?;
    Ok(events)
}

fn decode(data: &[u8], state: &mut State, out: &mut Vec<ChatEvent>) -> Result<(), Failure> {
    if data == b"[DONE]" {
        state.done = true;
        return Ok(());
    }
    let chunk: Chunk<'_> = serde_json::from_slice(data).map_err(bad_reply)?;
    // Mistral and old vLLMs say `object: error`.
    if chunk.error.is_some() || chunk.object.as_deref() == Some("error") {
        return Err(errors::in_band(data));
    }
    // The events of one reply have room for one choice; a second one would be mixed into it.
    for choice in chunk.choices.unwrap_or_default().into_iter().filter(|choice| choice.index.unwrap_or(0) == 0) {
        if choice.error.is_some() {
            return Err(errors::in_band(data));
        }
        state.push_delta(choice.delta.unwrap_or_default(), out);
        if let Some(reason) = choice.finish_reason {
            out.push(ChatEvent::Finish(finish(&reason)?));
        }
    }
    let usage = chunk.usage.or_else(|| chunk.x_groq.and_then(|groq| groq.usage));
    out.extend(usage.map(|usage| ChatEvent::Usage(usage.into_usage())));
    Ok(())
}

impl State {
    fn push_delta(&mut self, delta: Delta<'_>, out: &mut Vec<ChatEvent>) {
        let is_thought =
            delta.extra_content.and_then(|extra| extra.google).is_some_and(|google| google.thought == Some(true));
        let reasoning = [delta.reasoning_content, delta.reasoning].into_iter().flatten().find(|text| !text.is_empty());
        self.is_told |= reasoning.is_some();
        out.extend(reasoning.and_then(chunk::Text::reasoning));
        for detail in delta.reasoning_details.unwrap_or_default() {
            push_detail(detail, self.is_told, out);
        }
        if let Some(content) = delta.content {
            content.push(is_thought, out);
        }
        let refusal = delta.refusal.filter(|text| !text.is_empty());
        out.extend(refusal.map(|text| ChatEvent::Refusal(text.into_owned())));
        for call in delta.tool_calls.unwrap_or_default() {
            out.push(self.calls.piece(call));
        }
    }
}

/// The text of a detail was told already where the vendor says it twice.
fn push_detail(detail: Detail<'_>, is_told: bool, out: &mut Vec<ChatEvent>) {
    let text = detail.text.or(detail.summary).filter(|text| !is_told && !text.is_empty());
    out.extend(text.map(|text| ChatEvent::Reasoning(text.into_owned())));
    let seal = detail.signature.filter(|seal| !seal.is_empty());
    let marked = |seal: Cow<'_, str>| seals::of_format(detail.format.as_deref(), seal.into_owned());
    out.extend(seal.map(|seal| ChatEvent::Signature(marked(seal))));
    out.extend(detail.data.map(|data| ChatEvent::RedactedReasoning(marked(data))));
}

/// OpenAI's word, or an imitator's. Some say here that they failed, and nowhere else.
fn finish(reason: &str) -> Result<FinishReason, Failure> {
    Ok(match reason {
        "stop" | "eos" | "end_turn" | "stop_sequence" => FinishReason::Stop,
        "length" | "model_length" | "max_tokens" => FinishReason::Length,
        "tool_calls" | "tool_call" | "function_call" => FinishReason::ToolCalls,
        "content_filter" => FinishReason::ContentFilter,
        "error" | "insufficient_system_resource" => {
            let text = format!("the model's vendor broke off: {reason}");
            return Err(Failure::new(Kind::ServerError, text));
        }
        _ => FinishReason::Other,
    })
}

#[cfg(test)]
mod tests;
