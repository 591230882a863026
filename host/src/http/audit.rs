//! Who changed what through the admin's paths.
use crate::app::App;
use http::Extensions;
use serde_json::Value;

/// One change. Neither `before` nor `after` may hold a secret.
pub(super) struct Entry {
    /// E.g. `config.write`.
    pub(super) action: &'static str,
    /// The file, the key.
    pub(super) target: String,
    pub(super) before: Value,
    pub(super) after: Value,
}

/// Whoever a request is from, for the record.
pub(super) fn who(_: &Extensions) -> String {
    "anonymous".to_owned()
}

/// To be called once the change is made.
pub(super) fn note(_: &App, who: &str, entry: &Entry) {
    let Entry { action, target, before, after } = entry;
    tracing::info!(who, action, target, "{who}: {action} {target}");
    tracing::debug!(%before, %after, "{action} {target}");
}
