//! The conversation as the model of a pattern reads it: what was said before, in the pattern's own form. Drops nothing
//! that was said; calls and results of tools become text, unless the protocol is the vendor's own.
use crate::action::json_string;
use magic_tags::Tags;
use magic_types::chat::{Message, Part, Role, ToolCall, ToolError, ToolOutput, ToolResult};

/// A conversation taken apart.
pub(crate) struct History {
    /// Users and assistants in turn, in order.
    pub(crate) messages: Vec<Message>,
    /// What the client said as the system, in order and as it is.
    pub(crate) instructions: Vec<String>,
}

// === impl History ===

impl History {
    /// `native`: calls and results stay what they are.
    pub(crate) fn new(messages: &[Message], guard: &Tags, native: bool) -> Self {
        let mut history = Self { messages: Vec::new(), instructions: Vec::new() };
        for message in messages {
            match message.role {
                Role::System => history.instructions.push(message.plain_text()),
                Role::User | Role::Tool if native => history.results(message, guard),
                Role::User | Role::Tool => join(&mut history.messages, heard(message, guard)),
                Role::Assistant => {
                    let calls = if native { said_natively(message, guard) } else { None };
                    let said = calls.or_else(|| said(message, guard));
                    said.into_iter().for_each(|said| join(&mut history.messages, said));
                }
            }
        }
        history
    }

    /// Results first, since they follow their calls; then what else was said with them.
    fn results(&mut self, message: &Message, guard: &Tags) {
        let (results, others): (Vec<&Part>, Vec<&Part>) =
            message.parts.iter().partition(|part| matches!(part, Part::ToolResult(_)));
        let results: Vec<Part> = results.into_iter().filter_map(|part| as_result(part, guard)).collect();
        let has_results = !results.is_empty();
        if has_results {
            join(&mut self.messages, Message { role: Role::Tool, parts: results });
        }
        if !others.is_empty() || !has_results {
            let rest = Message { role: message.role, parts: others.into_iter().cloned().collect() };
            join(&mut self.messages, heard(&rest, guard));
        }
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

/// A turn with calls, and with the thoughts that led to them: some vendors want those back. `None` without a call.
fn said_natively(message: &Message, guard: &Tags) -> Option<Message> {
    let calls = message.parts.iter().filter_map(as_call).map(|call| Part::ToolCall(call.clone()));
    let calls: Vec<Part> = calls.collect();
    if calls.is_empty() {
        return None;
    }
    let mut parts: Vec<Part> =
        message.parts.iter().filter(|part| matches!(part, Part::Reasoning(_))).cloned().collect();
    let text = message.plain_text();
    let text = guard.escape(text.trim());
    if !text.is_empty() {
        parts.push(Part::Text(["<THOUGHT>", &text, "</THOUGHT>"].concat()));
    }
    parts.extend(calls);
    Some(Message { role: Role::Assistant, parts })
}

fn as_result(part: &Part, guard: &Tags) -> Option<Part> {
    let Part::ToolResult(ToolResult { call_id, outcome }) = part else { return None };
    let text = |text: &str| guard.escape(text).into_owned();
    let outcome = match outcome {
        Ok(output) => Ok(ToolOutput { text: text(&output.text), structured: None }),
        Err(error) => Err(ToolError::Failed(text(&error.to_string()))),
    };
    Some(Part::ToolResult(ToolResult { call_id: call_id.clone(), outcome }))
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

pub(crate) fn as_call(part: &Part) -> Option<&ToolCall> {
    match part {
        Part::ToolCall(call) => Some(call),
        Part::Text(_) | Part::Media(_) | Part::Reasoning(_) | Part::ToolResult(_) => None,
    }
}
