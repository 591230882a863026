//! A session as a script: what happens outside goes in, what the session does comes out as lines of text.
use crate::declarative::{Declarative, Program};
use crate::driver::Driver;
use crate::event::SessionEvent;
use crate::session::{CallReport, Effect, Input, Session};
use crate::spec::Rules;
use magic_types::Usage;
use magic_types::chat::{
    Completion, FinishReason, LlmError, Message, Part, Role, ToolCall, ToolDefinition, ToolError, ToolHints,
    ToolOutput, ToolResult,
};
use magic_types::directive::{Ask, Delta, Limits, SessionContext};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

pub(crate) struct Script {
    pub(crate) session: Session,
    pub(crate) now: Instant,
    pub(crate) events: Vec<SessionEvent>,
    asks: Vec<Ask>,
    lines: Vec<String>,
}

pub(crate) fn limits() -> Limits {
    Limits {
        steps_max: 12,
        llm_calls_max: 40,
        tool_calls_max: 40,
        total_tokens_max: None,
        cost_micros_max: None,
        wall_max: Duration::from_secs(600),
        parallel_max: 4,
        depth_max: 0,
    }
}

pub(crate) fn tool(name: &str, schema: &str) -> ToolDefinition {
    ToolDefinition {
        name: name.to_owned(),
        description: format!("The {name}."),
        parameters_json_schema: schema.to_owned(),
        output_json_schema: None,
        hints: ToolHints::default(),
    }
}

pub(crate) const EXPRESSION: &str =
    r#"{"type": "object", "properties": {"expression": {"type": "string"}}, "required": ["expression"]}"#;

pub(crate) fn context(messages: Vec<Message>) -> SessionContext {
    SessionContext {
        session_id: "s".to_owned(),
        messages,
        tools: vec![tool("calculator", EXPRESSION), tool("clock", r#"{"type": "object"}"#)],
        agents: Vec::new(),
        limits: limits(),
        options: "{}".to_owned(),
        seed: 7,
        extra: Vec::new(),
    }
}

pub(crate) fn question() -> SessionContext {
    context(vec![Message::text(Role::User, "What is 2+2?")])
}

pub(crate) fn usage(input_tokens: u64, output_tokens: u64) -> Usage {
    Usage { input_tokens, output_tokens, ..Usage::default() }
}

pub(crate) fn completion(parts: Vec<Part>) -> Completion {
    Completion {
        message: Message { role: Role::Assistant, parts },
        finish: FinishReason::Stop,
        usage: usage(10, 5),
        served_by: "p".to_owned(),
        extra: Vec::new(),
    }
}

pub(crate) fn done(call_id: &str, outcome: Result<&str, ToolError>) -> Input {
    let outcome = outcome.map(|text| ToolOutput { text: text.to_owned(), structured: None });
    Input::ToolDone(ToolResult { call_id: call_id.to_owned(), outcome })
}

/// The outcome of a future that waits for nothing, as those of drivers in this process.
pub(crate) fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("the driver waits for something"),
    }
}

/// Tokio's clock, which its own tests may pause; std's is banned here.
pub(crate) fn clock() -> Instant {
    tokio::time::Instant::now().into_std()
}

// === impl Script ===

impl Script {
    pub(crate) fn new(program: Program, ctx: SessionContext) -> Self {
        let limits = ctx.limits;
        Self::driven(limits, Box::new(Declarative::new(program, ctx)))
    }

    pub(crate) fn driven(limits: Limits, driver: Box<dyn Driver>) -> Self {
        let session = Session::new(Rules::limited(limits), driver);
        let mut script = Self { session, now: clock(), events: Vec::new(), asks: Vec::new(), lines: Vec::new() };
        script.input(Input::Start);
        script
    }

    pub(crate) fn input(&mut self, input: Input) {
        for effect in at_once(self.session.step(input, self.now)) {
            self.record(effect);
        }
    }

    /// The model's reply, streamed in pieces of three characters.
    pub(crate) fn says(&mut self, text: &str) {
        let ref_id = self.open_ask();
        let characters: Vec<char> = text.chars().collect();
        for piece in characters.chunks(3) {
            let delta = Delta::Text(piece.iter().collect());
            self.input(Input::Delta { ref_id, delta });
        }
        self.completes(completion(vec![Part::Text(text.to_owned())]));
    }

    /// The same without a stream.
    pub(crate) fn says_at_once(&mut self, text: &str) {
        self.completes(completion(vec![Part::Text(text.to_owned())]));
    }

    pub(crate) fn completes(&mut self, completion: Completion) {
        self.asked(Ok(completion));
    }

    pub(crate) fn fails(&mut self, error: LlmError) {
        self.asked(Err(error));
    }

    pub(crate) fn result(&mut self, call_id: &str, text: &str) {
        self.input(done(call_id, Ok(text)));
    }

    pub(crate) fn open_ask(&self) -> u32 {
        self.last_ask().ref_id
    }

    pub(crate) fn last_ask(&self) -> &Ask {
        self.asks.last().expect("the session asked")
    }

    /// What the model was shown last, beside the system message.
    pub(crate) fn conversation(&self) -> String {
        let messages = self.last_ask().request.messages.iter().filter(|message| message.role != Role::System);
        let lines = messages.map(|message| format!("{:?}: {}", message.role, message.plain_text()));
        lines.collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn system(&self) -> String {
        self.last_ask().request.messages.first().expect("a system message").plain_text()
    }

    /// What happened since the last time.
    #[track_caller]
    pub(crate) fn check(&mut self, expected: &str) {
        let lines = std::mem::take(&mut self.lines).join("\n");
        let expected: Vec<&str> = expected.trim().lines().map(str::trim).collect();
        assert_eq!(lines, expected.join("\n"));
    }

    pub(crate) fn forget(&mut self) {
        self.lines.clear();
    }

    fn asked(&mut self, outcome: Result<Completion, LlmError>) {
        let report = CallReport { profile: "p".to_owned(), key_id: None, attempts: 1, ms: 3 };
        let ref_id = self.open_ask();
        self.input(Input::Asked { ref_id, outcome, report });
    }

    fn record(&mut self, effect: Effect) {
        match effect {
            Effect::Emit(event) => {
                self.line(&event);
                self.events.push(event);
            }
            Effect::Ask(ask) => {
                self.lines.push(format!("ask {}", ask.ref_id));
                self.asks.push(ask);
            }
            Effect::CallTools(calls) => {
                let ids: Vec<String> = calls.into_iter().map(|call: ToolCall| call.id).collect();
                self.lines.push(format!("run {}", ids.join(" ")));
            }
            Effect::Delegate(asked) => self.lines.push(format!("delegate {} {}", asked.ref_id, asked.agent)),
            Effect::Wait { ref_id, ms } => self.lines.push(format!("wait {ref_id} {ms} ms")),
            Effect::CancelRef(ref_id) => self.lines.push(format!("cancel {ref_id}")),
            Effect::End(ending) => self.lines.push(format!("END {ending:?}")),
        }
    }

    fn line(&mut self, event: &SessionEvent) {
        let line = match event {
            SessionEvent::SessionCreated { .. } => "created".to_owned(),
            SessionEvent::StepStarted { step } => format!("step {step}"),
            SessionEvent::AgentThoughtStream { text } => return self.text("thought: ", text),
            SessionEvent::FinalAnswerStream { text } => return self.text("answer: ", text),
            SessionEvent::AgentToolCallStart { call_id, tool_name, arguments } => {
                format!("call {call_id} {tool_name} {arguments}")
            }
            SessionEvent::AgentToolCallEnd { call_id, ok, output } => {
                format!("result {call_id} {} {output}", if *ok { "ok" } else { "error" })
            }
            SessionEvent::Observation { text } => format!("observation: {}", text.replace('\n', "\\n")),
            SessionEvent::LlmCall { .. } => return,
            // Said to the driver too, whose tests look at what it makes of it; and sums that have tests of their own.
            SessionEvent::Progress { kind, .. } if kind == "wrap_up" || kind == "ladder" => return,
            SessionEvent::Progress { kind, payload } => format!("progress {kind} {payload}"),
            SessionEvent::FinalAnswerStreamEnd { answer, finish_reason, tool_calls, .. } => {
                let calls = tool_calls.iter().map(|call| format!(" {} {} {}", call.id, call.name, call.arguments_json));
                format!("end {finish_reason:?}: {}{}", answer.replace('\n', "\\n"), calls.collect::<String>())
            }
            SessionEvent::SessionFailed { code, message } => format!("failed {code}: {message}"),
            SessionEvent::SessionCancelled => "cancelled".to_owned(),
        };
        self.lines.push(line);
    }

    fn text(&mut self, kind: &str, text: &str) {
        let text = text.replace('\n', "\\n");
        match self.lines.last_mut() {
            Some(last) if last.starts_with(kind) => last.push_str(&text),
            _ => self.lines.push([kind, &text].concat()),
        }
    }
}
