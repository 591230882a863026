//! One session as a machine: told what happened and the time, it says what the host shall do. Does nothing itself:
//! no clock, no socket, no task.
mod batch;
mod open;
mod running;

use crate::budget::Spent;
use crate::driver::Driver;
use crate::event::SessionEvent;
use crate::journal;
use crate::record;
use crate::spec::Rules;
use batch::{Batch, End, Told};
use magic_types::chat::{Completion, FinishReason, LlmError, Message, Part, ToolCall, ToolError, ToolResult};
use magic_types::directive::{Ask, Delta, Event, Limits, Visibility};
use magic_types::{KeyId, Usage};
use open::Work;
use running::{Running, told_to_finish, tool_end};
use std::time::Instant;

/// What happened outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// First, and once.
    Start,
    /// A piece of a model's reply, for every ask whose text is shown or streamed to the driver.
    Delta {
        ref_id: u32,
        delta: Delta,
    },
    /// An ask is over. `outcome` holds the whole text, whether or not it was streamed.
    Asked {
        ref_id: u32,
        outcome: Result<Completion, LlmError>,
        report: CallReport,
    },
    ToolDone(ToolResult),
    /// A delegation is over; `usage` and `spent` say what it used, whether it succeeded or not.
    Delegated {
        ref_id: u32,
        outcome: Result<Completion, LlmError>,
        usage: Usage,
        spent: Spent,
    },
    /// A person decided on a call that waits for it.
    Approval {
        call_id: String,
        approved: bool,
        comment: Option<String>,
    },
    TimerFired(u32),
    /// The user spoke into the session.
    Said(Message),
    /// `Limits::wall_max` after the start.
    DeadlineReached,
    /// The gateway went down while this ask was under way: what came of it so far is void, and it is asked again.
    Restarted(u32),
    /// The client cancelled.
    Cancel,
}

/// How a model call went, for the public log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallReport {
    pub profile: String,
    pub key_id: Option<KeyId>,
    pub attempts: u32,
    pub ms: u64,
}

/// What the host shall do, in this order. An `Emit` is on the log before the effects behind it are carried out.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    Emit(SessionEvent),
    /// Start asking; deltas and the outcome come back as inputs.
    Ask(Ask),
    /// Start these calls side by side; one [`Input::ToolDone`] each.
    CallTools(Vec<ToolCall>),
    /// Run this by another alias, with no more than these limits; one [`Input::Delegated`].
    Delegate(Delegation),
    /// [`Input::TimerFired`] after so many milliseconds.
    Wait {
        ref_id: u32,
        ms: u32,
    },
    /// Stop the ask or the timer of this ref: nothing is awaited from it any more.
    CancelRef(u32),
    /// Last, and once: stop whatever still runs.
    End(Ending),
}

/// A task for another alias.
#[derive(Clone, Debug, PartialEq)]
pub struct Delegation {
    pub ref_id: u32,
    /// Counts the delegations of a session, from 1; a ref may come again.
    pub number: u32,
    pub agent: String,
    pub messages: Vec<Message>,
    /// What is left of the delegating session's own.
    pub limits: Limits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    Answered,
    Failed,
    Cancelled,
}

/// Invariant: `open` is what the host was asked for and has not reported, plus what waits for a free place.
pub struct Session {
    driver: Box<dyn Driver>,
    rules: Rules,
    state: State,
    usage: Usage,
    decided: u64,
}

enum State {
    New,
    Running(Box<Running>),
    Ended,
}

/// How often in a row a driver may be called without anything happening outside.
const ROUNDS_MAX: u32 = 16;
/// Directives of one call: more is a pattern gone wild.
const DIRECTIVES_MAX: usize = 256;
// === impl Session ===

impl Session {
    pub fn new(rules: Rules, driver: Box<dyn Driver>) -> Self {
        Self { driver, rules, state: State::New, usage: Usage::default(), decided: journal::NOTHING }
    }

    /// Names what the driver has wanted done since this was last asked: equal for equal directives, text left aside.
    pub fn decided(&mut self) -> u64 {
        std::mem::replace(&mut self.decided, journal::NOTHING)
    }

    /// What every model call of the session has cost so far.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    pub fn has_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    /// Takes one input to its effects. An input that comes too late, or names nothing that is awaited, has none. Waits
    /// only for the driver, and must not be dropped while it does: the session would be over.
    pub async fn step(&mut self, input: Input, now: Instant) -> Vec<Effect> {
        let mut state = std::mem::replace(&mut self.state, State::Ended);
        let batch = match (&mut state, input) {
            (State::Ended, _) => return Vec::new(),
            (State::New, Input::Start) => {
                let mut running = Box::new(Running::new(self.rules.limits, now));
                let batch = self.advance(&mut running, vec![Event::Start], Batch::default(), now).await;
                state = State::Running(running);
                batch
            }
            (State::New | State::Running(_), Input::Cancel) => Batch::ending(End::Cancel),
            (State::New, Input::DeadlineReached) => Batch::ending(End::limit("the session never started".to_owned())),
            (
                State::New,
                Input::Delta { .. }
                | Input::Asked { .. }
                | Input::ToolDone(_)
                | Input::Delegated { .. }
                | Input::Approval { .. }
                | Input::TimerFired(_)
                | Input::Said(_)
                | Input::Restarted(_),
            ) => Batch::default(),
            // What a restart voids is not fed to the machine in the first place.
            (State::Running(_), Input::Start | Input::Restarted(_)) => Batch::default(),
            (State::Running(running), Input::DeadlineReached) => {
                Batch::ending(End::limit(running.budget.wall_met().text))
            }
            (State::Running(running), Input::Delegated { ref_id, outcome, usage, spent }) => {
                running.budget.spend(&usage);
                running.budget.spend_calls(spent);
                self.usage += usage;
                self.delegated(running, ref_id, outcome, now).await
            }
            (State::Running(running), Input::Approval { call_id, approved, comment }) => {
                self.judged(running, &call_id, approved, comment, now).await
            }
            (State::Running(running), Input::Delta { ref_id, delta }) => self.delta(running, ref_id, delta, now).await,
            (State::Running(running), Input::Asked { ref_id, outcome, report }) => {
                self.asked(running, ref_id, outcome, report, now).await
            }
            (State::Running(running), Input::ToolDone(result)) => self.tool_done(running, result, now).await,
            (State::Running(running), Input::TimerFired(ref_id)) => {
                if running.open.close_timer(ref_id) {
                    self.advance(running, vec![Event::Timer(ref_id)], Batch::default(), now).await
                } else {
                    Batch::default()
                }
            }
            (State::Running(running), Input::Said(message)) => {
                self.advance(running, vec![Event::User(message)], Batch::default(), now).await
            }
        };
        self.settle(state, batch)
    }

    fn settle(&mut self, state: State, mut batch: Batch) -> Vec<Effect> {
        match batch.end.take() {
            Some(end) => self.finish(&state, &mut batch, end),
            None => self.state = state,
        }
        batch.effects
    }

    async fn delta(&mut self, running: &mut Running, ref_id: u32, delta: Delta, now: Instant) -> Batch {
        let mut batch = Batch::default();
        let Some(ask) = running.open.ask(ref_id) else { return batch };
        match (ask.show, &delta) {
            (Visibility::Hidden, _) => {}
            (Visibility::Thought, Delta::Text(text) | Delta::Reasoning(text))
            | (Visibility::Answer, Delta::Reasoning(text)) => batch.thought(text),
            (Visibility::Answer, Delta::Text(text)) => batch.answer(text, &mut running.streamed),
        }
        if ask.stream_to_me {
            return self.advance(running, vec![Event::LlmDelta { ref_id, delta }], batch, now).await;
        }
        batch
    }

    async fn asked(
        &mut self,
        running: &mut Running,
        ref_id: u32,
        outcome: Result<Completion, LlmError>,
        report: CallReport,
        now: Instant,
    ) -> Batch {
        let mut batch = Batch::default();
        let usage = outcome.as_ref().map(|completion| completion.usage).unwrap_or_default();
        self.usage += usage;
        running.budget.spend(&usage);
        let CallReport { profile, key_id, attempts, ms } = report;
        batch.emit(SessionEvent::LlmCall { profile, key_id, attempts, usage, ms });
        // A call that the driver no longer waits for still cost what it cost.
        if !running.open.close_ask(ref_id) {
            return batch;
        }
        self.advance(running, vec![Event::Llm { ref_id, outcome }], batch, now).await
    }

    async fn tool_done(&mut self, running: &mut Running, result: ToolResult, now: Instant) -> Batch {
        let mut batch = Batch::default();
        if !running.open.close_call(&result.call_id) {
            return batch;
        }
        batch.emit(tool_end(&result));
        self.advance(running, vec![Event::Tool(result)], batch, now).await
    }

    async fn delegated(
        &mut self,
        running: &mut Running,
        ref_id: u32,
        outcome: Result<Completion, LlmError>,
        now: Instant,
    ) -> Batch {
        running.delegated_open = running.delegated_open.saturating_sub(1);
        if !running.open.close_ask(ref_id) {
            return Batch::default();
        }
        self.advance(running, vec![Event::Delegated { ref_id, outcome }], Batch::default(), now).await
    }

    /// A word on a call that does not wait for one has no effect.
    async fn judged(
        &mut self,
        running: &mut Running,
        call_id: &str,
        approved: bool,
        comment: Option<String>,
        now: Instant,
    ) -> Batch {
        let mut batch = Batch::default();
        let Some(call) = running.open.judge(call_id) else { return batch };
        running.start_call(&call, &mut batch);
        if approved {
            running.open.put_in_queue(Work::Call(call));
            running.open.release(&mut batch.effects);
            return batch;
        }
        let why = comment.unwrap_or_else(|| "no reason was given".to_owned());
        let outcome = Err(ToolError::Denied(format!("a person refused the call: {why}")));
        let result = ToolResult { call_id: call.id, outcome };
        running.open.forget_call(&result.call_id);
        batch.emit(tool_end(&result));
        self.advance(running, vec![Event::Tool(result)], batch, now).await
    }

    /// Tells the driver and carries out what it wants, until only the outside can bring news.
    async fn advance(
        &mut self,
        running: &mut Running,
        mut events: Vec<Event>,
        mut batch: Batch,
        now: Instant,
    ) -> Batch {
        for _ in 0..ROUNDS_MAX {
            if let Some(met) = running.budget.wrap_up(now) {
                batch.emit(told_to_finish(&met));
                events.push(Event::WrapUp(met.text));
            }
            let told = Told::of(&events);
            let directives = match self.driver.next(&events, &self.usage).said().await {
                Ok(directives) => directives,
                Err(error) => return batch.end(End::driver(&error)),
            };
            if directives.len() > DIRECTIVES_MAX {
                let text = format!("the pattern asked for {} things at once", directives.len());
                return batch.end(End::contract(text));
            }
            self.decided = directives.iter().fold(self.decided, record::name_directive);
            running.apply(directives, told, &self.rules, now, &mut batch);
            if batch.end.is_some() {
                return batch;
            }
            running.open.release(&mut batch.effects);
            events = std::mem::take(&mut batch.immediate);
            if events.is_empty() {
                if running.open.is_empty() {
                    let text = "the pattern asked for nothing and has nothing outstanding";
                    return batch.end(End::contract(text.to_owned()));
                }
                return batch;
            }
        }
        batch.end(End::contract(format!("the pattern was refused {ROUNDS_MAX} times in a row")))
    }

    fn finish(&mut self, state: &State, batch: &mut Batch, end: End) {
        let ending = match end {
            End::Cancel => {
                batch.emit(SessionEvent::SessionCancelled);
                Ending::Cancelled
            }
            End::Fail { code, message } => {
                batch.emit(SessionEvent::SessionFailed { code: code.to_owned(), message });
                Ending::Failed
            }
            End::Finish { message, cut } => {
                self.answer(state, batch, message, cut);
                Ending::Answered
            }
        };
        batch.effects.push(Effect::End(ending));
    }

    fn answer(&self, state: &State, batch: &mut Batch, message: Message, cut: Option<FinishReason>) {
        let (streamed, overran, spent) = match state {
            State::Running(running) => (running.streamed.as_str(), running.budget.overran(), running.budget.spent()),
            State::New | State::Ended => ("", None, Spent::default()),
        };
        let answer = message.plain_text();
        // Whoever only reads the stream must end up with the whole answer.
        if let Some(rest) = answer.strip_prefix(streamed) {
            batch.answer(rest, &mut String::new());
        }
        let tool_calls: Vec<ToolCall> = message.parts.into_iter().filter_map(into_call).collect();
        let finish_reason = if !tool_calls.is_empty() {
            FinishReason::ToolCalls
        } else if overran.is_some() {
            FinishReason::Length
        } else {
            cut.unwrap_or(FinishReason::Stop)
        };
        batch.emit(SessionEvent::FinalAnswerStreamEnd {
            answer,
            usage: self.usage,
            finish_reason,
            tool_calls,
            spent,
            limit: overran,
        });
    }
}

fn into_call(part: Part) -> Option<ToolCall> {
    match part {
        Part::ToolCall(call) => Some(call),
        Part::Text(_) | Part::Media(_) | Part::Reasoning(_) | Part::ToolResult(_) => None,
    }
}

#[cfg(test)]
mod tests;
