//! A session's log as a stream of server-sent events, with comments that keep an idle connection alive.
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, header};
use magic_sessions::{Record, Tail};
use std::convert::Infallible;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Half of the idle timeout that proxies and browsers commonly have (30 s).
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const KEEP_ALIVE_FRAME: &[u8] = b": keep-alive\n\n";

/// Turns records into what a client reads. Dropped when the client goes away.
pub(super) trait Encoder: Send + 'static {
    /// Appends the frames of one record.
    fn encode(&mut self, record: &Record, out: &mut String);
    /// Appends what a client is told when the log cannot be read on.
    fn lost(&mut self, out: &mut String);
}

/// Streams the log from the tail's place to its end, or until `broken_off`: then the session goes on without this gateway,
/// and its reader comes back to the next one.
pub(super) fn respond(tail: Tail, encoder: impl Encoder, broken_off: CancellationToken) -> Response {
    let frames = stream::unfold(Some((tail, encoder)), move |state| {
        let broken_off = broken_off.clone();
        async move {
            let (mut tail, mut encoder) = state?;
            let read = tokio::select! {
                read = tokio::time::timeout(KEEP_ALIVE, tail.next()) => read,
                () = broken_off.cancelled() => return None,
            };
            match read {
                Err(_) => {
                    // Where that fails the next read says so.
                    let _looked = tail.look().await;
                    Some((Ok::<_, Infallible>(Bytes::from_static(KEEP_ALIVE_FRAME)), Some((tail, encoder))))
                }
                Ok(Ok(Some(records))) => {
                    let mut out = String::new();
                    records.iter().for_each(|record| encoder.encode(record, &mut out));
                    Some((Ok(out.into()), Some((tail, encoder))))
                }
                Ok(Ok(None)) => None,
                Ok(Err(error)) => {
                    tracing::warn!(%error, "a reader lost its session's log: {error}");
                    let mut out = String::new();
                    encoder.lost(&mut out);
                    (!out.is_empty()).then_some((Ok(out.into()), None))
                }
            }
        }
    });
    let mut response = Response::new(Body::from_stream(frames));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // nginx and kin would otherwise hold frames back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}
