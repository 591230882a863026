//! What a pattern is told (`Event`) and what it may ask for (`Directive`). Mirrors the `driver` interface of
//! `wit/pattern.wit`; shared by magic-plugins, which speaks it to guests, and magic-sessions, which carries it out.
use crate::chat::{Completion, CompletionRequest, Extra, LlmError, Message, ToolCall, ToolDefinition, ToolResult};
use std::time::Duration;

/// What a session starts with.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionContext {
    pub session_id: String,
    /// The whole conversation; the user's question is its last message.
    pub messages: Vec<Message>,
    pub tools: Vec<ToolDefinition>,
    /// Aliases of this gateway that a task may be delegated to.
    pub agents: Vec<AgentCard>,
    pub limits: Limits,
    /// A JSON object.
    pub options: String,
    /// Entropy from the host, so that a replay decides the same.
    pub seed: u64,
    pub extra: Vec<Extra>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentCard {
    pub name: String,
    pub description: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Rounds of asking the model.
    pub steps_max: u32,
    pub llm_calls_max: u32,
    pub tool_calls_max: u32,
    pub total_tokens_max: Option<u64>,
    /// Millionths of the gateway's currency; counts only what profiles with a price cost.
    pub cost_micros_max: Option<u64>,
    /// Wall time of the whole session.
    pub wall_max: Duration,
    /// Model and tool calls of one session at the same time.
    pub parallel_max: u32,
    /// How deep delegated sessions may nest below this one; 0: none.
    pub depth_max: u32,
}

/// What happened since the last call. `ref_id` names the directive that caused it.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// First, and once.
    Start,
    Llm {
        ref_id: u32,
        outcome: Result<Completion, LlmError>,
    },
    /// Streamed text; only for an `Ask` with `stream_to_me`.
    LlmDelta {
        ref_id: u32,
        delta: Delta,
    },
    Tool(ToolResult),
    Delegated {
        ref_id: u32,
        outcome: Result<Completion, LlmError>,
    },
    /// The user said something while the session ran.
    User(Message),
    /// A `Wait` is over.
    Timer(u32),
    /// A limit is nearly spent: finish with what there is.
    WrapUp(String),
}

/// A piece of a streamed completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delta {
    Text(String),
    Reasoning(String),
}

/// What the host shall do. One batch runs concurrently; its events come in the order in which they were logged.
#[derive(Clone, Debug, PartialEq)]
pub enum Directive {
    Ask(Ask),
    CallTools(Vec<ToolCall>),
    /// Hand a task to another alias of this gateway.
    Delegate {
        ref_id: u32,
        agent: String,
        messages: Vec<Message>,
    },
    Emit(Emit),
    /// An event after so many milliseconds.
    Wait {
        ref_id: u32,
        ms: u32,
    },
    /// Stop waiting for one ref.
    Cancel(u32),
    /// The answer; ends the session. Tool calls among its parts are the client's to carry out.
    Finish(Message),
    Fail(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    pub ref_id: u32,
    pub request: CompletionRequest,
    pub show: Visibility,
    pub stream_to_me: bool,
}

/// Where the generated text goes while it is generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    Hidden,
    Thought,
    Answer,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Emit {
    Thought(String),
    Answer(String),
    /// What the model will read as a tool's result, as it will read it.
    Observation(String),
    /// A named progress event with a JSON payload.
    Progress {
        kind: String,
        payload: String,
    },
}

// === impl Delta ===

impl Delta {
    /// Takes in the piece behind it; false for one of another sort.
    pub fn join(&mut self, next: &Self) -> bool {
        match (self, next) {
            (Self::Text(text), Self::Text(next)) | (Self::Reasoning(text), Self::Reasoning(next)) => {
                text.push_str(next);
                true
            }
            (Self::Text(_), Self::Reasoning(_)) | (Self::Reasoning(_), Self::Text(_)) => false,
        }
    }
}
