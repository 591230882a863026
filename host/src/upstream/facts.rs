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
    let last = request.messages.iter().rposition(is_users);
    for (index, message) in request.messages.iter().enumerate() {
        walk(message, Some(index) == last, &mut sketch);
    }
    sketch.facts(counting::estimate(request), request.max_output_tokens)
}

fn is_users(message: &Message) -> bool {
    message.role == Role::User && !has_results(message)
}

fn has_results(message: &Message) -> bool {
    message.parts.iter().any(|part| matches!(part.content, Content::ToolResult { .. }))
}

/// What the operator says is the same in every request, and what the model said is an answer: only images count of these.
/// `is_last`: the user's last turn, which alone is searched.
fn walk(message: &Message, is_last: bool, sketch: &mut Sketch) {
    let is_users = is_users(message);
    if is_users {
        sketch.turn();
    }
    for part in &message.parts {
        match &part.content {
            Content::Text(text) if is_last => sketch.said(text),
            Content::Text(text) if is_users || message.role == Role::Tool || has_results(message) => sketch.read(text),
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
