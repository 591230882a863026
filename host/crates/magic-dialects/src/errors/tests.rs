use super::{classify, in_band};
use magic_types::{Failure, Kind};
use std::time::Duration;

fn refused(status: u16, headers: &[(&str, &str)], body: &str) -> Failure {
    let find = |name: &str| headers.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
    classify(status, &find, body.to_owned().into(), 1_700_000_000)
}

#[test]
fn status_and_the_vendors_code_give_the_kind() {
    let table = [
        (401, "", Kind::KeyRejected),
        (403, "{}", Kind::KeyRejected),
        (403, "<html>blocked</html>", Kind::ServerError),
        (403, r#"{"error":{"code":"unsupported_country_region_territory","message":"x"}}"#, Kind::ServerError),
        (
            403,
            r#"{"error":{"code":"model_not_found","message":"Project does not have access to model `m`"}}"#,
            Kind::InvalidRequest,
        ),
        (
            403,
            r#"{"error":{"code":403,"message":"Your input was flagged","metadata":{"reasons":["violence"]}}}"#,
            Kind::ContentPolicy,
        ),
        (402, "", Kind::QuotaExhausted),
        (429, "{\"error\":{\"code\":\"insufficient_quota\"}}", Kind::QuotaExhausted),
        (429, "", Kind::RateLimited),
        (
            429,
            r#"[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"You exceeded your current quota"}}]"#,
            Kind::RateLimited,
        ),
        (400, "{\"error\":{\"code\":\"context_length_exceeded\"}}", Kind::ContextTooLong),
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 9 tokens > 8 maximum"}}"#,
            Kind::ContextTooLong,
        ),
        (
            413,
            r#"{"type":"error","error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}"#,
            Kind::ContextTooLong,
        ),
        (
            400,
            r#"[{"error":{"message":"The input token count (9) exceeds the maximum number of tokens allowed (8)."}}]"#,
            Kind::ContextTooLong,
        ),
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the API."}}"#,
            Kind::QuotaExhausted,
        ),
        (400, "[{\"error\":{\"message\":\"API key not valid. Please pass a valid API key.\"}}]", Kind::KeyRejected),
        (400, r#"{"error":{"code":"content_policy_violation","message":"x"}}"#, Kind::ContentPolicy),
        (
            400,
            r#"{"error":{"code":"content_filter","message":"x","innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#,
            Kind::ContentPolicy,
        ),
        (400, "{\"error\":{\"message\":\"bad\"}}", Kind::InvalidRequest),
        (
            422,
            r#"{"object":"error","message":{"detail":[{"type":"extra_forbidden"}]},"code":null}"#,
            Kind::InvalidRequest,
        ),
        (301, "", Kind::BadReply),
        (404, "", Kind::InvalidRequest),
        (500, "", Kind::ServerError),
        (503, "<html>", Kind::ServerError),
        (529, r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#, Kind::ServerError),
        (504, "", Kind::TimedOut),
    ];
    for (status, body, expected) in table {
        assert_eq!(refused(status, &[], body).kind, expected, "{status} {body}");
    }
}

#[test]
fn an_error_inside_a_stream_has_the_kind_of_its_word() {
    let table = [
        (r#"{"error":{"message":"slow","code":429}}"#, Kind::RateLimited),
        (r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#, Kind::ServerError),
        (r#"{"type":"error","error":{"type":"rate_limit_error","message":"x"}}"#, Kind::RateLimited),
        (r#"{"choices":[{"error":{"code":502,"message":"provider died"}}]}"#, Kind::ServerError),
        (r#"{"error":"plain"}"#, Kind::ServerError),
        (r#"{"type":"error","error":{"type":"billing_error","message":"x"}}"#, Kind::QuotaExhausted),
        (r#"{"error":{"code":400,"message":"API key not valid. Please pass a valid API key."}}"#, Kind::KeyRejected),
        (
            r#"[{"error":{"code":400,"message":"The input token count (9) exceeds the maximum number of tokens (8)."}}]"#,
            Kind::ContextTooLong,
        ),
        (r#"{"response":{"error":{"code":"rate_limit_exceeded","message":"x"}}}"#, Kind::RateLimited),
        (r#"{"error":null,"message":"no"}"#, Kind::ServerError),
        ("nonsense", Kind::ServerError),
        ("{}", Kind::ServerError),
    ];
    for (body, expected) in table {
        assert_eq!(in_band(body.as_bytes()).kind, expected, "{body}");
    }
}

#[test]
fn the_vendors_words_and_bytes_are_kept() {
    let headers = [("retry-after", " 1.5 "), ("content-type", "application/json")];
    let failure = refused(400, &headers, "{\"error\":{\"message\":\"no `foo`\"}}");
    assert_eq!(failure.public, "no `foo`");
    assert_eq!(failure.retry_after, Some(Duration::from_millis(1500)));
    let reply = failure.upstream.expect("kept");
    assert_eq!((reply.status, reply.content_type.as_deref()), (400, Some("application/json")));
    let key = refused(401, &[], "{\"error\":{\"message\":\"Incorrect API key: sk-abc\"}}");
    assert_eq!((key.public.contains("sk-abc"), key.private.contains("sk-abc")), (false, true));
    let long = format!("{{\"error\":{{\"message\":\"{}\"}}}}", "ü".repeat(5000));
    assert_eq!(refused(400, &[], &long).public.chars().count(), 600);
}

#[test]
fn what_a_client_asks_for_never_costs_a_key() {
    let said =
        |status, message: &str| refused(status, &[], &format!("{{\"error\":{{\"message\":\"{message}\"}}}}")).kind;
    for (status, message) in [
        (403, "You do not have permission to access the File abc or it may not exist."),
        (403, "CachedContent not found (or permission denied)"),
        (401, "You have insufficient permissions for this operation. Missing scopes: api.responses.write."),
    ] {
        assert_eq!(said(status, message), Kind::InvalidRequest, "{message}");
    }
    assert_eq!(said(403, "Request not allowed"), Kind::ServerError);
    assert_eq!(said(403, "Key limit exceeded"), Kind::QuotaExhausted);
    assert_eq!(said(400, "You have reached your specified API usage limits."), Kind::QuotaExhausted);
    assert_eq!(said(401, "Incorrect API key provided"), Kind::KeyRejected);
    assert_eq!(said(403, "Your API key was reported as leaked."), Kind::KeyRejected);
}
