//! What a model is asked and what it says: the canonical conversation, of which each dialect is a spelling.
//! Mirrors `wit/types.wit`; a change there is a change here.
use crate::usage::Usage;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    System,
    User,
    Assistant,
    Tool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    Text(String),
    /// Image, audio or file by `data:` or `https:` URL.
    Media(Media),
    /// The model's own reasoning, where its vendor returns it.
    Reasoning(String),
    ToolCall(ToolCall),
    ToolResult(ToolResult),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Media {
    pub mime: String,
    pub url: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub role: Role,
    pub parts: Vec<Part>,
}

impl Message {
    pub fn text(role: Role, text: impl Into<String>) -> Self {
        Self { role, parts: vec![Part::Text(text.into())] }
    }

    /// The text parts, joined by newlines; other parts are left out.
    pub fn plain_text(&self) -> String {
        let texts = self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Media(_) | Part::Reasoning(_) | Part::ToolCall(_) | Part::ToolResult(_) => None,
        });
        texts.collect::<Vec<_>>().join("\n")
    }
}

/// What a model is told about one tool.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolDefinition {
    /// `[a-zA-Z0-9_-]{1,64}`.
    pub name: String,
    pub description: String,
    /// JSON Schema (draft 2020-12) of an object.
    pub parameters_json_schema: String,
    /// JSON Schema of `ToolOutput::structured`, if there is one.
    pub output_json_schema: Option<String>,
    pub hints: ToolHints,
}

/// Same meaning as the MCP tool annotations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ToolHints {
    pub read_only: bool,
    pub destructive: bool,
    pub idempotent: bool,
    pub open_world: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolCall {
    /// Unique in the session.
    pub id: String,
    pub name: String,
    pub arguments_json: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolOutput {
    /// What the model reads.
    pub text: String,
    /// JSON for machines.
    pub structured: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ToolError {
    #[error("no such tool")]
    NotFound,
    /// Shown to the model, so that it can mend its arguments.
    #[error("invalid arguments: {0}")]
    InvalidArguments(String),
    /// Policy said no: host, path, budget.
    #[error("denied: {0}")]
    Denied(String),
    #[error("{0}")]
    Failed(String),
    #[error("busy: try again in {0} ms")]
    Busy(u32),
    #[error("timed out")]
    TimedOut,
    /// The host stopped between calling and recording; a tool that is not idempotent is not called twice.
    #[error("the call's outcome is unknown: the gateway stopped while it ran")]
    OutcomeUnknown,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolResult {
    pub call_id: String,
    pub outcome: Result<ToolOutput, ToolError>,
}

/// `None` means "what the profile says".
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CompletionRequest {
    /// An alias of this gateway; never a vendor's URL or key.
    pub model: Option<String>,
    pub messages: Vec<Message>,
    pub tools: Vec<ToolDefinition>,
    pub temperature: Option<f32>,
    pub top_p: Option<f32>,
    pub max_output_tokens: Option<u32>,
    pub stop: Vec<String>,
    /// JSON Schema that the answer must satisfy.
    pub response_json_schema: Option<String>,
    pub seed: Option<u64>,
    /// Dotted or plain key and a JSON value; a dialect copies what it knows (`grammar`) and ignores the rest.
    pub extra: Vec<Extra>,
}

/// Open extension point: a key and a JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extra {
    pub key: String,
    pub value: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FinishReason {
    Stop,
    Length,
    ToolCalls,
    ContentFilter,
    Cancelled,
    Other,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Completion {
    pub message: Message,
    pub finish: FinishReason,
    pub usage: Usage,
    /// The profile that served it after fallback.
    pub served_by: String,
    pub extra: Vec<Extra>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LlmError {
    /// Every profile of the alias failed; the last real reason.
    #[error("{0}")]
    Unavailable(String),
    /// Seconds until it may be tried again, where known.
    #[error("rate limited")]
    RateLimited(Option<u32>),
    #[error("the conversation is too long for the model")]
    ContextTooLong,
    #[error("refused: {0}")]
    Refused(String),
    #[error("budget exceeded: {0}")]
    BudgetExceeded(String),
    #[error("invalid request: {0}")]
    InvalidRequest(String),
    #[error("cancelled")]
    Cancelled,
    #[error("timed out")]
    TimedOut,
}
