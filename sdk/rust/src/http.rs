//! Outbound HTTP, typed. Refuses policy: which hosts may be reached the host decides, at the socket.

use crate::bindings::tool::magic::proxy::http;

pub use http::{Error, Request, Response};

/// Sends one request. Redirects come back as they are: following one is a new request, checked anew.
pub fn send(request: &Request) -> Result<Response, Error> {
    http::send(request)
}

/// Sends several in parallel; results in the order of the requests.
#[must_use]
pub fn send_all(requests: &[Request]) -> Vec<Result<Response, Error>> {
    http::send_all(requests)
}

// === impl Request ===
impl Request {
    /// A GET of `url`, with the policy's own timeout.
    #[must_use]
    pub fn get(url: &str) -> Self {
        Self { method: "GET".into(), url: url.into(), headers: Vec::new(), body: Vec::new(), timeout_ms: None }
    }

    /// With one header more. A value may contain `{{secret:NAME}}`, which the host fills in.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

// === impl Response ===
impl Response {
    /// The first header of that name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

// === impl Error ===
impl From<Error> for crate::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Denied(text) => Self::Denied(text),
            Error::Invalid(text) => Self::InvalidArguments(format!("the request is not valid: {text}")),
            Error::Dns(text) => Self::Failed(format!("the host's name does not resolve: {text}")),
            Error::Connect(text) => Self::Failed(format!("no connection: {text}")),
            Error::Tls(text) => Self::Failed(format!("no secure connection: {text}")),
            Error::TimedOut => Self::TimedOut,
            Error::TooLarge(bytes) => Self::Failed(format!("the reply is larger than the {bytes} bytes allowed")),
        }
    }
}
