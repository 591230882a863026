//! Counts in, a line out.
use super::*;

#[test]
fn the_line_says_how_far_it_is_how_good_so_far_and_how_long_at_this_pace() {
    let start = Instant::now();
    let counts = |right, answered| Counts { right, answered, errors: 0 };
    let aliases = vec![("plain".to_owned(), counts(1, 4)), ("thinker".to_owned(), counts(0, 0))];
    let mut progress = Progress::new(20, aliases, start);
    assert_eq!(progress.line(start), "4/20  plain 25.0 %  thinker 0.0 %");

    progress.add(1, Some(true), start);
    progress.add(1, None, start);
    let after = start + Duration::from_secs(10);
    assert_eq!(progress.line(after), "6/20  plain 25.0 %  thinker 100.0 % (1 errors)  2 min left");

    (0..14).for_each(|_| progress.add(0, Some(false), after));
    assert_eq!(progress.line(after), "20/20  plain 5.6 %  thinker 100.0 % (1 errors)");
}
