//! `GET /metrics`: what is counted, for Prometheus.
use super::error::Refusal;
use crate::app::App;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use magic_types::{Failure, Kind};
use std::sync::Arc;

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(crate) async fn show(State(app): State<Arc<App>>) -> Result<Response, Refusal> {
    let text = app.upstream.telemetry().exposition(&app).ok_or_else(|| {
        Failure::new(Kind::NotFound, "nothing is counted: set `telemetry_settings.prometheus` to true")
    })?;
    Ok(([(header::CONTENT_TYPE, TEXT)], text).into_response())
}
