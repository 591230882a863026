//! What an hour came to, and all of them as the table of docs/ROUTING.md.
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::town::{Asked, VENDORS};

/// Of one strategy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) strategy: String,
    pub(crate) errors: usize,
    pub(crate) cost_micros: u64,
    times: Vec<Duration>,
    /// Hard requests, and those of them that a strong model served.
    hard: (usize, usize),
    sent: BTreeMap<&'static str, usize>,
}

// === impl Outcome ===
impl Outcome {
    pub(super) fn new(strategy: &str) -> Self {
        Self {
            strategy: strategy.to_owned(),
            errors: 0,
            cost_micros: 0,
            times: Vec::new(),
            hard: (0, 0),
            sent: BTreeMap::new(),
        }
    }

    pub(super) fn sent(&mut self, vendor: &'static str) {
        *self.sent.entry(vendor).or_default() += 1;
    }

    pub(super) fn failed(&mut self) {
        self.errors += 1;
    }

    pub(super) fn served(&mut self, took: Duration, cost_micros: u64, asked: &Asked, vendor: &str) {
        self.times.push(took);
        self.cost_micros += cost_micros;
        if asked.is_hard() {
            let is_strong = VENDORS.iter().any(|other| other.name == vendor && other.is_strong);
            self.hard = (self.hard.0 + 1, self.hard.1 + usize::from(is_strong));
        }
    }

    pub(crate) fn requests(&self) -> usize {
        self.times.len() + self.errors
    }

    /// From the request's coming to its first event, failed tries and all; in milliseconds.
    pub(crate) fn percentile(&self, percent: usize) -> u128 {
        let mut times = self.times.clone();
        times.sort();
        times.get(times.len() * percent / 100).map_or(0, Duration::as_millis)
    }

    pub(crate) fn hard_on_strong_percent(&self) -> usize {
        self.hard.1 * 100 / self.hard.0.max(1)
    }

    /// Tries for a hundred requests.
    pub(crate) fn tries_percent(&self) -> usize {
        self.sent.values().sum::<usize>() * 100 / self.requests().max(1)
    }

    /// Of its tries, so many of a hundred went to the vendor.
    pub(crate) fn share_percent(&self, vendor: &str) -> usize {
        let all = self.sent.values().sum::<usize>();
        self.sent.get(vendor).copied().unwrap_or(0) * 100 / all.max(1)
    }
}

/// In Markdown.
pub(crate) fn table(outcomes: &[Outcome]) -> String {
    let mut out = String::from(
        "| strategy | p50 | p95 | p99 | errors | tries per 100 | cost | hard on a strong model | main / small / twin / home |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for one in outcomes {
        let shares = VENDORS.iter().map(|vendor| format!("{}%", one.share_percent(vendor.name))).collect::<Vec<_>>();
        // Writing to a String cannot fail.
        let _cannot_fail = writeln!(
            out,
            "| `{}` | {} ms | {} ms | {} ms | {} of {} | {} | ${}.{:02} | {}% | {} |",
            one.strategy,
            one.percentile(50),
            one.percentile(95),
            one.percentile(99),
            one.errors,
            one.requests(),
            one.tries_percent(),
            one.cost_micros / 1_000_000,
            one.cost_micros % 1_000_000 / 10_000,
            one.hard_on_strong_percent(),
            shares.join(" / "),
        );
    }
    out
}
