//! What a session may still spend, and when it is told to come to an end. Counts; reads no clock.
use magic_types::Usage;
use magic_types::directive::Limits;
use std::time::{Duration, Instant};

/// Asks that may still be made once the driver was told to finish: one for the answer and one for mending it.
const GRACE_ASKS: u32 = 2;
/// The driver is told at this share of its tokens and of its time, so that something is left to finish with.
const TOKENS_SHARE: (u64, u64) = (9, 10);
const WALL_SHARE: (u32, u32) = (4, 5);

/// Counts what one session spends.
pub(crate) struct Budget {
    limits: Limits,
    started: Instant,
    steps: u32,
    llm_calls: u32,
    tool_calls: u32,
    tokens: u64,
    /// Set once the driver was told, with the asks it made since.
    told: Option<u32>,
}

/// What becomes of one wish of the driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Grant {
    Granted,
    /// Over a limit, and the driver does not know yet: it is refused this once and told.
    Refused(String),
    /// Over a limit, told and given time: the session ends.
    Exhausted(String),
}

// === impl Budget ===

impl Budget {
    pub(crate) fn new(limits: Limits, started: Instant) -> Self {
        Self { limits, started, steps: 0, llm_calls: 0, tool_calls: 0, tokens: 0, told: None }
    }

    /// The driver asked for something after it had been told to finish.
    pub(crate) fn overran(&self) -> bool {
        self.told.is_some_and(|asks| asks > 0)
    }

    pub(crate) fn spend(&mut self, usage: &Usage) {
        self.tokens = self.tokens.saturating_add(usage.total_tokens());
    }

    /// A round of asking begins; its number, from 1.
    pub(crate) fn begin_step(&mut self) -> u32 {
        self.steps = self.steps.saturating_add(1);
        self.steps
    }

    /// Whether the model may be asked once more. `new_round` is set for the first ask of a batch.
    pub(crate) fn ask(&mut self, new_round: bool) -> Grant {
        let steps_left = !new_round || self.steps < self.limits.steps_max;
        let over = if !steps_left { Some(self.steps_text()) } else { self.spent() };
        match (&mut self.told, over) {
            (Some(asks), Some(over)) if *asks >= GRACE_ASKS => return Grant::Exhausted(over),
            (Some(asks), _) => *asks += 1,
            (None, Some(over)) => return Grant::Refused(over),
            (None, None) => {}
        }
        self.llm_calls = self.llm_calls.saturating_add(1);
        Grant::Granted
    }

    /// Whether one more tool may be called. Never exhausts: a refused call is an error that the model reads.
    pub(crate) fn tool(&mut self) -> Grant {
        if self.tool_calls >= self.limits.tool_calls_max {
            return Grant::Refused(self.tools_text());
        }
        self.tool_calls += 1;
        Grant::Granted
    }

    /// Why the driver shall finish now; said once.
    pub(crate) fn wrap_up(&mut self, now: Instant) -> Option<String> {
        if self.told.is_some() {
            return None;
        }
        let why = self.nearly_spent(now)?;
        self.told = Some(0);
        Some(why)
    }

    pub(crate) fn wall_text(&self) -> String {
        format!("the session reached its limit of {} of wall time", seconds(self.limits.wall_max))
    }

    fn nearly_spent(&self, now: Instant) -> Option<String> {
        let limits = &self.limits;
        if self.steps >= limits.steps_max {
            return Some(self.steps_text());
        }
        if limits.tool_calls_max > 0 && self.tool_calls >= limits.tool_calls_max {
            return Some(self.tools_text());
        }
        let (part, whole) = TOKENS_SHARE;
        if limits.total_tokens_max.is_some_and(|max| self.tokens >= max / whole * part) {
            return Some(format!("{} of {} tokens are spent", self.tokens, limits.total_tokens_max.unwrap_or(0)));
        }
        let (part, whole) = WALL_SHARE;
        if now.saturating_duration_since(self.started) >= limits.wall_max / whole * part {
            return Some(format!("most of the session's {} of wall time is spent", seconds(limits.wall_max)));
        }
        self.spent()
    }

    fn spent(&self) -> Option<String> {
        let limits = &self.limits;
        if self.llm_calls >= limits.llm_calls_max {
            return Some(format!("the session reached its limit of {} model calls", limits.llm_calls_max));
        }
        let max = limits.total_tokens_max?;
        (self.tokens >= max).then(|| format!("the session reached its limit of {max} tokens"))
    }

    fn steps_text(&self) -> String {
        format!("the session reached its limit of {} steps", self.limits.steps_max)
    }

    fn tools_text(&self) -> String {
        format!("the session reached its limit of {} tool calls", self.limits.tool_calls_max)
    }
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs())
}

#[cfg(test)]
mod tests;
