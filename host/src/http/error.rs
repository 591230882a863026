//! Turns a [`Failure`] into a reply: the only place that chooses a status. Bodies have the shape that the client's dialect
//! has for errors, OpenAI's where it has none.
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use magic_dialects::dialect::{Client, Dialect, Error};
use magic_types::{Failure, Fault, Kind};

use super::outgoing::ROUTE;

/// What is refused for its head alone, before anybody looks at what it asks for.
#[derive(Debug)]
pub(super) enum Head {
    UrlTooLong {
        bytes_max: usize,
    },
    OtherHost {
        name: String,
    },
    /// Two, or one that is no text.
    NoHost,
}

/// What a handler returns when it cannot answer.
pub(crate) struct Refusal {
    failure: Failure,
    dialect: Dialect,
    /// What became of the legs, where it came to that.
    route: Option<String>,
    unmet: Option<Box<Unmet>>,
}

/// Why a file that is edited stays as it was (RFC 9110, section 13, and RFC 6585, section 3).
pub(super) enum Unmet {
    NoCondition,
    /// With the tag of the file as it is.
    Stale(String),
    /// What it would say is wrong; with what else the reply tells.
    Problems(serde_json::Map<String, serde_json::Value>),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self { failure, dialect: Dialect::Chat, route: None, unmet: None }
    }
}

impl Refusal {
    /// For clients of that dialect.
    pub(super) fn to(self, dialect: Dialect) -> Self {
        Self { dialect, ..self }
    }

    pub(super) fn after(failure: Failure, route: String) -> Self {
        Self { route: Some(route), ..Self::from(failure) }
    }

    pub(super) fn unmet(unmet: Unmet, public: impl Into<String>) -> Self {
        Self { unmet: Some(Box::new(unmet)), ..Self::from(Failure::new(Kind::InvalidRequest, public)) }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self { failure, dialect, route, unmet } = self;
        if !failure.private.is_empty() {
            let said = format_args!("{} ({})", failure.public, failure.private);
            tracing::debug!(kind = failure.kind.as_str(), %said, "refused");
        }
        let mut response = match unmet {
            Some(unmet) => unmet_response(&failure, *unmet),
            None => response(&failure, dialect),
        };
        if let Some(Ok(route)) = route.map(|route| HeaderValue::from_str(&route)) {
            response.headers_mut().insert(ROUTE, route);
        }
        response
    }
}

fn response(failure: &Failure, dialect: Dialect) -> Response {
    // A client's fault reaches the client with the vendor's own status, and in its own words and bytes where they have
    // the form that the client expects.
    let upstream = failure.upstream.as_ref().filter(|_| failure.fault() == Fault::Client);
    let status =
        upstream.and_then(|reply| StatusCode::from_u16(reply.status).ok()).unwrap_or_else(|| status(failure.kind));
    match upstream.filter(|reply| !reply.body.is_empty()) {
        Some(reply) => {
            let content_type = reply.content_type.as_deref().unwrap_or("application/json");
            respond(status, content_type, reply.body.clone().into(), failure)
        }
        None => respond(status, "application/json", body(failure, dialect, status).to_string().into(), failure),
    }
}

fn unmet_response(failure: &Failure, unmet: Unmet) -> Response {
    let (status, kind) = match unmet {
        Unmet::NoCondition => (StatusCode::PRECONDITION_REQUIRED, "precondition_required"),
        Unmet::Stale(_) => (StatusCode::PRECONDITION_FAILED, "precondition_failed"),
        Unmet::Problems(_) => (StatusCode::UNPROCESSABLE_ENTITY, "config_problems"),
    };
    let mut body = Dialect::openai().error(&Error { kind, ..error(failure, status) });
    let etag = match unmet {
        Unmet::NoCondition => None,
        Unmet::Stale(etag) => HeaderValue::from_str(&etag).ok(),
        Unmet::Problems(more) => {
            if let Some(body) = body.as_object_mut() {
                body.extend(more);
            }
            None
        }
    };
    let mut response = respond(status, "application/json", body.to_string().into(), failure);
    if let Some(etag) = etag {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response
}

fn respond(status: StatusCode, content_type: &str, body: Body, failure: &Failure) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    if let Ok(value) = HeaderValue::from_str(content_type) {
        response.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    if let Kind::Cancelled | Kind::LimitReached | Kind::Component | Kind::OverBudget = failure.kind {
        // OpenAI's clients send again what failed by these statuses, unless they are told: it would cost as much again.
        response.headers_mut().insert("x-should-retry", HeaderValue::from_static("false"));
    }
    if let Some(after) = failure.retry_after {
        // Rounded up: a client that comes back early only fails again.
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(after.as_millis().div_ceil(1000) as u64));
    }
    response
}

/// The error object of the client's dialect.
fn body(failure: &Failure, dialect: Dialect, status: StatusCode) -> serde_json::Value {
    client(dialect).error(&error(failure, status))
}

/// The same as the last frame of a stream.
pub(super) fn frame(failure: &Failure, dialect: Dialect) -> String {
    client(dialect).error_frame(&error(failure, status(failure.kind)))
}

fn client(dialect: Dialect) -> &'static dyn Client {
    dialect.client().unwrap_or_else(Dialect::openai)
}

fn error(failure: &Failure, status: StatusCode) -> Error<'_> {
    Error {
        status: status.as_u16(),
        kind: failure.kind.as_str(),
        class: error_type(failure.kind),
        message: &failure.public,
    }
}

/// OpenAI's error types and ours: <https://platform.openai.com/docs/guides/error-codes>.
fn error_type(kind: Kind) -> &'static str {
    match kind.fault() {
        Fault::Client if kind == Kind::OverLimit => "rate_limit_error",
        Fault::Client if kind == Kind::OverBudget => "insufficient_quota",
        Fault::Client => "invalid_request_error",
        Fault::Key => "rate_limit_error",
        Fault::Provider => "upstream_error",
        Fault::Guest => "component_error",
        Fault::Gateway => "gateway_error",
    }
}

fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::InvalidRequest | Kind::ContextTooLong | Kind::ContentPolicy => StatusCode::BAD_REQUEST,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::Cancelled => StatusCode::CONFLICT,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::RateLimited | Kind::OverLimit | Kind::OverBudget => StatusCode::TOO_MANY_REQUESTS,
        Kind::ServerError | Kind::BadReply | Kind::CutOff => StatusCode::BAD_GATEWAY,
        Kind::TimedOut => StatusCode::GATEWAY_TIMEOUT,
        Kind::KeyRejected | Kind::QuotaExhausted | Kind::Unreachable | Kind::NothingLeft | Kind::Overloaded => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        Kind::Component | Kind::LimitReached | Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

pub(super) fn refuse(head: Head) -> Response {
    let (status, text) = match head {
        Head::UrlTooLong { bytes_max } => (
            StatusCode::URI_TOO_LONG,
            format!("the URL is longer than {bytes_max} bytes (`server_settings.url_bytes_max`)"),
        ),
        Head::OtherHost { name } => (
            StatusCode::MISDIRECTED_REQUEST,
            format!(
                "this gateway is not called `{name}`: if it should be, add that name to `server_settings.allowed_hosts`"
            ),
        ),
        Head::NoHost => (StatusCode::BAD_REQUEST, "a request has one `Host` header, a name or an address".to_owned()),
    };
    let failure = Failure::new(Kind::InvalidRequest, text);
    respond(status, "application/json", body(&failure, Dialect::Chat, status).to_string().into(), &failure)
}

pub(crate) async fn no_such_path(method: http::Method, uri: http::Uri) -> Refusal {
    Failure::new(Kind::NotFound, format!("no such path: {method} {}", uri.path())).into()
}

pub(crate) async fn method_not_allowed(method: http::Method, uri: http::Uri) -> Response {
    let failure = Failure::new(Kind::InvalidRequest, format!("{} does not take {method}", uri.path()));
    let status = StatusCode::METHOD_NOT_ALLOWED;
    respond(status, "application/json", body(&failure, Dialect::Chat, status).to_string().into(), &failure)
}
