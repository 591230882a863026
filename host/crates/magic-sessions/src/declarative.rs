//! The Thought-Action-Observation loop for patterns that are only a prompt, as a driver like any other. Reads replies by
//! whichever rung of the ladder they stand on (`docs/adr/0009`), strongest first.
mod asking;
mod calling;
mod next_step;
mod reply;
mod rungs;
mod scratchpad;

use crate::action;
use crate::driver::{Driver, Next};
use crate::grammar::Scope;
use crate::prompt::{self, Block, Policy, Protocol, Rendering};
use calling::Pending;
use magic_tags::Tags;
use magic_types::Usage;
use magic_types::chat::{Completion, LlmError, Message, Part, Role, ToolDefinition};
use magic_types::directive::{Delta, Directive, Emit, Event, SessionContext};
use next_step::Stated;
use reply::{Reply, Said};
pub use rungs::ladder_words;
use rungs::{Rung, Rungs};
use scratchpad::{Scratchpad, Turn};

/// Generation parameters of every ask; `None` means "what the profile says".
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Generation {
    pub temperature: Option<f32>,
    pub top_p: Option<f32>,
    pub max_output_tokens: Option<u32>,
}

/// What one session of a declarative pattern is run with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Program {
    pub structure: Vec<Block>,
    pub protocol: Protocol,
    pub policy: Policy,
    pub generation: Generation,
    /// The client's own tools: a call of one ends the session with the call as its answer.
    pub client_tools: Vec<ToolDefinition>,
    /// The first step calls a tool. Only a grammar or a vendor can hold a model to it.
    pub tool_required: bool,
}

/// One session's loop. Asks one thing at a time.
pub struct Declarative {
    protocol: Protocol,
    rendering: &'static Rendering,
    generation: Generation,
    tags: Tags,
    /// The client's own first, then the server's; each name once.
    tools: Vec<ToolDefinition>,
    /// So many of `tools` are the client's own.
    client_tools: usize,
    tool_required: bool,
    steps_max: u32,
    scratchpad: Scratchpad,
    state: State,
    asks: u32,
    calls: u32,
    /// Ids of calls in the conversation: no vendor may read one twice.
    taken: Vec<String>,
    /// Unusable replies in a row.
    repairs: u32,
    /// Set when the next ask is for the answer only: why.
    finishing: Option<String>,
    answer_retried: bool,
    /// The last thought, for want of an answer.
    thought: String,
    /// The model has shown reasoning of its own.
    thinks: bool,
    rungs: Rungs,
}

enum State {
    Idle,
    /// `answer_only`: tools are off.
    Asking {
        reply: Box<Reply>,
        answer_only: bool,
    },
    /// The second phase of `json_schema`: what was the decision of this turn?
    Stating(Turn),
    Calling(Vec<Pending>),
}

/// After so many unusable replies in a row the model is asked for its answer instead.
const REPAIRS_MAX: u32 = 2;

// === impl Declarative ===

impl Declarative {
    pub fn new(program: Program, ctx: SessionContext) -> Self {
        let Program { structure, protocol, policy, generation, client_tools, tool_required } = program;
        let rendering = Rendering::of(protocol);
        let own = client_tools.len();
        let mut tools = client_tools;
        for tool in ctx.tools {
            if !tools.iter().any(|known| known.name == tool.name) {
                tools.push(tool);
            }
        }
        // Without tools there is nothing for a vendor to match earlier calls with.
        let native = protocol == Protocol::Native && !tools.is_empty();
        let scratchpad = Scratchpad::new(&structure, &policy, &tools, &ctx.messages, rendering, native);
        let parts = ctx.messages.iter().flat_map(|message| &message.parts);
        Self {
            protocol,
            rendering,
            generation,
            tags: prompt::reply_tags(&structure),
            tools,
            client_tools: own,
            tool_required,
            steps_max: ctx.limits.steps_max,
            scratchpad,
            state: State::Idle,
            asks: 0,
            calls: 0,
            taken: parts.filter_map(prompt::as_call).map(|call| call.id.clone()).collect(),
            repairs: 0,
            finishing: None,
            answer_retried: false,
            thought: String::new(),
            thinks: false,
            rungs: Rungs::default(),
        }
    }

    fn event(&mut self, event: &Event, out: &mut Vec<Directive>) {
        match event {
            Event::Start => self.ask(out),
            Event::LlmDelta { ref_id, delta } => self.delta(*ref_id, delta, out),
            Event::Llm { ref_id, outcome } => self.llm(*ref_id, outcome, out),
            Event::Tool(result) => self.tool(result, out),
            Event::User(message) => self.scratchpad.user_said(message),
            // Read beforehand, for it changes what the events beside it lead to.
            Event::WrapUp(_) => {}
            // Never asked for.
            Event::Delegated { .. } | Event::Timer(_) => {}
        }
    }

    fn delta(&mut self, ref_id: u32, delta: &Delta, out: &mut Vec<Directive>) {
        let State::Asking { reply, .. } = &mut self.state else { return };
        if ref_id != self.asks {
            return;
        }
        match delta {
            Delta::Text(text) => reply.text(text, out),
            Delta::Reasoning(text) => reply.reasoning(text, out),
        }
    }

    fn llm(&mut self, ref_id: u32, outcome: &Result<Completion, LlmError>, out: &mut Vec<Directive>) {
        if ref_id != self.asks || matches!(self.state, State::Idle | State::Calling(_)) {
            return;
        }
        let state = std::mem::replace(&mut self.state, State::Idle);
        match (state, outcome) {
            (_, Err(error)) => self.fail(llm_text(error), out),
            (State::Asking { reply, answer_only }, Ok(completion)) => {
                let said = reply.finish(&completion.message, out);
                let turn = Turn { text: said.text.clone(), reasoning: reasoning(&completion.message) };
                self.notice_thinking(&completion.message, &turn);
                self.replied(said, turn, native_calls(&completion.message), answer_only, out);
            }
            (State::Stating(turn), Ok(completion)) => self.stated(turn, &completion.message, out),
            (State::Idle | State::Calling(_), Ok(_)) => {}
        }
    }

    /// Reasoning of its own is kept as the thought: from the next ask on no other is asked for.
    fn notice_thinking(&mut self, message: &Message, turn: &Turn) {
        let text = message.plain_text();
        let marked = text.trim_start().as_bytes().get(.."<think".len());
        let thinks = !turn.reasoning.is_empty() || marked.is_some_and(|head| head.eq_ignore_ascii_case(b"<think"));
        if thinks && !self.thinks {
            self.thinks = true;
            self.scratchpad.model_thinks();
        }
    }

    fn replied(
        &mut self,
        said: Said,
        turn: Turn,
        native: Vec<action::Call>,
        answer_only: bool,
        out: &mut Vec<Directive>,
    ) {
        if !said.thought.is_empty() {
            self.thought.clone_from(&said.thought);
        }
        if !said.answer.is_empty() {
            return self.answer(if answer_only { Rung::Forced } else { Rung::Tag }, &said.answer, out);
        }
        if answer_only {
            return match said.untagged.trim() {
                "" => self.without_answer(&turn, out),
                untagged => self.answer(Rung::Forced, untagged, out),
            };
        }
        if !native.is_empty() {
            return self.act_natively(turn, native, out);
        }
        match calls(&said) {
            Err(problem) => match action::find(&said.actions.concat(), |name| self.knows(name)) {
                Some(found) => self.act(Rung::Extracted, turn, found.calls, out),
                None => self.repair(&turn, &problem, out),
            },
            Ok(calls) if !calls.is_empty() => self.act(Rung::Tag, turn, calls, out),
            Ok(_) if said.answered && said.untagged.trim().is_empty() => self.without_answer(&turn, out),
            Ok(_) => self.without_action(said, turn, out),
        }
    }

    /// Nothing stands where it belongs: a call in prose, an answer without its tag, or a thought.
    fn without_action(&mut self, said: Said, mut turn: Turn, out: &mut Vec<Directive>) {
        let found = if said.paused { None } else { action::find(&turn.text, |name| self.knows(name)) };
        if let Some(found) = found {
            let before = turn.text.get(..found.at).unwrap_or_default();
            let words = reply::words(before, self.tags.clone());
            let words = reply::without_open_fence(words.trim().trim_end_matches('['));
            if !said.untagged.is_empty() && !words.is_empty() {
                out.push(Directive::Emit(Emit::Thought(words.to_owned())));
            }
            turn.text = if words.is_empty() { String::new() } else { ["<THOUGHT>", words, "</THOUGHT>"].concat() };
            return self.act(Rung::Extracted, turn, found.calls, out);
        }
        match said.untagged.trim() {
            "" => self.go_on(&said, turn, out),
            untagged => self.answer(Rung::Untagged, untagged, out),
        }
    }

    /// An empty ACTION, or a thought alone.
    fn go_on(&mut self, said: &Said, turn: Turn, out: &mut Vec<Directive>) {
        let thought = !turn.text.trim().is_empty() || !turn.reasoning.trim().is_empty();
        let states = self.protocol == Protocol::JsonSchema && !self.tools.is_empty();
        if states && thought && !said.paused && self.finishing.is_none() {
            return self.ask_to_state(turn, out);
        }
        if turn.text.trim().is_empty() {
            return self.repair(&turn, "Your reply was empty.", out);
        }
        self.usable(if said.tagged { Rung::Tag } else { Rung::Untagged });
        self.repairs = 0;
        self.scratchpad.model_said(&turn);
        self.scratchpad.say(self.rendering.go_on);
        self.ask(out);
    }

    fn stated(&mut self, turn: Turn, message: &Message, out: &mut Vec<Directive>) {
        let text = message.plain_text();
        match next_step::read(&text) {
            Stated::Answer(answer) => self.answer(Rung::Schema, &answer, out),
            Stated::Calls(calls) => self.act(Rung::Schema, turn, calls, out),
            Stated::Nothing(problem) => match action::find(&text, |name| self.knows(name)) {
                Some(found) => self.act(Rung::Extracted, turn, found.calls, out),
                None => self.repair(&turn, &problem, out),
            },
        }
    }

    /// Shows the model what was wrong with its reply.
    fn repair(&mut self, turn: &Turn, problem: &str, out: &mut Vec<Directive>) {
        if !turn.text.trim().is_empty() {
            self.scratchpad.model_said(turn);
        }
        out.push(Directive::Emit(Emit::Observation(self.scratchpad.mistake(problem))));
        self.count_repair();
        self.ask(out);
    }

    fn count_repair(&mut self) {
        self.repairs += 1;
        if self.repairs > REPAIRS_MAX && self.finishing.is_none() {
            self.finishing = Some("Several actions in a row could not be used.".to_owned());
        }
    }

    fn usable(&mut self, rung: Rung) {
        let rung = match rung {
            Rung::Forced => Rung::Forced,
            _ if self.repairs > 0 => Rung::Repaired,
            Rung::Tag if self.protocol == Protocol::Grammar => Rung::Grammar,
            rung => rung,
        };
        self.rungs.count(rung);
    }

    /// Asked once more; then the last thought has to do.
    fn without_answer(&mut self, turn: &Turn, out: &mut Vec<Directive>) {
        if self.answer_retried {
            let thought = self.thought.trim().to_owned();
            return match thought.is_empty() {
                true => self.fail("the model gave no answer".to_owned(), out),
                false => self.answer(Rung::Forced, &thought, out),
            };
        }
        self.answer_retried = true;
        if !turn.text.trim().is_empty() {
            self.scratchpad.model_said(turn);
        }
        self.scratchpad.say(self.rendering.answer_was_empty);
        self.ask_with(Scope::AnswerOnly, out);
    }

    fn answer(&mut self, rung: Rung, answer: &str, out: &mut Vec<Directive>) {
        self.usable(rung);
        self.finish(Message::text(Role::Assistant, answer), out);
    }

    fn finish(&mut self, message: Message, out: &mut Vec<Directive>) {
        out.extend(self.rungs.told(self.protocol).map(Directive::Emit));
        out.push(Directive::Finish(message));
    }

    fn fail(&mut self, why: String, out: &mut Vec<Directive>) {
        out.extend(self.rungs.told(self.protocol).map(Directive::Emit));
        out.push(Directive::Fail(why));
    }
}

impl Driver for Declarative {
    fn next<'a>(&'a mut self, events: &'a [Event], _spent: &'a Usage) -> Next<'a> {
        for event in events {
            if let Event::WrapUp(why) = event {
                self.finishing.get_or_insert_with(|| sentence(why));
            }
        }
        let mut out = Vec::new();
        events.iter().for_each(|event| self.event(event, &mut out));
        Next::Ready(Ok(out))
    }
}

fn calls(said: &Said) -> Result<Vec<action::Call>, String> {
    let mut calls = Vec::new();
    for action in &said.actions {
        calls.extend(action::parse(action).map_err(|error| error.to_string())?);
    }
    Ok(calls)
}

fn reasoning(message: &Message) -> String {
    let thoughts = message.parts.iter().filter_map(|part| match part {
        Part::Reasoning(text) => Some(text.as_str()),
        Part::Text(_) | Part::Media(_) | Part::ToolCall(_) | Part::ToolResult(_) => None,
    });
    thoughts.collect::<Vec<_>>().join("\n")
}

fn native_calls(message: &Message) -> Vec<action::Call> {
    let calls = message.parts.iter().filter_map(prompt::as_call).map(|call| {
        let arguments = call.arguments_json.trim();
        let arguments_json = if arguments.is_empty() { "{}" } else { arguments }.to_owned();
        action::Call { name: call.name.clone(), arguments_json }
    });
    calls.collect()
}

fn llm_text(error: &LlmError) -> String {
    match error {
        LlmError::ContextTooLong => "the conversation and what was found on the way no longer fit the model's window: \
                                     ask for less at once, or use an alias whose model has a larger window"
            .to_owned(),
        LlmError::Unavailable(_)
        | LlmError::RateLimited(_)
        | LlmError::Refused(_)
        | LlmError::BudgetExceeded(_)
        | LlmError::InvalidRequest(_)
        | LlmError::Cancelled
        | LlmError::TimedOut => error.to_string(),
    }
}

fn sentence(why: &str) -> String {
    let mut chars = why.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    [&first, chars.as_str(), "."].concat()
}

#[cfg(test)]
mod tests;
