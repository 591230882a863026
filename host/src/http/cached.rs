//! The response cache before a request goes out: an answer that is there, one that is just being given to somebody else, or
//! the duty to take down the answer for those who come after.
use super::error;
use super::outgoing::{End, Tap};
use super::story::Story;
use crate::app::{App, wall_clock};
use crate::cache::{Follower, Head, Hit, Leader, Lookup, Question, Recording, rule_for};
use crate::snapshot::Snapshot;
use crate::upstream::{Asked, Previous, Route};
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use magic_dialects::dialect::Dialect;
use magic_types::{Failure, Kind};
use std::io;
use std::time::Duration;

/// Headers of a client that go on to the vendor and change its answer.
const BETAS: [&str; 2] = ["anthropic-beta", "openai-beta"];
const CACHE: HeaderName = HeaderName::from_static("x-magic-cache");

/// What the cache says of a request.
pub(super) enum Cached {
    Hit(Hit),
    /// With how long it may be silent.
    Follow(Follower, Head, Duration),
    /// To be asked; the answer is to be taken down.
    Miss(Leader),
    /// To be asked, because the request cannot be looked up.
    Bypass,
    /// No rule is for this alias.
    Off,
}

/// Waits for the answer to the same question, where one is under way.
pub(super) async fn look_up(app: &App, snapshot: &Snapshot, route: &Route, asked: &Asked<'_>) -> Cached {
    let settings = &snapshot.config.cache_settings;
    let Some(first) = route.first_profile().filter(|_| settings.enabled) else { return Cached::Off };
    let Some(rule) = rule_for(&settings.rules, first.name.as_str()) else { return Cached::Off };
    // They change what the same body means, or what the reply says of itself.
    let is_special = BETAS.iter().any(|name| asked.headers.contains_key(*name));
    if is_special || asked.previous != Previous::None {
        return Cached::Bypass;
    }
    let (operation, stream) = (asked.operation.as_str(), asked.head.stream);
    let question = Question { rule, answerers: route.answerers(), operation, stream, body: asked.body };
    match app.cache.lookup(&question, wall_clock()).await {
        Lookup::Hit(hit) => Cached::Hit(hit),
        Lookup::Lead(leader) => Cached::Miss(leader),
        Lookup::Bypass(why) => {
            tracing::debug!(?why, "a request cannot be looked up in the cache");
            Cached::Bypass
        }
        Lookup::Follow(mut follower) => {
            // Not held up by another's vendor for longer than by its own.
            let patience = if asked.head.stream { first.timeouts.first_event } else { first.timeouts.total };
            match tokio::time::timeout(patience, follower.head()).await {
                Ok(Ok(head)) => Cached::Follow(follower, head, first.timeouts.idle),
                Ok(Err(_)) | Err(_) => Cached::Miss(follower.lead()),
            }
        }
    }
}

/// An answer from the cache, in the pieces in which it came.
pub(super) fn replay(hit: Hit, story: &mut Story) -> Response {
    story.cached(&hit.head.profile, "cache");
    let pieces = hit.pieces.to_vec();
    let body = match <[Bytes; 1]>::try_from(pieces) {
        Ok([whole]) => whole.into(),
        Err(pieces) => Body::from_stream(stream::iter(pieces.into_iter().map(Ok::<_, io::Error>))),
    };
    let mut response = response(hit.head, body);
    response.headers_mut().insert(header::AGE, HeaderValue::from(hit.age.as_secs()));
    response
}

/// The answer that another client is being given, read along.
pub(super) fn follow(follower: Follower, head: Head, idle: Duration, mut story: Story, dialect: Dialect) -> Response {
    let is_sse =
        head.headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"));
    story.cached(&head.profile, "a request of the same words");
    let pieces = stream::unfold(Some((follower, story)), move |state| async move {
        let (mut follower, story) = state?;
        match tokio::time::timeout(idle, follower.next()).await {
            Ok(None) => None,
            Ok(Some(Ok(piece))) => Some((Ok(piece), Some((follower, story)))),
            Ok(Some(Err(_))) | Err(_) => Some((broken(is_sse, dialect), None)),
        }
    });
    let mut response = response(head, Body::from_stream(pieces));
    response.headers_mut().insert(header::AGE, HeaderValue::from(0));
    response
}

fn broken(is_sse: bool, dialect: Dialect) -> io::Result<Bytes> {
    let failure = Failure::new(Kind::CutOff, "the reply that this request shared with another one broke off");
    if is_sse { Ok(error::frame(&failure, dialect).into()) } else { Err(io::Error::other(failure.public)) }
}

fn response(head: Head, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = head.status;
    *response.headers_mut() = head.headers;
    note(response.headers_mut(), "hit");
    response
}

impl Cached {
    /// The word for metrics.
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::Hit(_) => "hit",
            Self::Follow(..) => "follow",
            Self::Miss(_) => "miss",
            Self::Bypass => "bypass",
            Self::Off => "off",
        }
    }

    /// The header's word for a request that goes out.
    pub(super) fn note(&self, headers: &mut HeaderMap) {
        match self {
            Self::Miss(_) => note(headers, "miss"),
            Self::Bypass => note(headers, "bypass"),
            Self::Hit(_) | Self::Follow(..) | Self::Off => {}
        }
    }
}

fn note(headers: &mut HeaderMap, word: &'static str) {
    headers.insert(CACHE, HeaderValue::from_static(word));
}

/// Takes down what goes to the client.
pub(super) struct Recorder {
    profile: String,
    leader: Option<Leader>,
    recording: Option<Recording>,
}

impl Recorder {
    pub(super) fn new(leader: Leader, profile: String) -> Self {
        Self { profile, leader: Some(leader), recording: None }
    }
}

impl Tap for Recorder {
    fn head(&mut self, headers: &HeaderMap) {
        let head = Head::new(StatusCode::OK, headers, self.profile.as_str());
        self.recording = self.leader.take().map(|leader| leader.begin(head));
    }

    fn piece(&mut self, bytes: &Bytes) {
        if let Some(recording) = &mut self.recording {
            recording.push(bytes);
        }
    }

    fn end(&mut self, how: End) {
        match (self.recording.take(), how) {
            (Some(recording), End::Whole) => recording.finish(true, wall_clock()),
            // Those who read along get it as it is; it is kept for nobody.
            (Some(recording), End::Short) => recording.finish(false, wall_clock()),
            (Some(recording), End::Broken) => recording.abandon(),
            (None, _) => {}
        }
    }
}
