//! What a client may ask for, and whether the gateway is alive.
use crate::stage::plain;
use magic_tests::{Folder, Gateway, Provider, repository};
use serde_json::json;

#[tokio::test]
async fn the_list_of_models_is_the_aliases_that_can_be_served() {
    let provider = Provider::start().await;
    let gateway = Gateway::start(mixed(&provider)).await;

    let list = gateway.get("/v1/models").await.json().await;

    assert_eq!(list["object"], "list");
    let data = list["data"].as_array().unwrap();
    let ids: Vec<&str> = data.iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["plain", "thinker"], "no alias without a key, no profile");
    for model in data {
        assert_eq!((&model["object"], &model["owned_by"]), (&json!("model"), &json!("magic-proxy")));
        assert!(model["created"].as_u64().unwrap() > 1_700_000_000, "{model}");
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn one_model_is_found_by_its_name() {
    let provider = Provider::start().await;
    let gateway = Gateway::start(mixed(&provider)).await;

    assert_eq!(gateway.get("/v1/models/plain").await.json().await["id"], "plain");

    let error = gateway.get("/v1/models/nothing").await.error(404).await;
    assert!(error["message"].as_str().unwrap().contains("nothing"), "{error}");
    gateway.get("/v1/models/main").await.error(404).await;
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn the_page_is_told_which_aliases_reason() {
    let provider = Provider::start().await;
    let gateway = Gateway::start(mixed(&provider)).await;

    let list = gateway.get("/v1/models/all-runnable").await.json().await;

    let found = list.as_array().unwrap();
    assert_eq!(found.len(), 2, "{list}");
    assert_eq!((&found[0]["id"], &found[0]["is_agent"]), (&json!("plain"), &json!(false)));
    assert_eq!(found[0]["profiles"], json!(["main"]));
    assert_eq!((&found[1]["id"], &found[1]["name"]), (&json!("thinker"), &json!("thinker")));
    assert_eq!((&found[1]["is_agent"], &found[1]["reasoning_mode"]), (&json!(true), &json!("standard_gemini_react")));
    assert_eq!((&found[1]["tools"], &found[1]["description"]), (&json!(["calculator"]), &json!("It thinks")));
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_gateway_that_serves_is_alive_and_ready() {
    let (provider, gateway) = plain().await;
    assert_eq!(gateway.get("/healthz").await.status, 200);
    let ready = gateway.get("/readyz").await;
    assert_eq!(ready.status, 200);
    assert!(ready.text().await.contains("1 of 1"));
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_gateway_without_any_key_is_alive_and_not_ready() {
    let yaml = "model_list:\n  - { model_name: main, provider: openai, model_params: { model: m } }\n\
                router_settings:\n  model_group_alias: { keyless: [main] }\n";
    let gateway = Gateway::start(Folder::new(yaml)).await;
    assert_eq!(gateway.get("/healthz").await.status, 200);
    let ready = gateway.get("/readyz").await;
    assert_eq!(ready.status, 503);
    assert!(ready.text().await.contains("keys_pool"));
    let error = gateway.chat(&crate::stage::ask("keyless", false)).await.error(503).await;
    assert!(error["message"].as_str().unwrap().contains("key"), "{error}");
    gateway.finish(&[]).await;
}

#[tokio::test]
async fn the_page_and_its_files_are_served_and_nothing_else_of_the_disk() {
    let (provider, gateway) = plain().await;
    let page = gateway.get("/").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let html = page.text().await;
    assert_eq!(html, std::fs::read_to_string(repository().join("frontend/index.html")).unwrap());
    let script = gateway.get("/app.js").await;
    assert_eq!(script.header("content-type"), Some("text/javascript; charset=utf-8"));
    for elsewhere in ["/proxy_config.yaml", "/../proxy_config.yaml", "/%2e%2e/proxy_config.yaml", "/keys_pool"] {
        assert_eq!(gateway.get(elsewhere).await.status, 404, "{elsewhere}");
    }
    gateway.finish(&[&provider]).await;
}

/// A plain alias, one that reasons, one without a key.
fn mixed(provider: &Provider) -> Folder {
    let base = provider.base();
    let yaml = format!(
        "model_list:\n  - {{ model_name: main, provider: local, model_params: {{ model: m, api_base: \"{base}\" }} }}\n\
         \x20 - model_name: thinking\n    provider: local\n    model_params:\n      model: m\n      api_base: \"{base}\"\n      \
         agent_settings: {{ reasoning_mode: standard_gemini_react, tools: [calculator] }}\n\
         \x20 - {{ model_name: keyless, provider: openai, model_params: {{ model: m }} }}\n\
         router_settings:\n  model_group_alias:\n    plain: [main]\n    keyless: [keyless]\n    thinker: {{ chain: [thinking], description: It thinks }}\n"
    );
    Folder::new(&yaml).pattern("standard_gemini_react").tool("calculator")
}
