//! Held against what is published: every wanted figure is somebody else's.
use super::*;

fn close(found: f64, wanted: f64, digits: i32) {
    assert!((found - wanted).abs() < 0.5001 * 10_f64.powi(-digits), "{found} is not {wanted}");
}

/// Newcombe, Stat. Med. 17, 1998, 857-872, table I, method 3.
#[test]
fn wilsons_interval_is_that_of_the_literature() {
    for (right, of, low, high) in
        [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
    {
        let found = wilson(right, of);
        close(found.low, low, 4);
        close(found.high, high, 4);
    }
    assert_eq!(wilson(0, 0), Interval { low: 0.0, high: 1.0 });
}

/// The first: Newcombe 1998 (2635-2650), table III. The second: Altman and others, Statistics with Confidence, 2000, table
/// 6.2. The others: Fagerland, Lydersen and Laake, Statistical Analysis of Contingency Tables, 2017, chapter 8 (Bentur 2009,
/// Cavo 2012), as the R package `contingencytables` computes them.
#[test]
fn the_interval_of_a_paired_difference_is_that_of_the_literature() {
    for ([both, only_alias, only_control, neither], difference, low, high, digits) in [
        ([36, 12, 2, 0], 0.2, 0.0569, 0.3404, 4),
        ([14, 5, 0, 22], 0.12, 0.01, 0.23, 2),
        ([1, 1, 7, 12], -0.286, -0.507, -0.026, 3),
        ([59, 6, 16, 80], -0.062, -0.119, -0.005, 3),
    ] {
        let pairs = Pairs { both, only_alias, only_control, neither };
        close(pairs.difference(), difference, digits);
        close(pairs.interval().low, low, digits);
        close(pairs.interval().high, high, digits);
    }
}

#[test]
fn the_interval_always_holds_the_difference_and_stays_within_bounds() {
    for both in [0, 1, 7, 50] {
        for only_alias in [0, 1, 7, 50] {
            for only_control in [0, 1, 7, 50] {
                for neither in [0, 1, 7, 50] {
                    let pairs = Pairs { both, only_alias, only_control, neither };
                    let Interval { low, high } = pairs.interval();
                    assert!(low >= -1.0 && high <= 1.0, "{pairs:?}");
                    assert!(low <= pairs.difference() + 1e-12 && high >= pairs.difference() - 1e-12, "{pairs:?}");
                }
            }
        }
    }
}

/// Bentur and Cavo as above (exact conditional test: 0.0703 and 0.0525); the rest are sums of whole binomial coefficients.
#[test]
fn mcnemars_p_is_exact_however_many_items_differ() {
    let p = |only_alias, only_control| Pairs { only_alias, only_control, ..Pairs::default() }.p_value();
    close(p(1, 7), 0.070_312_5, 9);
    close(p(6, 16), 0.052_478_790_283, 11);
    close(p(16, 6), 0.052_478_790_283, 11);
    close(p(5, 0), 0.0625, 9);
    close(p(0, 0), 1.0, 9);
    close(p(4, 4), 1.0, 9);
    close(p(59, 121) * 1e6, 4.434_449_263_755, 6);
    close(p(900, 1100) * 1e6, 8.457_089_535_504, 6);
    assert!(p(0, 5000) < 1e-300, "no overflow, and no panic, where nothing is left");
}
