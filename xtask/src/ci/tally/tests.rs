use super::*;

fn check(lines: &[&str], passed: u64, failed: u64) {
    let mut tally = Tally::default();
    lines.iter().for_each(|line| tally.read(line));
    assert_eq!(tally, Tally { passed, failed });
}

#[test]
fn the_results_of_several_test_binaries_add_up() {
    check(
        &[
            "running 3 tests",
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: FAILED. 4 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 1.50s",
        ],
        7,
        2,
    );
}

#[test]
fn the_summary_of_node_is_counted() {
    check(&["ℹ tests 6", "ℹ suites 1", "ℹ pass 4", "ℹ fail 1", "ℹ cancelled 1", "ℹ duration_ms 80.1"], 4, 2);
}

#[test]
fn a_test_that_merely_prints_a_count_is_not_counted() {
    check(&["fetched 3 passed; 0 failed", "test a::pass 4 ... ok"], 0, 0);
}

#[test]
fn a_stage_that_counts_nothing_counts_as_one() {
    let mut fmt = Tally::default();
    fmt.settle(true);
    assert_eq!(fmt.to_string(), "1 passed, 0 failed");
}

#[test]
fn a_stage_that_did_not_compile_is_a_failure_although_no_test_failed() {
    let mut unit = Tally { passed: 9, failed: 0 };
    unit.settle(false);
    assert_eq!(unit.to_string(), "9 passed, 1 failed");
}
