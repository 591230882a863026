//! `proxy_config.yaml` for whoever administers the gateway: read, tried, changed. What a change must pass is the reload's
//! to say.
use super::super::auth::Caller;
use super::super::error::Refusal;
use super::super::{reply, sessions};
use super::edit;
use crate::app::App;
use crate::reload::{Change, Changed, New, Refused, Target, etag};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::response::Response;
use http::HeaderMap;
use magic_config::edit::{Change as Wanted, Edit, Value as Written};
use magic_types::{Failure, Kind};
use serde::{Deserialize, Deserializer};
use serde_json::json;
use serde_json::value::RawValue;
use std::sync::Arc;
use std::time::Duration;

/// A reload takes a tenth of a second, unless it waits for a component to be compiled.
const TAKEN_UP_MAX: Duration = Duration::from_secs(10);

/// The file as it lies there, whether or not it is what serves.
pub(crate) async fn show(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Refusal> {
    let file = app.editor.config_name();
    let read = app.editor.read(&Target::Config).await.map_err(|refused| edit::refusal(&file, refused))?;
    let text = read.ok_or_else(|| edit::refusal(&file, Refused::NotFound))?;
    let seen = app.status.get();
    let is_live = seen.problems.is_empty() && seen.config.as_ref() == Some(&etag(&text));
    let json = json!({ "path": file, "live": is_live, "generation": app.live.load().generation });
    Ok(edit::text_reply(&headers, "application/yaml", text, json))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wish {
    #[serde(default)]
    dry_run: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    edits: Option<Vec<One>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct One {
    path: String,
    /// Read as it is written: the order of keys is kept, and `null` is a value.
    #[serde(default, deserialize_with = "given")]
    value: Option<Box<RawValue>>,
    #[serde(default)]
    remove: bool,
}

fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::deserialize(deserializer).map(Some)
}

/// Tries a change, or makes it and waits until it is what serves.
pub(crate) async fn change(
    State(app): State<Arc<App>>,
    caller: Caller,
    wish: Result<Query<Wish>, QueryRejection>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Refusal> {
    let Query(Wish { dry_run }) = wish.map_err(|error| Failure::new(Kind::InvalidRequest, error.body_text()))?;
    let file = app.editor.config_name();
    let condition = edit::condition(&headers, !dry_run)?;
    let new = new(sessions::body(&app, &app.live.load(), request).await?)?;
    let change = Change { file: Target::Config, new, condition, dry_run };
    let noted = edit::noted(&caller, "config.write", &file);
    let changed = app.editor.change(change, noted).await.map_err(|refused| edit::refusal(&file, refused))?;
    let diff = edit::diff(&file, &changed.before, &changed.after);
    Ok(told(&app, &changed, &diff, dry_run).await)
}

async fn told(app: &App, changed: &Changed, diff: &str, dry_run: bool) -> Response {
    let taken_up = app.status.until(|seen| seen.config.as_ref() == Some(&changed.etag));
    let in_time = dry_run || tokio::time::timeout(TAKEN_UP_MAX, taken_up).await.is_ok();
    let seen = app.status.get();
    let problems = if dry_run { Vec::new() } else { seen.problems };
    let mut warnings = changed.warnings.clone();
    if !dry_run {
        // Those of the reload say more: what waits for a restart.
        warnings = seen.warnings;
    }
    let mut response = reply::json(&json!({
        "ok": true,
        "dry_run": dry_run,
        "written": changed.is_written,
        "live": !dry_run && in_time && problems.is_empty(),
        "generation": app.live.load().generation,
        "etag": changed.etag,
        "backup": changed.backup,
        "problems": problems,
        "warnings": warnings,
        "diff": diff,
    }));
    edit::tag(&mut response, &changed.etag);
    response
}

fn new(body: Body) -> Result<New, Failure> {
    let invalid = |text: String| Failure::new(Kind::InvalidRequest, text);
    match (body.text, body.edits) {
        (Some(text), None) => Ok(New::Text(text)),
        (None, Some(edits)) if !edits.is_empty() => {
            Ok(New::Edits(edits.into_iter().map(one).collect::<Result<_, _>>().map_err(invalid)?))
        }
        (None | Some(_), None | Some(_)) => {
            Err(invalid("give either `text`, the whole file, or `edits`, at least one".to_owned()))
        }
    }
}

fn one(one: One) -> Result<Edit, String> {
    let path = one.path.parse().map_err(|why| format!("`edits`: {why}"))?;
    let change = match (one.value, one.remove) {
        (Some(value), false) => {
            let value = serde_json::from_str::<Written>(value.get());
            Wanted::Set(value.map_err(|error| format!("`edits`: {}: {error}", one.path))?)
        }
        (None, true) => Wanted::Remove,
        (Some(_), true) | (None, false) => {
            return Err(format!("`edits`: {}: give either `value` or `remove: true`", one.path));
        }
    };
    Ok(Edit { path, change })
}
