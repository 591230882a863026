//! Teams over HTTP: what bounds several virtual keys together, and how their budgets stand.
use super::super::auth::Caller;
use super::super::error::Refusal;
use super::super::{origin, reply};
use super::virtual_keys::{actor, put, receive};
use crate::accounts::{grants_patch, standings_json, team_json};
use crate::app::{App, wall_clock};
use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::HeaderMap;
use magic_access::TeamName;
use magic_types::{Failure, Kind};
use serde_json::{Value, json};
use std::sync::Arc;

pub(crate) async fn list(State(app): State<Arc<App>>) -> Result<Response, Refusal> {
    app.accounts.catch_up().await;
    let teams = app.accounts.ledger().teams(wall_clock()).await?;
    let shown = teams.iter().map(|(team, standings)| {
        let mut shown = team_json(team);
        put(&mut shown, "budgets", standings_json(standings));
        shown
    });
    Ok(reply::json(&json!({ "teams": shown.collect::<Vec<Value>>() })))
}

/// Grants, and the `name`.
pub(crate) async fn create(State(app): State<Arc<App>>, request: Request) -> Result<Response, Refusal> {
    let (caller, body) = receive(&app, request).await?;
    let text = body.get("name").and_then(Value::as_str).ok_or_else(|| invalid("`name`: a text is wanted"))?;
    let name = name(text)?;
    let grants = grants_patch(&body, &["name"])?;
    let team = app.accounts.ledger().create_team(name, grants, actor(&caller), wall_clock()).await?;
    app.accounts.reread().await;
    Ok(reply::json(&team_json(&team)))
}

pub(crate) async fn update(
    State(app): State<Arc<App>>,
    Path(team): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let (caller, body) = receive(&app, request).await?;
    let grants = grants_patch(&body, &[])?;
    let team = app.accounts.ledger().update_team(name(&team)?, grants, actor(&caller), wall_clock()).await?;
    app.accounts.reread().await;
    Ok(reply::json(&team_json(&team)))
}

pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    Path(team): Path<String>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    origin::check(&headers)?;
    let team = app.accounts.ledger().delete_team(name(&team)?, actor(&caller), wall_clock()).await?;
    app.accounts.reread().await;
    Ok(reply::json(&team_json(&team)))
}

fn name(text: &str) -> Result<TeamName, Failure> {
    TeamName::parse(text).map_err(|error| invalid(format!("`name`: {error}")))
}

fn invalid(text: impl Into<String>) -> Failure {
    Failure::new(Kind::InvalidRequest, text)
}
