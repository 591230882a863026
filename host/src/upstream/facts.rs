//! What a strategy wants to know of a request before it is sent. Looks only where a plan asks for it; decides nothing.
use super::payload::Payload;
use magic_dialects::chat::{Content, Format, MediaKind, Message, Part, Request};
use magic_dialects::counting;
use magic_routing::{Facts, Plan, Sketch};
use magic_types::chat::Role;

/// Nothing is looked at for a plan whose order cannot hang on it.
pub(super) fn of(plan: &Plan, payload: &Payload<'_>) -> Facts {
    if plan.wants_facts { look(payload) } else { Facts::default() }
}

/// A client's conversation is read at most once, here or where it is translated. What cannot be read is the legs' affair,
/// and so is what is no conversation: there the size is all there is.
pub(super) fn look(payload: &Payload<'_>) -> Facts {
    match payload {
        Payload::Json(asked) => match asked.request() {
            Ok(request) => of_request(request),
            Err(_) => Facts { input_tokens: counting::of_bytes(asked.body.len()), ..Facts::default() },
        },
        Payload::Step(request) => of_request(&Request::from(*request)),
        Payload::Form(_) => Facts::default(),
    }
}

fn of_request(request: &Request) -> Facts {
    let mut sketch = Sketch::default();
    request.tools.iter().for_each(|_| sketch.tool());
    if matches!(request.format, Some(Format::JsonSchema { .. })) {
        sketch.schema();
    }
    request.messages.iter().for_each(|message| walk(message, &mut sketch));
    sketch.facts(counting::estimate(request), request.max_output_tokens)
}

/// What the operator says is the same in every request, and what the model said is an answer: only images count of these.
fn walk(message: &Message, sketch: &mut Sketch) {
    let is_tools = message.parts.iter().any(|part| matches!(part.content, Content::ToolResult { .. }));
    let is_users = message.role == Role::User && !is_tools;
    if is_users {
        sketch.turn();
    }
    for part in &message.parts {
        match &part.content {
            Content::Text(text) if is_users => sketch.said(text),
            Content::Text(text) if message.role == Role::Tool || is_tools => sketch.read(text),
            Content::ToolResult { parts, .. } => parts.iter().for_each(|part| result(part, sketch)),
            Content::Media(media) if media.kind == MediaKind::Image => sketch.image(),
            Content::Text(_)
            | Content::Media(_)
            | Content::Reasoning { .. }
            | Content::RedactedReasoning(_)
            | Content::Refusal(_)
            | Content::ToolCall(_)
            | Content::Foreign { .. } => {}
        }
    }
}

fn result(part: &Part, sketch: &mut Sketch) {
    match &part.content {
        Content::Text(text) => sketch.read(text),
        Content::Media(media) if media.kind == MediaKind::Image => sketch.image(),
        Content::Media(_)
        | Content::Reasoning { .. }
        | Content::RedactedReasoning(_)
        | Content::Refusal(_)
        | Content::ToolCall(_)
        | Content::ToolResult { .. }
        | Content::Foreign { .. } => {}
    }
}

#[cfg(test)]
mod tests;
