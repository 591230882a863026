//! The conversation in Anthropic's order: system texts apart, then turns of the user and the assistant that alternate,
//! with the results of tools at the head of the user's.
use super::content;
use crate::chat::{Content, Message, NOTHING_SAID, Request};
use crate::lost::Lost;
use magic_types::chat::Role;
use serde_json::{Value, json};

pub(super) struct Turns {
    pub(super) system: Vec<Value>,
    /// Invariant: no turn is empty, and no two that follow each other are of one speaker.
    pub(super) turns: Vec<Turn>,
}

pub(super) struct Turn {
    speaker: &'static str,
    /// Of tools, which Anthropic wants first.
    results: Vec<Value>,
    blocks: Vec<Value>,
}

pub(super) fn of(request: &Request, lost: &mut Lost) -> Turns {
    let mut turns = Turns { system: Vec::new(), turns: Vec::new() };
    for (at, message) in request.messages.iter().enumerate() {
        turns.push(at, message, lost);
    }
    // A conversation of system messages alone, which OpenAI takes and Anthropic refuses: its last one is the question.
    if turns.turns.is_empty()
        && let Some(last) = turns.system.pop()
    {
        turns.turns.push(Turn { speaker: "user", results: Vec::new(), blocks: vec![last] });
        let at = request.messages.iter().rposition(|message| message.role == Role::System);
        lost.name(format!("messages[{}].role", at.unwrap_or(0)));
    }
    turns.trim_prefill();
    turns
}

// === impl Turns ===
impl Turns {
    fn push(&mut self, at: usize, message: &Message, lost: &mut Lost) {
        lost.when(message.name.is_some(), format!("messages[{at}].name"));
        for (key, _) in message.rest.iter().filter(|(_, value)| !value.is_null()) {
            lost.name(format!("messages[{at}].{key}"));
        }
        let mut results = Vec::new();
        let mut blocks = Vec::new();
        for (place, part) in message.parts.iter().enumerate() {
            let is_result = matches!(part.content, Content::ToolResult { .. });
            let path = format!("messages[{at}].content[{place}]");
            let block = match message.role {
                Role::System => content::system(part, &path, lost),
                Role::User | Role::Assistant | Role::Tool => content::block(part, &path, lost),
            };
            if is_result { results.extend(block) } else { blocks.extend(block) }
        }
        if message.role == Role::User && results.is_empty() && blocks.is_empty() {
            blocks.push(json!({ "type": "text", "text": NOTHING_SAID }));
        }
        match message.role {
            Role::System => self.system.extend(blocks),
            Role::User | Role::Tool => self.turn("user", results, blocks),
            Role::Assistant => self.turn("assistant", results, blocks),
        }
    }

    fn turn(&mut self, speaker: &'static str, results: Vec<Value>, blocks: Vec<Value>) {
        if results.is_empty() && blocks.is_empty() {
            return;
        }
        match self.turns.last_mut() {
            Some(last) if last.speaker == speaker => {
                last.results.extend(results);
                last.blocks.extend(blocks);
            }
            Some(_) | None => self.turns.push(Turn { speaker, results, blocks }),
        }
    }

    /// Anthropic refuses white space at the end of an answer that it shall continue.
    fn trim_prefill(&mut self) {
        let Some(last) = self.turns.last_mut().filter(|turn| turn.speaker == "assistant") else { return };
        let Some(Value::String(text)) = last.blocks.last_mut().and_then(|block| block.get_mut("text")) else { return };
        text.truncate(text.trim_end().len());
        if text.is_empty() {
            last.blocks.pop();
        }
        if last.blocks.is_empty() {
            self.turns.pop();
        }
    }

    /// The last thing said is a tool's result, and the turn that called the tool has lost its thoughts.
    pub(super) fn goes_on_without_thoughts(&self) -> bool {
        let [.., assistant, user] = self.turns.as_slice() else { return false };
        let first = assistant.blocks.first().and_then(|block| block.get("type")).and_then(Value::as_str);
        !user.results.is_empty() && !matches!(first, Some("thinking" | "redacted_thinking"))
    }
}

// === impl Turn ===
impl Turn {
    pub(super) fn into_json(mut self) -> Value {
        self.results.append(&mut self.blocks);
        json!({ "role": self.speaker, "content": self.results })
    }
}
