//! What a model's reply is made of while it streams. One vocabulary for every dialect's decoder and writer.
use crate::chat::FinishReason;
use crate::usage::Usage;

/// One piece of a streamed reply, in the order in which the vendor sent it.
#[derive(Clone, Debug, PartialEq)]
pub enum ChatEvent {
    Text(String),
    Reasoning(String),
    /// The vendor's seal on the reasoning that it follows; goes back to the same vendor with it (Anthropic `signature`).
    Signature(String),
    /// A block of reasoning that only its vendor can read (Anthropic `redacted_thinking`, OpenAI `encrypted_content`).
    RedactedReasoning(String),
    /// The model's own words for not answering, where its vendor tells them from the answer.
    Refusal(String),
    /// A piece of one tool call; pieces with the same `index` are one call, `arguments` are concatenated.
    ToolCall {
        index: u32,
        id: Option<String>,
        name: Option<String>,
        arguments: String,
        /// The vendor's seal on the call; goes back to it (Gemini `thoughtSignature`).
        signature: Option<String>,
    },
    Finish(FinishReason),
    /// Of the whole reply so far; a later one replaces an earlier.
    Usage(Usage),
}
