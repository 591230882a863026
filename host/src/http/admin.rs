//! What runs here, for whoever operates it. Never a secret.
pub(super) mod audit;
pub(super) mod catalogue;
pub(super) mod config;
mod edit;
pub(super) mod teams;
pub(super) mod texts;
pub(super) mod usage;
pub(super) mod virtual_keys;

use super::error::Refusal;
use super::reply::{self, rfc3339};
use super::{models, serve};
use crate::app::App;
use crate::reload::Row;
use crate::upstream::{Asked, Payload};
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use magic_config::PRICES_AS_OF;
use magic_dialects::openai::request;
use magic_dialects::operation::Operation;
use magic_routing::{Became, BreakerStanding, BreakerState, Explained, KeyState, PoolName};
use magic_types::{Failure, Kind};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Every component file: what serves, and what is wrong with the newest version of it.
pub(crate) async fn components(State(app): State<Arc<App>>) -> Response {
    let seen = app.status.get();
    let problems = &seen.problems;
    reply::json(&json!({
        "generation": app.live.load().generation,
        "components": seen.rows.iter().map(row_json).collect::<Vec<_>>(),
        "config": { "status": if problems.is_empty() { "live" } else { "refused" }, "problems": problems, "warnings": seen.warnings },
    }))
}

fn row_json(row: &Row) -> Value {
    let component = row.component.as_deref();
    let status = match (component, &row.problem) {
        (Some(_), None) => "loaded",
        // The file is bad, its last good version serves on.
        (Some(_), Some(_)) => "stale",
        (None, _) => "failed",
    };
    let tools = component.map(|found| found.tools().iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>());
    let mut json = json!({
        "name": component.map_or(row.file.as_str(), |found| found.name.as_str()),
        "file": row.file,
        "kind": row.kind.as_str(),
        "status": status,
        "digest": component.map(|found| found.digest.to_string()),
        "bytes": component.map(|found| found.bytes),
        "description": component.and_then(|found| found.description.as_deref()),
        "tools": tools.filter(|tools| !tools.is_empty()),
        "loaded_at": row.loaded_at.map(rfc3339),
    });
    if let (Some(problem), Some(object)) = (&row.problem, json.as_object_mut()) {
        object.insert("problem".to_owned(), json!(problem));
    }
    json
}

/// Every pool and the state of its keys, by key id.
pub(crate) async fn keys(State(app): State<Arc<App>>) -> Response {
    let pools = app.upstream.key_states();
    let pools = pools
        .iter()
        .filter(|pool| !pool.keys.is_empty())
        .map(|pool| json!({ "pool": pool.pool.as_str(), "keys": pool.keys.iter().map(key_json).collect::<Vec<_>>() }));
    reply::json(&json!({ "pools": pools.collect::<Vec<_>>() }))
}

fn key_json(key: &KeyState) -> Value {
    let (state, why, left) = key.standing.words();
    json!({ "id": key.id.as_str(), "state": state, "why": why,
        "seconds_left": left.map(|left| left.as_secs()), "in_flight": key.in_flight })
}

/// What the response cache and the store hold, and what they could not.
pub(crate) async fn cache(State(app): State<Arc<App>>) -> Response {
    let (replies, bytes, under_way) = app.cache.held();
    reply::json(&json!({
        "enabled": app.live.load().config.cache_settings.enabled,
        "replies": replies,
        "bytes": bytes,
        "under_way": under_way,
        "store": { "available": app.store.is_enabled(), "writes_lost": app.store.lost() },
    }))
}

/// How many sessions are at work, how those of this process ended, and by which rungs their models' replies were read.
pub(crate) async fn sessions(State(app): State<Arc<App>>) -> Response {
    let (running, waiting, places) = app.sessions.standing();
    let sums = app.sessions.tally.get();
    reply::json(&json!({
        "running": running, "waiting": waiting, "places": places,
        "ended": { "answered": sums.answered, "failed": sums.failed, "cancelled": sums.cancelled },
        "rungs": sums.rungs,
    }))
}

/// Every profile that has failed or been asked lately, and whether it is asked now.
pub(crate) async fn breakers(State(app): State<Arc<App>>) -> Response {
    let states = app.upstream.breaker_states();
    reply::json(&json!({ "breakers": states.iter().map(breaker_json).collect::<Vec<_>>() }))
}

fn breaker_json(breaker: &BreakerState) -> Value {
    let mut json = standing_json(&breaker.standing);
    if let Some(object) = json.as_object_mut() {
        object.insert("profile".to_owned(), json!(breaker.profile.as_str()));
    }
    json
}

fn standing_json(standing: &BreakerStanding) -> Value {
    match standing {
        BreakerStanding::Closed { failures } => json!({ "state": "closed", "failures": failures }),
        // Rounded up: in the last second it is still open.
        BreakerStanding::Open { remaining } => {
            json!({ "state": "open", "seconds_left": remaining.as_millis().div_ceil(1000) })
        }
        BreakerStanding::HalfOpen { probing } => json!({ "state": "half_open", "probing": probing }),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    model: String,
    /// An endpoint's word; chat completions where it is left out.
    #[serde(default)]
    operation: Option<String>,
    /// What would be asked, as the endpoint takes it; `model` may be left out. Strategies look at it.
    #[serde(default)]
    request: Option<Map<String, Value>>,
}

/// Which legs a request would take now, which would be skipped, and why. Sends nothing.
pub(crate) async fn explain(State(app): State<Arc<App>>, request: Request) -> Result<Response, Refusal> {
    let serve::Order { snapshot, caller, body } = serve::order(&app, request).await?;
    let invalid = |text: String| Failure::new(Kind::InvalidRequest, text);
    let asked: Question =
        serde_json::from_slice(&body).map_err(|error| invalid(format!("the request body: {error}")))?;
    let word = asked.operation.as_deref().unwrap_or(Operation::ChatCompletions.as_str());
    let operation = Operation::ALL.into_iter().find(|operation| operation.as_str() == word);
    let operation = operation.ok_or_else(|| {
        let known = Operation::ALL.map(Operation::as_str).join(", ");
        invalid(format!("`operation`: no `{word}`; known: {known}"))
    })?;
    let route = models::route(&snapshot, &caller, &asked.model)?;
    let explanation = match asked.request {
        None => app.upstream.explain(route, operation, None),
        Some(mut fields) => {
            fields.insert("model".to_owned(), asked.model.as_str().into());
            let (body, headers) = (Bytes::from(Value::Object(fields).to_string()), HeaderMap::new());
            let head = request::head(&body)?;
            let payload = Payload::Json(Box::new(Asked::new(operation, &head, &body, &headers)));
            app.upstream.explain(route, operation, Some(&payload))
        }
    };
    let legs: Vec<Value> = explanation.legs.iter().map(leg_json).collect();
    Ok(reply::json(&json!({
        "model": asked.model,
        "operation": operation.as_str(),
        "reasoning_mode": route.plan.reasoning_mode,
        "strategy": route.plan.strategy.as_str(),
        "chosen_by": explanation.chosen.map(|chosen| chosen.to_string()),
        "prices_as_of": PRICES_AS_OF,
        "legs": legs,
    })))
}

fn millis(time: Duration) -> u64 {
    time.as_millis() as u64
}

fn leg_json(leg: &Explained) -> Value {
    let considered = &leg.considered;
    let why = match &considered.became {
        Became::Skipped(skip) => Some(skip.to_string()),
        _ => None,
    };
    json!({
        "profile": considered.profile.as_str(),
        "lane": considered.lane.as_str(),
        "tried_first": leg.is_first,
        "skipped": why,
        "pool": leg.pool.as_ref().map(PoolName::as_str),
        "keys": leg.keys.as_ref().map(|keys| json!({ "available": keys.available, "quarantined": keys.quarantined, "retired": keys.retired })),
        "breaker": standing_json(&leg.breaker),
        "in_flight": leg.measured.map(|measured| measured.in_flight),
        "first_event_ms": leg.measured.and_then(|measured| measured.first_event).map(millis),
        "whole_reply_ms": leg.measured.and_then(|measured| measured.whole).map(millis),
        "cost_micros": leg.cost_micros,
    })
}
