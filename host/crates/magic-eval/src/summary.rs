//! Outcomes of all items as one row for each alias, against a control. Refuses to count an error as an answer: it has a
//! column of its own.
use crate::stats::{Interval, Pairs, share, wilson};
use std::collections::HashMap;

/// What became of one item.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    pub item: String,
    /// `None`: an error, and no answer.
    pub correct: Option<bool>,
    /// As [`crate::Verdict::recovered`].
    pub recovered: Option<bool>,
    /// Calls to models that the answer took.
    pub calls: Option<u64>,
    pub input_tokens: Option<u64>,
    pub output_tokens: Option<u64>,
    /// Millionths of a dollar.
    pub cost_micros: Option<u64>,
    pub latency_ms: u64,
}

/// All that is known of an alias.
#[derive(Clone, Debug)]
pub struct Measured {
    pub alias: String,
    pub outcomes: Vec<Outcome>,
}

/// A line of the table. Means are over the answered items for which the figure is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub alias: String,
    pub answered: u64,
    pub errors: u64,
    pub right: u64,
    pub accuracy: f64,
    pub accuracy_interval: Interval,
    /// The accuracy if calls that stand in the text counted as well; `None` where no item has tools.
    pub recovered: Option<f64>,
    /// `None` for the control itself, and without one.
    pub versus: Option<Versus>,
    pub calls: Option<f64>,
    pub input_tokens: Option<f64>,
    pub output_tokens: Option<f64>,
    /// Of all items together.
    pub cost_micros: Option<u64>,
    pub latency_ms_p50: Option<u64>,
    pub latency_ms_p95: Option<u64>,
}

/// Against the control, on the items that both answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Versus {
    pub pairs: Pairs,
    pub difference: f64,
    pub interval: Interval,
    pub p_value: f64,
}

pub fn rows(measured: &[Measured], control: &str) -> Vec<Row> {
    let against = measured.iter().find(|one| one.alias == control);
    measured.iter().map(|one| row(one, against.filter(|against| against.alias != one.alias))).collect()
}

fn row(measured: &Measured, control: Option<&Measured>) -> Row {
    let answered: Vec<&Outcome> = measured.outcomes.iter().filter(|outcome| outcome.correct.is_some()).collect();
    let count = answered.len() as u64;
    let right = hits(&answered, |outcome| outcome.correct);
    let has_tools = answered.iter().any(|outcome| outcome.recovered.is_some());
    let costs: Vec<u64> = answered.iter().filter_map(|outcome| outcome.cost_micros).collect();
    let mut latencies: Vec<u64> = answered.iter().map(|outcome| outcome.latency_ms).collect();
    latencies.sort_unstable();
    Row {
        alias: measured.alias.clone(),
        answered: count,
        errors: measured.outcomes.len() as u64 - count,
        right,
        accuracy: share(right, count),
        accuracy_interval: wilson(right, count),
        recovered: has_tools.then(|| share(hits(&answered, |outcome| outcome.recovered.or(outcome.correct)), count)),
        versus: control.map(|control| Versus::of(measured, control)),
        calls: mean(answered.iter().filter_map(|outcome| outcome.calls)),
        input_tokens: mean(answered.iter().filter_map(|outcome| outcome.input_tokens)),
        output_tokens: mean(answered.iter().filter_map(|outcome| outcome.output_tokens)),
        cost_micros: (!costs.is_empty()).then(|| costs.iter().sum()),
        latency_ms_p50: percentile(&latencies, 50),
        latency_ms_p95: percentile(&latencies, 95),
    }
}

// === impl Versus ===
impl Versus {
    fn of(measured: &Measured, control: &Measured) -> Self {
        let theirs: HashMap<&str, bool> =
            control.outcomes.iter().filter_map(|outcome| Some((outcome.item.as_str(), outcome.correct?))).collect();
        let mut pairs = Pairs::default();
        for outcome in &measured.outcomes {
            if let (Some(ours), Some(theirs)) = (outcome.correct, theirs.get(outcome.item.as_str())) {
                pairs.add(ours, *theirs);
            }
        }
        Self { pairs, difference: pairs.difference(), interval: pairs.interval(), p_value: pairs.p_value() }
    }
}

fn hits(outcomes: &[&Outcome], of: fn(&Outcome) -> Option<bool>) -> u64 {
    outcomes.iter().filter(|outcome| of(outcome) == Some(true)).count() as u64
}

fn mean(values: impl Iterator<Item = u64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_u64), |(sum, count), value| (sum + value as f64, count + 1));
    (count > 0).then(|| sum / count as f64)
}

/// The nearest rank: a latency that was really measured.
fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests;
