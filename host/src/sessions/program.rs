//! From an alias' settings and a client's order to the driver that runs the session.
use super::Job;
use magic_config::{Alias, ToolChoice, ToolProtocol};
use magic_sessions::{Block, Declarative, Driver, Generation, Policy, Program, Protocol};
use magic_types::SessionId;
use magic_types::chat::{Message, ToolDefinition};
use magic_types::directive::{Limits, SessionContext};
use std::hash::{BuildHasher, RandomState};

/// Model and tool calls of one session side by side: a vendor's rate limit is met before this one.
const PARALLEL_MAX: u32 = 4;

/// What the client wants of a session.
#[derive(Default)]
pub(crate) struct Order {
    pub(crate) messages: Vec<Message>,
    pub(crate) client_tools: Vec<ToolDefinition>,
    pub(crate) client_instruction: Option<String>,
    pub(crate) client_manifests: Vec<String>,
    pub(crate) generation: Generation,
}

pub(super) fn limits(job: &Job) -> Limits {
    let profile = job.route.first_profile();
    let agent = profile.map_or(&job.snapshot.config.agent_settings, |profile| &profile.agent);
    Limits {
        steps_max: agent.max_steps,
        // One more for the forced answer, and the same again for repairs.
        llm_calls_max: agent.max_steps.saturating_mul(2).saturating_add(2),
        tool_calls_max: agent.tool_calls_max,
        total_tokens_max: None,
        cost_micros_max: None,
        wall_max: agent.session_max,
        parallel_max: PARALLEL_MAX,
        depth_max: 0,
    }
}

pub(super) fn driver(id: &SessionId, job: &Job, limits: Limits, tools: Vec<ToolDefinition>) -> Box<dyn Driver> {
    let ctx = SessionContext {
        session_id: id.to_string(),
        messages: job.order.messages.clone(),
        tools,
        agents: Vec::new(),
        limits,
        options: "{}".to_owned(),
        seed: RandomState::new().hash_one(id),
        extra: Vec::new(),
    };
    Box::new(Declarative::new(program(job), ctx))
}

fn program(job: &Job) -> Program {
    let blocks = job.pattern.structure().unwrap_or_default().iter();
    let agent = job.route.first_profile().map_or(&job.snapshot.config.agent_settings, |profile| &profile.agent);
    let prompt = |file: &String| job.snapshot.prompts.get(file).cloned();
    Program {
        structure: blocks.map(|step| Block { tag: step.tag.clone(), content: step.content.clone() }).collect(),
        protocol: protocol(job),
        policy: Policy {
            server_instruction: agent.system_instruction.as_ref().and_then(prompt),
            server_manifests: agent.manifests.iter().filter_map(prompt).collect(),
            client_instruction: job.order.client_instruction.clone(),
            client_manifests: job.order.client_manifests.clone(),
        },
        generation: job.order.generation,
        client_tools: job.order.client_tools.clone(),
        tool_required: agent.tool_choice == ToolChoice::Required,
    }
}

fn protocol(job: &Job) -> Protocol {
    let alias = job.snapshot.config.alias(job.route.plan.alias.as_str());
    match alias.map_or(ToolProtocol::Tags, Alias::tool_protocol) {
        ToolProtocol::Tags | ToolProtocol::Auto => Protocol::Tags,
        ToolProtocol::Native => Protocol::Native,
        ToolProtocol::JsonSchema => Protocol::JsonSchema,
        ToolProtocol::Grammar => Protocol::Grammar,
    }
}
