//! The counters as families with names, for whoever tells them on. The names are OpenTelemetry's form; Prometheus' is made
//! of them by rule.
use super::histogram::Reading;
use super::keyed::Series;
use super::{Calls, Histogram, Metrics, Outcome};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// One metric and all its series.
pub(in crate::telemetry) struct Family {
    pub(in crate::telemetry) name: &'static str,
    pub(in crate::telemetry) help: &'static str,
    pub(in crate::telemetry) unit: Unit,
    pub(in crate::telemetry) shape: Shape,
    pub(in crate::telemetry) points: Vec<Point>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::telemetry) enum Shape {
    Counter,
    Gauge,
    Histogram,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::telemetry) enum Unit {
    One,
    Seconds,
    Bytes,
    Tokens,
}

pub(in crate::telemetry) struct Point {
    pub(in crate::telemetry) labels: Vec<(&'static str, String)>,
    pub(in crate::telemetry) value: Value,
}

pub(in crate::telemetry) enum Value {
    Number(u64),
    Histogram(Reading),
}

// === impl Family ===
impl Family {
    pub(in crate::telemetry) fn counter(name: &'static str, help: &'static str, points: Vec<Point>) -> Self {
        Self { name, help, unit: Unit::One, shape: Shape::Counter, points }
    }

    pub(in crate::telemetry) fn gauge(name: &'static str, help: &'static str, points: Vec<Point>) -> Self {
        Self { name, help, unit: Unit::One, shape: Shape::Gauge, points }
    }

    fn seconds(name: &'static str, help: &'static str, points: Vec<Point>) -> Self {
        Self { name, help, unit: Unit::Seconds, shape: Shape::Histogram, points }
    }

    pub(in crate::telemetry) fn of(self, unit: Unit) -> Self {
        Self { unit, ..self }
    }
}

// === impl Point ===
impl Point {
    pub(in crate::telemetry) fn number(labels: &[(&'static str, &str)], number: u64) -> Self {
        Self { labels: owned(labels), value: Value::Number(number) }
    }

    fn histogram(labels: &[(&'static str, &str)], histogram: &Histogram) -> Self {
        Self { labels: owned(labels), value: Value::Histogram(histogram.read()) }
    }
}

/// A label without a value is none.
fn owned(labels: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    let given = labels.iter().filter(|(_, value)| !value.is_empty());
    given.map(|(name, value)| (*name, (*value).to_owned())).collect()
}

// === impl Metrics ===
impl Metrics {
    /// Everything that was counted so far.
    pub(in crate::telemetry) fn families(&self) -> Vec<Family> {
        let mut all = self.of_requests();
        all.push(Family::counter(
            "magic.failures",
            "Plain requests that were refused, failed or broke off, by why.",
            self.failures.all().iter().map(|series| counted(series, ["alias", "operation", "kind"])).collect(),
        ));
        all.extend(self.of_calls());
        all.push(Family::counter(
            "magic.tries",
            "Sends to a vendor, hedges among them, by what became of them.",
            self.tries.all().iter().map(|series| counted(series, ["profile", "kind"])).collect(),
        ));
        all.extend(self.of_sessions());
        all.push(Family::counter(
            "magic.cache.lookups",
            "Questions to the response cache by its answer.",
            self.lookups.all().iter().map(|series| counted(series, ["outcome"])).collect(),
        ));
        all
    }

    fn of_requests(&self) -> Vec<Family> {
        let all = self.requests.all();
        let mut ended = Vec::new();
        for series in &all {
            let [alias, profile, operation] = series.labels.each_ref().map(|label| &**label);
            for (outcome, count) in Outcome::ALL.iter().zip(&series.values.ended) {
                let count = count.load(Relaxed);
                let labels =
                    [("alias", alias), ("profile", profile), ("operation", operation), ("outcome", outcome.as_str())];
                ended.extend((count > 0).then(|| Point::number(&labels, count)));
            }
        }
        let durations = all.iter().map(|series| {
            Point::histogram(&zipped(["alias", "profile", "operation"], &series.labels), &series.values.duration)
        });
        vec![
            Family::counter("magic.requests", "Plain requests by how they ended.", ended),
            Family::seconds(
                "magic.request.duration",
                "From a plain request's arrival to the end of its reply.",
                durations.collect(),
            ),
        ]
    }

    fn of_calls(&self) -> Vec<Family> {
        let all = self.calls.all();
        let of = |histogram: fn(&Calls) -> &Histogram| {
            let there = all.iter().filter(move |series| histogram(&series.values).count() > 0);
            there.map(move |series| Point::histogram(&call_labels(&series.labels), histogram(&series.values))).collect()
        };
        let mut tokens = Vec::new();
        for series in &all {
            for (histogram, word) in [(&series.values.input, "input"), (&series.values.output, "output")] {
                let mut labels = call_labels(&series.labels);
                labels.push(("gen_ai.token.type", word));
                tokens.extend((histogram.count() > 0).then(|| Point::histogram(&labels, histogram)));
            }
        }
        let (mut sums, mut costs) = (BTreeMap::new(), BTreeMap::new());
        for series in &all {
            let Calls { input, output, cached_input, reasoning, cost_micros, .. } = &series.values;
            let [alias, profile, ..] = series.labels.each_ref().map(|label| &**label);
            let words = [
                ("input", input.sum()),
                ("output", output.sum()),
                ("cached_input", cached_input.load(Relaxed)),
                ("reasoning", reasoning.load(Relaxed)),
            ];
            for (word, count) in words.into_iter().filter(|(_, count)| *count > 0) {
                *sums.entry([alias, profile, word]).or_insert(0) += count;
            }
            *costs.entry([alias, profile]).or_insert(0) += cost_micros.load(Relaxed);
        }
        let tokens_by_type = sums.iter().map(|([alias, profile, word], count)| {
            Point::number(&[("alias", alias), ("profile", profile), ("type", word)], *count)
        });
        let costs = costs.iter().filter(|(_, cost)| **cost > 0);
        let costs =
            costs.map(|([alias, profile], cost)| Point::number(&[("alias", alias), ("profile", profile)], *cost));
        vec![
            Family::seconds(
                "gen_ai.client.operation.duration",
                "Calls to models, of plain requests and of sessions, to the end of the reply.",
                of(|calls| &calls.duration),
            ),
            Family::seconds(
                "gen_ai.client.operation.time_to_first_chunk",
                "From the beginning of a call to the first event of its stream.",
                of(|calls| &calls.first_event),
            ),
            Family {
                name: "gen_ai.client.token.usage",
                help: "Tokens of one call as the vendor counted them.",
                unit: Unit::Tokens,
                shape: Shape::Histogram,
                points: tokens,
            },
            Family::counter("magic.tokens", "Tokens in all as vendors counted them.", tokens_by_type.collect()),
            Family::counter(
                "magic.cost.micros",
                "What calls cost by the profiles' prices, in millionths of the config's currency.",
                costs.collect(),
            ),
        ]
    }

    fn of_sessions(&self) -> Vec<Family> {
        let (sessions, tools, components) = (self.sessions.all(), self.tools.all(), self.components.all());
        let timed = |all: &[Arc<Series<3, Histogram>>], names: [&'static str; 3]| {
            all.iter().map(|series| Point::histogram(&zipped(names, &series.labels), &series.values)).collect()
        };
        let tool_calls = tools
            .iter()
            .map(|series| Point::number(&zipped(["tool", "outcome"], &series.labels), series.values.count()));
        let tool_times = tools.iter().map(|series| {
            let [tool, outcome] = series.labels.each_ref().map(|label| &**label);
            let error = if outcome == "ok" { "" } else { outcome };
            Point::histogram(&[("gen_ai.tool.name", tool), ("error.type", error)], &series.values)
        });
        let component_calls = components.iter().map(|series| {
            Point::number(&zipped(["component", "kind", "outcome"], &series.labels), series.values.count())
        });
        vec![
            Family::seconds(
                "magic.session.duration",
                "Sessions that ended here, from their start or restart.",
                timed(&sessions, ["alias", "pattern", "outcome"]),
            ),
            Family::counter("magic.tool.calls", "Calls of tools by sessions.", tool_calls.collect()),
            Family::seconds("gen_ai.execute_tool.duration", "Calls of tools by sessions.", tool_times.collect()),
            Family::counter("magic.component.calls", "Calls of components.", component_calls.collect()),
            Family::seconds(
                "magic.component.call.duration",
                "Calls of components, the wait for a place among them.",
                timed(&components, ["component", "kind", "outcome"]),
            ),
        ]
    }
}

fn counted<const N: usize>(series: &Arc<Series<N, AtomicU64>>, names: [&'static str; N]) -> Point {
    Point::number(&zipped(names, &series.labels), series.values.load(Relaxed))
}

fn zipped<'a, const N: usize>(names: [&'static str; N], labels: &'a [Box<str>; N]) -> Vec<(&'static str, &'a str)> {
    names.into_iter().zip(labels.iter().map(|label| &**label)).collect()
}

/// By the conventions' names where they have one.
fn call_labels(labels: &[Box<str>; 6]) -> Vec<(&'static str, &str)> {
    let names =
        ["alias", "profile", "gen_ai.provider.name", "gen_ai.operation.name", "gen_ai.request.model", "error.type"];
    zipped(names, labels)
}
