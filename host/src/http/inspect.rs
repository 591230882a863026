//! Sessions looked at from outside: replayed without a model, compared with each other.
use super::auth::Caller;
use super::error::Refusal;
use super::{origin, reply, sessions};
use crate::app::App;
use crate::sessions::Differs;
use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;
use magic_types::SessionId;
use serde_json::{Value, json};
use std::sync::Arc;

/// Runs the session again from its journal and says whether it decides and says the same.
pub(crate) async fn replay(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    origin::check(&headers)?;
    let id = SessionId::new(id);
    sessions::find(&app, &caller, &id).await?;
    let checked = app.sessions.check(&app.live.load(), &id).await?;
    Ok(reply::json(&json!({
        "agrees": checked.agrees(), "entries": checked.entries, "events": checked.events,
        "directives_part_at": checked.parted_at, "same_events": checked.same_events,
    })))
}

/// The steps in which two sessions differ.
pub(crate) async fn diff(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((one, other)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let (one, other) = (SessionId::new(one), SessionId::new(other));
    sessions::find(&app, &caller, &one).await?;
    sessions::find(&app, &caller, &other).await?;
    let differs = app.sessions.diff(&one, &other).await?;
    let step = |differs: &Differs| json!({ "step": differs.step, "one": differs.one, "other": differs.other });
    let steps: Vec<Value> = differs.iter().map(step).collect();
    Ok(reply::json(&json!({ "same": steps.is_empty(), "steps": steps })))
}
