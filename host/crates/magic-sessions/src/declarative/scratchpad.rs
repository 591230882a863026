//! What the model has in front of it: the prompt, the conversation, and the rounds so far. Only grows at its end, so that
//! a vendor's prompt cache keeps hitting.
use super::reply;
use crate::prompt::{self, Block, History, Policy, Rendering, Sources};
use magic_tags::Tags;
use magic_types::chat::{Message, Part, Role, ToolCall, ToolDefinition, ToolError, ToolOutput, ToolResult};

pub(super) struct Scratchpad {
    messages: Vec<Message>,
    guard: Tags,
    rendering: &'static Rendering,
    has_tools: bool,
    /// Calls and results go to the vendor in its own form.
    native: bool,
    /// Said by the user while the model was busy: it is read behind what the model waits for.
    unread: Vec<Message>,
}

/// One reply of the model as it goes into the conversation.
#[derive(Default)]
pub(super) struct Turn {
    /// Closed tags, nothing invented.
    pub(super) text: String,
    /// The model's native reasoning: whether it goes back is its dialect's affair.
    pub(super) reasoning: String,
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
        rendering: &'static Rendering,
        native: bool,
    ) -> Self {
        let guard = prompt::guarded_tags(structure);
        let history = History::new(conversation, &guard, native);
        let sources = Sources { structure, policy, tools, said_by_client: &history.instructions };
        let system = prompt::system(&sources, &guard, rendering);
        let mut messages = vec![Message::text(Role::System, system)];
        if rendering.example_turns {
            messages.extend(prompt::turns(structure));
        }
        messages.extend(history.messages);
        Self { messages, guard, rendering, has_tools: !tools.is_empty(), native, unread: Vec::new() }
    }

    /// The tools as the vendor is told of them.
    pub(super) fn guarded(&self, tools: &[ToolDefinition]) -> Vec<ToolDefinition> {
        tools.iter().map(|tool| prompt::guarded(tool, &self.guard)).collect()
    }

    /// From now on the model is not asked to write its thoughts down.
    pub(super) fn model_thinks(&mut self) {
        if let Some(Part::Text(system)) = self.messages.first_mut().and_then(|system| system.parts.first_mut()) {
            *system = prompt::for_a_thinker(system, self.has_tools, self.rendering);
        }
    }

    /// The messages of the next ask; what the user said meanwhile is read now.
    pub(super) fn read_out(&mut self) -> Vec<Message> {
        for message in std::mem::take(&mut self.unread) {
            self.add(message);
        }
        self.messages.clone()
    }

    /// The messages of an ask that leaves no trace: with a turn that is not kept yet, and a question about it.
    pub(super) fn aside(&self, turn: &Turn, question: &str) -> Vec<Message> {
        let mut messages = self.messages.clone();
        // The question is about what was thought: where that is all there is, it must not be left to a dialect to drop it.
        let turn = match turn.text.trim() {
            "" => Message::text(Role::Assistant, ["<THOUGHT>", turn.reasoning.trim(), "</THOUGHT>"].concat()),
            text => spoken(turn, text.to_owned(), Vec::new()),
        };
        prompt::join(&mut messages, turn);
        prompt::join(&mut messages, Message::text(Role::User, question));
        messages
    }

    pub(super) fn model_said(&mut self, turn: &Turn) {
        self.add(spoken(turn, turn.text.trim().to_owned(), Vec::new()));
    }

    /// However the calls were written, they stand in the conversation in the one form of the protocol.
    pub(super) fn model_called(&mut self, turn: &Turn, calls: &[ToolCall]) {
        let text = turn.text.trim();
        let message = if self.native {
            let calls = calls.iter().cloned().map(Part::ToolCall).collect();
            spoken(turn, reply::before_action(text).to_owned(), calls)
        } else if text.ends_with("</ACTION>") {
            spoken(turn, text.to_owned(), Vec::new())
        } else {
            let calls: Vec<&ToolCall> = calls.iter().collect();
            let action = prompt::action(&calls, &self.guard);
            spoken(turn, if text.is_empty() { action } else { [text, "\n", &action].concat() }, Vec::new())
        };
        self.add(message);
    }

    /// Text of ours.
    pub(super) fn say(&mut self, text: &str) {
        self.add(Message::text(Role::User, text));
    }

    /// Adds what was wrong with a reply, and returns it as the model reads it.
    pub(super) fn mistake(&mut self, problem: &str) -> String {
        let shown = ["Error: ", &self.guard.escape(problem)].concat();
        let text = if self.native { shown.clone() } else { prompt::observation(&shown) };
        self.add(Message::text(Role::User, text));
        shown
    }

    /// Adds a result as the model shall read it, and returns that text. `several`: the tool is named, for others ran with it.
    pub(super) fn observe(&mut self, call: &ToolCall, several: bool, result: &ToolResult) -> String {
        let (kept, note) = bounded(&prompt::result_text(result));
        let text = [self.guard.escape(&kept).as_ref(), &note].concat();
        let shown = if several { [&call.name, ": ", &text].concat() } else { text.clone() };
        let message = if self.native {
            let outcome = match &result.outcome {
                Ok(_) => Ok(ToolOutput { text, structured: None }),
                // The dialect writes in its own form that it is an error.
                Err(_) => Err(ToolError::Failed(text.strip_prefix("Error: ").unwrap_or(&text).to_owned())),
            };
            let result = ToolResult { call_id: call.id.clone(), outcome };
            Message { role: Role::Tool, parts: vec![Part::ToolResult(result)] }
        } else {
            Message::text(Role::User, prompt::observation(&shown))
        };
        self.add(message);
        shown
    }

    pub(super) fn user_said(&mut self, message: &Message) {
        self.unread.extend(History::new(std::slice::from_ref(message), &self.guard, false).messages);
    }

    fn add(&mut self, message: Message) {
        prompt::join(&mut self.messages, message);
    }
}

fn spoken(turn: &Turn, text: String, calls: Vec<Part>) -> Message {
    let said = |text: &str| !text.trim().is_empty();
    let reasoning = Some(turn.reasoning.clone()).filter(|text| said(text)).map(Part::Reasoning);
    let text = Some(text).filter(|text| said(text)).map(Part::Text);
    Message { role: Role::Assistant, parts: reasoning.into_iter().chain(text).chain(calls).collect() }
}

/// The beginning of a text that is too long, and a note of what is missing.
fn bounded(text: &str) -> (String, String) {
    if text.len() <= OBSERVATION_BYTES_MAX {
        return (text.to_owned(), String::new());
    }
    let end = (0..=OBSERVATION_BYTES_MAX).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    let note = format!("\n[cut: {end} of {} bytes are shown]", text.len());
    (text.get(..end).unwrap_or_default().to_owned(), note)
}
