//! Outcomes in, rows out.
use super::*;

fn outcome(item: &str, correct: Option<bool>) -> Outcome {
    Outcome { item: item.to_owned(), correct, latency_ms: 100, ..Outcome::default() }
}

fn measured(alias: &str, outcomes: Vec<Outcome>) -> Measured {
    Measured { alias: alias.to_owned(), outcomes }
}

#[test]
fn aliases_are_compared_on_the_items_that_both_answered() {
    let control =
        vec![outcome("a", Some(true)), outcome("b", Some(false)), outcome("c", Some(false)), outcome("d", None)];
    let other = vec![outcome("d", Some(true)), outcome("c", None), outcome("b", Some(true)), outcome("a", Some(true))];
    let rows = rows(&[measured("plain", control), measured("thinker", other)], "plain");
    assert_eq!((rows[0].answered, rows[0].errors, rows[0].right), (3, 1, 1));
    assert_eq!(rows[0].versus, None, "the control is not compared with itself");
    let versus = rows[1].versus.unwrap();
    assert_eq!(versus.pairs, Pairs { both: 1, only_alias: 1, only_control: 0, neither: 0 });
    assert!((versus.difference - 0.5).abs() < 1e-12 && (versus.p_value - 1.0).abs() < 1e-12);
}

#[test]
fn an_error_is_neither_wrong_nor_slow_nor_dear() {
    let error = Outcome { latency_ms: 60_000, calls: Some(9), ..outcome("b", None) };
    let one = Outcome { calls: Some(2), input_tokens: Some(10), cost_micros: Some(7), ..outcome("a", Some(true)) };
    let row = rows(&[measured("alias", vec![one, error])], "alias").remove(0);
    assert_eq!((row.answered, row.errors), (1, 1));
    assert!((row.accuracy - 1.0).abs() < 1e-12);
    assert_eq!((row.calls, row.input_tokens, row.output_tokens), (Some(2.0), Some(10.0), None));
    assert_eq!((row.cost_micros, row.latency_ms_p50, row.latency_ms_p95), (Some(7), Some(100), Some(100)));
}

#[test]
fn a_percentile_is_a_latency_that_was_measured() {
    let hundred: Vec<u64> = (1..=100).collect();
    assert_eq!((percentile(&hundred, 50), percentile(&hundred, 95)), (Some(50), Some(95)));
    assert_eq!((percentile(&[7], 95), percentile(&[], 50)), (Some(7), None));
}

#[test]
fn recovered_counts_what_stands_in_the_text_as_well() {
    let one = Outcome { recovered: Some(true), ..outcome("a", Some(false)) };
    let row =
        rows(&[measured("alias", vec![one, outcome("b", Some(true)), outcome("c", Some(false))])], "alias").remove(0);
    assert_eq!(row.right, 1);
    assert!((row.recovered.unwrap() - 2.0 / 3.0).abs() < 1e-12, "an item without tools counts as it is");
}
