//! What the host does for guests. Implemented in host/, faked in tests. Whether it may be done is decided in this
//! crate before the host is asked; where it goes (the address) is enforced by the host with `address_allowed`.
use bytes::Bytes;
use futures_util::future::BoxFuture;
use magic_types::Secret;
use std::fmt;
use std::time::{Duration, SystemTime};

/// Where a guest's wishes end up. `component` is the component's file name without its ending.
pub trait Host: Send + Sync + 'static {
    /// One request, without following redirects: the policy was checked for this URL and no other. The host resolves
    /// once, checks every address with `address_allowed(address, request.allow_private)`, connects to exactly that
    /// one, and stops reading at `response_bytes_max` with `TooLarge`. Dropping the future cancels.
    fn http<'a>(&'a self, component: &'a str, request: Outbound) -> BoxFuture<'a, Result<Inbound, OutboundError>>;

    /// A secret of the component's own file of secrets. Asked only for names its policy lists.
    fn secret(&self, component: &str, name: &str) -> Option<Secret>;

    /// The wall clock.
    fn now(&self) -> SystemTime;
}

/// A request after the policy. `url` and `headers` may hold secrets: log `shown_url`; `Debug` shows nothing else.
pub struct Outbound {
    pub method: String,
    pub url: String,
    /// The URL without user, query and fragment, before secrets were put in.
    pub shown_url: String,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
    pub timeout: Duration,
    pub response_bytes_max: usize,
    pub allow_private: bool,
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound")
            .field("method", &self.method)
            .field("shown_url", &self.shown_url)
            .field("body_bytes", &self.body.len())
            .field("timeout", &self.timeout)
            .field("response_bytes_max", &self.response_bytes_max)
            .field("allow_private", &self.allow_private)
            .finish_non_exhaustive()
    }
}

/// What came back. Header values that are not text are left out by the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbound {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

/// Mirrors `http.error` of `wit/host.wit`. The texts reach the guest and so the model: no address, no secret in them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    #[error("denied: {0}")]
    Denied(String),
    #[error("invalid request: {0}")]
    Invalid(String),
    #[error("name not resolved: {0}")]
    Dns(String),
    #[error("not connected: {0}")]
    Connect(String),
    #[error("tls: {0}")]
    Tls(String),
    #[error("timed out")]
    TimedOut,
    /// The bound that was passed, in bytes.
    #[error("larger than {0} bytes")]
    TooLarge(u64),
}

#[cfg(test)]
mod tests;
