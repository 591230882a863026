//! Virtual keys over HTTP: made, changed, given another secret, revoked, and shown without anything of their secrets.
use super::super::auth::Caller;
use super::super::error::Refusal;
use super::super::{origin, reply, serve};
use crate::accounts::{Actor, key_json, patch, standings_json, unix_ms};
use crate::app::{App, wall_clock};
use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::HeaderMap;
use magic_access::{VirtualKey, VirtualKeyId, duration_ms};
use magic_types::{Failure, Kind, Secret};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;

pub(crate) async fn list(State(app): State<Arc<App>>) -> Result<Response, Refusal> {
    let now_ms = unix_ms(wall_clock());
    let keys = app.accounts.ledger().keys().await?;
    let keys: Vec<Value> = keys.iter().map(|key| key_json(key, now_ms)).collect();
    Ok(reply::json(&json!({ "virtual_keys": keys })))
}

/// With how its budgets stand.
pub(crate) async fn show(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let now = wall_clock();
    app.accounts.catch_up().await;
    let (key, standings) = app.accounts.ledger().key(VirtualKeyId::new(id), now).await?;
    let mut shown = key_json(&key, unix_ms(now));
    put(&mut shown, "budgets", standings_json(&standings));
    Ok(reply::json(&shown))
}

/// The only answer that has the secret, but for that of [`rotate`].
pub(crate) async fn create(State(app): State<Arc<App>>, request: Request) -> Result<Response, Refusal> {
    let (caller, body) = receive(&app, request).await?;
    let now = wall_clock();
    let patch = patch(&body, unix_ms(now))?;
    let (key, secret) = app.accounts.ledger().create_key(patch, actor(&caller), now).await?;
    app.accounts.reread().await;
    Ok(shown_once(&key, &secret))
}

pub(crate) async fn update(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let (caller, body) = receive(&app, request).await?;
    let now = wall_clock();
    let patch = patch(&body, unix_ms(now))?;
    let key = app.accounts.ledger().update_key(VirtualKeyId::new(id), patch, actor(&caller), now).await?;
    app.accounts.reread().await;
    Ok(reply::json(&key_json(&key, unix_ms(now))))
}

/// `{"grace": "1h"}`: how long the old secret stays good; without it, or without a body, not at all.
pub(crate) async fn rotate(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let (caller, body) = receive(&app, request).await?;
    let grace = grace(&body)?;
    let rotated = app.accounts.ledger().rotate_key(VirtualKeyId::new(id), grace, actor(&caller), wall_clock()).await;
    let (key, secret) = rotated?;
    app.accounts.reread().await;
    Ok(shown_once(&key, &secret))
}

pub(crate) async fn revoke(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    origin::check(&headers)?;
    let now = wall_clock();
    let key = app.accounts.ledger().revoke_key(VirtualKeyId::new(id), actor(&caller), now).await?;
    app.accounts.reread().await;
    Ok(reply::json(&key_json(&key, unix_ms(now))))
}

/// Whoever is at the door, as the audit names them.
pub(super) fn actor(caller: &Caller) -> Actor {
    Actor { who: caller.principal.key.to_string(), scope: caller.scope }
}

/// A JSON object, and who sent it. No body is an empty one.
pub(super) async fn receive(app: &App, request: Request) -> Result<(Caller, Map<String, Value>), Refusal> {
    let serve::Order { caller, body, .. } = serve::order(app, request).await?;
    if body.is_empty() {
        return Ok((caller, Map::new()));
    }
    let fields = serde_json::from_slice(&body).map_err(|error| invalid(format!("the request body: {error}")))?;
    Ok((caller, fields))
}

pub(super) fn put(shown: &mut Value, field: &str, value: Value) {
    if let Some(fields) = shown.as_object_mut() {
        fields.insert(field.to_owned(), value);
    }
}

fn grace(body: &Map<String, Value>) -> Result<Duration, Failure> {
    if let Some(field) = body.keys().find(|field| *field != "grace") {
        let shown: String = field.chars().take(64).collect();
        return Err(invalid(format!("unknown field `{shown}`; known: grace")));
    }
    match body.get("grace") {
        None => Ok(Duration::ZERO),
        Some(Value::String(text)) => {
            duration_ms(text).map(Duration::from_millis).map_err(|error| invalid(format!("`grace`: {error}")))
        }
        Some(_) => Err(invalid("`grace`: a time like \"1h\"".to_owned())),
    }
}

fn shown_once(key: &VirtualKey, secret: &Secret) -> Response {
    let mut shown = key_json(key, unix_ms(wall_clock()));
    put(&mut shown, "secret", secret.expose().into());
    let mut response = reply::json(&shown);
    response.headers_mut().insert(http::header::CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
    response
}

fn invalid(text: String) -> Failure {
    Failure::new(Kind::InvalidRequest, text)
}
