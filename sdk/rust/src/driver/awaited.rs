//! What a pattern waits for: sent when first polled, cancelled when dropped before it came. Refuses to decide anything.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use super::{Completion, LlmError, Message, Random, SessionContext, ToolResult, Usage, wit};

/// Outcomes by what they are waited for under; `None` until they come.
pub(super) type Slots<K, T> = BTreeMap<K, Option<T>>;

/// One session, seen by its futures.
pub(super) struct Shared {
    pub(super) context: SessionContext,
    pub(super) state: RefCell<State>,
}

/// Nobody holds a borrow of it across a call into an author's code.
pub(super) struct State {
    pub(super) out: Vec<wit::Directive>,
    pub(super) models: Slots<u32, Result<Completion, LlmError>>,
    pub(super) timers: Slots<u32, ()>,
    pub(super) tools: Slots<String, ToolResult>,
    /// Streamed text that nobody has heard yet, by ref.
    pub(super) deltas: BTreeMap<u32, String>,
    pub(super) said: Vec<Message>,
    pub(super) wrap_up: Option<String>,
    /// The timer after which a session that was told to wrap up waits for nothing more.
    pub(super) grace: Option<u32>,
    pub(super) spent: Usage,
    pub(super) random: Random,
    refs: u32,
    calls: u32,
}

/// Something that has a ref.
pub(super) struct Awaited<T> {
    shared: Rc<Shared>,
    stage: Stage,
    slots: fn(&mut State) -> &mut Slots<u32, T>,
}

enum Stage {
    New(Box<dyn FnOnce(u32) -> wit::Directive>),
    Sent(u32),
    Done,
}

/// The results of one batch of tool calls.
pub(super) struct Results {
    shared: Rc<Shared>,
    ids: Vec<String>,
}

// === impl State ===
impl State {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            out: Vec::new(),
            models: Slots::new(),
            timers: Slots::new(),
            tools: Slots::new(),
            deltas: BTreeMap::new(),
            said: Vec::new(),
            wrap_up: None,
            grace: None,
            spent: Usage {
                input_tokens: 0,
                output_tokens: 0,
                cached_input_tokens: 0,
                reasoning_tokens: 0,
                cost_micros: None,
            },
            random: Random::new(seed),
            refs: 0,
            calls: 0,
        }
    }

    pub(super) fn new_ref(&mut self) -> u32 {
        self.refs += 1;
        self.refs
    }

    pub(super) fn new_call(&mut self) -> String {
        self.calls += 1;
        format!("call_{}", self.calls)
    }

    /// What nobody waits for any more is dropped here.
    pub(super) fn take_in(&mut self, event: wit::Event) {
        match event {
            wit::Event::Start => {}
            wit::Event::Llm(event) | wit::Event::Delegated(event) => fill(&mut self.models, &event.ref_, event.outcome),
            wit::Event::LlmDelta(delta) => {
                if self.models.contains_key(&delta.ref_) {
                    self.deltas.entry(delta.ref_).or_default().push_str(&delta.text);
                }
            }
            wit::Event::Tool(result) => {
                let id = result.call_id.clone();
                fill(&mut self.tools, &id, result);
            }
            wit::Event::User(message) => self.said.push(message),
            wit::Event::Timer(ref_) => fill(&mut self.timers, &ref_, ()),
            wit::Event::WrapUp(why) => self.wrap_up = Some(why),
        }
    }
}

fn fill<K: Ord, T>(slots: &mut Slots<K, T>, key: &K, outcome: T) {
    if let Some(slot) = slots.get_mut(key) {
        *slot = Some(outcome);
    }
}

// === impl Awaited ===
impl<T> Awaited<T> {
    pub(super) fn new(
        shared: &Rc<Shared>,
        slots: fn(&mut State) -> &mut Slots<u32, T>,
        directive: impl FnOnce(u32) -> wit::Directive + 'static,
    ) -> Self {
        Self { shared: Rc::clone(shared), stage: Stage::New(Box::new(directive)), slots }
    }

    /// Once it was sent.
    pub(super) fn sent_as(&self) -> Option<u32> {
        match self.stage {
            Stage::Sent(ref_) => Some(ref_),
            Stage::New(_) | Stage::Done => None,
        }
    }
}

impl<T> Future for Awaited<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<T> {
        let this = &mut *self;
        let mut state = this.shared.state.borrow_mut();
        match std::mem::replace(&mut this.stage, Stage::Done) {
            Stage::New(directive) => {
                let ref_ = state.new_ref();
                (this.slots)(&mut state).insert(ref_, None);
                state.out.push(directive(ref_));
                this.stage = Stage::Sent(ref_);
                Poll::Pending
            }
            Stage::Sent(ref_) => match (this.slots)(&mut state).get_mut(&ref_).and_then(Option::take) {
                Some(outcome) => {
                    (this.slots)(&mut state).remove(&ref_);
                    Poll::Ready(outcome)
                }
                None => {
                    this.stage = Stage::Sent(ref_);
                    Poll::Pending
                }
            },
            // Polled after its end, which no combinator here does.
            Stage::Done => Poll::Pending,
        }
    }
}

impl<T> Drop for Awaited<T> {
    fn drop(&mut self) {
        if let Stage::Sent(ref_) = self.stage {
            let mut state = self.shared.state.borrow_mut();
            // What has come already needs no cancelling.
            if let Some(None) = (self.slots)(&mut state).remove(&ref_) {
                state.out.push(wit::Directive::Cancel(ref_));
            }
        }
    }
}

// === impl Results ===
impl Results {
    /// Sends the calls.
    pub(super) fn of(shared: &Rc<Shared>, calls: impl Iterator<Item = (String, String)>) -> Self {
        let mut state = shared.state.borrow_mut();
        let calls: Vec<_> = calls
            .map(|(name, arguments_json)| super::ToolCall { id: state.new_call(), name, arguments_json })
            .collect();
        let ids: Vec<String> = calls.iter().map(|call| call.id.clone()).collect();
        state.tools.extend(ids.iter().map(|id| (id.clone(), None)));
        if !calls.is_empty() {
            state.out.push(wit::Directive::CallTools(calls));
        }
        Self { shared: Rc::clone(shared), ids }
    }
}

impl Future for Results {
    type Output = Vec<ToolResult>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Vec<ToolResult>> {
        let mut state = self.shared.state.borrow_mut();
        if self.ids.iter().any(|id| matches!(state.tools.get(id), Some(None))) {
            return Poll::Pending;
        }
        Poll::Ready(self.ids.iter().filter_map(|id| state.tools.remove(id).flatten()).collect())
    }
}

impl Drop for Results {
    fn drop(&mut self) {
        // The contract cancels refs, and tool calls have none: they run to their end unheard.
        let mut state = self.shared.state.borrow_mut();
        self.ids.iter().for_each(|id| drop(state.tools.remove(id)));
    }
}
