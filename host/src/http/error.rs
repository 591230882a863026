//! Turns a [`Failure`] into a reply: the only place that chooses a status. Bodies have OpenAI's shape.
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use magic_types::{Failure, Fault, Kind};
use serde_json::json;

/// What a handler returns when it cannot answer.
pub(crate) struct Refusal(pub(crate) Failure);

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let failure = self.0;
        if !failure.private.is_empty() {
            tracing::debug!(kind = failure.kind.as_str(), "refused: {} ({})", failure.public, failure.private);
        }
        // A client's fault reaches the client in the vendor's own words and bytes.
        if let (Fault::Client, Some(reply)) = (failure.fault(), &failure.upstream)
            && let Ok(status) = StatusCode::from_u16(reply.status)
        {
            let content_type = reply.content_type.as_deref().unwrap_or("application/json");
            return respond(status, content_type, reply.body.clone().into(), &failure);
        }
        respond(status(failure.kind), "application/json", body(&failure).to_string().into(), &failure)
    }
}

fn respond(status: StatusCode, content_type: &str, body: Body, failure: &Failure) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    if let Ok(value) = HeaderValue::from_str(content_type) {
        response.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    if let Some(after) = failure.retry_after {
        // Rounded up: a client that comes back early only fails again.
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(after.as_millis().div_ceil(1000) as u64));
    }
    response
}

/// The error object of OpenAI's API: <https://platform.openai.com/docs/guides/error-codes>.
pub(crate) fn body(failure: &Failure) -> serde_json::Value {
    json!({ "error": {
        "message": failure.public,
        "type": error_type(failure.fault()),
        "param": null,
        "code": failure.kind.as_str(),
    } })
}

fn error_type(fault: Fault) -> &'static str {
    match fault {
        Fault::Client => "invalid_request_error",
        Fault::Key => "rate_limit_error",
        Fault::Provider => "upstream_error",
        Fault::Guest => "component_error",
        Fault::Gateway => "gateway_error",
    }
}

fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::InvalidRequest | Kind::ContextTooLong => StatusCode::BAD_REQUEST,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::Cancelled => StatusCode::CONFLICT,
        Kind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Kind::ServerError | Kind::BadReply | Kind::CutOff => StatusCode::BAD_GATEWAY,
        Kind::TimedOut => StatusCode::GATEWAY_TIMEOUT,
        Kind::KeyRejected | Kind::QuotaExhausted | Kind::Unreachable | Kind::NothingLeft | Kind::Overloaded => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        Kind::Component | Kind::LimitReached | Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

pub(crate) async fn no_such_path(method: http::Method, uri: http::Uri) -> Refusal {
    Refusal(Failure::new(Kind::NotFound, format!("no such path: {method} {}", uri.path())))
}

pub(crate) async fn method_not_allowed(method: http::Method, uri: http::Uri) -> Response {
    let failure = Failure::new(Kind::InvalidRequest, format!("{} does not take {method}", uri.path()));
    respond(StatusCode::METHOD_NOT_ALLOWED, "application/json", body(&failure).to_string().into(), &failure)
}
