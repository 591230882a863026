//! What a session of a script begins with. Refuses to know a pattern.

use serde_json::Value;

use crate::{
    bindings::driver::magic::proxy::types::ToolHints,
    driver::{AgentCard, Limits, Message, SessionContext, ToolDefinition, Usage},
};

pub(super) const NOTHING: Usage =
    Usage { input_tokens: 0, output_tokens: 0, cached_input_tokens: 0, reasoning_tokens: 0, cost_micros: None };

/// A session's context; what is not said is plain.
#[derive(Clone, Debug)]
pub struct Session(SessionContext);

// === impl Session ===
impl Session {
    /// One user turn, no tools, no agents, wide limits, ten minutes.
    #[must_use]
    pub fn asked(question: &str) -> Self {
        Self::of(vec![Message::user(question)])
    }

    #[must_use]
    pub fn of(messages: Vec<Message>) -> Self {
        let limits = Limits {
            max_steps: 20,
            max_llm_calls: 40,
            max_tool_calls: 40,
            max_total_tokens: None,
            deadline_ms: 600_000,
            max_parallel: 4,
        };
        Self(SessionContext {
            session_id: "s".into(),
            messages,
            tools: Vec::new(),
            agents: Vec::new(),
            limits,
            options: String::new(),
            seed: 7,
            extra: Vec::new(),
        })
    }

    #[must_use]
    pub fn options(mut self, options: &Value) -> Self {
        self.0.options = options.to_string();
        self
    }

    /// With a tool of that name, which takes any object.
    #[must_use]
    pub fn tool(mut self, name: &str) -> Self {
        self.0.tools.push(ToolDefinition {
            name: name.into(),
            description: format!("The {name}."),
            parameters_json_schema: r#"{"type":"object"}"#.into(),
            output_json_schema: None,
            hints: ToolHints::empty(),
        });
        self
    }

    #[must_use]
    pub fn agent(mut self, name: &str, description: &str) -> Self {
        self.0.agents.push(AgentCard { name: name.into(), description: description.into() });
        self
    }
}

impl From<Session> for SessionContext {
    fn from(session: Session) -> Self {
        session.0
    }
}
