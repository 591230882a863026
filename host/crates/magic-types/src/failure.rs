//! What went wrong on a request: whose fault it is, of what kind, what a stranger may read and what only the log may.
use bytes::Bytes;
use std::time::Duration;

/// Whose fault it is. With [`Kind`] it decides the key's fate and the retry (magic-routing `outcome`) and the HTTP
/// status (host `http/error`), in those two tables and nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    Client,
    Key,
    Provider,
    Guest,
    Gateway,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    // Client
    /// Malformed or refused by the vendor; retrying changes nothing.
    InvalidRequest,
    /// No alias, session or path of that name.
    NotFound,
    /// The body is larger than `server_settings.body_bytes_max`.
    TooLarge,
    /// The prompt does not fit the model's window.
    ContextTooLong,
    /// The vendor's content policy refused the request.
    ContentPolicy,
    /// No virtual key, or none that is known.
    Unauthenticated,
    /// The virtual key may not do that.
    Forbidden,
    /// Requests or tokens a minute, or requests at once, of the virtual key or its team.
    OverLimit,
    /// The budget of the virtual key or its team is spent.
    OverBudget,
    // Key
    /// 401, 403 and kin: the key will never work again.
    KeyRejected,
    /// 402 and kin: the account is empty.
    QuotaExhausted,
    /// 429.
    RateLimited,
    // Provider
    /// 5xx.
    ServerError,
    /// Refused, reset, no such host, TLS.
    Unreachable,
    /// No first event in time.
    TimedOut,
    /// A reply that the dialect cannot read.
    BadReply,
    /// The stream ended before its end.
    CutOff,
    // Guest
    /// A component trapped, looped, lied or overran a limit.
    Component,
    // Gateway
    /// Every leg is spent and there was no failure of a vendor to pass on, e.g. all keys are resting.
    NothingLeft,
    /// A bound of the gateway is reached: try again later.
    Overloaded,
    /// The session was cancelled.
    Cancelled,
    /// The session reached a limit without an answer.
    LimitReached,
    Internal,
}

impl Kind {
    pub fn fault(self) -> Fault {
        match self {
            Self::InvalidRequest
            | Self::NotFound
            | Self::TooLarge
            | Self::ContextTooLong
            | Self::ContentPolicy
            | Self::Unauthenticated
            | Self::Forbidden
            | Self::OverLimit
            | Self::OverBudget
            | Self::Cancelled => Fault::Client,
            Self::KeyRejected | Self::QuotaExhausted | Self::RateLimited => Fault::Key,
            Self::ServerError | Self::Unreachable | Self::TimedOut | Self::BadReply | Self::CutOff => Fault::Provider,
            Self::Component => Fault::Guest,
            Self::NothingLeft | Self::Overloaded | Self::LimitReached | Self::Internal => Fault::Gateway,
        }
    }

    pub const ALL: [Self; 23] = [
        Self::InvalidRequest,
        Self::NotFound,
        Self::TooLarge,
        Self::ContextTooLong,
        Self::ContentPolicy,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::OverLimit,
        Self::OverBudget,
        Self::KeyRejected,
        Self::QuotaExhausted,
        Self::RateLimited,
        Self::ServerError,
        Self::Unreachable,
        Self::TimedOut,
        Self::BadReply,
        Self::CutOff,
        Self::Component,
        Self::NothingLeft,
        Self::Overloaded,
        Self::Cancelled,
        Self::LimitReached,
        Self::Internal,
    ];

    /// The kind of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// The word for logs, events and error codes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::NotFound => "not_found",
            Self::TooLarge => "too_large",
            Self::ContextTooLong => "context_length_exceeded",
            Self::ContentPolicy => "content_policy_violation",
            // OpenAI's codes: <https://platform.openai.com/docs/guides/error-codes>
            Self::Unauthenticated => "invalid_api_key",
            Self::Forbidden => "permission_denied",
            Self::OverLimit => "rate_limit_exceeded",
            Self::OverBudget => "insufficient_quota",
            Self::KeyRejected => "key_rejected",
            Self::QuotaExhausted => "quota_exhausted",
            Self::RateLimited => "rate_limited",
            Self::ServerError => "upstream_error",
            Self::Unreachable => "upstream_unreachable",
            Self::TimedOut => "upstream_timed_out",
            Self::BadReply => "upstream_bad_reply",
            Self::CutOff => "upstream_cut_off",
            Self::Component => "component_failed",
            Self::NothingLeft => "nothing_left",
            Self::Overloaded => "overloaded",
            Self::Cancelled => "cancelled",
            Self::LimitReached => "limit_reached",
            Self::Internal => "internal",
        }
    }
}

/// The vendor's own words, kept so that a client's fault reaches the client as the vendor put it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamReply {
    pub status: u16,
    pub content_type: Option<String>,
    /// Bounded by the reader.
    pub body: Bytes,
}

/// `public` may be read by a stranger; `private` is logged once, where the failure is handled. Neither holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub kind: Kind,
    pub public: String,
    pub private: String,
    pub retry_after: Option<Duration>,
    pub upstream: Option<Box<UpstreamReply>>,
}

impl Failure {
    pub fn new(kind: Kind, public: impl Into<String>) -> Self {
        Self { kind, public: public.into(), private: String::new(), retry_after: None, upstream: None }
    }

    pub fn fault(&self) -> Fault {
        self.kind.fault()
    }

    #[must_use]
    pub fn private(mut self, text: impl Into<String>) -> Self {
        self.private = text.into();
        self
    }

    #[must_use]
    pub fn retry_after(mut self, after: Option<Duration>) -> Self {
        self.retry_after = after;
        self
    }

    #[must_use]
    pub fn upstream(mut self, reply: UpstreamReply) -> Self {
        self.upstream = Some(Box::new(reply));
        self
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.kind.as_str(), self.public)
    }
}

impl std::error::Error for Failure {}
