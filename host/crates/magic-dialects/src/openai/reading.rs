//! A client's request as a reasoning session takes it: refuses by name what a session cannot honour.
use crate::chat::{self, Content, Format, MediaKind, Request, Source, ToolChoice};
use crate::fields::invalid;
use magic_types::Failure;
use magic_types::chat::{
    Media, Message, Part, Role, ToolCall, ToolDefinition, ToolError, ToolHints, ToolOutput, ToolResult,
};

use super::request::Reading;
use crate::lost::Lost;

pub(super) fn of(request: Request) -> Result<Reading, Failure> {
    refuse_what_reasoning_cannot_honour(&request)?;
    let lost = lost(&request);
    let tools_off = request.tool_choice == Some(ToolChoice::None);
    let tools = if tools_off { Vec::new() } else { request.tools };
    let messages = (0..).zip(request.messages).map(|(at, found)| message(at, found)).collect::<Result<Vec<_>, _>>()?;
    if !messages.iter().any(|message| message.role == Role::User) {
        return Err(invalid("`messages` holds no message of the user"));
    }
    #[expect(clippy::cast_possible_truncation, reason = "clients write temperatures with a digit or two")]
    let narrow = |number: f64| number as f32;
    Ok(Reading {
        messages,
        tools: (0..).zip(tools).map(|(at, tool)| definition(at, tool)).collect::<Result<_, _>>()?,
        temperature: request.temperature.map(narrow),
        top_p: request.top_p.map(narrow),
        max_output_tokens: request.max_output_tokens.map(|max| u32::try_from(max).unwrap_or(u32::MAX)),
        include_usage: request.include_usage,
        lost,
    })
}

fn lost(request: &Request) -> Vec<String> {
    let mut lost = Lost::default();
    lost.when(request.seed.is_some(), "seed");
    lost.when(request.frequency_penalty.is_some(), "frequency_penalty");
    lost.when(request.presence_penalty.is_some(), "presence_penalty");
    lost.when(request.top_k.is_some(), "top_k");
    lost.when(request.thinking.is_some(), "reasoning_effort");
    lost.when(request.parallel_tool_calls.is_some(), "parallel_tool_calls");
    request.rest.iter().for_each(|(name, value)| lost.field(name, value));
    lost.into_names()
}

fn refuse_what_reasoning_cannot_honour(request: &Request) -> Result<(), Failure> {
    if request.rest.get("n").is_some_and(|n| n != 1) {
        return Err(invalid("`n`: a reasoning alias gives one answer; leave `n` out or use a plain alias"));
    }
    if !matches!(request.format, None | Some(Format::Text)) || request.rest.contains_key("response_format") {
        return Err(invalid(
            "`response_format`: a reasoning alias answers in text; ask for the form in the prompt or use a plain alias",
        ));
    }
    let chooses = matches!(request.tool_choice, None | Some(ToolChoice::Auto | ToolChoice::None));
    if !chooses || request.rest.contains_key("tool_choice") {
        return Err(invalid("`tool_choice`: a reasoning alias chooses by itself; use `auto`, `none` or a plain alias"));
    }
    if !request.stop.is_empty() {
        return Err(invalid("`stop`: a reasoning alias sets its own stop sequences; use a plain alias"));
    }
    Ok(())
}

fn message(at: usize, message: chat::Message) -> Result<Message, Failure> {
    let parts = message.parts.into_iter().filter_map(|found| part(at, found.content).transpose());
    Ok(Message { role: message.role, parts: parts.collect::<Result<_, _>>()? })
}

/// `None` for what only the vendor that wrote it can read.
fn part(at: usize, content: Content) -> Result<Option<Part>, Failure> {
    Ok(Some(match content {
        Content::Text(text) | Content::Refusal(text) => Part::Text(text),
        Content::Reasoning { text, .. } if !text.is_empty() => Part::Reasoning(text),
        Content::Reasoning { .. } | Content::RedactedReasoning(_) => return Ok(None),
        Content::Media(media) => Part::Media(self::media(at, media)?),
        Content::ToolCall(chat::ToolCall { id, name, arguments, .. }) => {
            Part::ToolCall(ToolCall { id, name, arguments_json: arguments })
        }
        Content::ToolResult { call_id, parts, is_error } => {
            let text = result_text(at, parts)?;
            let told = |text| Ok(ToolOutput { text, structured: None });
            let outcome = if is_error { Err(ToolError::Failed(text)) } else { told(text) };
            Part::ToolResult(ToolResult { call_id, outcome })
        }
        Content::Foreign { kind, .. } => {
            return Err(invalid(format!("`messages[{at}]`: a reasoning alias does not know parts of type `{kind}`")));
        }
    }))
}

fn result_text(at: usize, parts: Vec<chat::Part>) -> Result<String, Failure> {
    let text = |part: chat::Part| match part.content {
        Content::Text(text) => Ok(text),
        _ => Err(invalid(format!("`messages[{at}]`: a reasoning alias takes tool results as text only"))),
    };
    Ok(parts.into_iter().map(text).collect::<Result<Vec<_>, _>>()?.join("\n"))
}

fn media(at: usize, media: chat::Media) -> Result<Media, Failure> {
    let url = media.source.to_url();
    let url =
        url.ok_or_else(|| invalid(format!("`messages[{at}]`: a reasoning alias takes no uploaded file by id")))?;
    let mime = match (media.source, media.kind) {
        (Source::Inline { mime, .. }, _) => mime,
        (_, MediaKind::Image) => "image/*".to_owned(),
        (_, MediaKind::Audio) => "audio/*".to_owned(),
        (_, MediaKind::File) => "application/octet-stream".to_owned(),
    };
    Ok(Media { mime, url })
}

fn definition(at: usize, tool: chat::Tool) -> Result<ToolDefinition, Failure> {
    if tool.foreign.is_some() {
        return Err(invalid(format!("`tools[{at}]`: a reasoning alias takes tools of type `function` only")));
    }
    let parameters = tool.parameters.unwrap_or_else(|| serde_json::json!({ "type": "object" }));
    Ok(ToolDefinition {
        name: tool.name,
        description: tool.description,
        parameters_json_schema: parameters.to_string(),
        output_json_schema: None,
        hints: ToolHints::default(),
    })
}
