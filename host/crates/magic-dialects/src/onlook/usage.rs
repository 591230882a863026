//! Usage in each dialect's words, read out of replies of which little else is read.
use magic_types::Usage;
use serde::Deserialize;
use std::borrow::Cow;

/// OpenAI's, of chat completions and of responses: the same numbers under two sets of names.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct OpenAi {
    #[serde(alias = "input_tokens")]
    prompt_tokens: Option<u64>,
    #[serde(alias = "output_tokens")]
    completion_tokens: Option<u64>,
    #[serde(alias = "input_tokens_details")]
    prompt_tokens_details: Option<PromptDetails>,
    #[serde(alias = "output_tokens_details")]
    completion_tokens_details: Option<CompletionDetails>,
    /// DeepSeek's name for cached tokens.
    prompt_cache_hit_tokens: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PromptDetails {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CompletionDetails {
    reasoning_tokens: Option<u64>,
}

/// Anthropic's: the prompt in three parts, of which a stream's later events repeat some.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Anthropic {
    input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

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

// === impl OpenAi ===
impl OpenAi {
    pub(super) fn into_usage(self) -> Usage {
        let prompt = self.prompt_tokens_details.unwrap_or_default();
        let completion = self.completion_tokens_details.unwrap_or_default();
        Usage {
            input_tokens: self.prompt_tokens.unwrap_or(0),
            output_tokens: self.completion_tokens.unwrap_or(0),
            cached_input_tokens: prompt.cached_tokens.or(self.prompt_cache_hit_tokens).unwrap_or(0),
            cache_write_tokens: prompt.cache_write_tokens.unwrap_or(0),
            reasoning_tokens: completion.reasoning_tokens.unwrap_or(0),
            cost_micros: None,
        }
    }
}

// === impl Anthropic ===
impl Anthropic {
    pub(super) fn over(self, known: Option<Usage>) -> Usage {
        let known = known.unwrap_or_default();
        let cached = self.cache_read_input_tokens.unwrap_or(known.cached_input_tokens);
        let written = self.cache_creation_input_tokens.unwrap_or(known.cache_write_tokens);
        let known_rest =
            known.input_tokens.saturating_sub(known.cached_input_tokens).saturating_sub(known.cache_write_tokens);
        let rest = self.input_tokens.unwrap_or(known_rest);
        Usage {
            input_tokens: rest.saturating_add(cached).saturating_add(written),
            output_tokens: self.output_tokens.unwrap_or(known.output_tokens),
            cached_input_tokens: cached,
            cache_write_tokens: written,
            ..known
        }
    }
}
