//! `POST /v1/chat/completions`: plain traffic goes through byte for byte, reasoning aliases run a session.
use super::error::{self, Refusal};
use super::{limits, models, origin, reasoning};
use crate::app::App;
use crate::upstream::{ChatStream, Payload, Reply, ReplyBody, after};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderName, header};
use magic_dialects::openai::{reply::data_frame, request};
use magic_routing::Try;
use magic_types::{AliasName, Failure, KeyId, Kind, ProfileName, Usage};
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

pub(crate) async fn completions(State(app): State<Arc<App>>, request: Request) -> Result<Response, Refusal> {
    let start = Instant::now();
    let snapshot = app.live.load();
    origin::check(request.headers())?;
    let place = limits::enter(&app.places)?;
    let body = limits::read(request.into_body(), snapshot.config.server_settings.body_bytes_max).await?;
    let head = request::head(&body)?;
    let route = snapshot.routes.get(head.model.as_ref()).ok_or_else(|| models::unknown(&snapshot, &head.model))?;
    if route.plan.reasoning_mode.is_some() {
        // Sessions have bounds of their own.
        drop(place);
        return reasoning::completion(&app, &snapshot, route, &body, head.stream).await;
    }
    let story = Story { alias: route.plan.alias.clone(), start, _place: place };
    let reply = match app.upstream.complete(route, Payload::Verbatim { head: &head, body: &body }).await {
        Ok(reply) => reply,
        Err(failure) => {
            story.failed(&failure);
            return Err(failure.into());
        }
    };
    Ok(respond(story, reply))
}

fn respond(story: Story, reply: Reply) -> Response {
    let mut told = Told::new(story, &reply);
    let body = match reply.body {
        ReplyBody::Whole { bytes, usage } => {
            told.ended(usage, None);
            bytes.into()
        }
        ReplyBody::Stream(chat) => Body::from_stream(passing(chat, told)),
    };
    let mut response = Response::new(body);
    *response.headers_mut() = passed_on(reply.headers);
    response
}

/// The vendor's bytes; after a failure one error frame of ours, and no end that the vendor did not send.
fn passing(chat: Box<ChatStream>, told: Told) -> impl stream::Stream<Item = Result<Bytes, std::convert::Infallible>> {
    stream::unfold(Some((chat, told)), |state| async move {
        let (mut chat, mut told) = state?;
        match chat.next_bytes().await {
            Some(Ok(bytes)) => Some((Ok(bytes), Some((chat, told)))),
            Some(Err(failure)) => {
                told.ended(chat.usage(), Some(&failure));
                Some((Ok(data_frame(&error::body(&failure).to_string()).into()), None))
            }
            None => {
                told.ended(chat.usage(), chat.vendors_error());
                None
            }
        }
    })
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
    headers
}

/// What the one log line of a request says at its beginning.
struct Story {
    alias: AliasName,
    start: Instant,
    /// Held as long as the request is at work, a streamed reply included.
    _place: OwnedSemaphorePermit,
}

/// And at its end, which for a stream is long after the handler returned.
struct Told {
    story: Story,
    profile: ProfileName,
    key_id: Option<KeyId>,
    tries: Vec<Try>,
    is_told: bool,
}

impl Story {
    fn failed(&self, failure: &Failure) {
        let (kind, ms) = (failure.kind.as_str(), self.start.elapsed().as_millis() as u64);
        let Self { alias, .. } = self;
        if failure.kind == Kind::InvalidRequest {
            tracing::info!(%alias, kind, ms, "chat `{alias}` refused: {}", failure.public);
        } else {
            tracing::warn!(%alias, kind, ms, "chat `{alias}` failed: {} ({})", failure.public, failure.private);
        }
    }
}

impl Told {
    fn new(story: Story, reply: &Reply) -> Self {
        let (profile, key_id, tries) = (reply.profile.clone(), reply.key_id.clone(), reply.tries.clone());
        Self { story, profile, key_id, tries, is_told: false }
    }

    fn ended(&mut self, usage: Option<Usage>, failure: Option<&Failure>) {
        self.is_told = true;
        let Self { story: Story { alias, start, .. }, profile, key_id, tries, .. } = self;
        let (ms, sends, after) = (start.elapsed().as_millis() as u64, tries.len(), after(tries));
        let key_id = key_id.as_ref().map_or("-", KeyId::as_str);
        let Usage { input_tokens, output_tokens, .. } = usage.unwrap_or_default();
        match failure {
            None => tracing::info!(%alias, %profile, key.id = key_id, sends, ms, input_tokens, output_tokens,
                "chat `{alias}` served by `{profile}`{after}"),
            Some(failure) => tracing::warn!(%alias, %profile, key.id = key_id, sends, ms, kind = failure.kind.as_str(),
                "chat `{alias}` broke off at `{profile}`{after}: {} ({})", failure.public, failure.private),
        }
    }
}

/// A client that leaves drops the stream, and this with it.
impl Drop for Told {
    fn drop(&mut self) {
        if !self.is_told {
            let Self { story: Story { alias, start, .. }, profile, .. } = self;
            let ms = start.elapsed().as_millis() as u64;
            tracing::info!(%alias, %profile, ms, "chat `{alias}` at `{profile}`: the client left");
        }
    }
}
