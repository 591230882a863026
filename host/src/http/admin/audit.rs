//! Who changed what through the admin's paths, as it is read.
use super::super::error::Refusal;
use super::super::reply::{self, rfc3339};
use crate::accounts::Audited;
use crate::app::App;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use magic_types::{Failure, Kind};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

const LIMIT: usize = 50;
const LIMIT_MAX: usize = 1000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page {
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default)]
    before: Option<u64>,
}

/// The newest first.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(page) = page.map_err(|error| Failure::new(Kind::InvalidRequest, error.body_text()))?;
    let limit = page.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX);
    let entries = app.accounts.ledger().audits(limit, page.before).await?;
    let next = entries.last().filter(|_| entries.len() == limit).map(|entry| entry.id);
    Ok(reply::json(&json!({ "entries": entries.iter().map(entry_json).collect::<Vec<_>>(), "next_before": next })))
}

fn entry_json(entry: &Audited) -> Value {
    let Audited { id, at_ms, who, action, subject, before, after } = entry;
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(*at_ms);
    json!({ "id": id, "at": rfc3339(at), "who": who, "action": action, "subject": subject, "before": before, "after": after })
}
