//! Who changed what through the admin's paths, into the file where virtual keys' changes stand too; and how it is read.
use super::super::auth::Caller;
use super::super::error::Refusal;
use super::super::reply::{self, rfc3339};
use crate::accounts::{Audited, Entry};
use crate::app::{App, wall_clock};
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

/// To be called once the change is made: it stands then, whether or not this can be written. Neither side may hold a secret.
pub(super) async fn note(app: &App, caller: &Caller, action: &'static str, subject: &str, sides: [Option<Value>; 2]) {
    let who = caller.principal.key.to_string();
    tracing::info!(who, action, subject, "{who}: {action} {subject}");
    let [before, after] = sides;
    let entry = Entry { who, action, subject: subject.to_owned(), before, after };
    if let Err(failure) = app.accounts.ledger().audit(entry, wall_clock()).await {
        tracing::error!(action, subject, "a change is in no record: {action} {subject}: {failure}");
    }
}

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
