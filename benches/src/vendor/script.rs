//! What the vendor says: replies written once, as bytes. Chosen by the model's name, in the dialect of the request's path;
//! a session's step by the marker that its own last thought left in the transcript.
mod others;
mod slow;

use memchr::memmem;
use serde_json::json;
use slow::Slow;
use std::time::Duration;

pub(crate) use slow::{SLOW_ACTS, SLOW_GAP, SLOW_PIECES, SLOW_STEPS, SLOW_THINKS};

/// Of a streamed reply that comes as fast as the line takes it.
pub(crate) const FLOOD_EVENTS: usize = 2000;
/// Events in one write of a flood: about a TCP segment of loopback.
const FLOOD_BATCH: usize = 16;
/// Of a streamed reply that comes at the pace of a quick model, an event at a time.
pub(crate) const PACED_EVENTS: u64 = 100;
/// 200 tokens a second.
pub(crate) const PACED_GAP: Duration = Duration::from_millis(5);
/// Tool calls of a session; its answer comes one round later.
pub(crate) const STEPS: usize = 10;

const HEAD: &str = "HTTP/1.1 200 OK\r\ndate: Sun, 22 Nov 2026 00:00:00 GMT\r\nserver: vendor\r\nx-request-id: \
                    req_0123456789abcdef0123456789abcdef\r\nopenai-processing-ms: 0\r\n";

pub(super) struct Script {
    openai: Both,
    paced: Vec<Vec<u8>>,
    /// The reply to each ask of a session, in order.
    react: Vec<Vec<u8>>,
    slow: Slow,
    anthropic: Both,
    google: Both,
}

/// One vendor's replies: the whole one, and the stream as it is written, its head first and its end last.
pub(crate) struct Both {
    pub(crate) whole: Vec<u8>,
    pub(crate) flood: Vec<Vec<u8>>,
}

pub(super) enum Reply<'s> {
    AtOnce(&'s [u8]),
    InPieces(&'s [Vec<u8>]),
    Paced(&'s [Vec<u8>]),
    /// After a long thought.
    Slow(&'s [Vec<u8>]),
}

// === impl Script ===
impl Script {
    pub(super) fn new() -> Self {
        // The head travels with the first event, as most vendors send it.
        let mut paced: Vec<Vec<u8>> = (0..PACED_EVENTS).map(|_| chunk(&delta(" token")).into_bytes()).collect();
        if let Some(first) = paced.first_mut() {
            first.splice(..0, stream_head().into_bytes());
        }
        paced.push(end("stop").into_bytes());
        let openai = Both::openai(FLOOD_EVENTS);
        Self {
            openai,
            paced,
            react: (1..=STEPS + 1).map(round).collect(),
            slow: Slow::new(),
            anthropic: Both::anthropic(FLOOD_EVENTS),
            google: Both::google(FLOOD_EVENTS),
        }
    }

    /// To a request with that first line.
    pub(super) fn reply(&self, line: &[u8], body: &[u8]) -> Reply<'_> {
        let asks = |path: &[u8]| memmem::find(line, path).is_some();
        if asks(b"/v1/messages") {
            let streams = memmem::find(body, b"\"stream\":true").is_some();
            return if streams { Reply::InPieces(&self.anthropic.flood) } else { Reply::AtOnce(&self.anthropic.whole) };
        }
        if asks(b":generateContent") {
            return Reply::AtOnce(&self.google.whole);
        }
        if asks(b":streamGenerateContent") {
            return Reply::InPieces(&self.google.flood);
        }
        let asks_for = |model: &[u8]| memmem::find(body, model).is_some();
        if asks_for(b"\"model\":\"flood\"") {
            Reply::InPieces(&self.openai.flood)
        } else if asks_for(b"\"model\":\"paced\"") {
            Reply::Paced(&self.paced)
        } else if asks_for(b"\"model\":\"react\"") {
            Reply::AtOnce(self.react.get(steps_done(body)).map_or(&self.openai.whole, |round| round))
        } else if let Some(pieces) = self.slow.reply(body) {
            Reply::Slow(pieces)
        } else {
            Reply::AtOnce(&self.openai.whole)
        }
    }
}

impl Both {
    pub(crate) fn openai(events: usize) -> Self {
        Self { whole: whole(), flood: flood(String::new(), &chunk(&delta(" token")), end("stop"), events) }
    }
}

/// A chat completion of 1 KiB.
fn whole() -> Vec<u8> {
    let json = |content: &str| {
        json!({ "id": "chatcmpl-0123456789", "object": "chat.completion", "created": 1_795_300_000, "model": "whole",
            "choices": [{ "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": content } }],
            "usage": { "prompt_tokens": 40, "completion_tokens": 160, "total_tokens": 200 } })
        .to_string()
    };
    filled(json)
}

/// A JSON body that a text fills up to 1 KiB.
fn filled(json: impl Fn(&str) -> String) -> Vec<u8> {
    let room = 1024_usize.saturating_sub(json("").len());
    let body = json(&"word ".repeat(room).chars().take(room).collect::<String>());
    format!("{HEAD}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// Events as fast as the line takes them, between a beginning and an end.
fn flood(begin: String, event: &str, end: String, events: usize) -> Vec<Vec<u8>> {
    let mut flood = vec![(stream_head() + &begin).into_bytes()];
    let events = vec![event; events];
    flood.extend(events.chunks(FLOOD_BATCH).map(|batch| batch.concat().into_bytes()));
    flood.push(end.into_bytes());
    flood
}

/// `x-accel-buffering` is nginx's word for "pass it on as it comes".
fn stream_head() -> String {
    format!("{HEAD}content-type: text/event-stream\r\nx-accel-buffering: no\r\ntransfer-encoding: chunked\r\n\r\n")
}

fn chunk(data: &str) -> String {
    let event = format!("data: {data}\n\n");
    format!("{:x}\r\n{event}\r\n", event.len())
}

fn delta(text: &str) -> String {
    frame(&json!([{ "index": 0, "delta": { "content": text }, "finish_reason": null }]))
}

fn frame(choices: &serde_json::Value) -> String {
    json!({ "id": "chatcmpl-0123456789", "object": "chat.completion.chunk", "created": 1_795_300_000, "model": "scripted",
        "choices": choices })
    .to_string()
}

fn end(reason: &str) -> String {
    let last = frame(&json!([{ "index": 0, "delta": {}, "finish_reason": reason }]));
    let usage = json!({ "id": "chatcmpl-0123456789", "object": "chat.completion.chunk", "choices": [],
        "usage": { "prompt_tokens": 40, "completion_tokens": 160, "total_tokens": 200 } });
    [chunk(&last), chunk(&usage.to_string()), chunk("[DONE]"), "0\r\n\r\n".to_owned()].concat()
}

// === sessions ===

fn marker(step: usize) -> String {
    format!("This is thought {step} of this work.")
}

/// The last step that a transcript shows.
fn steps_done(body: &[u8]) -> usize {
    (1..=STEPS).rev().find(|step| memmem::find(body, marker(*step).as_bytes()).is_some()).unwrap_or(0)
}

/// A thought and a call; after the last step the answer. Ends where a model would that was given stop sequences.
fn said(step: usize, steps: usize) -> String {
    if step > steps {
        "<THOUGHT>All the numbers are there.</THOUGHT>\n<FINAL_ANSWER>The work is done.".to_owned()
    } else {
        format!(
            "<THOUGHT>{} Next I need one more product, and then I can go on to the next number.</THOUGHT>\n\
             <ACTION>{{\"tool_name\": \"calculator\", \"arguments\": {{\"expression\": \"{step} * (17.25 + 4) / 8\"}}}}",
            marker(step)
        )
    }
}

fn round(step: usize) -> Vec<u8> {
    let text = said(step, STEPS);
    // About a token each, as a model sends them.
    let characters: Vec<char> = text.chars().collect();
    let deltas: String = characters.chunks(4).map(|part| chunk(&delta(&part.iter().collect::<String>()))).collect();
    [stream_head(), deltas, end("stop")].concat().into_bytes()
}

#[cfg(test)]
mod tests;
