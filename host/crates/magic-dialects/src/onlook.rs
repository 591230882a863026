//! Replies whose bytes go on to the client as the vendor sent them, watched from the side: first event, usage, in-band
//! errors and the end of a stream, or the same of a whole reply. Changes no byte and never invents an end.
use crate::dialect::Dialect;
use crate::errors;
use crate::responses::stored;
use crate::sse;
use magic_types::{Failure, Usage};
use memchr::memmem::Finder;
use serde::Deserialize;
use std::borrow::Cow;
use std::sync::LazyLock;

mod unasked;
mod usage;
mod whole;

pub use unasked::{STREAM_OPTIONS, asking_usage, without_usage};
pub use whole::{Whole, inspect_whole};

/// One event may carry a whole answer of a vendor that does not stream in small pieces.
const EVENT_BYTES_MAX: usize = 8 << 20;

static ERROR: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"error\""));
static USAGE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"usage\":"));
static FINISH: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"finish_reason\":"));

/// Finish reasons of chat completions that are not the model's own: OpenAI's, Mistral's, OpenRouter's.
const CUT_SHORT: [&str; 5] = ["length", "content_filter", "max_tokens", "model_length", "error"];

/// Looks on while a stream of one dialect passes. Allocates nothing per event but what the SSE parser holds of a split
/// line.
pub struct Onlooker {
    sse: sse::Parser,
    dialect: Dialect,
    /// Those by which the vendor has begun to answer: neither `ping` nor the announcement of a response or a message, behind
    /// which it may still fail (`overloaded_error`) and another vendor be asked.
    pub events: u64,
    pub usage: Option<Usage>,
    pub done: bool,
    /// A bound or a filter cut the answer short, or nothing says that none did: it is not to be kept for others.
    pub truncated: bool,
    /// An error that the vendor sent inside the stream: the first of them.
    pub failure: Option<Failure>,
    /// An event grew past the bound: nothing that follows can be read.
    pub overflowed: bool,
    has_reason: bool,
}

/// The same without the parser, which hands out what it holds.
struct Seen<'a> {
    events: &'a mut u64,
    usage: &'a mut Option<Usage>,
    done: &'a mut bool,
    truncated: &'a mut bool,
    has_reason: &'a mut bool,
    failure: &'a mut Option<Failure>,
}

// === impl Onlooker ===
impl Onlooker {
    pub fn new(dialect: Dialect) -> Self {
        let event_bytes_max = match dialect {
            Dialect::Responses => stored::EVENT_BYTES_MAX,
            Dialect::Chat | Dialect::Completions | Dialect::Messages | Dialect::Gemini => EVENT_BYTES_MAX,
        };
        Self {
            sse: sse::Parser::new(event_bytes_max),
            dialect,
            events: 0,
            usage: None,
            done: false,
            truncated: false,
            failure: None,
            overflowed: false,
            has_reason: false,
        }
    }

    /// Looks at a chunk and says how many of its bytes end at an event's end. The rest is to be held back until the next
    /// chunk, so that a cut stream can be followed by a frame of our own.
    pub fn push(&mut self, chunk: &[u8]) -> usize {
        let Self { sse, dialect, events, usage, done, truncated, failure, overflowed, has_reason } = self;
        let result = sse.push(chunk, |event| {
            let has_begun = *events > 0;
            let seen = Seen { events, usage, done, truncated, has_reason, failure };
            match dialect {
                // Gemini's streams never pass: its errors look like OpenAI's.
                Dialect::Chat | Dialect::Completions | Dialect::Gemini => seen.chat(&event),
                Dialect::Responses => seen.response(&event),
                Dialect::Messages => seen.message(&event),
            }
            // Once, and only where another vendor can still be asked.
            if !has_begun && *events > 0 && !*done && failure.is_none() && !is_json(event.data) {
                *failure = Some(errors::bad_reply("its first event is not JSON"));
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

// === impl Seen ===
impl Seen<'_> {
    fn chat(self, event: &sse::Event<'_>) {
        *self.events += 1;
        if event.data == b"[DONE]" {
            *self.done = true;
            *self.truncated |= !*self.has_reason;
            return;
        }
        // Only one chunk of a stream has more than `null` there.
        if let Some(reason) = value_of(&FINISH, event.data).filter(|value| value.starts_with(b"\"")) {
            *self.has_reason = true;
            *self.truncated |= CUT_SHORT.iter().any(|word| is_string(reason, word));
        }
        if self.failure.is_none() && ERROR.find(event.data).is_some() {
            *self.failure = errors::found_in(event.data);
        } else if value_of(&USAGE, event.data).is_some_and(|value| value.starts_with(b"{")) {
            *self.usage = usage::of_chunk(event.data).or(*self.usage);
        }
    }

    /// <https://platform.openai.com/docs/api-reference/responses-streaming>
    fn response(self, event: &sse::Event<'_>) {
        match kind(event).as_ref() {
            "response.created" | "response.queued" | "response.in_progress" => return,
            last @ ("response.completed" | "response.incomplete") => match usage::of_response_event(event.data) {
                Ok(usage) => {
                    *self.done = true;
                    *self.truncated |= last == "response.incomplete";
                    *self.usage = usage.or(*self.usage);
                }
                Err(why) => fail(self.failure, || errors::bad_reply(why)),
            },
            "response.failed" => {
                // The vendor's last word, though not a good one.
                *self.done = true;
                fail(self.failure, || errors::in_band(event.data));
            }
            "error" => fail(self.failure, || errors::in_band(event.data)),
            // Imitators: a frame in the form of chat completions, without a type.
            "" if self.failure.is_none() && ERROR.find(event.data).is_some() => {
                *self.failure = errors::found_in(event.data);
            }
            _ => {}
        }
        *self.events += 1;
    }

    /// <https://docs.anthropic.com/en/docs/build-with-claude/streaming>
    fn message(self, event: &sse::Event<'_>) {
        match kind(event).as_ref() {
            "ping" => return,
            "message_stop" => *self.done = true,
            kind @ ("message_start" | "message_delta") => {
                let told = usage::of_message_event(event.data);
                *self.truncated |= told.is_cut_short;
                *self.usage = told.usage.map(|usage| usage.over(self.usage.unwrap_or_default())).or(*self.usage);
                if kind == "message_start" {
                    return;
                }
            }
            "error" => fail(self.failure, || errors::in_band(event.data)),
            _ => {}
        }
        *self.events += 1;
    }
}

fn is_json(data: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(data).is_ok()
}

/// The first failure is the one that counts.
fn fail(failure: &mut Option<Failure>, new: impl FnOnce() -> Failure) {
    if failure.is_none() {
        *failure = Some(new());
    }
}

/// The event's sort by its name, which costs nothing; vendors that leave it out say it in the data, as `type`.
fn kind<'a>(event: &sse::Event<'a>) -> Cow<'a, str> {
    #[derive(Deserialize)]
    struct Typed<'a> {
        #[serde(borrow, default)]
        r#type: Option<Cow<'a, str>>,
    }
    match std::str::from_utf8(event.name) {
        Ok("" | "message") => serde_json::from_slice::<Typed<'_>>(event.data).ok().and_then(|typed| typed.r#type),
        Ok(name) => Some(Cow::Borrowed(name)),
        Err(_) => None,
    }
    .unwrap_or_default()
}

/// What an overflow means for the request.
pub fn too_long() -> Failure {
    errors::bad_reply("an event of more than 8 MiB, or of more than 32 in a response")
}

/// What stands behind a key, from its first byte on. Many vendors write `null` there in every chunk: the caller looks at
/// that byte before it parses anything.
fn value_of<'d>(key: &Finder<'_>, json: &'d [u8]) -> Option<&'d [u8]> {
    Some(json.get(key.find(json)? + key.needle().len()..)?.trim_ascii_start())
}

fn is_string(json: &[u8], word: &str) -> bool {
    json.strip_prefix(b"\"")
        .and_then(|rest| rest.strip_prefix(word.as_bytes()))
        .is_some_and(|rest| rest.starts_with(b"\""))
}

#[cfg(test)]
mod tests;
