//! The route table: every path of the gateway and who answers it.
mod admin;
mod chat;
mod error;
mod health;
mod limits;
mod models;
mod origin;
mod reasoning;
mod reply;
mod sessions;
mod sse;
mod ui;

use crate::app::App;
use axum::Router;
use axum::routing::{get, post};
use std::sync::Arc;

pub(crate) fn router(app: Arc<App>) -> Router {
    let router = Router::new()
        // OpenAI's
        .route("/v1/chat/completions", post(chat::completions))
        .route("/v1/models", get(models::list))
        .route("/v1/models/{*id}", get(models::one))
        // Ours
        .route("/v1/models/all-runnable", get(models::all_runnable))
        .route("/v1/react/sessions", post(sessions::create).get(sessions::list))
        .route("/v1/react/sessions/{id}", get(sessions::show).delete(sessions::cancel))
        .route("/v1/react/sessions/{id}/events", get(sessions::events))
        .route("/admin/components", get(admin::components))
        .route("/admin/keys", get(admin::keys))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready));
    ui::routes(router)
        .fallback(error::no_such_path)
        .method_not_allowed_fallback(error::method_not_allowed)
        .with_state(app)
}
