//! What the gateway takes on at most: a body's size, and requests at the same time. More is refused, never queued.
use axum::body::Body;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use magic_types::{Failure, Kind};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// 20 MiB at 3 Mbit/s.
const BODY_MAX: Duration = Duration::from_secs(60);
/// Most requests are over within seconds.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A place among the requests in flight, held until it is dropped.
///
/// # Errors
/// `Overloaded` when all are taken.
pub(crate) fn enter(places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Failure> {
    Arc::clone(places).try_acquire_owned().map_err(|_| {
        let text = "too many requests are in flight (`server_settings.requests_in_flight_max`): try again";
        Failure::new(Kind::Overloaded, text).retry_after(Some(RETRY_AFTER))
    })
}

/// The whole body.
///
/// # Errors
/// `TooLarge` over `bytes_max`, `InvalidRequest` when the client stops sending.
pub(crate) async fn read(body: Body, bytes_max: usize) -> Result<Bytes, Failure> {
    let reading = Limited::new(body, bytes_max).collect();
    let Ok(read) = tokio::time::timeout(BODY_MAX, reading).await else {
        return Err(Failure::new(Kind::InvalidRequest, "the request body took longer than a minute to arrive"));
    };
    match read {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Failure::new(
            Kind::TooLarge,
            format!("the request body is larger than {bytes_max} bytes (`server_settings.body_bytes_max`)"),
        )),
        Err(error) => {
            Err(Failure::new(Kind::InvalidRequest, "the request body did not arrive whole").private(error.to_string()))
        }
    }
}
