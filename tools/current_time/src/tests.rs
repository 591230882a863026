use super::*;

/// 2026-07-04T12:30:05.250Z, a Saturday.
const NOW_MS: u64 = 1_783_168_205_250;

#[track_caller]
fn check(zone: &str, expect: &str) {
    let text = match tell(NOW_MS, zone) {
        Ok(output) => output.text,
        Err(Error::InvalidArguments(text)) => format!("error: {text}"),
        Err(other) => panic!("{other:?}"),
    };
    assert_eq!(text, expect);
}

#[test]
fn it_says_of_itself_what_it_does() {
    assert_eq!(magic_sdk::testing::problems::<CurrentTime>(), Vec::<String>::new());
}

#[test]
fn a_zone_is_told_with_its_offset() {
    check(
        "UTC",
        "Saturday, 4 July 2026, 12:30:05 (UTC, UTC+00:00), week 27, day 185 of the year\n\
         ISO 8601: 2026-07-04T12:30:05+00:00\nUnix time: 1783168205",
    );
    check(
        "europe/paris",
        "Saturday, 4 July 2026, 14:30:05 (CEST, UTC+02:00), week 27, day 185 of the year\n\
         ISO 8601: 2026-07-04T14:30:05+02:00\nUnix time: 1783168205",
    );
}

#[test]
fn names_and_offsets_are_read_as_people_write_them() {
    for (zone, hour) in [
        ("America/New York", "08:30:05"),
        ("UTC+2", "14:30:05"),
        ("+05:30", "18:00:05"),
        ("GMT-0330", "09:00:05"),
        ("z", "12:30:05"),
    ] {
        let text = tell(NOW_MS, zone).unwrap().text;
        assert!(text.contains(hour), "{zone}: {text}");
    }
}

#[test]
fn an_unknown_zone_is_refused_with_near_names() {
    check(
        "Germany/Berlin",
        "error: unknown time zone `Germany/Berlin`: use an IANA name or an offset; did you mean Europe/Berlin?",
    );
    check(
        "Narnia",
        "error: unknown time zone `Narnia`: use an IANA name or an offset; did you mean e.g. Europe/Paris, America/New_York, UTC or +02:00?",
    );
    assert!(tell(NOW_MS, "+25").is_err());
}

#[test]
fn machines_get_the_instant() {
    let json = tell(NOW_MS, "Asia/Tokyo").unwrap().structured.unwrap();
    assert_eq!(
        json,
        r#"{"iso":"2026-07-04T21:30:05+09:00","unix":1783168205,"weekday":"Saturday","timezone":"Asia/Tokyo"}"#
    );
}

#[test]
fn a_clock_gone_wrong_is_an_error() {
    assert!(matches!(tell(u64::MAX, "UTC"), Err(Error::Failed(_))));
}
