//! What a model's reply is made of while it streams. One vocabulary for every dialect's decoder.
use crate::chat::FinishReason;
use crate::usage::Usage;

/// One piece of a streamed reply, in the order in which the vendor sent it.
#[derive(Clone, Debug, PartialEq)]
pub enum ChatEvent {
    Text(String),
    Reasoning(String),
    /// A piece of one tool call; pieces with the same `index` are one call, `arguments` are concatenated.
    ToolCall {
        index: u32,
        id: Option<String>,
        name: Option<String>,
        arguments: String,
    },
    Finish(FinishReason),
    Usage(Usage),
}
