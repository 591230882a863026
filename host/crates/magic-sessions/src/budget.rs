//! What a session may still spend, and when it is told to come to an end. Counts; reads no clock.
use magic_types::Usage;
use magic_types::directive::Limits;
use std::time::{Duration, Instant};

/// Asks that may still be made once the driver was told to finish: one for the answer and one for mending it.
const GRACE_ASKS: u32 = 2;
/// The driver is told at this share of its tokens, its money and its time, so that something is left to finish with.
const SPENT_SHARE: (u64, u64) = (9, 10);
const WALL_SHARE: (u32, u32) = (4, 5);

/// Which of a session's limits it met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    Steps,
    ModelCalls,
    ToolCalls,
    Tokens,
    Cost,
    WallTime,
}

/// How much of what is counted a session has used; what it delegated counts too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    pub steps: u32,
    pub llm_calls: u32,
    pub tool_calls: u32,
}

/// Counts what one session spends.
pub(crate) struct Budget {
    limits: Limits,
    started: Instant,
    spent: Spent,
    tokens: u64,
    cost_micros: u64,
    /// Set once the driver was told, with the asks it made since.
    told: Option<(Limit, u32)>,
}

/// A limit that is met, in words for the model and the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Met {
    pub(crate) limit: Limit,
    pub(crate) text: String,
}

/// What becomes of one wish of the driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Grant {
    Granted,
    /// Over a limit, and the driver does not know yet: it is refused this once and told.
    Refused(Met),
    /// Over a limit, told and given time: the session ends.
    Exhausted(Met),
}

// === impl Limit ===

impl Limit {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Steps => "steps",
            Self::ModelCalls => "model_calls",
            Self::ToolCalls => "tool_calls",
            Self::Tokens => "tokens",
            Self::Cost => "cost",
            Self::WallTime => "wall_time",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        let all = [Self::Steps, Self::ModelCalls, Self::ToolCalls, Self::Tokens, Self::Cost, Self::WallTime];
        all.into_iter().find(|limit| limit.as_str() == word)
    }
}

// === impl Budget ===

impl Budget {
    pub(crate) fn new(limits: Limits, started: Instant) -> Self {
        Self { limits, started, spent: Spent::default(), tokens: 0, cost_micros: 0, told: None }
    }

    /// The limit that the driver was told of and asked beyond.
    pub(crate) fn overran(&self) -> Option<Limit> {
        self.told.and_then(|(limit, asks)| (asks > 0).then_some(limit))
    }

    pub(crate) fn spent(&self) -> Spent {
        self.spent
    }

    pub(crate) fn spend(&mut self, usage: &Usage) {
        self.tokens = self.tokens.saturating_add(usage.total_tokens());
        self.cost_micros = self.cost_micros.saturating_add(usage.cost_micros.unwrap_or(0));
    }

    /// What a delegated session used counts for the one that delegated.
    pub(crate) fn spend_calls(&mut self, spent: Spent) {
        self.spent.llm_calls = self.spent.llm_calls.saturating_add(spent.llm_calls);
        self.spent.tool_calls = self.spent.tool_calls.saturating_add(spent.tool_calls);
    }

    /// What is left, for a session that is delegated to at `now`.
    pub(crate) fn left(&self, now: Instant) -> Limits {
        let limits = &self.limits;
        Limits {
            steps_max: limits.steps_max,
            llm_calls_max: limits.llm_calls_max.saturating_sub(self.spent.llm_calls),
            tool_calls_max: limits.tool_calls_max.saturating_sub(self.spent.tool_calls),
            total_tokens_max: limits.total_tokens_max.map(|max| max.saturating_sub(self.tokens)),
            cost_micros_max: limits.cost_micros_max.map(|max| max.saturating_sub(self.cost_micros)),
            wall_max: whole_ms(limits.wall_max.saturating_sub(now.saturating_duration_since(self.started))),
            parallel_max: limits.parallel_max,
            depth_max: limits.depth_max.saturating_sub(1),
        }
    }

    /// A round of asking begins; its number, from 1.
    pub(crate) fn begin_step(&mut self) -> u32 {
        self.spent.steps = self.spent.steps.saturating_add(1);
        self.spent.steps
    }

    /// Whether the model may be asked once more, or another alias. `new_round` is set for the first ask of a batch.
    pub(crate) fn ask(&mut self, new_round: bool) -> Grant {
        let steps_left = !new_round || self.spent.steps < self.limits.steps_max;
        let over = if steps_left { self.used_up() } else { Some(self.steps_met()) };
        match (&mut self.told, over) {
            (Some((_, asks)), Some(over)) if *asks >= GRACE_ASKS => return Grant::Exhausted(over),
            (Some((_, asks)), _) => *asks += 1,
            (None, Some(over)) => return Grant::Refused(over),
            (None, None) => {}
        }
        self.spent.llm_calls = self.spent.llm_calls.saturating_add(1);
        Grant::Granted
    }

    /// Whether one more tool may be called. Never exhausts: a refused call is an error that the model reads.
    pub(crate) fn tool(&mut self) -> Grant {
        if self.spent.tool_calls >= self.limits.tool_calls_max {
            return Grant::Refused(self.tools_met());
        }
        self.spent.tool_calls += 1;
        Grant::Granted
    }

    /// Why the driver shall finish now; said once.
    pub(crate) fn wrap_up(&mut self, now: Instant) -> Option<Met> {
        if self.told.is_some() {
            return None;
        }
        let met = self.nearly_spent(now)?;
        self.told = Some((met.limit, 0));
        Some(met)
    }

    pub(crate) fn wall_met(&self) -> Met {
        let text = format!("the session reached its limit of {} of wall time", seconds(self.limits.wall_max));
        Met { limit: Limit::WallTime, text }
    }

    fn nearly_spent(&self, now: Instant) -> Option<Met> {
        let limits = &self.limits;
        if self.spent.steps >= limits.steps_max {
            return Some(self.steps_met());
        }
        if limits.tool_calls_max > 0 && self.spent.tool_calls >= limits.tool_calls_max {
            return Some(self.tools_met());
        }
        if let Some(max) = limits.total_tokens_max.filter(|max| is_share(self.tokens, *max)) {
            let text = format!("{} of {max} tokens are spent", self.tokens);
            return Some(Met { limit: Limit::Tokens, text });
        }
        if let Some(max) = limits.cost_micros_max.filter(|max| is_share(self.cost_micros, *max)) {
            let text = format!("{} of {} of the session's money are spent", money(self.cost_micros), money(max));
            return Some(Met { limit: Limit::Cost, text });
        }
        let (part, whole) = WALL_SHARE;
        if now.saturating_duration_since(self.started) >= limits.wall_max / whole * part {
            let text = format!("most of the session's {} of wall time is spent", seconds(limits.wall_max));
            return Some(Met { limit: Limit::WallTime, text });
        }
        self.used_up()
    }

    fn used_up(&self) -> Option<Met> {
        let limits = &self.limits;
        let met = |limit, text: String| Some(Met { limit, text });
        if self.spent.llm_calls >= limits.llm_calls_max {
            let text = format!("the session reached its limit of {} model calls", limits.llm_calls_max);
            return met(Limit::ModelCalls, text);
        }
        if let Some(max) = limits.total_tokens_max.filter(|max| self.tokens >= *max) {
            return met(Limit::Tokens, format!("the session reached its limit of {max} tokens"));
        }
        let max = limits.cost_micros_max.filter(|max| self.cost_micros >= *max)?;
        met(Limit::Cost, format!("the session reached its limit of {} of money", money(max)))
    }

    fn steps_met(&self) -> Met {
        let text = format!("the session reached its limit of {} steps", self.limits.steps_max);
        Met { limit: Limit::Steps, text }
    }

    fn tools_met(&self) -> Met {
        let text = format!("the session reached its limit of {} tool calls", self.limits.tool_calls_max);
        Met { limit: Limit::ToolCalls, text }
    }
}

fn is_share(spent: u64, max: u64) -> bool {
    let (part, whole) = SPENT_SHARE;
    spent >= max / whole * part
}

/// As it is kept on disk, so that it is the same after a restart.
fn whole_ms(time: Duration) -> Duration {
    Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs())
}

/// Millionths as the currency's units.
fn money(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

#[cfg(test)]
mod tests;
