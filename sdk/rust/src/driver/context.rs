//! What an author calls: the session to read, the host to ask. Refuses to wait for anything but the host.

use std::{future::poll_fn, pin::pin, rc::Rc, task::Poll};

use serde::de::DeserializeOwned;

use super::{
    AgentCard, Answer, Ask, Completion, Either, Error, Limits, LlmError, Message, Role, Show, ToolCall, ToolDefinition,
    ToolResult, Usage,
    awaited::{Awaited, Results, Shared, Slots, State},
    either, wit,
};

/// The session as its pattern sees it. Cheap to clone.
#[derive(Clone)]
pub struct Ctx(Rc<Shared>);

/// A tool call to make; the SDK gives it its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub name: String,
    /// The text of a JSON object.
    pub arguments_json: String,
}

/// A session that was told to wrap up goes on waiting for what runs for this share of its time: it is paid for already.
const GRACE_SHARE: u64 = 10;

// === impl Ctx: what there is ===
impl Ctx {
    pub(super) fn new(shared: Rc<Shared>) -> Self {
        Self(shared)
    }

    #[must_use]
    pub fn session_id(&self) -> &str {
        &self.0.context.session_id
    }

    /// The conversation that the session began with.
    #[must_use]
    pub fn messages(&self) -> &[Message] {
        &self.0.context.messages
    }

    /// What the user has said since the session began.
    #[must_use]
    pub fn said(&self) -> Vec<Message> {
        self.0.state.borrow().said.clone()
    }

    /// The text of the user's last message, and below it what was said since.
    #[must_use]
    pub fn question(&self) -> String {
        let asked = self.messages().iter().rev().find(|message| message.role == Role::User).cloned();
        let texts: Vec<String> = asked.iter().chain(&self.said()).map(Message::plain_text).collect();
        texts.join("\n\n")
    }

    #[must_use]
    pub fn tools_offered(&self) -> &[ToolDefinition] {
        &self.0.context.tools
    }

    /// The tool of that name, or an error that names it and the cure. `option` is the option that chose the name.
    pub fn tool(&self, name: &str, option: &str) -> Result<&ToolDefinition, Error> {
        self.tools_offered().iter().find(|tool| tool.name == name).ok_or_else(|| {
            Error::new(format!(
                "this pattern needs the tool `{name}`, which this alias does not have: load it and list it in the \
                 profile's `agent_settings.tools`, or name another tool by the option `{option}`"
            ))
        })
    }

    #[must_use]
    pub fn agents(&self) -> &[AgentCard] {
        &self.0.context.agents
    }

    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.0.context.limits
    }

    /// The options as `T`: derive `Deserialize`, deny unknown fields, `#[serde(default)]`.
    pub fn options<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let text = self.0.context.options.trim();
        let text = if text.is_empty() { "{}" } else { text };
        serde_json::from_str(text).map_err(|error| Error::new(format!("the options do not fit the pattern: {error}")))
    }

    #[must_use]
    pub fn seed(&self) -> u64 {
        self.0.context.seed
    }

    /// A seed for one model call, from the session's own.
    #[must_use]
    pub fn draw_seed(&self) -> u64 {
        self.0.state.borrow_mut().random.seed()
    }

    /// What the model calls of the session have cost so far.
    #[must_use]
    pub fn spent(&self) -> Usage {
        self.0.state.borrow().spent
    }

    /// Why the session shall come to its end, once it was told: ask for the answer with what there is, or finish. The
    /// host grants two asks more.
    #[must_use]
    pub fn wrap_up(&self) -> Option<String> {
        self.0.state.borrow().wrap_up.clone()
    }
}

// === impl Ctx: what can be asked of the host ===
impl Ctx {
    /// Asks a model. Dropping the future cancels the call.
    pub async fn ask(&self, ask: impl Into<Ask>) -> Result<Completion, LlmError> {
        let ask = ask.into();
        Awaited::new(&self.0, models, move |ref_| ask.directive(ref_, false)).await
    }

    /// Asks a model and hears its text while it comes.
    pub async fn listen(&self, ask: impl Into<Ask>, mut hear: impl FnMut(&str)) -> Result<Completion, LlmError> {
        let ask = ask.into();
        let mut asking = pin!(Awaited::new(&self.0, models, move |ref_| ask.directive(ref_, true)));
        poll_fn(|cx| {
            if let Some(heard) = asking.sent_as().and_then(|ref_| self.heard(ref_)) {
                hear(&heard);
            }
            asking.as_mut().poll(cx)
        })
        .await
    }

    /// Asks for the answer, shown while it is generated; a blank reply is an error.
    pub async fn answer(&self, ask: impl Into<Ask>) -> Result<Answer, Error> {
        let text = self.ask(ask.into().show(Show::Answer)).await?.text();
        if text.trim().is_empty() {
            return Err(Error::new("the model gave no answer"));
        }
        // As it was shown, to the last space: what a client has read must begin what it is told at the end.
        Ok(text.into())
    }

    /// Calls tools side by side; results in the order of the calls. A call has no cancelling: dropped, it runs unheard.
    pub async fn tools(&self, calls: impl IntoIterator<Item = Call>) -> Vec<ToolResult> {
        Results::of(&self.0, calls.into_iter().map(|call| (call.name, call.arguments_json))).await
    }

    /// Hands a task to another alias of this gateway, in a session of its own.
    pub async fn delegate(&self, agent: impl Into<String>, messages: Vec<Message>) -> Result<Completion, LlmError> {
        let agent = agent.into();
        let directive = move |ref_| wit::Directive::Delegate(wit::Delegate { ref_, agent, messages });
        Awaited::new(&self.0, models, directive).await
    }

    /// Waits for so many milliseconds.
    pub async fn wait(&self, ms: u32) {
        Awaited::new(&self.0, timers, move |ref_| wit::Directive::Wait((ref_, ms))).await;
    }

    /// Ready once the session was told to wrap up, with the reason.
    pub async fn wrapped_up(&self) -> String {
        poll_fn(|_| self.wrap_up().map_or(Poll::Pending, Poll::Ready)).await
    }

    /// The outcome of `work`; or `None`, and `work` is dropped, where the session was told to wrap up and the work did
    /// not come to its end soon after. Asks under way are not lost at the first word: they are paid for.
    pub async fn in_time<F: Future>(&self, work: F) -> Option<F::Output> {
        if self.is_overdue() {
            return None;
        }
        match either(work, self.overdue()).await {
            Either::First(output) => Some(output),
            Either::Second(()) => None,
        }
    }

    /// One step of a pattern: a reply, or `None` where a limit leaves no place for it and the pattern shall answer with
    /// what there is.
    pub async fn step(&self, ask: impl Into<Ask>) -> Result<Option<Completion>, LlmError> {
        match self.in_time(self.ask(ask)).await {
            None => Ok(None),
            Some(Err(LlmError::BudgetExceeded(_))) if self.wrap_up().is_some() => Ok(None),
            Some(reply) => reply.map(Some),
        }
    }

    async fn overdue(&self) {
        self.wrapped_up().await;
        poll_fn(|_| {
            let mut state = self.0.state.borrow_mut();
            let Some(grace) = state.grace else {
                let ms = u32::try_from(self.limits().deadline_ms / GRACE_SHARE).unwrap_or(u32::MAX);
                let ref_ = state.new_ref();
                state.timers.insert(ref_, None);
                state.out.push(wit::Directive::Wait((ref_, ms)));
                state.grace = Some(ref_);
                return Poll::Pending;
            };
            if state.timers.get(&grace) == Some(&Some(())) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    fn is_overdue(&self) -> bool {
        let state = self.0.state.borrow();
        state.grace.is_some_and(|grace| state.timers.get(&grace) == Some(&Some(())))
    }

    /// Shows a thought; pieces follow each other without a break.
    pub fn thought(&self, text: impl Into<String>) {
        self.emit(wit::Emit::Thought(text.into()));
    }

    /// Shows a piece of the answer. What is shown must begin the [`Answer`] that the pattern returns.
    pub fn answer_piece(&self, text: impl Into<String>) {
        self.emit(wit::Emit::Answer(text.into()));
    }

    /// A named event with a JSON value, for programs that watch the session.
    pub fn progress(&self, kind: impl Into<String>, payload: &serde_json::Value) {
        self.emit(wit::Emit::Progress((kind.into(), payload.to_string())));
    }

    fn emit(&self, emit: wit::Emit) {
        self.0.state.borrow_mut().out.push(wit::Directive::Emit(emit));
    }

    fn heard(&self, ref_: u32) -> Option<String> {
        let mut state = self.0.state.borrow_mut();
        state.deltas.remove(&ref_)
    }
}

fn models(state: &mut State) -> &mut Slots<u32, Result<Completion, LlmError>> {
    &mut state.models
}

fn timers(state: &mut State) -> &mut Slots<u32, ()> {
    &mut state.timers
}

// === impl Call ===
impl Call {
    pub fn new(name: impl Into<String>, arguments: &serde_json::Value) -> Self {
        Self { name: name.into(), arguments_json: arguments.to_string() }
    }
}

impl From<ToolCall> for Call {
    fn from(call: ToolCall) -> Self {
        Self { name: call.name, arguments_json: call.arguments_json }
    }
}
