//! Reading and writing the contract's messages. Refuses to change what was said.

use super::{Completion, LlmError, Message, Part, Role, ToolCall, ToolError, ToolResult};

// === impl Message ===
impl Message {
    pub fn system(text: impl Into<String>) -> Self {
        Self::text_of(Role::System, text)
    }

    pub fn user(text: impl Into<String>) -> Self {
        Self::text_of(Role::User, text)
    }

    pub fn assistant(text: impl Into<String>) -> Self {
        Self::text_of(Role::Assistant, text)
    }

    pub(super) fn text_of(role: Role, text: impl Into<String>) -> Self {
        Self { role, parts: vec![Part::Text(text.into())] }
    }

    /// The text parts, joined by newlines; other parts are left out.
    #[must_use]
    pub fn plain_text(&self) -> String {
        let texts = self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Media(_) | Part::Reasoning(_) | Part::ToolCall(_) | Part::ToolResult(_) => None,
        });
        texts.collect::<Vec<_>>().join("\n")
    }
}

// === impl Completion ===
impl Completion {
    /// What the model wrote, without its native reasoning.
    #[must_use]
    pub fn text(&self) -> String {
        self.message.plain_text()
    }

    /// The tools that the model called natively, for an ask that offered some.
    #[must_use]
    pub fn tool_calls(&self) -> Vec<ToolCall> {
        let calls = self.message.parts.iter().filter_map(|part| match part {
            Part::ToolCall(call) => Some(call.clone()),
            Part::Text(_) | Part::Media(_) | Part::Reasoning(_) | Part::ToolResult(_) => None,
        });
        calls.collect()
    }
}

/// What a model reads of a result; errors are there to be read too. It is the tool's text, so it goes into a prompt
/// through [`fill`](super::fill) or an escape.
#[must_use]
pub fn result_text(result: &ToolResult) -> String {
    match &result.outcome {
        Ok(output) => output.text.clone(),
        Err(error) => ["Error: ", &tool_error_text(error)].concat(),
    }
}

fn tool_error_text(error: &ToolError) -> String {
    match error {
        ToolError::NotFound => "there is no tool of that name".into(),
        ToolError::InvalidArguments(text) | ToolError::Denied(text) | ToolError::Failed(text) => text.clone(),
        ToolError::Busy(ms) => format!("the tool is busy; try again after {ms} ms"),
        ToolError::TimedOut => "the tool took too long".into(),
        ToolError::OutcomeUnknown => {
            "the gateway stopped while the tool ran: whether it had its effect is not known, and it is not run twice"
                .into()
        }
    }
}

/// Why a model gave nothing, for people.
#[must_use]
pub fn error_text(error: &LlmError) -> String {
    match error {
        LlmError::Unavailable(text) => format!("no model is available: {text}"),
        LlmError::RateLimited(Some(ms)) => format!("every model is busy; try again after {ms} ms"),
        LlmError::RateLimited(None) => "every model is busy".into(),
        LlmError::ContextTooLong => "the conversation and what was found on the way no longer fit the model's \
                                     window: ask for less at once, or use an alias whose model has a larger window"
            .into(),
        LlmError::Refused(text) => format!("the model refused: {text}"),
        LlmError::BudgetExceeded(text) => text.clone(),
        LlmError::InvalidRequest(text) => format!("the model's vendor does not take the request: {text}"),
        LlmError::Cancelled => "the model call was cancelled".into(),
        LlmError::TimedOut => "the model took too long".into(),
    }
}
