use super::*;

#[test]
fn a_flood_is_cut_to_so_many_a_second_and_counted() {
    let lines = Lines::default();
    let now = Instant::now();
    for _ in 0..defaults::LOG_LINES_PER_SECOND {
        assert_eq!(lines.fate(now), Fate::Said { dropped_before: 0 });
    }
    assert_eq!(lines.fate(now), Fate::Dropped);
    assert_eq!(lines.fate(now + Duration::from_millis(999)), Fate::Dropped);
    assert_eq!(lines.fate(now + Duration::from_secs(1)), Fate::Said { dropped_before: 2 });
    assert_eq!(lines.fate(now + Duration::from_secs(1)), Fate::Said { dropped_before: 0 });
}

#[test]
fn text_is_cut_between_characters() {
    assert_eq!((cut("äöü", 3), cut("äöü", 4), cut("abc", 9), cut("ä", 1)), ("ä", "äö", "abc", ""));
}
