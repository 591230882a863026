//! Families in, text out.
use super::super::metrics::{Family, Metrics, Outcome, Point, Unit};
use super::text;
use std::time::Duration;

#[test]
fn labels_are_escaped_and_empty_families_left_out() {
    let families = [
        Family::counter(
            "magic.a.b",
            "Said \\ in\ntwo lines.",
            vec![Point::number(&[("x.y", "q\"\\\n"), ("none", "")], 3)],
        ),
        Family::gauge("magic.empty", "Nothing.", Vec::new()),
        Family::gauge("magic.size", "Bytes.", vec![Point::number(&[], 5)]).of(Unit::Bytes),
    ];
    assert_eq!(
        text(&families),
        "# HELP magic_a_b_total Said \\\\ in\\ntwo lines.\n# TYPE magic_a_b_total counter\nmagic_a_b_total{x_y=\"q\\\"\\\\\\n\"} 3\n\
         # HELP magic_size_bytes Bytes.\n# TYPE magic_size_bytes gauge\nmagic_size_bytes 5\n"
    );
}

#[test]
fn buckets_add_up_to_the_count() {
    let metrics = Metrics::default();
    for ms in [5, 15, 15, 200_000] {
        metrics.request("a", "p", "messages", Outcome::Served, Duration::from_millis(ms));
    }
    let text = text(&metrics.families());
    let value = |bound: &str| {
        let line = format!(
            "magic_request_duration_seconds_bucket{{alias=\"a\",profile=\"p\",operation=\"messages\",le=\"{bound}\"}} "
        );
        text.lines().find_map(|found| found.strip_prefix(&line)).unwrap_or_else(|| panic!("{line} in {text}"))
    };
    assert_eq!(["0.01", "0.02", "81.92", "+Inf"].map(value), ["1", "3", "3", "4"]);
    assert!(
        text.contains("magic_request_duration_seconds_count{alias=\"a\",profile=\"p\",operation=\"messages\"} 4\n")
    );
    assert!(
        text.contains("magic_request_duration_seconds_sum{alias=\"a\",profile=\"p\",operation=\"messages\"} 200.035\n")
    );
}
