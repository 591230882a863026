use super::{median, percentile};

#[test]
fn a_median_is_the_middle() {
    assert_eq!([median([3.0, 1.0, 2.0]), median([4.0, 1.0, 2.0, 3.0]), median([])], [2.0, 2.5, 0.0]);
}

#[test]
fn a_percentile_is_one_of_the_values() {
    let sorted: Vec<u64> = (1..=200).collect();
    assert_eq!([percentile(&sorted, 50), percentile(&sorted, 99), percentile(&[], 99)], [100, 198, 0]);
}
