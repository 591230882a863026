//! From an alias' settings and a client's order to the driver that runs the session.
use super::{Job, tools};
use crate::telemetry::{Trace, Watch};
use magic_config::{AgentSettings, Alias, ToolChoice, ToolProtocol};
use magic_plugins::{Component, Drive, DriveError};
use magic_sessions::{
    Block, Declarative, Driver, DriverError, Framed, Generation, Guide, Next, Policy, Program, Protocol, Spec,
};
use magic_types::chat::{Message, ToolDefinition};
use magic_types::directive::{AgentCard, Event, Limits, SessionContext};
use magic_types::{AliasName, Failure, Kind, SessionId, Usage};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

/// What the client wants of a session.
#[derive(Default)]
pub(crate) struct Order {
    pub(crate) messages: Vec<Message>,
    pub(crate) client_tools: Vec<ToolDefinition>,
    pub(crate) client_instruction: Option<String>,
    pub(crate) client_manifests: Vec<String>,
    pub(crate) generation: Generation,
    /// A JSON object for the pattern.
    pub(crate) options: Option<String>,
}

/// What a session hangs on beside its order.
#[derive(Default)]
pub(crate) struct Ties {
    /// The session that delegated to it.
    pub(crate) parent: Option<SessionId>,
    /// The aliases above it, the first of all first.
    pub(crate) lineage: Vec<AliasName>,
    /// What the session above has left, which bounds it too.
    pub(crate) limits: Option<Limits>,
    /// It exists for one request.
    pub(crate) bound: bool,
    /// The virtual key that pays.
    pub(crate) owner: Option<String>,
    /// What it is done for.
    pub(crate) trace: Trace,
}

/// Pins everything that the session is run with.
///
/// # Errors
/// Options that the pattern does not take.
pub(super) fn spec(id: &SessionId, job: &Job) -> Result<Spec, Failure> {
    let options = job.order.options.clone().unwrap_or_else(|| default_options(job));
    check_options(job, &options)?;
    let tools = tools::allowed(job);
    let guarded =
        if agent(job).approvals { tools.iter().filter(|tool| tool.hints.destructive).collect() } else { vec![] };
    let guarded_tools = guarded.into_iter().map(|tool| tool.name.clone()).collect();
    let program = program(job);
    let mut context = SessionContext {
        session_id: id.to_string(),
        messages: job.order.messages.clone(),
        tools,
        agents: agents(job),
        limits: limits(job),
        options,
        seed: RandomState::new().hash_one(id),
        extra: Vec::new(),
    };
    let guide = if job.pattern.structure().is_some() {
        Guide::Loop(Box::new(program))
    } else {
        // A component has one list of tools; calls of the client's own end the session like those of the loop.
        let own = &job.order.client_tools;
        context.tools.retain(|tool| !own.iter().any(|own| own.name == tool.name));
        context.tools.extend(own.iter().cloned());
        Guide::Component { preamble: magic_sessions::preamble(&program.policy), generation: program.generation }
    };
    let client_tools = job.order.client_tools.iter().map(|tool| tool.name.clone()).collect();
    let mut lineage = job.ties.lineage.clone();
    lineage.push(job.route.plan.alias.clone());
    Ok(Spec { context, guide, lineage, guarded_tools, client_tools })
}

/// Those of the alias, for its own pattern; another one that the client names has others.
fn default_options(job: &Job) -> String {
    let agent = agent(job);
    let is_own = agent.reasoning_mode.as_ref() == Some(&job.pattern.name);
    if is_own { agent.options.clone() } else { "{}".to_owned() }
}

fn check_options(job: &Job, options: &str) -> Result<(), Failure> {
    let pattern = &job.pattern.name;
    job.pattern.check_options(options).map_err(|problem| {
        Failure::new(Kind::InvalidRequest, format!("`options` for the pattern `{pattern}`: {problem}"))
    })
}

/// The driver of a session with that spec. `pattern`: its component, where the spec wants one.
pub(super) fn driver(spec: &Spec, pattern: Option<&Arc<Component>>, watch: &Watch) -> Box<dyn Driver> {
    match (&spec.guide, pattern) {
        (Guide::Component { preamble, generation }, Some(pattern)) => {
            let drive = Box::new(Guest {
                drive: pattern.drive(spec.context.clone()),
                name: pattern.name.clone(),
                watch: watch.clone(),
            });
            Box::new(Framed::new(drive, preamble.clone(), *generation))
        }
        (Guide::Component { .. }, None) => Box::new(Missing),
        (Guide::Loop(program), _) => Box::new(Declarative::new(program.as_ref().clone(), spec.context.clone())),
    }
}

fn agent(job: &Job) -> &AgentSettings {
    job.route.first_profile().map_or(&job.snapshot.config.agent_settings, |profile| &profile.agent)
}

/// The aliases that the config lets this one hand tasks to.
fn agents(job: &Job) -> Vec<AgentCard> {
    let config = &job.snapshot.config;
    let known = agent(job).agents.iter().filter_map(|name| config.alias(name));
    let card = |alias: &Alias| AgentCard {
        name: alias.name.to_string(),
        description: alias.description.clone().unwrap_or_default(),
    };
    known.map(card).collect()
}

fn limits(job: &Job) -> Limits {
    let agent = agent(job);
    let own = Limits {
        steps_max: agent.max_steps,
        // One more for the forced answer, and the same again for repairs.
        llm_calls_max: agent.llm_calls_max.unwrap_or_else(|| agent.max_steps.saturating_mul(2).saturating_add(2)),
        tool_calls_max: agent.tool_calls_max,
        total_tokens_max: agent.total_tokens_max,
        cost_micros_max: agent.cost_micros_max,
        wall_max: agent.session_max,
        parallel_max: agent.parallel_max,
        depth_max: agent.depth_max,
    };
    match &job.ties.limits {
        Some(above) => within(own, above),
        None => own,
    }
}

/// Neither more than its own nor more than what the session above has left.
fn within(own: Limits, above: &Limits) -> Limits {
    let least = |own: Option<u64>, above: Option<u64>| own.into_iter().chain(above).min();
    Limits {
        steps_max: own.steps_max,
        llm_calls_max: own.llm_calls_max.min(above.llm_calls_max),
        tool_calls_max: own.tool_calls_max.min(above.tool_calls_max),
        total_tokens_max: least(own.total_tokens_max, above.total_tokens_max),
        cost_micros_max: least(own.cost_micros_max, above.cost_micros_max),
        wall_max: own.wall_max.min(above.wall_max),
        parallel_max: own.parallel_max.min(above.parallel_max),
        depth_max: own.depth_max.min(above.depth_max),
    }
}

fn program(job: &Job) -> Program {
    let blocks = job.pattern.structure().unwrap_or_default().iter();
    let agent = agent(job);
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

/// A pattern's component as a driver.
struct Guest {
    drive: Drive,
    name: String,
    watch: Watch,
}

impl Driver for Guest {
    fn next<'a>(&'a mut self, events: &'a [Event], spent: &'a Usage) -> Next<'a> {
        Next::Later(Box::pin(async move {
            let mut seen = self.watch.component(&self.name, "driver");
            let decided = self.drive.next(events, spent).await;
            seen.end(if decided.is_ok() { "ok" } else { "failed" });
            decided.map_err(|error| match error {
                DriveError::Component(text) => DriverError::Component(text),
                DriveError::Contract(text) => DriverError::Contract(text),
            })
        }))
    }
}

/// In the place of a component that is gone.
struct Missing;

impl Driver for Missing {
    fn next<'a>(&'a mut self, _events: &'a [Event], _spent: &'a Usage) -> Next<'a> {
        Next::Ready(Err(DriverError::Component("its component is not loaded any more".to_owned())))
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
