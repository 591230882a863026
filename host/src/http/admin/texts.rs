//! System prompts and manifests: the files of two folders beside the config, listed, read, written. A name is a file's
//! name in its folder and nothing else.
use super::super::auth::Caller;
use super::super::error::Refusal;
use super::super::reply::rfc3339;
use super::super::{reply, sessions};
use super::edit;
use crate::app::App;
use crate::reload::{Change, New, Refused, Target};
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use magic_types::{Failure, Kind};
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

const NAME_BYTES_MAX: usize = 128;
/// Fifty pages: a prompt is read by a model, again and again.
const TEXT_BYTES_MAX: usize = 256 << 10;
/// A reload takes a tenth of a second, unless it waits for a component to be compiled.
const TAKEN_UP_MAX: Duration = Duration::from_secs(10);

/// One of the two folders.
#[derive(Clone, Copy)]
pub(crate) enum Shelf {
    Prompts,
    Manifests,
}

// === impl Shelf ===
impl Shelf {
    fn folder(self) -> &'static str {
        match self {
            Self::Prompts => "system_prompts",
            Self::Manifests => "manifests",
        }
    }

    fn action(self) -> &'static str {
        match self {
            Self::Prompts => "prompt.write",
            Self::Manifests => "manifest.write",
        }
    }

    /// As the config names it.
    fn file(self, name: &str) -> Result<String, Failure> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_name = name.len() <= NAME_BYTES_MAX && name.chars().all(plain) && !name.starts_with('.');
        if is_name && name.strip_suffix(".md").is_some_and(|stem| !stem.is_empty()) {
            return Ok(format!("{}/{name}", self.folder()));
        }
        let text = format!("`{name}` is no name here: letters, digits, `-`, `_` and `.`, ending in `.md`");
        Err(Failure::new(Kind::InvalidRequest, text))
    }
}

/// What there is, and what of it the live config reads.
pub(crate) async fn list(app: &App, shelf: Shelf) -> Response {
    let snapshot = app.live.load();
    let folder = shelf.folder();
    let files = app.editor.list(folder).await;
    let files = files.into_iter().filter(|file| shelf.file(&file.name).is_ok());
    let rows = files.map(|file| {
        let path = format!("{folder}/{}", file.name);
        json!({
            "name": file.name,
            "in_use": snapshot.prompts.contains_key(&path),
            "path": path,
            "bytes": file.bytes,
            "modified_at": file.modified.map(rfc3339),
        })
    });
    reply::json(&json!({ "folder": folder, "files": rows.collect::<Vec<Value>>() }))
}

async fn show(app: &App, shelf: Shelf, name: &str, headers: &HeaderMap) -> Result<Response, Refusal> {
    let file = shelf.file(name)?;
    let read = app.editor.read(&Target::Text(PathBuf::from(&file))).await;
    let text = read.and_then(|text| text.ok_or(Refused::NotFound)).map_err(|refused| edit::refusal(&file, refused))?;
    let in_use = app.live.load().prompts.contains_key(&file);
    Ok(edit::text_reply(headers, "text/markdown", text, json!({ "name": name, "path": file, "in_use": in_use })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    text: String,
}

async fn write(app: &App, shelf: Shelf, name: &str, request: Request) -> Result<Response, Refusal> {
    let file = shelf.file(name)?;
    let condition = edit::condition(request.headers(), true)?;
    let caller = Caller::of(request.extensions())?;
    let Body { text } = sessions::body(app, &app.live.load(), request).await?;
    if text.len() > TEXT_BYTES_MAX {
        let text = format!("{file} would have {} bytes; at most {TEXT_BYTES_MAX} are kept", text.len());
        return Err(Failure::new(Kind::TooLarge, text).into());
    }
    let change = Change { file: Target::Text(PathBuf::from(&file)), new: New::Text(text), condition, dry_run: false };
    let noted = edit::noted(&caller, shelf.action(), &file);
    let changed = app.editor.change(change, noted).await.map_err(|refused| edit::refusal(&file, refused))?;
    let diff = edit::diff(&file, &changed.before, &changed.after);
    // What the config does not name is read by nobody, and waited for by nobody.
    let in_use = app.live.load().prompts.contains_key(&file);
    let taken_up = app.status.until(|_| app.live.load().prompts.get(&file) == Some(&changed.after));
    let is_live = in_use && tokio::time::timeout(TAKEN_UP_MAX, taken_up).await.is_ok();
    let mut response = reply::json(&json!({
        "name": name, "path": file, "in_use": in_use, "live": is_live, "generation": app.live.load().generation,
        "etag": changed.etag, "backup": changed.backup, "diff": diff,
    }));
    edit::tag(&mut response, &changed.etag);
    if changed.is_new {
        return Ok((StatusCode::CREATED, response).into_response());
    }
    Ok(response)
}

// === the routes ===

pub(crate) async fn list_prompts(State(app): State<Arc<App>>) -> Response {
    list(&app, Shelf::Prompts).await
}

pub(crate) async fn list_manifests(State(app): State<Arc<App>>) -> Response {
    list(&app, Shelf::Manifests).await
}

pub(crate) async fn show_prompt(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    show(&app, Shelf::Prompts, &name, &headers).await
}

pub(crate) async fn show_manifest(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    show(&app, Shelf::Manifests, &name, &headers).await
}

pub(crate) async fn write_prompt(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    write(&app, Shelf::Prompts, &name, request).await
}

pub(crate) async fn write_manifest(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    write(&app, Shelf::Manifests, &name, request).await
}
