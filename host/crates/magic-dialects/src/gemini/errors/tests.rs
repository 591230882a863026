use super::{in_band, retry_delay};
use magic_types::Kind;
use std::time::Duration;

const QUOTA: &str = r#"{"error":{"code":429,"message":"Quota exceeded for key AIza","status":"RESOURCE_EXHAUSTED","details":[
    {"@type":"type.googleapis.com/google.rpc.QuotaFailure"},
    {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"39.5s"}]}}"#;

#[test]
fn a_wait_inside_the_body_is_found_alone_and_in_a_list() {
    let wait = Some(Duration::from_millis(39_500));
    assert_eq!(retry_delay(QUOTA.as_bytes()), wait);
    assert_eq!(retry_delay(format!("[{QUOTA}]").as_bytes()), wait);
    for bad in ["-1s", "1e30s", "NaNs", "99999999s", "5", "5m"] {
        let body = format!(r#"{{"error":{{"details":[{{"retryDelay":"{bad}"}}]}}}}"#);
        assert_eq!(retry_delay(body.as_bytes()), None, "{bad}");
    }
}

#[test]
fn words_about_a_key_are_private() {
    let failure = in_band(QUOTA.as_bytes());
    assert_eq!((failure.kind, failure.retry_after), (Kind::RateLimited, Some(Duration::from_millis(39_500))));
    assert!(!failure.public.contains("AIza"), "{}", failure.public);
}

#[test]
fn a_prompt_that_does_not_fit_is_told_from_a_bad_one() {
    let kind = |text: &str| in_band(format!(r#"[{{"error":{{"code":400,"message":"{text}"}}}}]"#).as_bytes()).kind;
    assert_eq!(
        kind("The input token count (9) exceeds the maximum number of tokens allowed (8)."),
        Kind::ContextTooLong
    );
    assert_eq!(kind("Unknown name"), Kind::InvalidRequest);
    assert_eq!(kind("API key not valid. Please pass a valid API key."), Kind::KeyRejected);
    assert_eq!(in_band(b"nonsense").kind, Kind::ServerError);
}
