//! Prompts and answers on their way to a collector, where somebody has asked for them: in the conventions' form where they are
//! a conversation, cut to a bound, and without what is or looks like a secret.
use magic_dialects::dialect::{Decoder, Dialect};
use magic_dialects::reply::{Block, Reply as Said};
use magic_types::chat::{Message, Part, Role, ToolCall};
use serde_json::{Value, json};

/// Of one attribute. Collectors refuse batches of more than some megabytes.
const TEXT_BYTES_MAX: usize = 16 << 10;
/// Looked at beyond that and thrown away, so that a key is never cut in two and its half told. No key is as long.
const MARGIN_BYTES: usize = 1 << 10;
/// Of a reply that is read along.
const BODY_BYTES_MAX: usize = 256 << 10;
pub(crate) const OUTPUT: &str = "gen_ai.output.messages";
const REDACTED: &str = "[redacted]";
/// What keys of the usual vendors, and ours, begin with.
const KEY_BEGINNINGS: [&str; 8] = ["sk-", "sk_", "AIza", "gsk_", "xai-", "ghp_", "hf_", "tvly-"];
/// Letters behind such a beginning that make it a key and not a word.
const KEY_CHARS_MIN: usize = 12;

pub(super) struct Content(Box<dyn Fn(&mut String) + Send + Sync>);

/// Reads along what a client is sent, up to a bound. A stream is put together: a key that comes in pieces would not be seen.
pub(crate) enum Collected {
    Whole { dialect: Dialect, body: Vec<u8> },
    Stream { decoder: Box<dyn Decoder>, said: Said },
}

// === impl Content ===
impl Content {
    /// `redact`: takes out the secrets that are known.
    pub(super) fn new(redact: impl Fn(&mut String) + Send + Sync + 'static) -> Self {
        Self(Box::new(redact))
    }

    /// Ready to be told.
    pub(super) fn cut(&self, text: &str) -> String {
        let window = text.get(..text.floor_char_boundary(TEXT_BYTES_MAX + MARGIN_BYTES)).unwrap_or_default();
        let mut kept = window.to_owned();
        self.0(&mut kept);
        kept = without_keys(&kept);
        let is_cut = window.len() < text.len();
        let bytes_max = if is_cut { kept.len().saturating_sub(MARGIN_BYTES) } else { kept.len() };
        if is_cut || bytes_max > TEXT_BYTES_MAX {
            kept.truncate(kept.floor_char_boundary(bytes_max.min(TEXT_BYTES_MAX)));
            kept.push_str("… [cut]");
        }
        kept
    }
}

/// Words that are keys, or that follow `Bearer`, are taken out; all else stays as it is.
fn without_keys(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut after_bearer = false;
    for piece in text.split_inclusive(|char: char| !is_of_key(char)) {
        let word = piece.trim_end_matches(|char: char| !is_of_key(char));
        let is_secret = is_key(word) || (after_bearer && word.len() >= KEY_CHARS_MIN);
        out.push_str(if is_secret { REDACTED } else { word });
        out.push_str(piece.get(word.len()..).unwrap_or_default());
        if !word.is_empty() {
            after_bearer = word.eq_ignore_ascii_case("bearer");
        }
    }
    out
}

fn is_of_key(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.' | '~' | '+' | '=')
}

fn is_key(word: &str) -> bool {
    let behind = |beginning: &&str| word.find(*beginning).and_then(|at| word.get(at + beginning.len()..));
    KEY_BEGINNINGS.iter().filter_map(behind).any(|rest| rest.len() >= KEY_CHARS_MIN)
}

// === impl Collected ===
impl Collected {
    /// `None`: nobody here reads streams of that dialect.
    pub(crate) fn of(dialect: Dialect, streams: bool) -> Option<Self> {
        if !streams {
            return Some(Self::Whole { dialect, body: Vec::new() });
        }
        let decoder = dialect.vendor()?.decoder();
        Some(Self::Stream { decoder, said: Said::default() })
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        match self {
            Self::Whole { body, .. } => {
                let room = BODY_BYTES_MAX.saturating_sub(body.len());
                body.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
            }
            Self::Stream { said, .. } if said.bytes > BODY_BYTES_MAX => {}
            Self::Stream { decoder, said } => {
                let mut events = Vec::new();
                // What comes in front of a failure has been said.
                let _until_it_broke = decoder.push(bytes, &mut events);
                events.iter().for_each(|event| said.take_in(event));
            }
        }
    }

    /// The attribute and its text: a message where it is one, else the body as it is.
    pub(crate) fn told(&self) -> (&'static str, String) {
        match self {
            Self::Stream { said, .. } => (OUTPUT, answer(said)),
            Self::Whole { dialect, body } => {
                let read = dialect.vendor().and_then(|vendor| vendor.decode_whole(body).ok());
                match read.map(|events| Said::of(&events)).filter(|said| !said.blocks.is_empty()) {
                    Some(said) => (OUTPUT, answer(&said)),
                    None => ("magic.reply.body", String::from_utf8_lossy(body).into_owned()),
                }
            }
        }
    }
}

/// What a model said, as `gen_ai.output.messages` has it.
pub(crate) fn answer(said: &Said) -> String {
    let parts = said.blocks.iter().filter_map(|block| match block {
        Block::Text(text) | Block::Refusal(text) => Some(Part::Text(text.clone())),
        Block::Reasoning { text, .. } => Some(Part::Reasoning(text.clone())),
        Block::ToolCall(call) => Some(Part::ToolCall(ToolCall {
            id: call.id.clone(),
            name: call.name.clone(),
            arguments_json: call.arguments.clone(),
        })),
        // Sealed: between the gateway and the vendor.
        Block::RedactedReasoning(_) => None,
    });
    conversation([&Message { role: Role::Assistant, parts: parts.collect() }])
}

/// A conversation as `gen_ai.input.messages` has it.
pub(crate) fn conversation<'a>(messages: impl IntoIterator<Item = &'a Message>) -> String {
    Value::from_iter(messages.into_iter().map(message)).to_string()
}

fn message(message: &Message) -> Value {
    let role = match message.role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    };
    json!({ "role": role, "parts": message.parts.iter().map(part).collect::<Vec<_>>() })
}

fn part(part: &Part) -> Value {
    match part {
        Part::Text(text) => json!({ "type": "text", "content": text }),
        Part::Reasoning(text) => json!({ "type": "reasoning", "content": text }),
        // A picture would fill the attribute and say nothing.
        Part::Media(media) => json!({ "type": "uri", "mime_type": media.mime }),
        Part::ToolCall(call) => {
            json!({ "type": "tool_call", "id": call.id, "name": call.name, "arguments": call.arguments_json })
        }
        Part::ToolResult(result) => {
            let response = match &result.outcome {
                Ok(output) => output.text.clone(),
                Err(error) => error.to_string(),
            };
            json!({ "type": "tool_call_response", "id": result.call_id, "response": response })
        }
    }
}

#[cfg(test)]
mod tests;
