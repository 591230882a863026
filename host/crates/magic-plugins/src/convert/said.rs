//! What a driver says, made the host's own: counted, weighed, and held to what the types cannot say. The first thing
//! that is wrong is told to whoever wrote the pattern.
use crate::bindings::driver::exports::magic::proxy::driver as wit;
use crate::bindings::tool::magic::proxy::types;
use crate::convert::weigh;
use crate::defaults;
use crate::kinds::toolbox::{definition, own_error};
use crate::lines;
use magic_types::chat::{
    CompletionRequest, Extra, Media, Message, Part, Role, ToolCall, ToolDefinition, ToolOutput, ToolResult,
};
use magic_types::directive::{Ask, Directive, Emit, Visibility};

/// The key under which `completion-request.extra` carries what wit/ has no field for.
const TOP_P: &str = "top_p";

/// What one call said.
pub(crate) struct Said {
    pub(crate) directives: Vec<Directive>,
    /// Equal for equal directives.
    pub(crate) fingerprint: u64,
}

/// Why it is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// Heavier than the limit; so many bytes.
    TooLarge(usize),
    Broken(String),
}

pub(crate) fn directives(said: Vec<wit::Directive>, bytes_max: usize) -> Result<Said, Wrong> {
    if said.len() > defaults::DIRECTIVES_MAX {
        let text = format!("it returned {} directives at once, more than {}", said.len(), defaults::DIRECTIVES_MAX);
        return Err(Wrong::Broken(text));
    }
    let directives: Result<Vec<_>, _> = said.into_iter().map(directive).collect();
    let directives = directives.map_err(Wrong::Broken)?;
    let weighed = weigh::directives(&directives);
    match weighed.bytes > bytes_max {
        true => Err(Wrong::TooLarge(weighed.bytes)),
        false => Ok(Said { directives, fingerprint: weighed.fingerprint }),
    }
}

fn directive(said: wit::Directive) -> Result<Directive, String> {
    Ok(match said {
        wit::Directive::Ask(ask) => Directive::Ask(Ask {
            ref_id: ask.ref_,
            request: request(ask.request).map_err(|wrong| format!("`ask` {}: {wrong}", ask.ref_))?,
            show: match ask.show {
                wit::Visibility::Hidden => Visibility::Hidden,
                wit::Visibility::Thought => Visibility::Thought,
                wit::Visibility::Answer => Visibility::Answer,
            },
            stream_to_me: ask.stream_to_me,
        }),
        // As a model may have written them: what is wrong with a call is told to the model.
        wit::Directive::CallTools(calls) => Directive::CallTools(calls.into_iter().map(call).collect()),
        wit::Directive::Delegate(task) => {
            Directive::Delegate { ref_id: task.ref_, agent: task.agent, messages: messages(task.messages) }
        }
        wit::Directive::Emit(emit) => Directive::Emit(self::emit(emit).map_err(|wrong| format!("`emit`: {wrong}"))?),
        wit::Directive::Wait((ref_id, ms)) => Directive::Wait { ref_id, ms },
        wit::Directive::Cancel(ref_id) => Directive::Cancel(ref_id),
        wit::Directive::Finish(message) => Directive::Finish(self::message(message)),
        wit::Directive::Fail(text) => Directive::Fail(lines::cut(&text, defaults::ERROR_BYTES_MAX).to_owned()),
    })
}

fn emit(emit: wit::Emit) -> Result<Emit, String> {
    Ok(match emit {
        wit::Emit::Thought(text) => Emit::Thought(text),
        wit::Emit::Answer(text) => Emit::Answer(text),
        wit::Emit::Progress((kind, payload)) => {
            Emit::Progress { kind: name("kind of `progress`", kind)?, payload: json("progress", payload)? }
        }
    })
}

fn request(request: types::CompletionRequest) -> Result<CompletionRequest, String> {
    let (ours, extra): (Vec<_>, Vec<_>) = request.extra.into_iter().partition(|extra| extra.key == TOP_P);
    let top_p = match ours.into_iter().next_back() {
        Some(extra) => Some(extra.value.trim().parse().map_err(|_| format!("`extra` `{TOP_P}` is not a number"))?),
        None => None,
    };
    let extra: Result<Vec<_>, String> = extra.into_iter().map(self::extra).collect();
    Ok(CompletionRequest {
        model: request.model.map(|model| name("model", model)).transpose()?,
        messages: messages(request.messages),
        tools: request.tools.into_iter().map(own_definition).collect::<Result<_, _>>()?,
        temperature: finite("temperature", request.temperature)?,
        top_p: finite(TOP_P, top_p)?,
        max_output_tokens: request.max_output_tokens,
        stop: request.stop,
        response_json_schema: request.response_json_schema.map(|it| json("response-json-schema", it)).transpose()?,
        seed: request.seed,
        extra: extra?,
    })
}

fn extra(extra: types::Extra) -> Result<Extra, String> {
    let key = name("key of `extra`", extra.key)?;
    let value = json(&key, extra.value)?;
    Ok(Extra { key, value })
}

fn own_definition(tool: types::ToolDefinition) -> Result<ToolDefinition, String> {
    let tool = definition(tool);
    let (name, parameters_json_schema) = (name("tool", tool.name)?, json("schema", tool.parameters_json_schema)?);
    Ok(ToolDefinition { name, parameters_json_schema, ..tool })
}

fn messages(messages: Vec<types::Message>) -> Vec<Message> {
    messages.into_iter().map(message).collect()
}

fn message(message: types::Message) -> Message {
    let role = match message.role {
        types::Role::System => Role::System,
        types::Role::User => Role::User,
        types::Role::Assistant => Role::Assistant,
        types::Role::Tool => Role::Tool,
    };
    Message { role, parts: message.parts.into_iter().map(part).collect() }
}

fn part(part: types::Part) -> Part {
    match part {
        types::Part::Text(text) => Part::Text(text),
        types::Part::Media(types::Media { mime, url }) => Part::Media(Media { mime, url }),
        types::Part::Reasoning(text) => Part::Reasoning(text),
        types::Part::ToolCall(call) => Part::ToolCall(self::call(call)),
        types::Part::ToolResult(result) => Part::ToolResult(tool_result(result)),
    }
}

fn tool_result(result: types::ToolResult) -> ToolResult {
    let outcome = match result.outcome {
        Ok(types::ToolOutput { text, structured }) => Ok(ToolOutput { text, structured }),
        Err(error) => Err(own_error(error)),
    };
    ToolResult { call_id: result.call_id, outcome }
}

fn call(call: types::ToolCall) -> ToolCall {
    let types::ToolCall { id, name, arguments_json } = call;
    ToolCall { id, name, arguments_json }
}

/// What is looked up and told in errors and logs: short.
fn name(what: &str, name: String) -> Result<String, String> {
    match (1..=defaults::NAME_BYTES_MAX).contains(&name.len()) {
        true => Ok(name),
        false => Err(format!("the {what} has {} bytes, not 1 to {}", name.len(), defaults::NAME_BYTES_MAX)),
    }
}

fn json(what: &str, text: String) -> Result<String, String> {
    match serde_json::from_str::<serde::de::IgnoredAny>(&text) {
        Ok(_) => Ok(text),
        Err(error) => Err(format!("`{what}` is not valid JSON: {error}")),
    }
}

/// What is not finite cannot be written as JSON.
fn finite(what: &str, number: Option<f32>) -> Result<Option<f32>, String> {
    match number {
        Some(number) if !number.is_finite() => Err(format!("`{what}` is not a finite number")),
        Some(_) | None => Ok(number),
    }
}
