//! Usage in the events of a stream of which little else is read.
use crate::usage::{Anthropic, OpenAi};
use magic_types::Usage;
use serde::Deserialize;
use std::borrow::Cow;

/// Of one chunk of chat completions.
pub(super) fn of_chunk(data: &[u8]) -> Option<Usage> {
    #[derive(Deserialize)]
    struct Chunk {
        #[serde(default)]
        usage: Option<OpenAi>,
    }
    serde_json::from_slice::<Chunk>(data).ok()?.usage.map(OpenAi::into_usage)
}

/// Of a response's last event.
pub(super) fn of_response_event(data: &[u8]) -> Result<Option<Usage>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Event {
        response: Response,
    }
    #[derive(Deserialize)]
    struct Response {
        #[serde(default)]
        usage: Option<OpenAi>,
    }
    Ok(serde_json::from_slice::<Event>(data)?.response.usage.map(OpenAi::into_usage))
}

/// What `message_start` and `message_delta` tell.
#[derive(Default)]
pub(super) struct MessageEvent {
    pub(super) usage: Option<Anthropic>,
    /// The reason why the model stopped is none of its own.
    pub(super) is_cut_short: bool,
}

/// Reasons to stop that are the model's own.
pub(super) const ENDED: [&str; 3] = ["end_turn", "stop_sequence", "tool_use"];

/// Of `message_start` or `message_delta`; what cannot be read tells nothing.
pub(super) fn of_message_event(data: &[u8]) -> MessageEvent {
    #[derive(Deserialize)]
    struct Event<'a> {
        #[serde(default)]
        message: Option<Message>,
        #[serde(default)]
        usage: Option<Anthropic>,
        #[serde(borrow, default)]
        delta: Option<Delta<'a>>,
    }
    #[derive(Deserialize)]
    struct Message {
        #[serde(default)]
        usage: Option<Anthropic>,
    }
    #[derive(Deserialize)]
    struct Delta<'a> {
        #[serde(borrow, default)]
        stop_reason: Option<Cow<'a, str>>,
    }
    let Ok(event) = serde_json::from_slice::<Event<'_>>(data) else { return MessageEvent::default() };
    let reason = event.delta.and_then(|delta| delta.stop_reason);
    MessageEvent {
        usage: event.usage.or_else(|| event.message.and_then(|message| message.usage)),
        is_cut_short: reason.is_some_and(|reason| !ENDED.contains(&reason.as_ref())),
    }
}
