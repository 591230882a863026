//! What the gateway tells those who run it.
use crate::stage::{plain_yaml, sample_folder};
use magic_tests::{Folder, Gateway, Provider, key_id, never_logged};
use serde_json::{Value, json};

#[tokio::test]
async fn every_component_is_listed_with_its_state() {
    let provider = Provider::start().await;
    let folder = Folder::new(&plain_yaml(&provider.base())).pattern("standard_gemini_react").tool("calculator");
    let gateway = Gateway::start(folder).await;

    let seen = gateway.get("/admin/components").await.json().await;

    assert_eq!(seen["generation"], 1);
    assert_eq!(seen["config"], json!({ "status": "live", "problems": [], "warnings": [] }));
    let pattern = row(&seen, "standard_gemini_react");
    assert_eq!((&pattern["kind"], &pattern["status"]), (&json!("pattern"), &json!("loaded")));
    let tool = row(&seen, "calculator");
    assert_eq!((&tool["status"], &tool["tools"]), (&json!("loaded"), &json!(["calculator"])));
    for found in [pattern, tool] {
        assert!(found["digest"].as_str().is_some_and(|digest| digest.len() >= 16), "{found}");
        assert!(found["loaded_at"].as_str().is_some_and(|at| at.ends_with('Z')), "{found}");
        assert_eq!(found.get("problem"), None);
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn every_component_of_the_repository_loads() {
    let provider = Provider::start().await;
    let folder = Folder::new(&plain_yaml(&provider.base())).every_component();
    let gateway = Gateway::start(folder).await;

    let seen = gateway.get("/admin/components").await.json().await;

    let rows = seen["components"].as_array().unwrap();
    assert!(rows.len() >= 8, "{seen}");
    assert!(rows.iter().all(|row| row["status"] == "loaded"), "{seen}");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn keys_are_listed_by_id_and_state_and_never_by_secret() {
    let provider = Provider::start().await;
    let yaml = format!(
        "model_list:\n  - {{ model_name: a, provider: openai, model_params: {{ model: m, api_base: \"{0}\" }} }}\n\
         \x20 - {{ model_name: b, provider: openai, model_params: {{ model: m, api_base: \"{0}\", api_key: \"${{MAGIC_NO_SUCH_VARIABLE:-sk-admin-own}}\" }} }}\n\
         router_settings:\n  model_group_alias: {{ both: [a, b] }}\n",
        provider.base()
    );
    let secrets = ["sk-admin-first", "sk-admin-second", "sk-admin-own"];
    let gateway = Gateway::start(Folder::new(&yaml).keys("openai", &secrets[..2])).await;

    let reply = gateway.get("/admin/keys").await;
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let text = reply.text().await;

    for secret in secrets {
        assert!(!text.contains(secret), "{text}");
        never_logged(secret);
    }
    let seen: Value = serde_json::from_str(&text).unwrap();
    let pools = seen["pools"].as_array().unwrap();
    assert_eq!(pools.len(), 2, "the provider's and the profile's own: {seen}");
    let pool = pools.iter().find(|pool| pool["pool"] == "openai").unwrap();
    let expected = secrets[..2].iter().map(|secret| {
        json!({ "id": key_id("openai", secret), "state": "available", "why": null, "seconds_left": null, "in_flight": 0 })
    });
    assert_eq!(pool["keys"], expected.collect::<Value>());
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_tools_secret_is_in_no_reply_and_no_log() {
    let provider = Provider::start().await;
    let folder = Folder::new(&plain_yaml(&provider.base())).tool("calculator");
    folder.write("env/calculator.env", "TOKEN=sk-secret-of-a-tool\n");
    let gateway = Gateway::start(folder).await;
    for path in ["/admin/components", "/admin/keys", "/v1/models/all-runnable"] {
        assert!(!gateway.get(path).await.text().await.contains("sk-secret-of-a-tool"), "{path}");
    }
    never_logged("sk-secret-of-a-tool");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn the_sample_config_is_good_with_the_components_of_the_repository() {
    let folder = sample_folder();
    let checked = magic_proxy::check(folder.paths());
    let summary = Box::pin(checked).await.expect("the sample config has no problem");
    assert!(summary.contains("aliases") && summary.contains("patterns"), "{summary}");
}

fn row<'a>(seen: &'a Value, name: &str) -> &'a Value {
    let rows = seen["components"].as_array().unwrap();
    rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no {name} in {seen}"))
}
