//! What runs here, for whoever operates it. Never a secret.
use super::reply::{self, rfc3339};
use crate::app::App;
use crate::reload::Row;
use axum::extract::State;
use axum::response::Response;
use magic_routing::{KeyState, Standing};
use serde_json::{Value, json};
use std::sync::Arc;

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
    let (state, why, seconds) = match &key.standing {
        Standing::Available => ("available", None, None),
        Standing::Quarantined { remaining, why } => ("quarantined", Some(why), Some(remaining.as_secs())),
        Standing::Retired { why } => ("retired", Some(why), None),
    };
    json!({ "id": key.id.as_str(), "state": state, "why": why.map(|why| why.as_str()),
        "seconds_left": seconds, "in_flight": key.in_flight })
}
