//! What a session is run with, on disk.
use super::chat::{read_extra, read_message, read_tool, write_extra, write_messages, write_tool};
use super::fields::{Fields, Unreadable};
use crate::declarative::{Generation, Program};
use crate::prompt::{Block, Policy, Protocol};
use crate::spec::{Guide, Spec};
use magic_types::AliasName;
use magic_types::directive::{AgentCard, Limits, SessionContext};
use serde_json::{Value, json};
use std::time::Duration;

type Read<T> = Result<T, Unreadable>;

pub(super) fn write(spec: &Spec) -> Value {
    json!({
        "context": write_context(&spec.context), "guide": write_guide(&spec.guide),
        "lineage": spec.lineage.iter().map(AliasName::as_str).collect::<Vec<_>>(),
        "guarded_tools": spec.guarded_tools, "client_tools": spec.client_tools,
    })
}

pub(super) fn read(value: &Value) -> Read<Spec> {
    let fields = Fields(value);
    Ok(Spec {
        context: fields.inner("context", read_context)?,
        guide: fields.inner("guide", read_guide)?,
        lineage: fields.texts("lineage")?.into_iter().map(AliasName::new).collect(),
        guarded_tools: fields.texts("guarded_tools")?,
        client_tools: fields.texts("client_tools")?,
    })
}

fn write_context(context: &SessionContext) -> Value {
    let agent = |agent: &AgentCard| json!({ "name": agent.name, "description": agent.description });
    json!({
        "session_id": context.session_id, "messages": write_messages(&context.messages),
        "tools": context.tools.iter().map(write_tool).collect::<Vec<_>>(),
        "agents": context.agents.iter().map(agent).collect::<Vec<_>>(), "limits": write_limits(&context.limits),
        "options": context.options, "seed": format!("{:x}", context.seed), "extra": write_extra(&context.extra),
    })
}

fn read_context(value: &Value) -> Read<SessionContext> {
    let fields = Fields(value);
    let agent = |value| {
        let fields = Fields(value);
        Ok(AgentCard { name: fields.text("name")?, description: fields.text("description")? })
    };
    let seed = u64::from_str_radix(&fields.text("seed")?, 16);
    Ok(SessionContext {
        session_id: fields.text("session_id")?,
        messages: fields.list("messages", read_message)?,
        tools: fields.list("tools", read_tool)?,
        agents: fields.list("agents", agent)?,
        limits: fields.inner("limits", read_limits)?,
        options: fields.text("options")?,
        seed: seed.map_err(|error| Unreadable(format!("`seed`: {error}")))?,
        extra: fields.list("extra", read_extra)?,
    })
}

fn write_limits(limits: &Limits) -> Value {
    json!({
        "steps": limits.steps_max, "llm_calls": limits.llm_calls_max, "tool_calls": limits.tool_calls_max,
        "total_tokens": limits.total_tokens_max, "cost_micros": limits.cost_micros_max,
        "wall_ms": u64::try_from(limits.wall_max.as_millis()).unwrap_or(u64::MAX),
        "parallel": limits.parallel_max, "depth": limits.depth_max,
    })
}

fn read_limits(value: &Value) -> Read<Limits> {
    let fields = Fields(value);
    Ok(Limits {
        steps_max: fields.small("steps")?,
        llm_calls_max: fields.small("llm_calls")?,
        tool_calls_max: fields.small("tool_calls")?,
        total_tokens_max: fields.optional_number("total_tokens")?,
        cost_micros_max: fields.optional_number("cost_micros")?,
        wall_max: Duration::from_millis(fields.number("wall_ms")?),
        parallel_max: fields.small("parallel")?,
        depth_max: fields.small("depth")?,
    })
}

fn write_guide(guide: &Guide) -> Value {
    match guide {
        Guide::Loop(program) => json!({ "loop": write_program(program) }),
        Guide::Component { preamble, generation } => {
            json!({ "component": { "preamble": preamble, "generation": write_generation(generation) } })
        }
    }
}

fn read_guide(value: &Value) -> Read<Guide> {
    let fields = Fields(value);
    if let Some(component) = fields.get("component").map(Fields) {
        let generation = component.inner("generation", read_generation)?;
        return Ok(Guide::Component { preamble: component.optional_text("preamble")?, generation });
    }
    Ok(Guide::Loop(Box::new(fields.inner("loop", read_program)?)))
}

fn write_program(program: &Program) -> Value {
    let block = |block: &Block| json!({ "tag": block.tag, "content": block.content });
    let Policy { server_instruction, server_manifests, client_instruction, client_manifests } = &program.policy;
    json!({
        "structure": program.structure.iter().map(block).collect::<Vec<_>>(), "protocol": program.protocol.as_str(),
        "policy": {
            "server_instruction": server_instruction, "server_manifests": server_manifests,
            "client_instruction": client_instruction, "client_manifests": client_manifests,
        },
        "generation": write_generation(&program.generation),
        "client_tools": program.client_tools.iter().map(write_tool).collect::<Vec<_>>(),
        "tool_required": program.tool_required,
    })
}

fn read_program(value: &Value) -> Read<Program> {
    let fields = Fields(value);
    let block = |value| {
        let fields = Fields(value);
        Ok(Block { tag: fields.text("tag")?, content: fields.text("content")? })
    };
    let policy = |value| {
        let fields = Fields(value);
        Ok(Policy {
            server_instruction: fields.optional_text("server_instruction")?,
            server_manifests: fields.texts("server_manifests")?,
            client_instruction: fields.optional_text("client_instruction")?,
            client_manifests: fields.texts("client_manifests")?,
        })
    };
    Ok(Program {
        structure: fields.list("structure", block)?,
        protocol: fields.word("protocol", Protocol::from_word)?,
        policy: fields.inner("policy", policy)?,
        generation: fields.inner("generation", read_generation)?,
        client_tools: fields.list("client_tools", read_tool)?,
        tool_required: fields.truth("tool_required")?,
    })
}

fn write_generation(generation: &Generation) -> Value {
    json!({
        "temperature": generation.temperature, "top_p": generation.top_p,
        "max_output_tokens": generation.max_output_tokens,
    })
}

fn read_generation(value: &Value) -> Read<Generation> {
    let fields = Fields(value);
    Ok(Generation {
        temperature: fields.optional_float("temperature")?,
        top_p: fields.optional_float("top_p")?,
        max_output_tokens: fields.optional_small("max_output_tokens")?,
    })
}
