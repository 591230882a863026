//! Gateways that several tests begin with.
use magic_tests::{Folder, Gateway, Provider, Script, completion};
use serde_json::{Value, json};

/// One profile without a key, as alias `plain`.
pub(crate) fn plain_yaml(base: &str) -> String {
    format!(
        "model_list:\n  - model_name: main\n    provider: local\n    model_params: {{ model: vendor-model, api_base: \"{base}\" }}\n\
         router_settings:\n  model_group_alias: {{ plain: [main] }}\n"
    )
}

pub(crate) async fn plain() -> (Provider, Gateway) {
    plain_with("").await
}

/// With more sections.
pub(crate) async fn plain_with(more: &str) -> (Provider, Gateway) {
    let provider = Provider::start().await;
    let gateway = Gateway::start(Folder::new(&(plain_yaml(&provider.base()) + more))).await;
    (provider, gateway)
}

/// A request of one word.
pub(crate) fn ask(alias: &str, stream: bool) -> Value {
    json!({ "model": alias, "stream": stream, "messages": [{ "role": "user", "content": "hello" }] })
}

/// A good answer in the form that was asked for.
pub(crate) fn answer(stream: bool, text: &str) -> Script {
    if stream { magic_tests::said(text) } else { Script::json(200, &completion(text)) }
}
