//! The tools of one session: which it may use, and the way from a call to a component of the session's snapshot.
use super::Job;
use magic_plugins::{Caller, Component, Host};
use magic_types::chat::{ToolCall, ToolDefinition, ToolError, ToolResult};
use std::sync::Arc;

pub(super) struct Toolbox {
    /// Definition and owner, in the order in which the model is told of them.
    tools: Vec<(ToolDefinition, Arc<Component>)>,
    host: Arc<dyn Host>,
}

impl Toolbox {
    /// Every loaded tool, or those that the alias' first profile allows, by the order given there.
    pub(super) fn new(job: &Job) -> Self {
        let components = &job.snapshot.components;
        let allowed = job.route.first_profile().and_then(|profile| profile.agent.tools.as_ref());
        let named = |name: &str| {
            let owner = components.toolbox_of(name)?;
            let definition = owner.tools().iter().find(|tool| tool.name == name)?.clone();
            Some((definition, owner))
        };
        let tools = match allowed {
            Some(names) => names.iter().filter_map(|name| named(name)).collect(),
            None => {
                let all = components.toolboxes().flat_map(|owner| owner.tools().iter());
                all.filter_map(|tool| named(&tool.name)).collect()
            }
        };
        Self { tools, host: Arc::clone(&job.snapshot.services) }
    }

    pub(super) fn definitions(&self) -> Vec<ToolDefinition> {
        self.tools.iter().map(|(definition, _)| definition.clone()).collect()
    }

    /// Bounded by the component's own limits. The arguments are checked against the schema on the way.
    pub(super) async fn call(self: Arc<Self>, call: ToolCall) -> ToolResult {
        let owner = self.tools.iter().find(|(definition, _)| definition.name == call.name).map(|(_, owner)| owner);
        let outcome = match owner {
            Some(owner) => owner.call(&call, Caller::default(), Arc::clone(&self.host)).await,
            None => Err(ToolError::NotFound),
        };
        ToolResult { call_id: call.id, outcome }
    }
}
