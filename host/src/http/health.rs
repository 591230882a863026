//! Liveness and readiness, for whoever restarts or balances.
use crate::app::App;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use std::sync::Arc;

/// The process answers.
pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

/// 200 while at least one alias can be served and the gateway is not stopping; else 503 with the reason.
pub(crate) async fn ready(State(app): State<Arc<App>>) -> Response {
    let snapshot = app.live.load();
    let runnable = snapshot.routes.values().filter(|route| app.upstream.is_runnable(route)).count();
    let (status, text) = if app.tasks.stopping().is_cancelled() {
        (StatusCode::SERVICE_UNAVAILABLE, "stopping\n".to_owned())
    } else if runnable == 0 {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "no alias has a usable key: fill keys_pool/ or set a vendor's key\n".to_owned(),
        )
    } else {
        (StatusCode::OK, format!("ready: {runnable} of {} aliases\n", snapshot.routes.len()))
    };
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}
