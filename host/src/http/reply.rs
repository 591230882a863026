//! What several handlers answer with: JSON, and times as clients read them.
use axum::response::{IntoResponse, Response};
use http::header;
use jiff::Timestamp;
use serde_json::Value;
use std::time::SystemTime;

pub(super) fn json(value: &Value) -> Response {
    json_text(value.to_string())
}

pub(super) fn json_text(text: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// RFC 3339; empty for a time that no calendar holds.
pub(super) fn rfc3339(at: SystemTime) -> String {
    Timestamp::try_from(at).map_or_else(|_| String::new(), |at| at.to_string())
}
