//! What Google streams back: whole `GenerateContentResponse`s, each with a few parts more. There is no `[DONE]`: the stream
//! has ended well if a finish reason was in it.
use crate::chat::data_url;
use crate::dialect;
use crate::{seals, sse};
use magic_types::chat::FinishReason;
use magic_types::stream::ChatEvent;
use magic_types::{Failure, Usage};
use std::cell::OnceCell;

use super::wire::{Blob, FunctionCall, Part, Response};
use crate::errors::{at_end, bad_reply, cut_off};

/// One event may hold a picture.
const EVENT_BYTES_MAX: usize = 32 << 20;

pub(super) struct Decoder {
    body: Body,
    answer: Answer,
    ended: bool,
}

/// A stream is SSE if `alt=sse` was understood. Without, and for some errors, Google sends JSON: an object or a list.
enum Body {
    Unknown,
    Sse(sse::Parser),
    Json(Vec<u8>),
}

/// What is known of the answer so far.
#[derive(Default)]
struct Answer {
    calls: u32,
    finish: Option<FinishReason>,
    usage: Option<Usage>,
}

/// Names for calls, since models before Gemini 3 give none. Unique over a conversation, since the response's id is, and the
/// same for whoever reads the same bytes; within 40 characters, which is what OpenAI allows.
struct Ids<'a> {
    response: Option<&'a str>,
    json: &'a [u8],
    /// Of `json`, once asked for: a response of many calls is not hashed for each.
    hash: OnceCell<u64>,
}

// === impl Decoder ===
impl Default for Decoder {
    fn default() -> Self {
        Self { body: Body::Unknown, answer: Answer::default(), ended: false }
    }
}

impl dialect::Decoder for Decoder {
    fn push(&mut self, mut chunk: &[u8], out: &mut Vec<ChatEvent>) -> Result<(), Failure> {
        if matches!(self.body, Body::Unknown) {
            chunk = chunk.trim_ascii_start();
            self.body = match chunk.first() {
                None => return Ok(()),
                Some(b'{' | b'[') => Body::Json(Vec::new()),
                Some(_) => Body::Sse(sse::Parser::new(EVENT_BYTES_MAX)),
            };
        }
        match &mut self.body {
            Body::Unknown => Ok(()),
            Body::Json(held) if held.len() + chunk.len() > EVENT_BYTES_MAX => Err(too_long()),
            Body::Json(held) => {
                held.extend_from_slice(chunk);
                Ok(())
            }
            Body::Sse(parser) => {
                let answer = &mut self.answer;
                let mut failed = None;
                let result = parser.push(chunk, |event| {
                    if failed.is_none() {
                        failed = answer.response(event.data, out).err();
                    }
                });
                failed.map_or_else(|| result.map(|_| ()).map_err(|sse::TooLong| too_long()), Err)
            }
        }
    }

    fn end(&mut self, out: &mut Vec<ChatEvent>) -> Result<(), Failure> {
        match &mut self.body {
            Body::Unknown => {}
            Body::Sse(_) => self.push(b"\n\n", out).map_err(at_end)?,
            Body::Json(held) => {
                let held = std::mem::take(held);
                self.answer.json(&held, out).map_err(at_end)?;
            }
        }
        self.answer.end(out)?;
        self.ended = true;
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.ended
    }
}

/// A whole reply as the events that a stream of it would have had.
pub(super) fn decode_whole(json: &[u8]) -> Result<Vec<ChatEvent>, Failure> {
    let mut answer = Answer::default();
    let mut out = Vec::new();
    answer.json(json, &mut out)?;
    answer.end(&mut out).map_err(|_| bad_reply("a whole reply without a finish reason"))?;
    Ok(out)
}

// === impl Answer ===
impl Answer {
    /// An object, or a list of them.
    fn json(&mut self, json: &[u8], out: &mut Vec<ChatEvent>) -> Result<(), Failure> {
        if json.trim_ascii_start().first() != Some(&b'[') {
            return self.response(json, out);
        }
        let list: Vec<&serde_json::value::RawValue> = serde_json::from_slice(json).map_err(bad_reply)?;
        list.iter().try_for_each(|item| self.response(item.get().as_bytes(), out))
    }

    fn response(&mut self, json: &[u8], out: &mut Vec<ChatEvent>) -> Result<(), Failure> {
        // Google never says so; servers that imitate it may.
        if json == b"[DONE]" {
            return Ok(());
        }
        let response: Response<'_> = serde_json::from_slice(json).map_err(bad_reply)?;
        if let Some(failure) = response.failure(json) {
            return Err(failure);
        }
        // Each response tells the usage of all so far.
        self.usage = response.usage_metadata.map(super::wire::UsageMetadata::into_usage).or(self.usage);
        let Response { candidates, response_id, .. } = response;
        // Nobody asks for a second candidate: `n` is named as lost.
        let first = candidates.into_iter().flatten().find(|candidate| candidate.index.unwrap_or(0) == 0);
        let Some(candidate) = first else { return Ok(()) };
        let ids = Ids { response: response_id.as_deref(), json, hash: OnceCell::new() };
        for part in candidate.content.and_then(|content| content.parts).unwrap_or_default() {
            self.part(part, &ids, out);
        }
        self.finish = candidate.finish_reason.as_deref().map(finish).or(self.finish);
        Ok(())
    }

    fn part(&mut self, part: Part<'_>, ids: &Ids<'_>, out: &mut Vec<ChatEvent>) {
        let seal = part.thought_signature.filter(|seal| !seal.is_empty());
        if let Some(call) = part.function_call {
            return out.push(self.call(call, seal.map(String::from), ids));
        }
        if let Some(text) = part.text.filter(|text| !text.is_empty()) {
            let is_thought = part.thought.unwrap_or(false);
            out.push(if is_thought { ChatEvent::Reasoning(text.into()) } else { ChatEvent::Text(text.into()) });
        }
        out.extend(part.inline_data.and_then(picture).map(ChatEvent::Text));
        let code = part.executable_code.and_then(|code| code.code);
        let result = part.code_execution_result.and_then(|result| result.output);
        let fenced = code.into_iter().chain(result).map(|text| ChatEvent::Text(format!("\n```\n{text}\n```\n")));
        out.extend(fenced);
        out.extend(seal.map(|seal| ChatEvent::Signature(seals::of_google(&seal))));
    }

    /// Google sends a call in one piece.
    fn call(&mut self, call: FunctionCall<'_>, signature: Option<String>, ids: &Ids<'_>) -> ChatEvent {
        let index = self.calls;
        self.calls = self.calls.saturating_add(1);
        let id = call.id.filter(|id| !id.is_empty()).map_or_else(|| ids.call(index), String::from);
        // A call without arguments has none, or `null`.
        let args = call.args.map(|raw| raw.get()).filter(|args| *args != "null").unwrap_or("{}");
        ChatEvent::ToolCall {
            index,
            id: Some(id),
            name: Some(call.name.unwrap_or_default().into()),
            arguments: args.to_owned(),
            signature,
        }
    }

    /// Finish and usage come last, when no response can change them any more.
    fn end(&mut self, out: &mut Vec<ChatEvent>) -> Result<(), Failure> {
        let finish = self.finish.map(|reason| match reason {
            // Google has no word of its own for it.
            FinishReason::Stop if self.calls > 0 => FinishReason::ToolCalls,
            reason => reason,
        });
        out.extend(finish.map(ChatEvent::Finish));
        out.extend(self.usage.map(ChatEvent::Usage));
        finish.map_or_else(|| Err(cut_off()), |_| Ok(()))
    }
}

// === impl Ids ===
impl Ids<'_> {
    fn call(&self, index: u32) -> String {
        let given = self.response.unwrap_or_default().chars();
        let id: String =
            given.filter(|char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_')).take(24).collect();
        if id.is_empty() {
            format!("call_{:016x}_{index}", self.hash.get_or_init(|| fnv1a(self.json)))
        } else {
            format!("call_{id}_{index}")
        }
    }
}

/// FNV-1a, 64 bits: a name for some bytes, and no secret.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// No dialect of our clients has a place for a picture in an answer but its text: Markdown shows it.
fn picture(blob: Blob<'_>) -> Option<String> {
    let (mime, data) = (blob.mime_type?, blob.data?);
    let bang = if mime.starts_with("image/") { "!" } else { "" };
    Some(format!("{bang}[{mime}]({})", data_url(&mime, &data)))
}

/// <https://ai.google.dev/api/generate-content#FinishReason>
fn finish(reason: &str) -> FinishReason {
    match reason {
        "STOP" => FinishReason::Stop,
        "MAX_TOKENS" => FinishReason::Length,
        "SAFETY"
        | "RECITATION"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "MODEL_ARMOR"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION" => FinishReason::ContentFilter,
        _ => FinishReason::Other,
    }
}

fn too_long() -> Failure {
    bad_reply("an event of more than 32 MiB")
}

#[cfg(test)]
mod tests;
