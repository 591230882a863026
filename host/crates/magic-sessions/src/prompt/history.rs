//! The conversation as the model of a pattern reads it: what was said before, in the pattern's own form. Drops nothing
//! that was said; native calls and results become text.
use crate::action::json_string;
use magic_tags::Tags;
use magic_types::chat::{Message, Part, Role, ToolCall, ToolResult};

/// A conversation taken apart.
pub(crate) struct History {
    /// Users and assistants in turn, in order.
    pub(crate) messages: Vec<Message>,
    /// What the client said as the system, in order and as it is.
    pub(crate) instructions: Vec<String>,
}

// === impl History ===

impl History {
    pub(crate) fn new(messages: &[Message], guard: &Tags) -> Self {
        let mut history = Self { messages: Vec::new(), instructions: Vec::new() };
        for message in messages {
            match message.role {
                Role::System => history.instructions.push(message.plain_text()),
                Role::User | Role::Tool => join(&mut history.messages, heard(message, guard)),
                Role::Assistant => said(message, guard).into_iter().for_each(|said| join(&mut history.messages, said)),
            }
        }
        history
    }
}

/// Appends, merging with a last message of the same role: many chat templates insist on turns.
pub(crate) fn join(messages: &mut Vec<Message>, message: Message) {
    let Some(last) = messages.last_mut().filter(|last| last.role == message.role) else {
        messages.push(message);
        return;
    };
    for part in message.parts {
        match (last.parts.last_mut(), part) {
            (Some(Part::Text(before)), Part::Text(text)) => {
                before.push_str("\n\n");
                before.push_str(&text);
            }
            (_, part) => last.parts.push(part),
        }
    }
}

fn heard(message: &Message, guard: &Tags) -> Message {
    let parts = message.parts.iter().filter_map(|part| match part {
        Part::Text(text) if message.role == Role::Tool => Some(Part::Text(observation(&guard.escape(text)))),
        Part::Text(text) => Some(Part::Text(guard.escape(text).into_owned())),
        Part::Media(media) => Some(Part::Media(media.clone())),
        Part::ToolResult(result) => Some(Part::Text(observation(&guard.escape(&result_text(result))))),
        Part::Reasoning(_) | Part::ToolCall(_) => None,
    });
    Message { role: Role::User, parts: parts.collect() }
}

fn said(message: &Message, guard: &Tags) -> Option<Message> {
    let text = message.plain_text();
    let text = guard.escape(text.trim());
    let calls: Vec<&ToolCall> = message.parts.iter().filter_map(as_call).collect();
    let text = match (text.is_empty(), calls.is_empty()) {
        (true, true) => return None,
        (false, true) => ["<FINAL_ANSWER>", &text, "</FINAL_ANSWER>"].concat(),
        (true, false) => action(&calls, guard),
        (false, false) => ["<THOUGHT>", &text, "</THOUGHT>\n", &action(&calls, guard)].concat(),
    };
    Some(Message::text(Role::Assistant, text))
}

pub(crate) fn observation(text: &str) -> String {
    ["<OBSERVATION>", text, "</OBSERVATION>"].concat()
}

/// Calls as the model would have written them.
pub(crate) fn action(calls: &[&ToolCall], guard: &Tags) -> String {
    let call = |call: &&ToolCall| {
        let arguments = guard.escape(call.arguments_json.trim());
        let arguments = if arguments.is_empty() { "{}" } else { &arguments };
        ["{\"tool_name\": ", &json_string(&guard.escape(&call.name)), ", \"arguments\": ", arguments, "}"].concat()
    };
    let inner = match calls {
        [one] => call(one),
        several => ["[", &several.iter().map(call).collect::<Vec<_>>().join(", "), "]"].concat(),
    };
    ["<ACTION>", &inner, "</ACTION>"].concat()
}

/// What a model reads of a result; errors are there to be read too.
pub(crate) fn result_text(result: &ToolResult) -> String {
    match &result.outcome {
        Ok(output) => output.text.clone(),
        Err(error) => ["Error: ", &error.to_string()].concat(),
    }
}

fn as_call(part: &Part) -> Option<&ToolCall> {
    match part {
        Part::ToolCall(call) => Some(call),
        Part::Text(_) | Part::Media(_) | Part::Reasoning(_) | Part::ToolResult(_) => None,
    }
}
