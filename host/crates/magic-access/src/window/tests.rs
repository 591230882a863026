//! Turns of windows: known days, and what holds for all of them.
use super::*;

fn day(day: u64) -> u64 {
    day * DAY
}

#[test]
fn months_begin_on_the_first() {
    // Days since 1970 of firsts, as any calendar has them.
    for (month, first) in [
        (0, 0),
        (1, 31),
        (2, 59),
        (25, 31 + 730),
        (26, 59 + 1 + 730),
        (12 * 30, 10_957),
        (12 * 30 + 2, 11_017),
        (12 * 56 + 10, 20_758),
    ] {
        assert_eq!(Window::Month.span(month).start_ms, day(first), "month {month}");
        assert_eq!(Window::Month.index(day(first)), month);
        assert_eq!(Window::Month.index(day(first) + DAY - 1), month);
    }
    assert_eq!(Window::Month.index(day(20_758) - 1), 12 * 56 + 9, "the last moment of October 2026");
}

#[test]
fn weeks_begin_on_mondays() {
    // 2026-11-30 is a Monday.
    let monday = day(20_787);
    let week = Window::Week.index(monday);
    assert_eq!(Window::Week.span(week), Span { start_ms: monday, end_ms: Some(monday + WEEK) });
    assert_eq!(Window::Week.index(monday - 1), week - 1);
}

#[test]
fn every_moment_lies_in_its_turn_and_turns_join() {
    let windows = [Window::Day, Window::Week, Window::Month, Window::Every(5 * HOUR), Window::Every(30 * DAY)];
    for window in windows {
        for step in 0..30_000 {
            // About 80 years, at odd moments.
            let now = step * 86_400_000 + step * 7919;
            let index = window.index(now);
            let span = window.span(index);
            let end = span.end_ms.unwrap();
            assert!((span.start_ms..end).contains(&now), "{window} at {now}");
            assert_eq!(window.span(index + 1).start_ms, end);
            assert_eq!(window.index(end), index + 1);
            assert_eq!(window.ends_ms(now), Some(end));
        }
    }
    assert_eq!((Window::Total.index(u64::MAX), Window::Total.ends_ms(5)), (0, None));
}

#[test]
fn words_are_read_as_they_are_written() {
    for word in ["total", "day", "week", "month", "5h", "90m", "30d", "1m"] {
        assert_eq!(Window::parse(word).unwrap().to_string(), word);
    }
    assert_eq!(Window::parse("60m").unwrap(), Window::Every(HOUR));
    assert_eq!(Window::parse("1w").unwrap().to_string(), "7d");
    for word in ["", "hour", "5", "h", "59s", "367d", "1.5h", "99999999999999999999d", "-1h"] {
        assert!(Window::parse(word).is_err(), "{word}");
    }
}
