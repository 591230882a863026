//! How an alias thinks: the pattern, its tools and its bounds. Values only; the sessions carry them out.
use std::time::Duration;

/// `agent_settings`, global or of a profile. Names of components are checked by `Config::check_components`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentSettings {
    /// A pattern's name; `None`: plain proxying.
    pub reasoning_mode: Option<String>,
    /// A JSON object for the pattern; empty: its own defaults. Checked against the pattern's schema once that is loaded.
    pub options: String,
    /// The tools that the model may call; `None`: all that are loaded.
    pub tools: Option<Vec<String>>,
    /// Rounds of asking the model, 1..=100.
    pub max_steps: u32,
    /// A file, relative to the config's folder.
    pub system_instruction: Option<String>,
    /// Files, relative to the config's folder, in the order in which they are read to the model.
    pub manifests: Vec<String>,
    pub tool_protocol: ToolProtocol,
    /// `Required` only together with `ToolProtocol::Grammar` or `Native`, which can hold a model to it.
    pub tool_choice: ToolChoice,
    /// Wall time of a whole session.
    pub session_max: Duration,
    /// Of a whole session.
    pub tool_calls_max: u32,
    /// Of a whole session; `None`: twice the steps and two.
    pub llm_calls_max: Option<u32>,
    /// Of a whole session; `None`: no bound.
    pub total_tokens_max: Option<u64>,
    /// Of a whole session, in millionths of the prices' currency; `None`: no bound.
    pub cost_micros_max: Option<u64>,
    /// Model and tool calls of one session side by side.
    pub parallel_max: u32,
    /// The aliases that a pattern may hand tasks to.
    pub agents: Vec<String>,
    /// How deep sessions may delegate below each other.
    pub depth_max: u32,
    /// Calls of tools that may destroy something wait for a person.
    pub approvals: bool,
}

/// How the model says which tool it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolProtocol {
    /// `<ACTION>…</ACTION>` in its text.
    Tags,
    /// The vendor's own tool calls.
    Native,
    /// It thinks in free text, and then states the action as JSON that a schema forces.
    JsonSchema,
    /// As with tags, the action being forced by a GBNF grammar (llama.cpp and kin).
    Grammar,
    /// The best of what is known of the backends of the whole chain: `Alias::tool_protocol` says which.
    Auto,
}

/// Whether the model may answer without having called a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolChoice {
    Auto,
    /// The first step is a call.
    Required,
}

// === impl ToolProtocol ===
impl ToolProtocol {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tags => "tags",
            Self::Native => "native",
            Self::JsonSchema => "json_schema",
            Self::Grammar => "grammar",
            Self::Auto => "auto",
        }
    }
}
