//! What a client of `/v1/messages` gets: the events of a stream, or one message. Anthropic's clients take one content
//! block after the other, so whatever arrives while another block is open waits until that block can be closed.
use super::tool_input;
use crate::dialect::{Head, Writer};
use crate::reply::{Block, Call, Reply};
use crate::seals;
use magic_types::Usage;
use magic_types::chat::FinishReason;
use magic_types::stream::ChatEvent;
use serde_json::{Value, json};

mod object;

use object::Extent;

/// Invariant: blocks `0..next` were started, of which only the last may be open.
pub(super) struct Messages {
    id: String,
    model: String,
    is_started: bool,
    next: u32,
    open: Open,
    /// Indices of calls whose block is closed: what still comes for them cannot be said any more.
    said: Vec<u32>,
    /// What came while a call was open that is not complete yet.
    waiting: Reply,
    has_calls: bool,
    finish: Option<FinishReason>,
    usage: Usage,
}

enum Open {
    Nothing,
    Text,
    Thinking { is_sealed: bool },
    Call { index: u32, extent: Extent },
}

// === impl Messages ===
impl Messages {
    pub(super) fn new(head: &Head) -> Self {
        Self {
            id: format!("msg_{}", head.id),
            model: head.model.clone(),
            is_started: false,
            next: 0,
            open: Open::Nothing,
            said: Vec::new(),
            waiting: Reply::default(),
            has_calls: false,
            finish: None,
            usage: Usage::default(),
        }
    }

    fn start(&mut self, out: &mut String) {
        if !std::mem::replace(&mut self.is_started, true) {
            let message = self.message(&Value::Array(Vec::new()), &Value::Null, &self.usage);
            frame("message_start", &json!({ "type": "message_start", "message": message }), out);
        }
    }

    fn message(&self, content: &Value, stop_reason: &Value, usage: &Usage) -> Value {
        json!({ "id": self.id, "type": "message", "role": "assistant", "model": self.model, "content": content,
            "stop_reason": stop_reason, "stop_sequence": null, "usage": usage_json(usage) })
    }

    /// Says the event if it continues the open block, or if that block can be closed for it.
    fn say(&mut self, event: &ChatEvent, out: &mut String) {
        if let ChatEvent::ToolCall { index, .. } = event
            && self.said.contains(index)
        {
            return;
        }
        let continues = matches!((&self.open, event), (Open::Call { index: open, .. }, ChatEvent::ToolCall { index, .. }) if open == index);
        if continues || (self.waiting.blocks.is_empty() && self.can_close() && !is_nameless(event)) {
            self.piece(event, out);
        } else {
            self.waiting.take_in(event);
        }
        self.drain(out);
    }

    /// Only a call whose arguments are not complete may not be closed: the rest of them may come after other things.
    fn can_close(&self) -> bool {
        match &self.open {
            Open::Nothing | Open::Text | Open::Thinking { .. } => true,
            Open::Call { extent, .. } => extent.is_complete(),
        }
    }

    /// Says what waits, up to a call that is not complete or has no name yet.
    fn drain(&mut self, out: &mut String) {
        if self.waiting.blocks.is_empty() || !self.can_close() {
            return;
        }
        let mut blocks = std::mem::take(&mut self.waiting.blocks).into_iter().peekable();
        while self.can_close()
            && let Some(block) = blocks.next_if(|block| !matches!(block, Block::ToolCall(call) if call.name.is_empty()))
        {
            self.block(&block, out);
        }
        self.waiting.blocks = blocks.collect();
    }

    fn block(&mut self, block: &Block, out: &mut String) {
        match block {
            Block::Text(text) | Block::Refusal(text) => self.piece(&ChatEvent::Text(text.clone()), out),
            Block::Reasoning { text, signature } => {
                self.piece(&ChatEvent::Reasoning(text.clone()), out);
                if let Some(signature) = signature {
                    self.piece(&ChatEvent::Signature(signature.clone()), out);
                }
            }
            Block::RedactedReasoning(sealed) => self.redacted(sealed, out),
            Block::ToolCall(Call { index, id, name, arguments, signature }) => {
                self.seal_of_call(signature.as_deref(), out);
                self.open_call(*index, Some(id), Some(name), out);
                self.arguments(arguments, out);
            }
        }
    }

    fn piece(&mut self, event: &ChatEvent, out: &mut String) {
        match event {
            ChatEvent::Text(text) | ChatEvent::Refusal(text) if !text.is_empty() => {
                if !matches!(self.open, Open::Text) {
                    self.open(Open::Text, &json!({ "type": "text", "text": "" }), out);
                }
                self.delta("text_delta", "text", text, out);
            }
            ChatEvent::Reasoning(text) if !text.is_empty() => {
                if !matches!(self.open, Open::Thinking { is_sealed: false }) {
                    self.open_thinking(out);
                }
                self.delta("thinking_delta", "thinking", text, out);
            }
            ChatEvent::Signature(seal) => {
                if !matches!(self.open, Open::Thinking { is_sealed: false }) {
                    self.open_thinking(out);
                }
                self.delta("signature_delta", "signature", seal, out);
                self.open = Open::Thinking { is_sealed: true };
            }
            ChatEvent::RedactedReasoning(sealed) => self.redacted(sealed, out),
            ChatEvent::ToolCall { index, id, name, arguments, signature } => {
                if !matches!(self.open, Open::Call { index: open, .. } if open == *index) {
                    self.seal_of_call(signature.as_deref(), out);
                    self.open_call(*index, id.as_ref(), name.as_ref(), out);
                }
                self.arguments(arguments, out);
            }
            ChatEvent::Text(_)
            | ChatEvent::Refusal(_)
            | ChatEvent::Reasoning(_)
            | ChatEvent::Finish(_)
            | ChatEvent::Usage(_) => {}
        }
    }

    fn open_thinking(&mut self, out: &mut String) {
        let block = json!({ "type": "thinking", "thinking": "", "signature": "" });
        self.open(Open::Thinking { is_sealed: false }, &block, out);
    }

    fn redacted(&mut self, sealed: &str, out: &mut String) {
        self.open(Open::Nothing, &redacted_json(sealed), out);
        stop(self.next - 1, out);
    }

    /// Anthropic's calls have no field for a seal: it goes before the call, as thoughts that clients only give back.
    fn seal_of_call(&mut self, seal: Option<&str>, out: &mut String) {
        if let Some(seal) = seal {
            self.redacted(&seals::of_call(seal), out);
        }
    }

    fn open_call(&mut self, index: u32, id: Option<&String>, name: Option<&String>, out: &mut String) {
        self.has_calls = true;
        let block = call_json(&self.id, index, id, name, &json!({}));
        self.open(Open::Call { index, extent: Extent::default() }, &block, out);
    }

    fn arguments(&mut self, piece: &str, out: &mut String) {
        if let Open::Call { extent, .. } = &mut self.open
            && !piece.is_empty()
        {
            extent.take_in(piece);
            self.delta("input_json_delta", "partial_json", piece, out);
        }
    }

    fn open(&mut self, open: Open, block: &Value, out: &mut String) {
        self.close(out);
        let start = json!({ "type": "content_block_start", "index": self.next, "content_block": block });
        frame("content_block_start", &start, out);
        self.next += 1;
        self.open = open;
    }

    fn close(&mut self, out: &mut String) {
        match std::mem::replace(&mut self.open, Open::Nothing) {
            Open::Nothing => return,
            Open::Text | Open::Thinking { .. } => {}
            Open::Call { index, .. } => self.said.push(index),
        }
        stop(self.next - 1, out);
    }

    fn delta(&self, kind: &str, key: &str, text: &str, out: &mut String) {
        let delta = json!({ "type": kind, key: text });
        let event = json!({ "type": "content_block_delta", "index": self.next.saturating_sub(1), "delta": delta });
        frame("content_block_delta", &event, out);
    }
}

// === impl Writer for Messages ===
impl Writer for Messages {
    fn event(&mut self, event: &ChatEvent, out: &mut String) {
        match event {
            // Known at the start only if the vendor says it first.
            ChatEvent::Usage(usage) => {
                self.usage = *usage;
                self.start(out);
            }
            ChatEvent::Finish(reason) => {
                self.start(out);
                self.finish = Some(*reason);
            }
            ChatEvent::Text(_)
            | ChatEvent::Reasoning(_)
            | ChatEvent::Signature(_)
            | ChatEvent::RedactedReasoning(_)
            | ChatEvent::Refusal(_)
            | ChatEvent::ToolCall { .. } => {
                self.start(out);
                self.say(event, out);
            }
        }
    }

    fn end(&mut self, out: &mut String) {
        self.start(out);
        // The vendor has ended: what a call has now is all that it will have.
        for block in std::mem::take(&mut self.waiting).blocks {
            self.block(&block, out);
        }
        self.close(out);
        let delta = json!({ "stop_reason": stop_reason(self.finish, self.has_calls), "stop_sequence": null });
        let event = json!({ "type": "message_delta", "delta": delta, "usage": usage_json(&self.usage) });
        frame("message_delta", &event, out);
        frame("message_stop", &json!({ "type": "message_stop" }), out);
    }

    fn whole(&mut self, reply: &Reply) -> String {
        let content = reply.blocks.iter().flat_map(|block| blocks_json(&self.id, block)).collect();
        let has_calls = reply.calls().next().is_some();
        let usage = reply.usage.unwrap_or_default();
        self.message(&content, &json!(stop_reason(reply.finish, has_calls)), &usage).to_string()
    }
}

fn blocks_json(id: &str, block: &Block) -> Vec<Value> {
    match block {
        Block::Text(text) | Block::Refusal(text) if text.is_empty() => Vec::new(),
        Block::Text(text) | Block::Refusal(text) => vec![json!({ "type": "text", "text": text })],
        Block::Reasoning { text, signature } => {
            vec![json!({ "type": "thinking", "thinking": text, "signature": signature.as_deref().unwrap_or_default() })]
        }
        Block::RedactedReasoning(sealed) => vec![redacted_json(sealed)],
        Block::ToolCall(call) => {
            let seal = call.signature.as_deref().map(|seal| redacted_json(&seals::of_call(seal)));
            let input = tool_input(&call.arguments);
            seal.into_iter().chain([call_json(id, call.index, Some(&call.id), Some(&call.name), &input)]).collect()
        }
    }
}

fn redacted_json(sealed: &str) -> Value {
    json!({ "type": "redacted_thinking", "data": sealed })
}

/// A vendor that gives its calls no id gets ours: a client answers by it.
fn call_json(message: &str, index: u32, id: Option<&String>, name: Option<&String>, input: &Value) -> Value {
    let id = id.filter(|id| !id.is_empty()).map_or_else(|| format!("toolu_{message}_{index}"), String::clone);
    json!({ "type": "tool_use", "id": id, "name": name.map(String::as_str).unwrap_or_default(), "input": input })
}

fn is_nameless(event: &ChatEvent) -> bool {
    matches!(event, ChatEvent::ToolCall { name, .. } if name.as_ref().is_none_or(String::is_empty))
}

/// Some vendors say `stop` after calls as well; Anthropic's clients act on `tool_use` alone.
fn stop_reason(finish: Option<FinishReason>, has_calls: bool) -> &'static str {
    match finish {
        Some(FinishReason::Length) => "max_tokens",
        Some(FinishReason::ContentFilter) => "refusal",
        Some(FinishReason::ToolCalls) => "tool_use",
        Some(FinishReason::Stop | FinishReason::Cancelled | FinishReason::Other) | None if has_calls => "tool_use",
        Some(FinishReason::Stop | FinishReason::Cancelled | FinishReason::Other) | None => "end_turn",
    }
}

/// Anthropic counts what its cache read and wrote apart from `input_tokens`.
/// <https://platform.claude.com/docs/en/build-with-claude/prompt-caching>
fn usage_json(usage: &Usage) -> Value {
    let fresh = usage.input_tokens.saturating_sub(usage.cached_input_tokens).saturating_sub(usage.cache_write_tokens);
    let mut json = json!({ "input_tokens": fresh, "output_tokens": usage.output_tokens,
        "cache_read_input_tokens": usage.cached_input_tokens, "cache_creation_input_tokens": usage.cache_write_tokens });
    if let Some(fields) = json.as_object_mut().filter(|_| usage.reasoning_tokens > 0) {
        fields.insert("output_tokens_details".to_owned(), json!({ "thinking_tokens": usage.reasoning_tokens }));
    }
    json
}

fn stop(index: u32, out: &mut String) {
    frame("content_block_stop", &json!({ "type": "content_block_stop", "index": index }), out);
}

/// JSON text holds no line end: serde_json escapes them.
fn frame(name: &str, json: &Value, out: &mut String) {
    for piece in ["event: ", name, "\ndata: ", &json.to_string(), "\n\n"] {
        out.push_str(piece);
    }
}

#[cfg(test)]
mod tests;
