//! The route table: every path of the gateway, which scope it needs, and who answers it.
mod admin;
mod auth;
mod cached;
mod chat;
mod error;
mod guard;
mod health;
mod inspect;
mod limits;
mod login;
mod metrics;
mod models;
mod origin;
mod others;
mod outgoing;
mod reasoning;
mod reply;
mod responses;
mod serve;
mod sessions;
mod sse;
mod story;
mod transcription;
mod typewriter;
mod ui;
mod words;

pub(crate) use login::Desk;

use crate::app::App;
use axum::Router;
use axum::routing::{get, patch, post, put};
use guard::Guarded;
use magic_access::Scope;
use std::sync::Arc;

/// All that the gateway answers to.
pub(crate) type Routes = Guarded<Router>;

pub(crate) fn routes(app: Arc<App>) -> Routes {
    let router = ui::routes(open())
        .merge(auth::needs(Scope::User, &app, user()))
        .merge(auth::needs(Scope::Viewer, &app, viewer()))
        .merge(auth::needs(Scope::Operator, &app, operator()))
        .merge(auth::needs(Scope::Admin, &app, admin()))
        .fallback(error::no_such_path)
        .method_not_allowed_fallback(error::method_not_allowed)
        .with_state(Arc::clone(&app));
    Guarded::new(app, router)
}

/// What needs no key: whether it is up, and the way in.
fn open() -> Router<Arc<App>> {
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/admin/login", post(login::login))
        .route("/admin/logout", post(login::logout))
}

/// OpenAI's and Anthropic's paths, and ours for sessions: whoever may ask for an alias at all.
fn user() -> Router<Arc<App>> {
    Router::new()
        .route("/v1/chat/completions", post(chat::completions))
        .route("/v1/completions", post(chat::text_completions))
        .route("/v1/responses", post(responses::create))
        .route("/v1/responses/{id}", get(responses::show).delete(responses::delete))
        .route("/v1/responses/{id}/input_items", get(responses::input_items))
        .route("/v1/embeddings", post(others::embeddings))
        .route("/v1/audio/speech", post(others::speech))
        .route("/v1/audio/transcriptions", post(transcription::create))
        .route("/v1/images/generations", post(others::images))
        .route("/v1/moderations", post(others::moderations))
        .route("/v1/models", get(models::list))
        .route("/v1/models/{*id}", get(models::one))
        .route("/v1/models/all-runnable", get(models::all_runnable))
        .route("/v1/messages", post(chat::messages))
        .route("/v1/messages/count_tokens", post(chat::count_tokens))
        .route("/v1/react/sessions", post(sessions::create).get(sessions::list))
        .route("/v1/react/sessions/{id}", get(sessions::show).delete(sessions::cancel))
        .route("/v1/react/sessions/{id}/events", get(sessions::events))
        .route("/v1/react/sessions/{id}/messages", post(words::message))
        .route("/v1/react/sessions/{id}/approvals/{call_id}", post(words::approval))
        .route("/v1/react/sessions/{id}/fork", post(sessions::fork))
        .route("/v1/react/sessions/{id}/replay", post(inspect::replay))
        .route("/v1/react/sessions/{id}/diff/{other}", get(inspect::diff))
        .route("/admin/whoami", get(login::whoami))
}

/// What is looked at.
fn viewer() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/components", get(admin::components))
        .route("/admin/keys", get(admin::keys))
        .route("/admin/breakers", get(admin::breakers))
        .route("/admin/cache", get(admin::cache))
        .route("/admin/sessions", get(admin::sessions))
        .route("/admin/explain", post(admin::explain))
        .route("/metrics", get(metrics::show))
        .route("/admin/usage", get(admin::usage::show))
        .route("/admin/virtual-keys", get(admin::virtual_keys::list))
        .route("/admin/virtual-keys/{id}", get(admin::virtual_keys::show))
        .route("/admin/teams", get(admin::teams::list))
        .route("/admin/config", get(admin::config::show))
        .route("/admin/prompts", get(admin::texts::list_prompts))
        .route("/admin/prompts/{name}", get(admin::texts::show_prompt))
        .route("/admin/manifests", get(admin::texts::list_manifests))
        .route("/admin/manifests/{name}", get(admin::texts::show_manifest))
        .route("/admin/patterns", get(admin::catalogue::patterns))
        .route("/admin/provider_models", get(admin::catalogue::provider_models))
}

/// What keeps it running, and who did what.
fn operator() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/audit", get(admin::audit::list))
        .route("/admin/prompts/{name}", put(admin::texts::write_prompt))
        .route("/admin/manifests/{name}", put(admin::texts::write_manifest))
}

/// What decides what everybody may do.
fn admin() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/config", post(admin::config::change).put(admin::config::change))
        .route("/admin/virtual-keys", post(admin::virtual_keys::create))
        .route("/admin/virtual-keys/{id}", patch(admin::virtual_keys::update).delete(admin::virtual_keys::revoke))
        .route("/admin/virtual-keys/{id}/rotate", post(admin::virtual_keys::rotate))
        .route("/admin/teams", post(admin::teams::create))
        .route("/admin/teams/{name}", patch(admin::teams::update).delete(admin::teams::delete))
}
