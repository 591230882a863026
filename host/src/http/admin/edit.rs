//! What changing a file through HTTP has in common: conditions (ETags), the diff, and what a refusal says.
use super::super::auth::Caller;
use super::super::error::{Refusal, Unmet};
use super::super::reply;
use crate::accounts::Entry;
use crate::reload::{Condition, Noted, Refused, etag};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use magic_types::{Failure, Kind};
use serde_json::{Map, Value, json};
use similar::TextDiff;
use std::time::Duration;

/// Lines around a change, as `diff -u` has them.
const CONTEXT_LINES: usize = 3;
/// A diff is for people; a text that is replaced whole is read in the file.
const DIFF_BYTES_MAX: usize = 256 << 10;
/// Of the search for the smallest diff, after which a larger one will do.
const DIFF_MAX: Duration = Duration::from_millis(100);
const BUSY_RETRY: Duration = Duration::from_secs(5);

/// What the headers ask to be so. `is_needed`: nothing may be written without one.
///
/// # Errors
/// Where there is none that is needed, or where it cannot be read.
pub(super) fn condition(headers: &HeaderMap, is_needed: bool) -> Result<Condition, Refusal> {
    let invalid = |text: &str| Refusal::from(Failure::new(Kind::InvalidRequest, text));
    let text = |name: &HeaderName| headers.get(name).map(HeaderValue::to_str).transpose();
    let if_match = text(&header::IF_MATCH).map_err(|_| invalid("`If-Match` is not readable"))?;
    let if_none_match = text(&header::IF_NONE_MATCH).map_err(|_| invalid("`If-None-Match` is not readable"))?;
    match (if_match.map(str::trim), if_none_match.map(str::trim)) {
        (Some("*"), None) => Ok(Condition::None),
        (Some(tags), None) => Ok(Condition::Is(tags.split(',').map(|tag| tag.trim().to_owned()).collect())),
        (None, Some("*")) => Ok(Condition::IsNew),
        (None, Some(_)) | (Some(_), Some(_)) => {
            Err(invalid("send either `If-Match` with the file's ETag, or `If-None-Match: *` for a new file"))
        }
        (None, None) if is_needed => Err(Refusal::unmet(
            Unmet::NoCondition,
            "send the ETag of the text that you have edited as `If-Match`, so that nobody's edit is lost (`*`: whatever is there)",
        )),
        (None, None) => Ok(Condition::None),
    }
}

/// The refusal in HTTP's terms. `file`: as the client knows it.
pub(super) fn refusal(file: &str, refused: Refused) -> Refusal {
    match refused {
        Refused::Stale(etag) => {
            let text = format!(
                "{file} is not what you have edited: it was changed meanwhile; read it again and make your change anew"
            );
            Refusal::unmet(Unmet::Stale(etag), text)
        }
        Refused::NotFound => Failure::new(Kind::NotFound, format!("there is no {file}")).into(),
        Refused::Problems { problems, before, after } => {
            let count = problems.len();
            let text =
                format!("{file} would have {count} problem{}; nothing was changed", if count == 1 { "" } else { "s" });
            let told =
                json!({ "ok": false, "problems": problems, "warnings": [], "diff": diff(file, &before, &after) });
            let told = if let Value::Object(told) = told { told } else { Map::new() };
            Refusal::unmet(Unmet::Problems(told), text)
        }
        Refused::Failed(why) => Failure::new(Kind::Internal, why).into(),
        Refused::Busy => {
            let text = "the gateway is loading components: look whether your change was made, then try again";
            Failure::new(Kind::Overloaded, text).retry_after(Some(BUSY_RETRY)).into()
        }
    }
}

/// What the audit is told: who did what to which file, its tags, the diff and the backup's name. The loop that makes the
/// change notes it.
pub(super) fn noted(caller: &Caller, action: &'static str, file: &str) -> Noted {
    let (who, subject) = (caller.principal.key.to_string(), file.to_owned());
    Box::new(move |changed| {
        let diff = diff(&subject, &changed.before, &changed.after);
        let before = (!changed.is_new).then(|| json!({ "etag": etag(&changed.before), "backup": changed.backup }));
        Entry { who, action, before, after: Some(json!({ "etag": changed.etag, "diff": diff })), subject }
    })
}

/// As `diff -u` writes it; empty where nothing differs.
pub(super) fn diff(file: &str, before: &str, after: &str) -> String {
    if before == after {
        return String::new();
    }
    let mut config = TextDiff::configure();
    let lines = config.timeout(DIFF_MAX).diff_lines(before, after);
    let text = lines.unified_diff().context_radius(CONTEXT_LINES).header(file, file).to_string();
    if text.len() > DIFF_BYTES_MAX {
        return format!("--- {file}\n+++ {file}\n(the diff has {} bytes: too many to be shown)\n", text.len());
    }
    text
}

/// A file's text: as JSON, or as itself to whoever accepts `media`.
pub(super) fn text_reply(headers: &HeaderMap, media: &'static str, text: String, mut json: Value) -> Response {
    let etag = etag(&text);
    let accepted = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let wants_itself =
        accepted.split(',').any(|wanted| wanted.split(';').next().is_some_and(|wanted| wanted.trim() == media));
    let mut response = if wants_itself {
        ([(header::CONTENT_TYPE, media)], text).into_response()
    } else {
        if let Some(object) = json.as_object_mut() {
            object.insert("text".to_owned(), json!(text));
            object.insert("etag".to_owned(), json!(etag));
        }
        reply::json(&json)
    };
    tag(&mut response, &etag);
    response
}

/// The reply bears the tag of the file as it now is, and no cache keeps it.
pub(super) fn tag(response: &mut Response, etag: &str) {
    if let Ok(etag) = HeaderValue::from_str(etag) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
}

#[cfg(test)]
mod tests;
