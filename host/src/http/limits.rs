//! Reads request bodies within a bound. A body that is too large is refused before it is held.
use axum::body::Body;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use magic_types::{Failure, Kind};

/// The whole body.
///
/// # Errors
/// `TooLarge` over `bytes_max`, `InvalidRequest` when the client stops sending.
pub(crate) async fn read(body: Body, bytes_max: usize) -> Result<Bytes, Failure> {
    match Limited::new(body, bytes_max).collect().await {
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
