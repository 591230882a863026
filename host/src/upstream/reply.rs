//! What comes back from the upstream: a reply that is known to be good so far, or why there is none.
use super::lease::Guard;
use super::stream::{ByteStream, EventStream, RawStream};
use crate::telemetry::Call;
use bytes::Bytes;
use http::HeaderMap;
use magic_config::Profile;
use magic_routing::Trail;
use magic_types::stream::ChatEvent;
use magic_types::{Failure, KeyId, Usage};
use std::sync::Arc;
use std::time::Duration;

/// Whole, or past its first event.
pub(crate) struct Reply {
    pub(crate) profile: Arc<Profile>,
    pub(crate) key_id: Option<KeyId>,
    pub(crate) headers: HeaderMap,
    /// What of the request could not be carried over to this vendor.
    pub(crate) lost: Vec<String>,
    /// What became of every leg.
    pub(crate) route: Trail,
    pub(crate) body: ReplyBody,
    /// To be ended with the reply.
    pub(crate) call: Call,
}

pub(crate) enum ReplyBody {
    Whole {
        bytes: Bytes,
        usage: Option<Usage>,
        /// Nothing was left out of it for length or policy.
        complete: bool,
    },
    /// Whole, from a vendor of another dialect.
    Said(Vec<ChatEvent>),
    /// A stream in the client's own dialect.
    Bytes(Box<ByteStream>),
    Events(Box<EventStream>),
    Raw(Box<RawStream>),
}

/// No leg answered, or the client's request is at fault.
pub(crate) struct Declined {
    pub(crate) failure: Failure,
    pub(crate) route: Trail,
}

/// A try that succeeded.
pub(super) struct Good {
    pub(super) profile: Arc<Profile>,
    pub(super) key_id: Option<KeyId>,
    pub(super) headers: HeaderMap,
    pub(super) lost: Vec<String>,
    /// For how long the vendor's headers say that the key is spent.
    pub(super) exhausted: Option<Duration>,
    pub(super) body: Guarded,
}

/// A reply's body with the try that it belongs to.
pub(super) enum Guarded {
    Here(ReplyBody, Guard),
    Coming(ReplyBody),
}

impl Guarded {
    pub(super) fn guard(&mut self) -> Option<&mut Guard> {
        match self {
            Self::Here(_, guard) => Some(guard),
            Self::Coming(ReplyBody::Bytes(stream)) => Some(stream.guard()),
            Self::Coming(ReplyBody::Events(stream)) => Some(stream.guard()),
            Self::Coming(ReplyBody::Raw(stream)) => Some(stream.guard()),
            Self::Coming(ReplyBody::Whole { .. } | ReplyBody::Said(_)) => None,
        }
    }

    /// Whether only the first of it is here.
    pub(super) fn is_coming(&self) -> bool {
        matches!(self, Self::Coming(_))
    }

    /// Ends the try of a body that is all here.
    pub(super) fn into_body(self) -> ReplyBody {
        match self {
            Self::Here(body, _) | Self::Coming(body) => body,
        }
    }
}
