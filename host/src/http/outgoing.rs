//! From a reply of the upstream to what a client gets: headers, whole bodies, streams; the vendor's bytes as they are, or
//! events in the words of the client's dialect. Adds no end that the vendor did not send.
use super::error;
use super::story::{SoFar, Story, Told};
use super::typewriter::Typewriter;
use crate::bill::BYTES_PER_TOKEN;
use crate::upstream::{ByteStream, EventStream, RawStream, Reply, ReplyBody};
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use magic_dialects::dialect::{Dialect, Writer};
use magic_dialects::reply::Reply as Said;
use magic_dialects::responses::stored;
use magic_routing::route_header;
use magic_types::chat::FinishReason;
use magic_types::stream::ChatEvent;
use magic_types::{Failure, Usage};
use std::io;
use std::time::Duration;

const KEEP_ALIVE_FRAME: &[u8] = b": keep-alive\n\n";
const SSE: HeaderValue = HeaderValue::from_static("text/event-stream");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(super) const ROUTE: HeaderName = HeaderName::from_static("x-magic-route");
const DROPPED: HeaderName = HeaderName::from_static("x-magic-dropped");
/// Longer lists are cut: proxies refuse headers of more than 8 KiB in all.
const DROPPED_BYTES_MAX: usize = 1024;

/// What belongs to one client's wishes.
pub(super) struct Wishes {
    /// How errors are told.
    pub(super) dialect: Dialect,
    /// Whether a stream was asked for.
    pub(super) stream: bool,
    /// For a reply that comes as events.
    pub(super) writer: Option<Box<dyn Writer>>,
    /// Characters per second, where text is paced.
    pub(super) pace: Option<u32>,
    /// How long a stream may be silent before a comment says that it is alive.
    pub(super) keep_alive: Duration,
    pub(super) taps: Vec<Box<dyn Tap>>,
    /// Put where the vendor's bytes of a response say `previous_response_id`.
    pub(super) previous: Option<String>,
    /// Of ours, beside those that tell of the route.
    pub(super) headers: HeaderMap,
}

/// Reads along what a client is sent.
pub(super) trait Tap: Send {
    fn head(&mut self, _headers: &HeaderMap) {}
    fn piece(&mut self, bytes: &Bytes);
    /// The reply is over. Dropped without this, the client left.
    fn end(&mut self, how: End);
}

/// How a reply came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Whole,
    /// Honest, but something was left out for length or policy.
    Short,
    Broken,
}

impl End {
    fn of(complete: bool) -> Self {
        if complete { Self::Whole } else { Self::Short }
    }
}

pub(super) fn respond(mut reply: Reply, story: Story, mut wishes: Wishes) -> Response {
    let route = route_header(&reply.route);
    let mut told = Told::new(story, &mut reply, route);
    let Reply { headers, lost, body, .. } = reply;
    match &body {
        ReplyBody::Whole { .. } => told.collect(wishes.dialect, false),
        ReplyBody::Said(_) => told.collect(wishes.dialect, wishes.stream),
        ReplyBody::Bytes(_) | ReplyBody::Events(_) => told.collect(wishes.dialect, true),
        ReplyBody::Raw(_) => {}
    }
    let mut headers = match body {
        ReplyBody::Events(_) | ReplyBody::Said(_) => HeaderMap::new(),
        ReplyBody::Whole { .. } | ReplyBody::Bytes(_) | ReplyBody::Raw(_) => passed_on(headers),
    };
    headers.extend(std::mem::take(&mut wishes.headers));
    note(&mut headers, &told.route, &lost);
    let body = match body {
        ReplyBody::Whole { bytes, usage, complete } => {
            let bytes = named(bytes, wishes.previous.as_deref());
            whole(bytes, usage, complete, &headers, &mut told, &mut wishes)
        }
        ReplyBody::Said(events) => {
            let said = Said::of(&events);
            // A vendor that was asked to stream and did not: the client still gets what it asked for.
            headers.insert(header::CONTENT_TYPE, if wishes.stream { SSE } else { JSON });
            let text = match wishes.writer.as_mut() {
                Some(writer) if wishes.stream => frames(writer.as_mut(), &events),
                Some(writer) => writer.whole(&said),
                None => String::new(),
            };
            whole(text.into(), said.usage, is_complete(said.finish), &headers, &mut told, &mut wishes)
        }
        ReplyBody::Bytes(stream) => Flow::new(Coming::Bytes(stream), told, wishes).into_body(&headers),
        ReplyBody::Raw(stream) => Flow::new(Coming::Raw(stream), told, wishes).into_body(&headers),
        ReplyBody::Events(stream) => {
            headers.insert(header::CONTENT_TYPE, SSE);
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            let coming = match wishes.pace {
                Some(pace) => Coming::Typed(Box::new(Typewriter::new(stream, pace))),
                None => Coming::Events(stream),
            };
            Flow::new(coming, told, wishes).into_body(&headers)
        }
    };
    let mut response = Response::new(body);
    *response.headers_mut() = headers;
    response
}

fn whole(
    bytes: Bytes,
    usage: Option<Usage>,
    complete: bool,
    headers: &HeaderMap,
    told: &mut Told,
    wishes: &mut Wishes,
) -> Body {
    if told.is_of_words() {
        told.so_far.output_tokens = (bytes.len() as u64).div_ceil(BYTES_PER_TOKEN);
    }
    told.piece(&bytes);
    told.ended(usage, None);
    for tap in &mut wishes.taps {
        tap.head(headers);
        tap.piece(&bytes);
        tap.end(End::of(complete));
    }
    bytes.into()
}

/// A whole stream at once.
fn frames(writer: &mut dyn Writer, events: &[ChatEvent]) -> String {
    let mut out = String::new();
    events.iter().for_each(|event| writer.event(event, &mut out));
    writer.end(&mut out);
    out
}

/// A response's bytes with the id of the one before it.
fn named(bytes: Bytes, previous: Option<&str>) -> Bytes {
    match previous {
        Some(id) => stored::name_previous(bytes, id),
        None => bytes,
    }
}

fn is_complete(finish: Option<FinishReason>) -> bool {
    matches!(finish, Some(FinishReason::Stop | FinishReason::ToolCalls))
}

enum Coming {
    Bytes(Box<ByteStream>),
    Events(Box<EventStream>),
    Typed(Box<Typewriter>),
    Raw(Box<RawStream>),
}

/// A body on its way.
struct Flow {
    coming: Coming,
    told: Told,
    wishes: Wishes,
    usage: Option<Usage>,
    finish: Option<FinishReason>,
    /// Of words that were written from events.
    text_bytes: u64,
    over: bool,
}

impl Flow {
    fn new(coming: Coming, told: Told, wishes: Wishes) -> Self {
        Self { coming, told, wishes, usage: None, finish: None, text_bytes: 0, over: false }
    }

    fn into_body(mut self, headers: &HeaderMap) -> Body {
        self.wishes.taps.iter_mut().for_each(|tap| tap.head(headers));
        Body::from_stream(stream::unfold(self, |mut flow| async move {
            let read = flow.next().await?;
            Some((read, flow))
        }))
    }

    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        if self.over {
            return None;
        }
        // Sound has no comments: there the connection itself has to last.
        if let Coming::Raw(_) = self.coming {
            return self.read().await;
        }
        let patience = self.wishes.keep_alive;
        let alive = || Some(Ok(Bytes::from_static(KEEP_ALIVE_FRAME)));
        tokio::time::timeout(patience, self.read()).await.unwrap_or_else(|_| alive())
    }

    /// The next bytes for the client; an error frame is the last of them. Dropping the future loses nothing.
    async fn read(&mut self) -> Option<io::Result<Bytes>> {
        loop {
            let read = match &mut self.coming {
                Coming::Bytes(stream) => {
                    let previous = self.wishes.previous.as_deref();
                    stream.next().await.map(|read| read.map(|bytes| named(bytes, previous)))
                }
                Coming::Raw(stream) => stream.next().await,
                Coming::Events(stream) => stream.next().await.map(|read| read.map(|events| self.write(&events))),
                Coming::Typed(typed) => typed.next().await.map(|read| read.map(|events| self.write(&events))),
            };
            match read {
                Some(Ok(bytes)) if bytes.is_empty() => {}
                Some(Ok(bytes)) => {
                    self.told.so_far = self.so_far();
                    self.told.piece(&bytes);
                    self.wishes.taps.iter_mut().for_each(|tap| tap.piece(&bytes));
                    return Some(Ok(bytes));
                }
                Some(Err(failure)) => return Some(self.broke(&failure)),
                None => return self.ended().map(Ok),
            }
        }
    }

    fn write(&mut self, events: &[ChatEvent]) -> Bytes {
        let mut out = String::new();
        for event in events {
            match event {
                ChatEvent::Usage(usage) => self.usage = Some(*usage),
                ChatEvent::Finish(reason) => self.finish = Some(*reason),
                ChatEvent::Text(text) | ChatEvent::Reasoning(text) | ChatEvent::Refusal(text) => {
                    self.text_bytes += text.len() as u64;
                }
                _ => {}
            }
            if let Some(writer) = &mut self.wishes.writer {
                writer.event(event, &mut out);
            }
        }
        out.into()
    }

    /// A stream is told in its own words; any other body must not look whole, so its connection breaks.
    fn broke(&mut self, failure: &Failure) -> io::Result<Bytes> {
        self.over = true;
        let usage = self.usage();
        self.told.ended(usage, Some(failure));
        self.wishes.taps.iter_mut().for_each(|tap| tap.end(End::Broken));
        match self.coming {
            Coming::Raw(_) => Err(io::Error::other(failure.public.clone())),
            Coming::Bytes(_) | Coming::Events(_) | Coming::Typed(_) => {
                Ok(error::frame(failure, self.wishes.dialect).into())
            }
        }
    }

    fn ended(&mut self) -> Option<Bytes> {
        self.over = true;
        let usage = self.usage();
        let (failure, complete) = match &self.coming {
            Coming::Bytes(stream) => (stream.vendors_error(), stream.is_complete()),
            Coming::Raw(_) => (None, true),
            Coming::Events(_) | Coming::Typed(_) => (None, is_complete(self.finish)),
        };
        self.told.ended(usage, failure);
        let mut out = String::new();
        if let (Coming::Events(_) | Coming::Typed(_), Some(writer)) = (&self.coming, &mut self.wishes.writer) {
            writer.end(&mut out);
        }
        let last = Bytes::from(out);
        for tap in &mut self.wishes.taps {
            if !last.is_empty() {
                tap.piece(&last);
            }
            tap.end(End::of(complete));
        }
        (!last.is_empty()).then_some(last)
    }

    /// Tokens are estimated for a vendor that does not say, or for a reply that breaks off: most vendors send one an event.
    fn so_far(&self) -> SoFar {
        let (output_tokens, is_complete) = match &self.coming {
            Coming::Bytes(stream) => (stream.events(), stream.is_complete()),
            Coming::Events(_) | Coming::Typed(_) => {
                (self.text_bytes.div_ceil(BYTES_PER_TOKEN), is_complete(self.finish))
            }
            Coming::Raw(_) => (0, false),
        };
        SoFar { usage: self.usage(), output_tokens, is_complete }
    }

    fn usage(&self) -> Option<Usage> {
        match &self.coming {
            Coming::Bytes(stream) => stream.usage(),
            Coming::Events(_) | Coming::Typed(_) | Coming::Raw(_) => self.usage,
        }
    }
}

fn note(headers: &mut HeaderMap, route: &str, lost: &[String]) {
    if let Ok(value) = HeaderValue::from_str(route) {
        headers.insert(ROUTE, value);
    }
    note_lost(headers, lost);
}

/// Names what of a request was not carried over.
pub(super) fn note_lost(headers: &mut HeaderMap, lost: &[String]) {
    if lost.is_empty() {
        return;
    }
    let mut names = lost.join(", ").replace('…', "...");
    names.retain(|char| char.is_ascii() && !char.is_ascii_control());
    names.truncate(DROPPED_BYTES_MAX);
    if let Ok(value) = HeaderValue::from_str(&names) {
        headers.insert(DROPPED, value);
    }
}

/// The vendor's headers without those that belong to its connection or its site.
fn passed_on(mut headers: HeaderMap) -> HeaderMap {
    const DROPPED: [HeaderName; 12] = [
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::TE,
        header::TRAILER,
        header::UPGRADE,
        header::SET_COOKIE,
        header::SERVER,
        header::DATE,
        header::ALT_SVC,
        header::STRICT_TRANSPORT_SECURITY,
        header::PROXY_AUTHENTICATE,
    ];
    for name in DROPPED {
        headers.remove(name);
    }
    headers.remove("keep-alive");
    let is_kept = |name: &HeaderName| {
        let name = name.as_str();
        // Whose account pays is not the client's to know; and only we speak of our own legs.
        !name.starts_with("x-magic-") && !name.contains("organization") && name != "openai-project"
    };
    let dropped: Vec<HeaderName> = headers.keys().filter(|name| !is_kept(name)).cloned().collect();
    dropped.iter().for_each(|name| drop(headers.remove(name)));
    headers
}
