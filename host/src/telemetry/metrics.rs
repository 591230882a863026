//! What is counted while the gateway works: the one source of what Prometheus reads and what goes to a collector. Labels come
//! from the config and from loaded components, never from a client, and each set of series has a bound. Says nothing of
//! what stands still (keys, breakers, sessions): `standing` does, when it is asked.
mod families;
mod histogram;
mod keyed;

pub(super) use families::{Family, Point, Shape, Unit, Value};
pub(crate) use histogram::Histogram;

use histogram::{CALLS, REQUESTS, SESSIONS, TOKENS};
use keyed::Keyed;
pub(super) use keyed::OTHER;
use magic_types::Usage;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Aliases, profiles and operations of a large config, multiplied; a series is less than a KiB.
const SERIES_MAX: usize = 2000;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Served,
    /// From the cache, or along with another request.
    Cached,
    /// The client is at fault.
    Refused,
    Failed,
    /// After its first event.
    BrokenOff,
    /// The client left before the end.
    Left,
}

/// A request by whom it was for and who served it; `-` where nobody did.
pub(super) struct Requests {
    ended: [AtomicU64; Outcome::ALL.len()],
    duration: Histogram,
}

/// Calls to one model that ended alike.
pub(crate) struct Calls {
    pub(super) duration: Histogram,
    pub(super) first_event: Histogram,
    pub(super) input: Histogram,
    pub(super) output: Histogram,
    pub(super) cached_input: AtomicU64,
    pub(super) reasoning: AtomicU64,
    pub(super) cost_micros: AtomicU64,
}

/// Whose calls they are.
#[derive(Clone, Copy)]
pub(crate) struct CallLabels<'a> {
    pub(crate) alias: &'a str,
    pub(crate) profile: &'a str,
    /// By OpenTelemetry's words.
    pub(crate) provider: &'a str,
    pub(crate) operation: &'a str,
    /// The vendor's name of it, as the config has it.
    pub(crate) model: &'a str,
    /// A failure's kind; empty for those that went well.
    pub(crate) error: &'a str,
}

/// All counters of one gateway.
pub(crate) struct Metrics {
    /// alias, profile, operation.
    requests: Keyed<3, Requests>,
    /// In the order of [`CallLabels`].
    calls: Keyed<6, Calls>,
    /// alias, operation, kind.
    failures: Keyed<3, AtomicU64>,
    /// profile, kind.
    tries: Keyed<2, AtomicU64>,
    /// tool, outcome.
    tools: Keyed<2, Histogram>,
    /// component, kind, outcome.
    components: Keyed<3, Histogram>,
    /// alias, pattern, outcome.
    sessions: Keyed<3, Histogram>,
    /// What the cache said.
    lookups: Keyed<1, AtomicU64>,
}

// === impl Outcome ===
impl Outcome {
    const ALL: [Self; 6] = [Self::Served, Self::Cached, Self::Refused, Self::Failed, Self::BrokenOff, Self::Left];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Served => "served",
            Self::Cached => "cached",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::BrokenOff => "broken_off",
            Self::Left => "left",
        }
    }
}

impl Default for Requests {
    fn default() -> Self {
        Self { ended: Default::default(), duration: Histogram::new(REQUESTS) }
    }
}

impl Default for Calls {
    fn default() -> Self {
        Self {
            duration: Histogram::new(REQUESTS),
            first_event: Histogram::new(REQUESTS),
            input: Histogram::new(TOKENS),
            output: Histogram::new(TOKENS),
            cached_input: AtomicU64::new(0),
            reasoning: AtomicU64::new(0),
            cost_micros: AtomicU64::new(0),
        }
    }
}

// === impl Metrics ===
impl Default for Metrics {
    fn default() -> Self {
        Self {
            requests: Keyed::new(SERIES_MAX, Requests::default),
            calls: Keyed::new(SERIES_MAX, Calls::default),
            failures: Keyed::new(SERIES_MAX, AtomicU64::default),
            tries: Keyed::new(SERIES_MAX, AtomicU64::default),
            tools: Keyed::new(SERIES_MAX, || Histogram::new(CALLS)),
            components: Keyed::new(SERIES_MAX, || Histogram::new(CALLS)),
            sessions: Keyed::new(SERIES_MAX, || Histogram::new(SESSIONS)),
            lookups: Keyed::new(8, AtomicU64::default),
        }
    }
}

impl Metrics {
    pub(super) fn request(&self, alias: &str, profile: &str, operation: &str, outcome: Outcome, took: Duration) {
        let series = self.requests.of([alias, profile, operation]);
        series.values.duration.record_time(took);
        if let Some(count) = series.values.ended.get(outcome as usize) {
            count.fetch_add(1, Relaxed);
        }
    }

    pub(super) fn call(
        &self,
        labels: &CallLabels<'_>,
        took: Duration,
        first_event: Option<Duration>,
        usage: Option<&Usage>,
    ) {
        let CallLabels { alias, profile, provider, operation, model, error } = *labels;
        let series = self.calls.of([alias, profile, provider, operation, model, error]);
        let calls = &series.values;
        calls.duration.record_time(took);
        if let Some(first) = first_event {
            calls.first_event.record_time(first);
        }
        if let Some(usage) = usage {
            calls.input.record(usage.input_tokens);
            calls.output.record(usage.output_tokens);
            calls.cached_input.fetch_add(usage.cached_input_tokens, Relaxed);
            calls.reasoning.fetch_add(usage.reasoning_tokens, Relaxed);
            calls.cost_micros.fetch_add(usage.cost_micros.unwrap_or(0), Relaxed);
        }
    }

    pub(super) fn failed(&self, alias: &str, operation: &str, kind: &str) {
        self.failures.of([alias, operation, kind]).values.fetch_add(1, Relaxed);
    }

    /// `kind`: a failure's, or `served`.
    pub(super) fn tried(&self, profile: &str, kind: &str) {
        self.tries.of([profile, kind]).values.fetch_add(1, Relaxed);
    }

    pub(super) fn tool(&self, tool: &str, outcome: &str, took: Duration) {
        self.tools.of([tool, outcome]).values.record_time(took);
    }

    pub(super) fn component(&self, component: &str, kind: &str, outcome: &str, took: Duration) {
        self.components.of([component, kind, outcome]).values.record_time(took);
    }

    pub(super) fn session(&self, alias: &str, pattern: &str, outcome: &str, took: Duration) {
        self.sessions.of([alias, pattern, outcome]).values.record_time(took);
    }

    pub(super) fn looked_up(&self, word: &str) {
        self.lookups.of([word]).values.fetch_add(1, Relaxed);
    }
}

#[cfg(test)]
mod tests;
