//! Usage that is not in the file yet: summed up in memory, off the way of requests, and taken to the file in one go. Also
//! holds whose settlement the file did not take at first.
use super::holds::{self, HoldId};
use super::usage;
use magic_access::{Charge, TeamName, VirtualKeyId};
use magic_sqlite::rusqlite::{self, Connection};
use magic_types::{AliasName, ProfileName};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Different lines between two visits of the file, a second apart: keys, aliases and profiles are what they can differ in.
/// Beyond it sums go on, on a line for all others.
const LINES_MAX: usize = 10_000;
/// Settlements that wait for a disk which takes nothing. Beyond it a hold stays: it is settled at the next start.
const UNSETTLED_MAX: usize = 100_000;
/// What a line is counted as in the queue.
pub(super) const ROW_BYTES: usize = 256;
/// Who and what stands on the line for all others.
const OTHERS: &str = "(others)";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Outcome {
    /// The whole answer.
    Ok,
    /// None.
    Failed,
    /// The client went, or the stream broke: what was delivered counts.
    Cut,
    /// From the response cache.
    Cached,
    /// The gateway ended while it was under way.
    Unknown,
}

/// What one request's usage is summed up under. Two forms: with names that cost nothing to clone, and as the file has it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Line<T> {
    /// Days since 1970.
    pub(super) day: u64,
    pub(super) key: T,
    /// Empty: none; so are `profile` and `pattern`.
    pub(super) team: T,
    pub(super) alias: T,
    pub(super) profile: T,
    pub(super) pattern: T,
    pub(super) operation: T,
    pub(super) outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Names {
    pub(super) day: u64,
    pub(super) key: VirtualKeyId,
    pub(super) team: Option<TeamName>,
    pub(super) alias: AliasName,
    pub(super) profile: Option<ProfileName>,
    pub(super) pattern: Option<Arc<str>>,
    pub(super) operation: &'static str,
    pub(super) outcome: Outcome,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) requests: u64,
    /// Of `requests`: their tokens or cost are an estimate, for the vendor did not say.
    pub(crate) estimated: u64,
    pub(crate) tokens_in: u64,
    /// Of `tokens_in`.
    pub(crate) tokens_cached: u64,
    pub(crate) tokens_out: u64,
    pub(crate) cost_micros: u64,
}

/// A hold, and what becomes of it.
pub(super) struct Settlement {
    pub(super) hold: HoldId,
    /// `None`: nothing was sent.
    pub(super) spent: Option<(Charge, Names, Sums)>,
}

#[derive(Default)]
pub(super) struct Tally(Mutex<State>);

#[derive(Default)]
struct State {
    lines: HashMap<Names, Sums>,
    unsettled: Vec<Arc<Settlement>>,
}

/// What goes to the file together.
pub(super) struct Batch(State);

// === impl Tally ===
impl Tally {
    pub(super) fn add(&self, names: Names, sums: Sums) {
        self.state().add(names, sums);
    }

    /// For the next visit of the file, whose queue was full.
    pub(super) fn keep(&self, settlement: Arc<Settlement>) {
        self.state().keep(settlement);
    }

    pub(super) fn take(&self) -> Batch {
        Batch(std::mem::take(&mut *self.state()))
    }

    pub(super) fn put_back(&self, batch: &Batch) {
        let mut state = self.state();
        for (names, sums) in &batch.0.lines {
            state.add(names.clone(), *sums);
        }
        for settlement in &batch.0.unsettled {
            state.keep(Arc::clone(settlement));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl State ===
impl State {
    fn add(&mut self, names: Names, sums: Sums) {
        let is_full = self.lines.len() >= LINES_MAX && !self.lines.contains_key(&names);
        let names = if is_full { names.of_all_others() } else { names };
        *self.lines.entry(names).or_default() += sums;
    }

    fn keep(&mut self, settlement: Arc<Settlement>) {
        if self.unsettled.len() < UNSETTLED_MAX {
            self.unsettled.push(settlement);
        }
    }
}

// === impl Batch ===
impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.0.lines.is_empty() && self.0.unsettled.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.lines.len() + self.0.unsettled.len()
    }

    /// All of it or, where it fails, nothing: it is a part of somebody's transaction.
    pub(super) fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        for (names, sums) in &self.0.lines {
            usage::add(connection, &names.as_texts(), sums)?;
        }
        self.0.unsettled.iter().try_for_each(|settlement| settlement.write(connection))
    }
}

// === impl Settlement ===
impl Settlement {
    /// The hold's end and the usage together: neither is in the file without the other.
    pub(super) fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        let cost = self.spent.as_ref().map(|(cost, _, _)| *cost);
        let was_held = holds::settle(connection, self.hold, cost)?;
        match &self.spent {
            Some((_, names, sums)) if was_held => usage::add(connection, &names.as_texts(), sums),
            Some(_) | None => Ok(()),
        }
    }
}

// === impl Names ===
impl Names {
    fn of_all_others(self) -> Self {
        Self {
            key: VirtualKeyId::new(OTHERS),
            team: None,
            alias: AliasName::from(OTHERS),
            profile: None,
            pattern: None,
            ..self
        }
    }

    pub(super) fn as_texts(&self) -> Line<&str> {
        Line {
            day: self.day,
            key: self.key.as_str(),
            team: self.team.as_ref().map_or("", |team| team.as_str()),
            alias: self.alias.as_str(),
            profile: self.profile.as_ref().map_or("", |profile| profile.as_str()),
            pattern: self.pattern.as_deref().unwrap_or(""),
            operation: self.operation,
            outcome: self.outcome,
        }
    }
}

// === impl Line ===
impl Line<String> {
    pub(super) fn as_texts(&self) -> Line<&str> {
        Line {
            day: self.day,
            key: &self.key,
            team: &self.team,
            alias: &self.alias,
            profile: &self.profile,
            pattern: &self.pattern,
            operation: &self.operation,
            outcome: self.outcome,
        }
    }
}

// === impl Sums ===
impl std::ops::AddAssign for Sums {
    fn add_assign(&mut self, other: Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.estimated = self.estimated.saturating_add(other.estimated);
        self.tokens_in = self.tokens_in.saturating_add(other.tokens_in);
        self.tokens_cached = self.tokens_cached.saturating_add(other.tokens_cached);
        self.tokens_out = self.tokens_out.saturating_add(other.tokens_out);
        self.cost_micros = self.cost_micros.saturating_add(other.cost_micros);
    }
}

// === impl Outcome ===
impl Outcome {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Cut => "cut",
            Self::Cached => "cached",
            Self::Unknown => "unknown",
        }
    }
}
