//! What the model has in front of it: the prompt, the conversation, and the rounds so far. Only grows at its end, so that
//! a vendor's prompt cache keeps hitting.
use crate::prompt::{self, Block, History, Policy, Rendering, Sources};
use magic_tags::Tags;
use magic_types::chat::{Message, Role, ToolCall, ToolDefinition};

pub(super) struct Scratchpad {
    messages: Vec<Message>,
    guard: Tags,
    /// Said by the user while the model was busy: it is read behind what the model waits for.
    unread: Vec<Message>,
}

/// What one result may take of the model's window; about 4000 tokens.
const OBSERVATION_BYTES_MAX: usize = 16 << 10;

// === impl Scratchpad ===

impl Scratchpad {
    pub(super) fn new(
        structure: &[Block],
        policy: &Policy,
        tools: &[ToolDefinition],
        conversation: &[Message],
        rendering: &Rendering,
    ) -> Self {
        let guard = prompt::guarded_tags(structure);
        let history = History::new(conversation, &guard);
        let sources = Sources { structure, policy, tools, said_by_client: &history.instructions };
        let system = prompt::system(&sources, &guard, rendering);
        let mut messages = vec![Message::text(Role::System, system)];
        if rendering.example_turns {
            messages.extend(prompt::turns(structure));
        }
        messages.extend(history.messages);
        Self { messages, guard, unread: Vec::new() }
    }

    /// The messages of the next ask; what the user said meanwhile is read now.
    pub(super) fn read_out(&mut self) -> Vec<Message> {
        for message in std::mem::take(&mut self.unread) {
            self.add(message);
        }
        self.messages.clone()
    }

    pub(super) fn model_said(&mut self, text: &str) {
        self.add(Message::text(Role::Assistant, text.trim()));
    }

    /// `text` is the reply; native calls are not in it and are written behind it.
    pub(super) fn model_called(&mut self, text: &str, calls: &[ToolCall]) {
        let text = text.trim();
        if text.ends_with("</ACTION>") {
            return self.model_said(text);
        }
        let calls: Vec<&ToolCall> = calls.iter().collect();
        let action = prompt::action(&calls, &self.guard);
        self.model_said(&if text.is_empty() { action } else { [text, "\n", &action].concat() });
    }

    /// Text of ours.
    pub(super) fn say(&mut self, text: &str) {
        self.add(Message::text(Role::User, text));
    }

    /// Adds a result as the model shall read it, and returns that text. `tool` is named where several ran at once.
    pub(super) fn observe(&mut self, tool: Option<&str>, text: &str) -> String {
        let (kept, note) = bounded(text);
        let escaped = self.guard.escape(kept);
        let shown = match tool {
            Some(tool) => [tool, ": ", &escaped, &note].concat(),
            None => [escaped.as_ref(), &note].concat(),
        };
        self.add(Message::text(Role::User, prompt::observation(&shown)));
        shown
    }

    pub(super) fn user_said(&mut self, message: &Message) {
        self.unread.extend(History::new(std::slice::from_ref(message), &self.guard).messages);
    }

    fn add(&mut self, message: Message) {
        prompt::join(&mut self.messages, message);
    }
}

/// The beginning of a text that is too long, and a note of what is missing.
fn bounded(text: &str) -> (&str, String) {
    if text.len() <= OBSERVATION_BYTES_MAX {
        return (text, String::new());
    }
    let end = (0..=OBSERVATION_BYTES_MAX).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    let note = format!("\n[cut: {end} of {} bytes are shown]", text.len());
    (text.get(..end).unwrap_or_default(), note)
}
