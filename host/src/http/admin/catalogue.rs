//! What can be chosen from: patterns with their options, and the models that the config offers by provider.
use super::super::reply;
use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Every loaded pattern, and the aliases that reason by it.
pub(crate) async fn patterns(State(app): State<Arc<App>>) -> Response {
    let snapshot = app.live.load();
    let rows = snapshot.components.patterns().map(|pattern| {
        let aliases = snapshot.config.aliases.iter();
        let users = aliases.filter(|alias| alias.reasoning_mode.as_deref() == Some(pattern.name.as_str()));
        // The component's own text: what is no JSON after all is shown as text.
        let schema = pattern.options_schema();
        let schema = schema.map(|text| serde_json::from_str::<Value>(text).unwrap_or_else(|_| json!(text)));
        json!({
            "name": pattern.name,
            "kind": if pattern.is_driver() { "driver" } else { "declarative" },
            "version": pattern.version,
            "description": pattern.description,
            "digest": pattern.digest.to_string(),
            "options_schema": schema,
            "tags": pattern.structure().map(|steps| steps.iter().map(|step| step.tag.as_str()).collect::<Vec<_>>()),
            "aliases": users.map(|alias| alias.name.as_str()).collect::<Vec<_>>(),
        })
    });
    reply::json(&json!({ "patterns": rows.collect::<Vec<_>>() }))
}

/// `provider_model_lists`: choices for people, nothing that the gateway holds anybody to.
pub(crate) async fn provider_models(State(app): State<Arc<App>>) -> Response {
    let snapshot = app.live.load();
    let lists = snapshot.config.provider_model_lists.iter();
    let lists: Map<String, Value> =
        lists.map(|(provider, models)| (provider.as_str().to_owned(), json!(models))).collect();
    reply::json(&json!({ "providers": lists }))
}
