//! The Thought-Action-Observation loop for patterns that are only a prompt, as a driver like any other.
mod reply;
mod scratchpad;

use crate::action;
use crate::driver::{Driver, Next};
use crate::grammar::{self, Scope};
use crate::prompt::{self, Block, Policy, Protocol, Rendering};
use magic_tags::Tags;
use magic_types::Usage;
use magic_types::chat::{
    Completion, CompletionRequest, Extra, LlmError, Message, Part, Role, ToolCall, ToolDefinition, ToolError,
    ToolResult,
};
use magic_types::directive::{Ask, Delta, Directive, Emit, Event, SessionContext, Visibility};
use reply::{Reply, Said};
use scratchpad::Scratchpad;

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
    /// The first step calls a tool. Only a grammar can hold a model to it.
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
    /// Unusable replies in a row.
    repairs: u32,
    /// Set when the next ask is for the answer only: why.
    finishing: Option<String>,
    answer_retried: bool,
    /// The last thought, for want of an answer.
    thought: String,
}

enum State {
    Idle,
    /// `answer_only`: tools are off.
    Asking {
        reply: Box<Reply>,
        answer_only: bool,
    },
    Calling(Vec<Pending>),
}

/// A tool call that runs, and what came of it.
struct Pending {
    call: ToolCall,
    result: Option<ToolResult>,
}

/// A model cannot invent its own observation, or go on after it has spoken.
const STOP: [&str; 3] = ["<OBSERVATION", "</ACTION>", "</FINAL_ANSWER>"];
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
        let scratchpad = Scratchpad::new(&structure, &policy, &tools, &ctx.messages, rendering);
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
            repairs: 0,
            finishing: None,
            answer_retried: false,
            thought: String::new(),
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
        if ref_id != self.asks {
            return;
        }
        let State::Asking { reply, answer_only } = std::mem::replace(&mut self.state, State::Idle) else { return };
        match outcome {
            Ok(completion) => {
                let said = reply.finish(&completion.message, out);
                self.replied(said, native_calls(&completion.message), answer_only, out);
            }
            Err(error) => out.push(Directive::Fail(llm_text(error))),
        }
    }

    fn replied(&mut self, said: Said, native: Vec<action::Call>, answer_only: bool, out: &mut Vec<Directive>) {
        if !said.thought.is_empty() {
            self.thought.clone_from(&said.thought);
        }
        if !said.answer.is_empty() {
            return finish(&said.answer, out);
        }
        let untagged = said.untagged.trim();
        let acted = !native.is_empty() || !said.actions.is_empty();
        if !untagged.is_empty() && (answer_only || !acted) {
            return finish(untagged, out);
        }
        if answer_only || said.answered {
            return self.without_answer(&said, out);
        }
        match calls(&said, native) {
            Err(problem) => self.repair(&said.text, &problem, out),
            Ok(calls) if calls.is_empty() => self.go_on(&said, out),
            Ok(calls) => self.act(&said.text, calls, out),
        }
    }

    /// An empty ACTION, or a thought alone.
    fn go_on(&mut self, said: &Said, out: &mut Vec<Directive>) {
        if said.text.trim().is_empty() {
            return self.repair("", "Your reply was empty.", out);
        }
        self.scratchpad.model_said(&said.text);
        self.scratchpad.say(self.rendering.go_on);
        self.ask(out);
    }

    fn act(&mut self, text: &str, calls: Vec<action::Call>, out: &mut Vec<Directive>) {
        let unknown = calls.iter().find(|call| !self.tools.iter().any(|tool| tool.name == call.name));
        if let Some(call) = unknown {
            let problem = self.unknown_tool(&call.name);
            return self.repair(text, &problem, out);
        }
        let calls: Vec<ToolCall> = calls.into_iter().map(|call| self.numbered(call)).collect();
        let (own, servers): (Vec<ToolCall>, Vec<ToolCall>) = calls.into_iter().partition(|call| self.is_clients(call));
        if !own.is_empty() {
            let parts = own.into_iter().map(Part::ToolCall).collect();
            return out.push(Directive::Finish(Message { role: Role::Assistant, parts }));
        }
        self.scratchpad.model_called(text, &servers);
        self.state = State::Calling(servers.iter().map(|call| Pending { call: call.clone(), result: None }).collect());
        out.push(Directive::CallTools(servers));
    }

    fn tool(&mut self, result: &ToolResult, out: &mut Vec<Directive>) {
        let State::Calling(pending) = &mut self.state else { return };
        if let Some(pending) = pending.iter_mut().find(|pending| pending.call.id == result.call_id) {
            pending.result = Some(result.clone());
        }
        if pending.iter().any(|pending| pending.result.is_none()) {
            return;
        }
        let done = std::mem::take(pending);
        let several = done.len() > 1;
        let results = done.into_iter().filter_map(|pending| Some((pending.call, pending.result?)));
        let mut mendable = true;
        for (call, result) in results {
            mendable &= matches!(result.outcome, Err(ToolError::InvalidArguments(_) | ToolError::NotFound));
            let name = several.then_some(call.name.as_str());
            self.observe(name, &prompt::result_text(&result), out);
        }
        if mendable {
            self.count_repair();
        } else {
            self.repairs = 0;
        }
        self.ask(out);
    }

    /// Shows the model what was wrong with its reply.
    fn repair(&mut self, text: &str, problem: &str, out: &mut Vec<Directive>) {
        if !text.trim().is_empty() {
            self.scratchpad.model_said(text);
        }
        self.observe(None, &["Error: ", problem].concat(), out);
        self.count_repair();
        self.ask(out);
    }

    fn count_repair(&mut self) {
        self.repairs += 1;
        if self.repairs > REPAIRS_MAX && self.finishing.is_none() {
            self.finishing = Some("Several actions in a row could not be used.".to_owned());
        }
    }

    fn observe(&mut self, tool: Option<&str>, text: &str, out: &mut Vec<Directive>) {
        let shown = self.scratchpad.observe(tool, text);
        out.push(Directive::Emit(Emit::Observation(shown)));
    }

    /// Asked once more; then the last thought has to do.
    fn without_answer(&mut self, said: &Said, out: &mut Vec<Directive>) {
        if self.answer_retried {
            let thought = self.thought.trim();
            return match thought.is_empty() {
                true => out.push(Directive::Fail("the model gave no answer".to_owned())),
                false => finish(thought, out),
            };
        }
        self.answer_retried = true;
        if !said.text.trim().is_empty() {
            self.scratchpad.model_said(&said.text);
        }
        self.scratchpad.say(self.rendering.answer_was_empty);
        self.ask_with(Scope::AnswerOnly, out);
    }

    fn ask(&mut self, out: &mut Vec<Directive>) {
        let Some(why) = &self.finishing else {
            let first = self.tool_required && self.calls == 0;
            return self.ask_with(if first { Scope::ActionOnly } else { Scope::Round }, out);
        };
        self.scratchpad.say(&[why.as_str(), " ", self.rendering.finish_now].concat());
        self.ask_with(Scope::AnswerOnly, out);
    }

    fn ask_with(&mut self, scope: Scope, out: &mut Vec<Directive>) {
        self.asks = self.asks.saturating_add(1);
        let answer_only = scope == Scope::AnswerOnly;
        let is_last = answer_only || self.asks >= self.steps_max;
        let reply = Reply::new(self.tags.clone(), self.asks == 1, is_last);
        self.state = State::Asking { reply: Box::new(reply), answer_only };
        out.push(Directive::Ask(Ask {
            ref_id: self.asks,
            request: self.request(scope),
            show: Visibility::Hidden,
            stream_to_me: true,
        }));
    }

    fn request(&mut self, scope: Scope) -> CompletionRequest {
        let extra = match self.protocol {
            Protocol::Tags => Vec::new(),
            Protocol::Grammar => {
                let value = grammar::extra(&self.tools, scope, self.rendering);
                vec![Extra { key: "grammar".to_owned(), value }]
            }
        };
        CompletionRequest {
            model: None,
            messages: self.scratchpad.read_out(),
            tools: Vec::new(),
            temperature: self.generation.temperature,
            top_p: self.generation.top_p,
            max_output_tokens: self.generation.max_output_tokens,
            stop: STOP.map(str::to_owned).into(),
            response_json_schema: None,
            seed: None,
            extra,
        }
    }

    fn numbered(&mut self, call: action::Call) -> ToolCall {
        self.calls = self.calls.saturating_add(1);
        ToolCall { id: format!("call_{}", self.calls), name: call.name, arguments_json: call.arguments_json }
    }

    fn is_clients(&self, call: &ToolCall) -> bool {
        self.tools.iter().take(self.client_tools).any(|tool| tool.name == call.name)
    }

    fn unknown_tool(&self, name: &str) -> String {
        let known: Vec<&str> = self.tools.iter().map(|tool| tool.name.as_str()).collect();
        if known.is_empty() {
            return format!("There is no tool \"{name}\", and no other tool either. Answer without tools.");
        }
        format!("There is no tool \"{name}\". The tools are: {}.", known.join(", "))
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

fn finish(answer: &str, out: &mut Vec<Directive>) {
    out.push(Directive::Finish(Message::text(Role::Assistant, answer)));
}

/// What the model wants called, in the pattern's form and in its own.
fn calls(said: &Said, native: Vec<action::Call>) -> Result<Vec<action::Call>, String> {
    let mut calls = native;
    for action in &said.actions {
        calls.extend(action::parse(action).map_err(|error| error.to_string())?);
    }
    Ok(calls)
}

fn native_calls(message: &Message) -> Vec<action::Call> {
    let calls = message.parts.iter().filter_map(|part| match part {
        Part::ToolCall(call) => {
            let arguments = call.arguments_json.trim();
            let arguments_json = if arguments.is_empty() { "{}" } else { arguments }.to_owned();
            Some(action::Call { name: call.name.clone(), arguments_json })
        }
        Part::Text(_) | Part::Media(_) | Part::Reasoning(_) | Part::ToolResult(_) => None,
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
