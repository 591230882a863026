//! Rows in, text out.
use super::*;
use crate::stats::Pairs;
use crate::summary::{Measured, Outcome, rows};

fn some() -> Vec<Row> {
    let outcomes = |right: usize, calls| {
        let one = |at: usize| Outcome {
            item: at.to_string(),
            correct: (at < 40).then_some(at < right),
            calls: Some(calls),
            input_tokens: Some(100 * calls),
            output_tokens: Some(20),
            latency_ms: 10 * at as u64,
            ..Outcome::default()
        };
        (0..41).map(one).collect()
    };
    let measured = |alias: &str, right, calls| Measured { alias: alias.to_owned(), outcomes: outcomes(right, calls) };
    rows(&[measured("plain", 10, 1), measured("thinker", 30, 2)], "plain")
}

#[test]
fn the_text_has_a_line_for_each_alias_and_no_column_of_nothing() {
    let wanted = "\
alias     n  errors   accuracy (95 % CI)  vs plain (95 % CI)         p  calls  tokens in/out  p50 s  p95 s
plain    40       1  25.0 % (14.2 to 40.2)                    -         -    1.0         100/20   0.19   0.37
thinker  40       1  75.0 % (59.8 to 85.8)  +50.0 (+31.6 to +63.1)  < 0.0001    2.0         200/20   0.19   0.37
";
    let shown = Form::Text.show(&some(), "plain");
    let words =
        |text: &str| text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>();
    assert_eq!(words(&shown), words(wanted));
    let lengths: Vec<usize> = shown.lines().map(|line| line.chars().count()).collect();
    assert!(lengths.iter().all(|length| *length == lengths[0]), "in columns:\n{shown}");
}

#[test]
fn markdown_is_a_table_of_the_same() {
    let shown = Form::Markdown.show(&some(), "plain");
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines.len(), 4);
    assert!(lines[0].starts_with("| alias | n | errors | accuracy (95 % CI) | vs plain (95 % CI) | p |"), "{shown}");
    assert!(lines[1].starts_with("| --- | ---: |"), "{shown}");
    assert!(lines[3].contains("| 75.0 % (59.8 to 85.8) |"), "{shown}");
}

#[test]
fn json_has_every_figure_unrounded() {
    let shown: Value = serde_json::from_str(&Form::Json.show(&some(), "plain")).unwrap();
    assert_eq!(shown["control"], "plain");
    let row = &shown["rows"][1];
    assert_eq!((&row["alias"], &row["right"], &row["errors"]), (&json!("thinker"), &json!(30), &json!(1)));
    let pairs = Pairs { both: 10, only_alias: 20, only_control: 0, neither: 10 };
    assert_eq!(row["versus_control"]["p"], pairs.p_value());
    assert_eq!(row["versus_control"]["interval"], json!([pairs.interval().low, pairs.interval().high]));
    assert_eq!(shown["rows"][0]["versus_control"], Value::Null);
    assert_eq!(row["cost_micros"], Value::Null);
}
