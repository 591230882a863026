use super::classify;
use magic_types::Kind;
use std::time::Duration;

fn kind(status: u16, body: &str) -> Kind {
    classify(status, None, None, body.to_owned().into()).kind
}

#[test]
fn status_and_the_vendors_code_give_the_kind() {
    let table = [
        (401, "", Kind::KeyRejected),
        (403, "{}", Kind::KeyRejected),
        (402, "", Kind::QuotaExhausted),
        (429, "{\"error\":{\"code\":\"insufficient_quota\"}}", Kind::QuotaExhausted),
        (429, "", Kind::RateLimited),
        (400, "{\"error\":{\"code\":\"context_length_exceeded\"}}", Kind::ContextTooLong),
        (400, "[{\"error\":{\"message\":\"API key not valid. Please pass a valid API key.\"}}]", Kind::KeyRejected),
        (400, "{\"error\":{\"message\":\"bad\"}}", Kind::InvalidRequest),
        (301, "", Kind::BadReply),
        (404, "", Kind::InvalidRequest),
        (500, "", Kind::ServerError),
        (503, "<html>", Kind::ServerError),
        (504, "", Kind::TimedOut),
    ];
    for (status, body, expected) in table {
        assert_eq!(kind(status, body), expected, "{status} {body}");
    }
}

#[test]
fn the_vendors_words_and_bytes_are_kept() {
    let failure =
        classify(400, Some(" 1.5 "), Some("application/json"), "{\"error\":{\"message\":\"no `foo`\"}}".into());
    assert_eq!(failure.public, "no `foo`");
    assert_eq!(failure.retry_after, Some(Duration::from_millis(1500)));
    let reply = failure.upstream.expect("kept");
    assert_eq!((reply.status, reply.content_type.as_deref()), (400, Some("application/json")));
    let refused = classify(401, None, None, "{\"error\":{\"message\":\"Incorrect API key: sk-abc\"}}".into());
    assert_eq!((refused.public.contains("sk-abc"), refused.private.contains("sk-abc")), (false, true));
    assert_eq!(classify(500, Some("soon"), None, "x".into()).retry_after, None);
    assert_eq!(classify(500, Some("-1"), None, "x".into()).retry_after, None);
    let long = format!("{{\"error\":{{\"message\":\"{}\"}}}}", "ü".repeat(5000));
    assert_eq!(classify(400, None, None, long.into()).public.chars().count(), 600);
}
