//! What a driver is told: its session's context, events, what was spent. wit/ has no field for cached writes, for the
//! bounds of money and depth, and for streamed reasoning: the first ones are left out, of the last no driver is told.
use crate::bindings::driver::exports::magic::proxy::driver as wit;
use crate::bindings::tool::magic::proxy::types;
use magic_types::Usage;
use magic_types::chat::{
    Completion, Extra, FinishReason, LlmError, Media, Message, Part, Role, ToolCall, ToolDefinition, ToolError,
    ToolOutput, ToolResult,
};
use magic_types::directive::{Delta, Event, SessionContext};

/// Whether wit/ has a word for it.
pub(crate) fn is_for_guests(event: &Event) -> bool {
    !matches!(event, Event::LlmDelta { delta: Delta::Reasoning(_), .. })
}

pub(crate) fn context(ctx: &SessionContext) -> wit::SessionContext {
    let agents = ctx.agents.iter();
    let limits = ctx.limits;
    wit::SessionContext {
        session_id: ctx.session_id.clone(),
        messages: ctx.messages.iter().map(message).collect(),
        tools: ctx.tools.iter().map(definition).collect(),
        agents: agents
            .map(|agent| wit::AgentCard { name: agent.name.clone(), description: agent.description.clone() })
            .collect(),
        limits: wit::Limits {
            max_steps: limits.steps_max,
            max_llm_calls: limits.llm_calls_max,
            max_tool_calls: limits.tool_calls_max,
            max_total_tokens: limits.total_tokens_max,
            deadline_ms: u64::try_from(limits.wall_max.as_millis()).unwrap_or(u64::MAX),
            max_parallel: limits.parallel_max,
        },
        options: ctx.options.clone(),
        seed: ctx.seed,
        extra: extras(&ctx.extra),
    }
}

/// Without those that wit/ has no word for.
pub(crate) fn events(events: &[Event]) -> Vec<wit::Event> {
    events.iter().filter_map(event).collect()
}

pub(crate) fn usage(usage: &Usage) -> types::Usage {
    types::Usage {
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
        cached_input_tokens: usage.cached_input_tokens,
        reasoning_tokens: usage.reasoning_tokens,
        cost_micros: usage.cost_micros,
    }
}

fn event(event: &Event) -> Option<wit::Event> {
    Some(match event {
        Event::Start => wit::Event::Start,
        Event::Llm { ref_id, outcome } => wit::Event::Llm(llm(*ref_id, outcome)),
        Event::LlmDelta { ref_id, delta: Delta::Text(text) } => {
            wit::Event::LlmDelta(wit::LlmDelta { ref_: *ref_id, text: text.clone() })
        }
        Event::LlmDelta { delta: Delta::Reasoning(_), .. } => return None,
        Event::Tool(result) => wit::Event::Tool(tool_result(result)),
        Event::Delegated { ref_id, outcome } => wit::Event::Delegated(llm(*ref_id, outcome)),
        Event::User(said) => wit::Event::User(message(said)),
        Event::Timer(ref_id) => wit::Event::Timer(*ref_id),
        Event::WrapUp(text) => wit::Event::WrapUp(text.clone()),
    })
}

fn llm(ref_id: u32, outcome: &Result<Completion, LlmError>) -> wit::LlmEvent {
    let outcome = match outcome {
        Ok(completion) => Ok(self::completion(completion)),
        Err(error) => Err(llm_error(error)),
    };
    wit::LlmEvent { ref_: ref_id, outcome }
}

fn completion(completion: &Completion) -> types::Completion {
    types::Completion {
        message: message(&completion.message),
        finish: match completion.finish {
            FinishReason::Stop => types::FinishReason::Stop,
            FinishReason::Length => types::FinishReason::Length,
            FinishReason::ToolCalls => types::FinishReason::ToolCalls,
            FinishReason::ContentFilter => types::FinishReason::ContentFilter,
            FinishReason::Cancelled => types::FinishReason::Cancelled,
            FinishReason::Other => types::FinishReason::Other,
        },
        usage: usage(&completion.usage),
        served_by: completion.served_by.clone(),
        extra: extras(&completion.extra),
    }
}

fn llm_error(error: &LlmError) -> types::LlmError {
    match error {
        LlmError::Unavailable(text) => types::LlmError::Unavailable(text.clone()),
        LlmError::RateLimited(seconds) => types::LlmError::RateLimited(*seconds),
        LlmError::ContextTooLong => types::LlmError::ContextTooLong,
        LlmError::Refused(text) => types::LlmError::Refused(text.clone()),
        LlmError::BudgetExceeded(text) => types::LlmError::BudgetExceeded(text.clone()),
        LlmError::InvalidRequest(text) => types::LlmError::InvalidRequest(text.clone()),
        LlmError::Cancelled => types::LlmError::Cancelled,
        LlmError::TimedOut => types::LlmError::TimedOut,
    }
}

fn message(message: &Message) -> types::Message {
    let role = match message.role {
        Role::System => types::Role::System,
        Role::User => types::Role::User,
        Role::Assistant => types::Role::Assistant,
        Role::Tool => types::Role::Tool,
    };
    types::Message { role, parts: message.parts.iter().map(part).collect() }
}

fn part(part: &Part) -> types::Part {
    match part {
        Part::Text(text) => types::Part::Text(text.clone()),
        Part::Media(Media { mime, url }) => types::Part::Media(types::Media { mime: mime.clone(), url: url.clone() }),
        Part::Reasoning(text) => types::Part::Reasoning(text.clone()),
        Part::ToolCall(ToolCall { id, name, arguments_json }) => types::Part::ToolCall(types::ToolCall {
            id: id.clone(),
            name: name.clone(),
            arguments_json: arguments_json.clone(),
        }),
        Part::ToolResult(result) => types::Part::ToolResult(tool_result(result)),
    }
}

fn tool_result(result: &ToolResult) -> types::ToolResult {
    let outcome = match &result.outcome {
        Ok(ToolOutput { text, structured }) => {
            Ok(types::ToolOutput { text: text.clone(), structured: structured.clone() })
        }
        Err(error) => Err(tool_error(error)),
    };
    types::ToolResult { call_id: result.call_id.clone(), outcome }
}

fn tool_error(error: &ToolError) -> types::ToolError {
    match error {
        ToolError::NotFound => types::ToolError::NotFound,
        ToolError::InvalidArguments(text) => types::ToolError::InvalidArguments(text.clone()),
        ToolError::Denied(text) => types::ToolError::Denied(text.clone()),
        ToolError::Failed(text) => types::ToolError::Failed(text.clone()),
        ToolError::Busy(ms) => types::ToolError::Busy(*ms),
        ToolError::TimedOut => types::ToolError::TimedOut,
        ToolError::OutcomeUnknown => types::ToolError::OutcomeUnknown,
    }
}

fn definition(tool: &ToolDefinition) -> types::ToolDefinition {
    let hints = [
        (tool.hints.read_only, types::ToolHints::READ_ONLY),
        (tool.hints.destructive, types::ToolHints::DESTRUCTIVE),
        (tool.hints.idempotent, types::ToolHints::IDEMPOTENT),
        (tool.hints.open_world, types::ToolHints::OPEN_WORLD),
    ];
    let given = hints.into_iter().filter(|(given, _)| *given);
    types::ToolDefinition {
        name: tool.name.clone(),
        description: tool.description.clone(),
        parameters_json_schema: tool.parameters_json_schema.clone(),
        output_json_schema: tool.output_json_schema.clone(),
        hints: given.fold(types::ToolHints::empty(), |all, (_, hint)| all | hint),
    }
}

fn extras(extras: &[Extra]) -> Vec<types::Extra> {
    extras.iter().map(|Extra { key, value }| types::Extra { key: key.clone(), value: value.clone() }).collect()
}
