//! Directives as lines of text. Refuses to leave out what a test may have to see, but for the turns before the last.

use crate::{
    bindings::driver::exports::magic::proxy::driver::{Ask, Emit},
    driver::{Directive, Message, Part, Role, Show},
};

/// One line a directive; none for an empty batch of calls.
pub(super) fn line(directive: &Directive) -> Vec<String> {
    let line = match directive {
        Directive::Ask(ask) => format!("ask {} {}: {}", ask.ref_, manner(ask), last(&ask.request.messages)),
        Directive::CallTools(calls) => {
            let call =
                |call: &crate::driver::ToolCall| format!("call {} {} {}", call.id, call.name, call.arguments_json);
            return calls.iter().map(call).collect();
        }
        Directive::Delegate(delegate) => {
            format!("delegate {} {}: {}", delegate.ref_, delegate.agent, last(&delegate.messages))
        }
        Directive::Emit(Emit::Thought(text)) => format!("thought: {}", flat(text)),
        Directive::Emit(Emit::Answer(text)) => format!("answer: {}", flat(text)),
        Directive::Emit(Emit::Progress((kind, payload))) => format!("progress {kind} {payload}"),
        Directive::Wait((ref_, ms)) => format!("wait {ref_} {ms} ms"),
        Directive::Cancel(ref_) => format!("cancel {ref_}"),
        Directive::Finish(message) => format!("finish: {}{}", flat(&message.plain_text()), calls(message)),
        Directive::Fail(text) => format!("fail: {}", flat(text)),
    };
    vec![line]
}

/// A line a turn.
pub(super) fn prompt(messages: &[Message]) -> String {
    let turn = |message: &Message| {
        let role = match message.role {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Tool => "tool",
        };
        format!("{role}: {}{}", flat(&message.plain_text()), calls(message))
    };
    messages.iter().map(turn).collect::<Vec<_>>().join("\n")
}

fn manner(ask: &Ask) -> String {
    let request = &ask.request;
    let show = match ask.show {
        Show::Hidden => "hidden",
        Show::Thought => "thought",
        Show::Answer => "answer",
    };
    let set = [
        ask.stream_to_me.then(|| "streamed".to_owned()),
        request.model.as_ref().map(|model| format!("model={model}")),
        request.temperature.map(|temperature| format!("temperature={temperature}")),
        request.max_output_tokens.map(|tokens| format!("max={tokens}")),
        (!request.stop.is_empty()).then(|| format!("stop={:?}", request.stop)),
        request.response_json_schema.as_ref().map(|_| "schema".to_owned()),
        request.seed.map(|_| "seeded".to_owned()),
        (!request.tools.is_empty()).then(|| format!("tools={}", request.tools.len())),
    ];
    [show.to_owned()].into_iter().chain(set.into_iter().flatten()).collect::<Vec<_>>().join(" ")
}

fn last(messages: &[Message]) -> String {
    messages.last().map(|message| flat(&message.plain_text())).unwrap_or_default()
}

fn calls(message: &Message) -> String {
    let calls = message.parts.iter().filter_map(|part| match part {
        Part::ToolCall(call) => Some(format!(" {}{}", call.name, call.arguments_json)),
        Part::Text(_) | Part::Media(_) | Part::Reasoning(_) | Part::ToolResult(_) => None,
    });
    calls.collect()
}

fn flat(text: &str) -> String {
    text.replace('\n', "\\n")
}
