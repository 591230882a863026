//! What a client may ask for: the aliases that can be served now. OpenAI and Anthropic have the same path for it; who sends
//! `anthropic-version`, as every client of Anthropic's must, gets Anthropic's form.
use super::auth::Caller;
use super::error::Refusal;
use super::reply::{self, rfc3339};
use crate::app::App;
use crate::snapshot::Snapshot;
use crate::upstream::Route;
use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;
use magic_config::Alias;
use magic_dialects::dialect::Dialect;
use magic_types::{Failure, Kind};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Always the whole list: Anthropic's pages are never asked for where it says that there are no more.
pub(crate) async fn list(State(app): State<Arc<App>>, caller: Caller, headers: HeaderMap) -> Response {
    let snapshot = app.live.load();
    let dialect = dialect(&headers);
    let data: Vec<Value> = runnable(&app, &snapshot, &caller).map(|(alias, _)| model(&app, alias, dialect)).collect();
    reply::json(&match dialect {
        // https://docs.claude.com/en/api/models-list
        Dialect::Messages => json!({
            "first_id": data.first().map(|model| &model["id"]),
            "has_more": false,
            "last_id": data.last().map(|model| &model["id"]),
            "data": data,
        }),
        _ => json!({ "object": "list", "data": data }),
    })
}

pub(crate) async fn one(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let snapshot = app.live.load();
    let dialect = dialect(&headers);
    let alias = snapshot.config.alias(&id).ok_or_else(|| unknown(&snapshot, &caller, &id));
    let alias = alias.and_then(|alias| caller.check_alias(&id).map(|()| alias));
    let alias = alias.map_err(|failure| Refusal::from(failure).to(dialect))?;
    Ok(reply::json(&model(&app, alias, dialect)))
}

/// Whose client asks.
fn dialect(headers: &HeaderMap) -> Dialect {
    if headers.contains_key("anthropic-version") { Dialect::Messages } else { Dialect::Chat }
}

/// The aliases with what a UI wants to know of them.
pub(crate) async fn all_runnable(State(app): State<Arc<App>>, caller: Caller) -> Response {
    let snapshot = app.live.load();
    let list = runnable(&app, &snapshot, &caller).map(|(alias, _)| {
        let first = alias.chain.first();
        let tools = first.and_then(|profile| profile.agent.tools.as_ref()).filter(|_| alias.reasoning_mode.is_some());
        json!({
            "id": alias.name.as_str(),
            "name": alias.name.as_str(),
            "description": alias.description,
            "is_agent": alias.reasoning_mode.is_some(),
            "reasoning_mode": alias.reasoning_mode,
            "tools": tools,
            "profiles": alias.chain.iter().map(|profile| profile.name.as_str()).collect::<Vec<_>>(),
        })
    });
    reply::json(&Value::Array(list.collect()))
}

/// The way of an alias that the caller may use.
///
/// # Errors
/// `NotFound` for a name that is no alias, `Forbidden` for one that is not the caller's.
pub(super) fn route<'a>(snapshot: &'a Snapshot, caller: &Caller, id: &str) -> Result<&'a Arc<Route>, Failure> {
    let route = snapshot.routes.get(id).ok_or_else(|| unknown(snapshot, caller, id))?;
    caller.check_alias(id)?;
    Ok(route)
}

fn unknown(snapshot: &Snapshot, caller: &Caller, id: &str) -> Failure {
    let names = snapshot.config.aliases.iter().map(|alias| alias.name.as_str());
    let known: Vec<&str> = names.filter(|name| caller.may_use(name)).take(20).collect();
    Failure::new(Kind::NotFound, format!("the model `{id}` does not exist; known: {}", known.join(", ")))
}

fn runnable<'a>(
    app: &'a App,
    snapshot: &'a Snapshot,
    caller: &'a Caller,
) -> impl Iterator<Item = (&'a Alias, &'a Arc<Route>)> {
    let allowed = snapshot.config.aliases.iter().filter(|alias| caller.may_use(alias.name.as_str()));
    let with_route = allowed.filter_map(|alias| {
        let route = snapshot.routes.get(alias.name.as_str())?;
        Some((alias, route))
    });
    with_route.filter(|(_, route)| app.upstream.is_runnable(route))
}

fn model(app: &App, alias: &Alias, dialect: Dialect) -> Value {
    let (name, started) = (alias.name.as_str(), app.started_at);
    match dialect {
        Dialect::Messages => {
            let created = SystemTime::UNIX_EPOCH + Duration::from_secs(started);
            json!({ "type": "model", "id": name, "display_name": name, "created_at": rfc3339(created) })
        }
        _ => json!({ "id": name, "object": "model", "created": started, "owned_by": "magic-proxy" }),
    }
}
