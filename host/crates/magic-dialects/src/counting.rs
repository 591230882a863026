//! How many tokens a prompt has: asked of Google in its own form, or, where the vendor cannot count, estimated from the
//! text's length. No tokenizer. The answer is in Anthropic's form, the only one in which a client asks.
use crate::chat::{Content, Part, Request, Source, Tool};
use crate::dialect::{Call, Written};
use crate::gemini::count;
use magic_types::Failure;

/// English prose has about four bytes a token in every vocabulary in use; other scripts have more bytes a character and
/// more tokens a character, which keeps the ratio within a factor of two.
const BYTES_PER_TOKEN: u64 = 4;
/// Of one message: its role and its ends.
const TOKENS_PER_MESSAGE: u64 = 4;
/// Of one image, audio or file that is not looked into: between OpenAI's 85 (low detail) and Anthropic's 1600 (full size).
const TOKENS_PER_MEDIUM: u64 = 1_000;

/// The body for Google's `:countTokens`.
pub fn write_google(request: &Request, call: &Call<'_>) -> Written {
    count::write(request, call)
}

/// Google's count.
///
/// # Errors
/// `BadReply` for what cannot be read, Google's failure for an error inside a 200.
pub fn read_google(body: &[u8]) -> Result<u64, Failure> {
    count::read(body)
}

/// What a client of `/v1/messages/count_tokens` gets: <https://docs.claude.com/en/api/messages-count-tokens>.
pub fn reply(input_tokens: u64) -> String {
    serde_json::json!({ "input_tokens": input_tokens }).to_string()
}

/// An estimate of the prompt's tokens, in the whole: messages and tools. Never 0.
pub fn estimate(request: &Request) -> u64 {
    let messages = request.messages.iter().map(|message| TOKENS_PER_MESSAGE + parts(&message.parts));
    let tools = request.tools.iter().map(tool);
    messages.chain(tools).fold(0, u64::saturating_add).max(1)
}

/// The same of a bare text.
pub(crate) fn of_text(text: &str) -> u64 {
    of_bytes(text.len())
}

/// The same of so many bytes of text.
pub fn of_bytes(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX).div_ceil(BYTES_PER_TOKEN)
}

fn parts(parts: &[Part]) -> u64 {
    parts.iter().map(part).fold(0, u64::saturating_add)
}

fn part(part: &Part) -> u64 {
    match &part.content {
        Content::Text(text) | Content::Refusal(text) | Content::Reasoning { text, .. } => of_text(text),
        Content::RedactedReasoning(sealed) => of_text(sealed),
        Content::Media(media) => match &media.source {
            Source::Inline { mime, base64 } if mime.starts_with("text/") => of_text(base64),
            Source::Inline { .. } | Source::Url(_) | Source::Id(_) => TOKENS_PER_MEDIUM,
        },
        Content::ToolCall(call) => of_text(&call.name) + of_text(&call.arguments),
        Content::ToolResult { parts, .. } => TOKENS_PER_MESSAGE + self::parts(parts),
        Content::Foreign { json, .. } => of_text(&json.to_string()),
    }
}

fn tool(tool: &Tool) -> u64 {
    let schema = tool.foreign.as_ref().or(tool.parameters.as_ref()).map_or(0, |json| of_text(&json.to_string()));
    TOKENS_PER_MESSAGE + of_text(&tool.name) + of_text(&tool.description) + schema
}

#[cfg(test)]
mod tests;
