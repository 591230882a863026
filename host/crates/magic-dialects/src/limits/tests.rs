use super::{exhausted, retry_after};
use std::time::Duration;

const NOW: u64 = 1_700_000_000;

fn wait(headers: &[(&str, &str)], body: &str) -> Option<u128> {
    let find = |name: &str| headers.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
    retry_after(&find, body.as_bytes(), NOW).map(|wait| wait.as_millis())
}

fn rest(headers: &[(&str, &str)]) -> Option<Duration> {
    let find = |name: &str| headers.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
    exhausted(&find, NOW)
}

#[test]
fn retry_after_is_read_as_seconds_as_a_date_and_as_a_duration() {
    let table = [
        ("30", Some(30_000)),
        (" 1.5 ", Some(1500)),
        ("1m30s", Some(90_000)),
        ("1h2m3.5s", Some(3_723_500)),
        ("6ms", Some(6)),
        // 30 seconds and an hour after `NOW`, and long before it.
        ("Tue, 14 Nov 2023 22:13:50 GMT", Some(30_000)),
        ("2023-11-14T23:13:20Z", Some(3_600_000)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", Some(0)),
        ("99999999", Some(86_400_000)),
        ("1e300", Some(86_400_000)),
        ("-1", None),
        ("NaN", None),
        ("soon", None),
        ("1x", None),
        ("5m3", None),
        ("", None),
        ("ü", None),
    ];
    for (text, expected) in table {
        assert_eq!(wait(&[("retry-after", text)], ""), expected, "{text}");
    }
    assert_eq!(wait(&[("retry-after", "9"), ("retry-after-ms", "120")], ""), Some(120));
}

#[test]
fn only_the_empty_bucket_makes_a_key_wait() {
    let requests = [("x-ratelimit-reset-requests", "6m0s"), ("x-ratelimit-reset-tokens", "20ms")];
    assert_eq!(wait(&requests, ""), Some(360_000));
    let mut told = requests.to_vec();
    told.extend([("x-ratelimit-remaining-requests", "7"), ("x-ratelimit-remaining-tokens", "0")]);
    assert_eq!(wait(&told, ""), Some(20));
    assert_eq!(rest(&told), Some(Duration::from_millis(20)));
    assert_eq!(rest(&requests), None);
    let full = [("x-ratelimit-remaining-requests", "7"), ("x-ratelimit-reset-requests", "6m0s")];
    assert_eq!((wait(&full, ""), rest(&full)), (None, None));
}

#[test]
fn every_vendors_reset_is_understood() {
    let anthropic = [
        ("anthropic-ratelimit-output-tokens-remaining", "0"),
        ("anthropic-ratelimit-output-tokens-reset", "2023-11-14T22:14:20Z"),
    ];
    assert_eq!(rest(&anthropic), Some(Duration::from_secs(60)));
    let openrouter = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1700000010500")];
    assert_eq!(rest(&openrouter), Some(Duration::from_millis(10_500)));
    assert_eq!(
        rest(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1700000012")]),
        Some(Duration::from_secs(12))
    );
    assert_eq!(rest(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "3")]), Some(Duration::from_secs(3)));
    // A reset that has passed is no reason to rest.
    assert_eq!(rest(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1600000000")]), None);
    let google = r#"[{"error":{"code":429,"details":[{"@type":"x"},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"30.5s"}]}}]"#;
    assert_eq!(wait(&[], google), Some(30_500));
    assert_eq!(wait(&[], "<html>"), None);
}
