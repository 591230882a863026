//! Counting, bounds, and what comes out of it.
use super::histogram::{Histogram, TOKENS};
use super::keyed::Keyed;
use super::{CallLabels, Metrics, Outcome, Value};
use magic_types::Usage;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

#[test]
fn what_comes_beyond_the_bound_is_counted_as_other() {
    let keyed = Keyed::new(2, AtomicU64::default);
    for name in ["a", "b", "c", "d", "a"] {
        keyed.of([name]).values.fetch_add(1, Relaxed);
    }
    let all: Vec<(String, u64)> =
        keyed.all().iter().map(|series| (series.labels[0].to_string(), series.values.load(Relaxed))).collect();
    assert_eq!(all, [("a".to_owned(), 2), ("b".to_owned(), 1), ("other".to_owned(), 2)]);
}

#[test]
fn threads_that_count_the_same_lose_nothing() {
    let metrics = Metrics::default();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..1000).for_each(|_| metrics.tried("main", "served")));
        }
    });
    assert_eq!(metrics.tries.of(["main", "served"]).values.load(Relaxed), 8000);
}

#[test]
fn a_value_at_a_bound_belongs_below_it() {
    let histogram = Histogram::new(TOKENS);
    for value in [0, 1, 2, 4, 5, u64::from(u32::MAX)] {
        histogram.record(value);
    }
    let reading = histogram.read();
    assert_eq!(reading.buckets.get(..3), Some([2, 2, 1].as_slice()));
    assert_eq!(reading.buckets.last(), Some(&1), "beyond the last bound");
    assert_eq!((histogram.count(), reading.buckets.len()), (6, reading.bounds.len() + 1));
}

#[test]
fn tokens_of_an_alias_and_profile_are_summed_over_models_and_errors() {
    let metrics = Metrics::default();
    let labels =
        |model, error| CallLabels { alias: "x", profile: "p", provider: "openai", operation: "chat", model, error };
    let usage = Usage { input_tokens: 10, output_tokens: 3, cost_micros: Some(7), ..Usage::default() };
    metrics.call(&labels("old", ""), Duration::from_secs(1), None, Some(&usage));
    metrics.call(&labels("new", ""), Duration::from_secs(1), None, Some(&usage));
    metrics.call(&labels("new", "upstream_cut_off"), Duration::from_secs(1), None, Some(&usage));
    let number = |name: &str, label: (&str, &str)| {
        let families = metrics.families();
        let family = families.iter().find(|family| family.name == name).unwrap();
        let is_it = |labels: &[(&str, String)]| labels.iter().any(|(key, value)| (*key, value.as_str()) == label);
        let points: Vec<u64> = family
            .points
            .iter()
            .filter(|point| is_it(&point.labels))
            .map(|point| if let Value::Number(number) = point.value { number } else { 0 })
            .collect();
        points
    };
    assert_eq!(number("magic.tokens", ("type", "input")), [30]);
    assert_eq!(number("magic.tokens", ("type", "output")), [9]);
    assert_eq!(number("magic.cost.micros", ("profile", "p")), [21]);
}

#[test]
fn every_outcome_has_a_place_and_a_word_of_its_own() {
    let metrics = Metrics::default();
    for outcome in Outcome::ALL {
        metrics.request("a", "p", "messages", outcome, Duration::from_millis(1));
    }
    let series = metrics.requests.of(["a", "p", "messages"]);
    assert!(series.values.ended.iter().all(|count| count.load(Relaxed) == 1));
    let words: std::collections::BTreeSet<&str> = Outcome::ALL.iter().map(|outcome| outcome.as_str()).collect();
    assert_eq!(words.len(), Outcome::ALL.len());
}
