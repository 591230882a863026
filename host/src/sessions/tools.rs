//! The tools of one session: which it may use, and the way from a call to a component of the session's snapshot.
use super::Job;
use crate::snapshot::Snapshot;
use crate::telemetry::Watch;
use magic_plugins::{Caller, Component, Host};
use magic_sessions::Spec;
use magic_types::SessionId;
use magic_types::chat::{ToolCall, ToolDefinition, ToolError, ToolResult};
use std::sync::Arc;

pub(super) struct Toolbox {
    session: SessionId,
    /// Name and owner.
    tools: Vec<(String, Arc<Component>)>,
    host: Arc<dyn Host>,
}

/// Every loaded tool, or those that the alias' first profile allows, by the order given there.
pub(super) fn allowed(job: &Job) -> Vec<ToolDefinition> {
    let components = &job.snapshot.components;
    let allowed = job.route.first_profile().and_then(|profile| profile.agent.tools.as_ref());
    let named = |name: &str| {
        let owner = components.toolbox_of(name)?;
        owner.tools().iter().find(|tool| tool.name == name).cloned()
    };
    match allowed {
        Some(names) => names.iter().filter_map(|name| named(name)).collect(),
        None => {
            let all = components.toolboxes().flat_map(|owner| owner.tools().iter());
            all.filter_map(|tool| named(&tool.name)).collect()
        }
    }
}

// === impl Toolbox ===

impl Toolbox {
    pub(super) fn new(session: &SessionId, spec: &Spec, snapshot: &Snapshot) -> Self {
        let owner = |tool: &ToolDefinition| Some((tool.name.clone(), snapshot.components.toolbox_of(&tool.name)?));
        Self {
            session: session.clone(),
            tools: spec.context.tools.iter().filter_map(owner).collect(),
            host: Arc::clone(&snapshot.services),
        }
    }

    /// Bounded by the component's own limits. The arguments are checked against the schema on the way.
    pub(super) async fn call(self: Arc<Self>, call: ToolCall, watch: Watch) -> ToolResult {
        let owner = self.tools.iter().find(|(name, _)| *name == call.name).map(|(_, owner)| owner);
        let mut seen = watch.tool(&call, owner.is_some());
        let outcome = match owner {
            Some(owner) => {
                let mut within = seen.watch().component(&owner.name, "tool");
                let outcome = owner.call(&call, self.caller(&call), Arc::clone(&self.host)).await;
                within.ended(&outcome);
                outcome
            }
            None => Err(ToolError::NotFound),
        };
        seen.note_result(&outcome);
        seen.ended(&outcome);
        ToolResult { call_id: call.id, outcome }
    }

    /// The same for a call that is repeated after a crash.
    fn caller(&self, call: &ToolCall) -> Caller {
        let idempotency_key = Some(format!("{}:{}", self.session, call.id));
        Caller { session_id: Some(self.session.to_string()), idempotency_key }
    }
}
