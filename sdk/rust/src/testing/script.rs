//! A driver pattern as a script: events in, directives out as lines of text. Needs no model, no host and no Wasm; plays
//! every session a second time, for a pattern that decides otherwise then is lost after a crash. Refuses to spend: limits
//! are the test's to reach, by `wrap_up` and `fails`.

mod lines;
mod session;
mod storm;

use std::collections::BTreeMap;

use crate::{
    bindings::driver::exports::magic::proxy::driver as wit,
    driver::{
        Answer, Completion, Ctx, Directive, Error, Event, FinishReason, LlmError, Machine, Message, SessionContext,
        ToolError, ToolOutput, ToolResult, Usage,
    },
};
use lines::{line, prompt};
pub use session::Session;
pub use storm::storm;

/// One session of a pattern.
pub struct Script {
    start: Box<dyn Fn() -> Machine>,
    machine: Machine,
    /// Every batch of events with what the pattern had spent by then.
    log: Vec<(Vec<Event>, Usage)>,
    /// Every line so far; the first `checked` were checked.
    lines: Vec<String>,
    checked: usize,
    prompts: BTreeMap<u32, String>,
    open: Vec<Open>,
    wrap_up: Option<String>,
    spent: Usage,
    over: bool,
}

/// What the pattern waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Open {
    Model(u32),
    Timer(u32),
    Call(String),
}

// === impl Script ===
impl Script {
    /// Begins a session.
    pub fn new<F>(run: fn(Ctx) -> F, session: Session) -> Self
    where
        F: Future<Output = Result<Answer, Error>> + 'static,
    {
        let context: SessionContext = session.into();
        let start = Box::new(move || Machine::new(context.clone(), run));
        let mut script = Self {
            machine: start(),
            start,
            log: Vec::new(),
            lines: Vec::new(),
            checked: 0,
            prompts: BTreeMap::new(),
            open: Vec::new(),
            wrap_up: None,
            spent: session::NOTHING,
            over: false,
        };
        script.event(Event::Start);
        script
    }

    /// What the pattern wanted since the last check, a line a directive. An expected line that ends with `...` is the
    /// beginning of one.
    #[track_caller]
    pub fn check(&mut self, expected: &str) -> &mut Self {
        let found: Vec<&str> = self.lines.iter().skip(self.checked).map(String::as_str).collect();
        let wanted: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let fits = |(found, wanted): (&&str, &&str)| match wanted.strip_suffix("...") {
            Some(start) => found.starts_with(start),
            None => found == wanted,
        };
        if found.len() != wanted.len() || !found.iter().zip(&wanted).all(fits) {
            assert_eq!(found.join("\n"), wanted.join("\n"));
        }
        self.checked = self.lines.len();
        self
    }

    /// What the model is asked under this ref, whole: a line a turn.
    #[must_use]
    pub fn prompt(&self, ref_: u32) -> &str {
        self.prompts.get(&ref_).map_or("", String::as_str)
    }

    /// The model's reply, or the delegate's.
    #[track_caller]
    pub fn says(&mut self, ref_: u32, text: &str) -> &mut Self {
        self.completes(ref_, Message::assistant(text))
    }

    /// A reply that is more than text.
    #[track_caller]
    pub fn completes(&mut self, ref_: u32, message: Message) -> &mut Self {
        let usage = Usage { input_tokens: 10, output_tokens: 5, ..session::NOTHING };
        self.spent.input_tokens += usage.input_tokens;
        self.spent.output_tokens += usage.output_tokens;
        let completion =
            Completion { message, finish: FinishReason::Stop, usage, served_by: "p".into(), extra: Vec::new() };
        self.model(ref_, Ok(completion))
    }

    #[track_caller]
    pub fn fails(&mut self, ref_: u32, error: LlmError) -> &mut Self {
        self.model(ref_, Err(error))
    }

    /// A piece of the reply, for an ask that listens.
    #[track_caller]
    pub fn streams(&mut self, ref_: u32, text: &str) -> &mut Self {
        self.event(Event::LlmDelta(wit::LlmDelta { ref_, text: text.into() }))
    }

    /// A tool's output, or the text of its failure.
    #[track_caller]
    pub fn tool(&mut self, call_id: &str, outcome: Result<&str, &str>) -> &mut Self {
        let outcome = outcome.map(|text| ToolOutput { text: text.into(), structured: None });
        self.tool_result(call_id, outcome.map_err(|text| ToolError::Failed(text.into())))
    }

    #[track_caller]
    pub fn tool_result(&mut self, call_id: &str, outcome: Result<ToolOutput, ToolError>) -> &mut Self {
        self.open.retain(|open| !matches!(open, Open::Call(id) if id == call_id));
        self.event(Event::Tool(ToolResult { call_id: call_id.into(), outcome }))
    }

    #[track_caller]
    pub fn timer(&mut self, ref_: u32) -> &mut Self {
        self.closed(ref_);
        self.event(Event::Timer(ref_))
    }

    /// The user speaks into the session.
    #[track_caller]
    pub fn user(&mut self, text: &str) -> &mut Self {
        self.event(Event::User(Message::user(text)))
    }

    /// The host says so together with the next event, as it does when that event spent the last of something.
    pub fn wrap_up_with_next(&mut self, why: &str) -> &mut Self {
        self.wrap_up = Some(why.into());
        self
    }

    #[track_caller]
    pub fn wrap_up(&mut self, why: &str) -> &mut Self {
        self.event(Event::WrapUp(why.into()))
    }

    #[track_caller]
    fn model(&mut self, ref_: u32, outcome: Result<Completion, LlmError>) -> &mut Self {
        self.closed(ref_);
        self.event(Event::Llm(wit::LlmEvent { ref_, outcome }))
    }

    fn closed(&mut self, ref_: u32) {
        self.open.retain(|open| open.ref_() != Some(ref_));
    }

    #[track_caller]
    fn event(&mut self, event: Event) -> &mut Self {
        assert!(!self.over, "the session is over: {}", self.lines.join("\n"));
        let events: Vec<Event> = [event].into_iter().chain(self.wrap_up.take().map(Event::WrapUp)).collect();
        self.log.push((events.clone(), self.spent));
        let directives = self.machine.next(events, self.spent);
        for directive in &directives {
            self.follow(directive);
        }
        if !self.over && self.open.is_empty() {
            self.lines.push("broken: nothing was asked for and nothing is outstanding".into());
            self.over = true;
        }
        if self.over {
            assert_eq!(self.replayed(), self.lines, "a replay decides otherwise");
        }
        self
    }

    fn follow(&mut self, directive: &Directive) {
        let mut begins = |begun: Open| {
            let again =
                self.open.iter().any(|open| *open == begun || open.ref_().is_some() && open.ref_() == begun.ref_());
            if again {
                self.lines.push(format!("broken: {begun:?} is still outstanding"));
            }
            self.open.push(begun);
        };
        match directive {
            Directive::Ask(ask) => {
                begins(Open::Model(ask.ref_));
                self.prompts.insert(ask.ref_, prompt(&ask.request.messages));
            }
            Directive::Delegate(delegate) => {
                begins(Open::Model(delegate.ref_));
                self.prompts.insert(delegate.ref_, prompt(&delegate.messages));
            }
            Directive::Wait((ref_, _)) => begins(Open::Timer(*ref_)),
            Directive::CallTools(calls) => calls.iter().for_each(|call| begins(Open::Call(call.id.clone()))),
            Directive::Cancel(ref_) => self.closed(*ref_),
            Directive::Emit(_) => {}
            Directive::Finish(_) | Directive::Fail(_) => self.over = true,
        }
        self.lines.extend(line(directive));
    }

    fn replayed(&self) -> Vec<String> {
        let machine = (self.start)();
        let again = self.log.iter().flat_map(|(events, spent)| machine.next(events.clone(), *spent));
        let mut lines: Vec<String> = again.flat_map(|directive| line(&directive)).collect();
        lines.extend(self.lines.iter().filter(|line| line.starts_with("broken: ")).cloned());
        lines
    }
}

// === impl Open ===
impl Open {
    fn ref_(&self) -> Option<u32> {
        match self {
            Self::Model(ref_) | Self::Timer(ref_) => Some(*ref_),
            Self::Call(_) => None,
        }
    }
}
