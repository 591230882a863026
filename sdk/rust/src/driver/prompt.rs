//! The turns that a model is asked with. What users and tools said goes in as data: literally, and unable to open a tag.
//! Refuses format strings.

use std::borrow::Cow;

use magic_tags::Tags;

use super::{Ctx, Message, Part, Role, ToolCall, result_text};

/// Turns in order; neighbours of one role are one turn, for many chat templates insist on that.
#[derive(Clone, Debug, Default)]
pub struct Prompt {
    system: String,
    turns: Vec<Message>,
}

/// The template with each `{{name}}` replaced by its value, once and literally. A value is data: it can open none of the
/// engine's tags and none of those that the template itself uses.
#[must_use]
pub fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let guard = Tags::new(tag_names(template));
    let mut out = String::new();
    let mut rest = template.trim();
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let found = after.split_once("}}").and_then(|(name, after)| {
            let (_, value) = values.iter().find(|(known, _)| *known == name)?;
            Some((value, after))
        });
        match found {
            Some((value, after)) => {
                out.push_str(&guard.escape(value.trim()));
                rest = after;
            }
            None => {
                out.push_str("{{");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// The names in `<NAME ..>` and `</NAME>` of our own text.
fn tag_names(template: &str) -> impl Iterator<Item = &str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    template.split('<').skip(1).filter_map(move |rest| rest.trim_start_matches('/').split(|c| !is_name(c)).next())
}

// === impl Prompt ===
impl Prompt {
    /// Begins with the pattern's own instruction; an empty one is left out.
    #[must_use]
    pub fn new(system: &str) -> Self {
        Self { system: system.trim().into(), turns: Vec::new() }
    }

    /// With the conversation so far: what the client said as the system joins the instruction, native calls and results
    /// become text.
    #[must_use]
    pub fn conversation(mut self, ctx: &Ctx) -> Self {
        let guard = Tags::default();
        for message in ctx.messages().iter().chain(&ctx.said()) {
            if message.role == Role::System {
                let text = fill(CLIENT, &[("text", &message.plain_text())]);
                append(&mut self.system, &text);
            } else {
                self = self.turn(heard(message, &guard));
            }
        }
        self
    }

    /// With one turn of the user. A blank turn is none: some vendors refuse it.
    #[must_use]
    pub fn user(self, text: impl Into<String>) -> Self {
        self.turn(Message::user(text))
    }

    /// With one turn of the model.
    #[must_use]
    pub fn assistant(self, text: impl Into<String>) -> Self {
        self.turn(Message::assistant(text))
    }

    fn turn(mut self, mut message: Message) -> Self {
        message.parts.retain(|part| !matches!(part, Part::Text(text) if text.trim().is_empty()));
        let Some(last) = self.turns.last_mut().filter(|last| last.role == message.role) else {
            self.turns.extend((!message.parts.is_empty()).then_some(message));
            return self;
        };
        for part in message.parts {
            match (last.parts.last_mut(), part) {
                (Some(Part::Text(before)), Part::Text(text)) => append(before, &text),
                (_, part) => last.parts.push(part),
            }
        }
        self
    }

    pub(super) fn into_messages(self) -> Vec<Message> {
        let system = (!self.system.is_empty()).then(|| Message::system(self.system));
        system.into_iter().chain(self.turns).collect()
    }
}

const CLIENT: &str = "<CLIENT_INSTRUCTIONS>\n{{text}}\n</CLIENT_INSTRUCTIONS>";

fn append(text: &mut String, more: &str) {
    if !text.is_empty() {
        text.push_str("\n\n");
    }
    text.push_str(more);
}

fn heard(message: &Message, guard: &Tags) -> Message {
    let role = if message.role == Role::Assistant { Role::Assistant } else { Role::User };
    let parts = message.parts.iter().filter_map(|part| match part {
        Part::Text(text) if message.role == Role::Tool => Some(Part::Text(observation(text))),
        Part::Text(text) => Some(Part::Text(guard.escape(text).into_owned())),
        Part::Media(media) => Some(Part::Media(media.clone())),
        Part::ToolResult(result) => Some(Part::Text(observation(&result_text(result)))),
        Part::ToolCall(call) => Some(Part::Text(called(call, guard))),
        Part::Reasoning(_) => None,
    });
    Message { role, parts: parts.collect() }
}

fn observation(text: &str) -> String {
    fill("<OBSERVATION>{{text}}</OBSERVATION>", &[("text", text)])
}

fn called(call: &ToolCall, guard: &Tags) -> String {
    let name: Cow<'_, str> = guard.escape(&call.name);
    let arguments = guard.escape(call.arguments_json.trim());
    ["<ACTION>{\"tool_name\": \"", &name, "\", \"arguments\": ", &arguments, "}</ACTION>"].concat()
}
