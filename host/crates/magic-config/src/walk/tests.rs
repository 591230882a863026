//! How single values are read.
use super::units::{parse_bytes, parse_duration};
use super::{Book, Value};
use crate::yaml;
use std::time::Duration;

fn env(name: &str) -> Option<String> {
    (name == "N").then(|| "30".to_owned())
}

/// Reads the value of one YAML scalar and shows it, or the problems it made.
fn check<T: std::fmt::Debug>(text: &str, read: impl Fn(&Value<'_>) -> Option<T>, expected: &str) {
    let node = yaml::read(text).expect("YAML");
    let book = Book::new(&env);
    let found = read(&book.value(&node));
    let problems: Vec<String> = book.close().iter().map(ToString::to_string).collect();
    let shown = found.map_or_else(|| problems.join("; "), |found| format!("{found:?}"));
    assert_eq!(shown, expected, "{text}");
}

#[test]
fn times_are_seconds_unless_they_say_otherwise() {
    let seconds = |value: &Value<'_>| value.seconds(Duration::ZERO..=Duration::from_secs(100));
    check("30", seconds, "30s");
    check("0.5", seconds, "500ms");
    check("'${N}'", seconds, "30s");
    check("${N}s", seconds, "30s");
    check("101", seconds, "expected seconds from 0 to 100, found the number 101");
    check("-1", seconds, "expected seconds from 0 to 100, found the number -1");
    check("soon", seconds, "expected seconds from 0 to 100, found `soon`");
    check("true", seconds, "expected seconds from 0 to 100, found true");
    check("[1]", seconds, "expected seconds from 0 to 100, found a list");
    assert_eq!(parse_duration("500ms"), Some(Duration::from_millis(500)));
    assert_eq!(parse_duration(" 2m"), Some(Duration::from_secs(120)));
    assert_eq!(parse_duration("1.5h"), Some(Duration::from_secs(5400)));
    for bad in ["", "s", "inf", "nan", "-3s", "1e400", "3 weeks", "1d"] {
        assert_eq!(parse_duration(bad), None, "{bad}");
    }
}

#[test]
fn sizes_are_bytes_unless_they_say_otherwise() {
    assert_eq!(parse_bytes("20MiB"), Some(20 << 20));
    assert_eq!(parse_bytes("1 KiB"), Some(1024));
    assert_eq!(parse_bytes("77"), Some(77));
    for bad in ["", "MiB", "-1", "20MB", "1.5MiB", "99999999999999999999", "99999999999999GiB"] {
        assert_eq!(parse_bytes(bad), None, "{bad}");
    }
}

#[test]
fn whole_numbers_are_whole_and_in_range() {
    let number = |value: &Value<'_>| value.integer(1..=40);
    check("40", number, "40");
    check("'${N}'", number, "30");
    check("'30'", number, "expected a whole number from 1 to 40, found `30`");
    check("1.0", number, "expected a whole number from 1 to 40, found the number 1.0");
    check("~", number, "expected a whole number from 1 to 40, found nothing");
}

#[test]
fn a_word_that_is_not_ours_gets_a_hint() {
    let word = |value: &Value<'_>| value.word("colour", &[("red", 1), ("green", 2)]);
    check("green", word, "2");
    check("gren", word, "unknown colour `gren` (did you mean `green`? known: red, green)");
    check("5", word, "expected text, found the number 5");
    check("' '", word, "must not be empty");
}
