//! What is said into a running session: a message of the user, a person's word on a call that waits for it.
use super::auth::Caller;
use super::error::Refusal;
use super::{reply, sessions};
use crate::app::App;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use magic_sessions::Input;
use magic_types::chat::{Message, Role};
use magic_types::{Failure, Kind, SessionId};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    content: String,
}

/// 202 once it is on the log: the pattern reads it at its next step.
pub(crate) async fn message(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let id = SessionId::new(id);
    sessions::find_to_act(&app, &caller, &id).await?;
    let said: Said = sessions::body(&app, &app.live.load(), request).await?;
    if said.content.trim().is_empty() {
        return Err(Failure::new(Kind::InvalidRequest, "`content` is empty").into());
    }
    app.sessions.say(&id, Input::Said(Message::text(Role::User, said.content))).await?;
    Ok(accepted())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Approval {
    approve: bool,
    #[serde(default)]
    comment: Option<String>,
}

/// 202 once it is on the log. A word on a call that waits for none is heard and has no effect.
pub(crate) async fn approval(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((id, call_id)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Refusal> {
    let id = SessionId::new(id);
    sessions::find_to_act(&app, &caller, &id).await?;
    let Approval { approve, comment } = sessions::body(&app, &app.live.load(), request).await?;
    app.sessions.say(&id, Input::Approval { call_id, approved: approve, comment }).await?;
    Ok(accepted())
}

fn accepted() -> Response {
    (StatusCode::ACCEPTED, reply::json(&json!({ "status": "accepted" }))).into_response()
}
