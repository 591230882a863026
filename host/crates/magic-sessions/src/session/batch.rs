//! What one input comes to: effects in order, refusals that the driver hears at once, and perhaps the end.
use super::Effect;
use crate::driver::DriverError;
use crate::event::SessionEvent;
use magic_types::Kind;
use magic_types::chat::{FinishReason, LlmError, Message};
use magic_types::directive::Event;

/// What a batch of directives left to do at once.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) effects: Vec<Effect>,
    /// Events that need nothing from outside, e.g. the refusal of a call.
    pub(super) immediate: Vec<Event>,
    pub(super) end: Option<End>,
}

pub(super) enum End {
    /// `cut`: why the reply that the answer was taken from ended before its time.
    Finish {
        message: Message,
        cut: Option<FinishReason>,
    },
    Fail {
        code: &'static str,
        message: String,
    },
    Cancel,
}

/// What the events of one call say about an end that the driver makes of them.
#[derive(Clone, Copy, Default)]
pub(super) struct Told {
    pub(super) cut: Option<FinishReason>,
    /// The code of the model's failure.
    pub(super) error: Option<&'static str>,
}

/// The code of a pattern that broke its contract; other codes are [`Kind`]'s words.
const PATTERN_CONTRACT: &str = "pattern_contract";
pub(super) const PATTERN_FAILED: &str = "pattern_failed";

// === impl Batch ===

impl Batch {
    pub(super) fn ending(end: End) -> Self {
        Self { end: Some(end), ..Self::default() }
    }

    pub(super) fn end(mut self, end: End) -> Self {
        self.end = Some(end);
        self
    }

    pub(super) fn emit(&mut self, event: SessionEvent) {
        self.effects.push(Effect::Emit(event));
    }

    /// Pieces that follow each other are one event.
    pub(super) fn thought(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        match self.effects.last_mut() {
            Some(Effect::Emit(SessionEvent::AgentThoughtStream { text: last })) => last.push_str(text),
            _ => self.emit(SessionEvent::AgentThoughtStream { text: text.to_owned() }),
        }
    }

    pub(super) fn answer(&mut self, text: &str, streamed: &mut String) {
        if text.is_empty() {
            return;
        }
        streamed.push_str(text);
        match self.effects.last_mut() {
            Some(Effect::Emit(SessionEvent::FinalAnswerStream { text: last })) => last.push_str(text),
            _ => self.emit(SessionEvent::FinalAnswerStream { text: text.to_owned() }),
        }
    }
}

// === impl End ===

impl End {
    pub(super) fn limit(message: String) -> Self {
        Self::Fail { code: Kind::LimitReached.as_str(), message }
    }

    pub(super) fn contract(message: String) -> Self {
        Self::Fail { code: PATTERN_CONTRACT, message }
    }

    pub(super) fn driver(error: &DriverError) -> Self {
        let code = match error {
            DriverError::Component(_) => Kind::Component.as_str(),
            DriverError::Contract(_) => PATTERN_CONTRACT,
        };
        Self::Fail { code, message: error.to_string() }
    }
}

// === impl Told ===

impl Told {
    pub(super) fn of(events: &[Event]) -> Self {
        let mut told = Self::default();
        for event in events {
            match event {
                Event::Llm { outcome, .. } | Event::Delegated { outcome, .. } => match outcome {
                    Ok(completion) => told.cut = cut(completion.finish),
                    Err(error) => told.error = Some(code_of(error)),
                },
                Event::Start
                | Event::LlmDelta { .. }
                | Event::Tool(_)
                | Event::User(_)
                | Event::Timer(_)
                | Event::WrapUp(_) => {}
            }
        }
        told
    }
}

fn cut(finish: FinishReason) -> Option<FinishReason> {
    match finish {
        FinishReason::Length | FinishReason::ContentFilter => Some(finish),
        FinishReason::Stop | FinishReason::ToolCalls | FinishReason::Cancelled | FinishReason::Other => None,
    }
}

fn code_of(error: &LlmError) -> &'static str {
    match error {
        LlmError::Unavailable(_) => Kind::NothingLeft.as_str(),
        LlmError::RateLimited(_) => Kind::RateLimited.as_str(),
        LlmError::ContextTooLong => Kind::ContextTooLong.as_str(),
        LlmError::Refused(_) => "refused",
        LlmError::BudgetExceeded(_) => "budget_exceeded",
        LlmError::InvalidRequest(_) => Kind::InvalidRequest.as_str(),
        LlmError::Cancelled => Kind::Cancelled.as_str(),
        LlmError::TimedOut => Kind::TimedOut.as_str(),
    }
}
