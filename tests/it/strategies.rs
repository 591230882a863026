//! Routing strategies through the whole gateway: who is asked first, what the header says of it, and what a failure does to it.
use crate::stage::{answer, ask};
use magic_tests::{Folder, Gate, Gateway, Provider, Script, When, chunk};
use serde_json::{Value, json};

/// Three profiles without keys; `blind` sees no images. `alias` is what `x` is.
async fn stage(alias: &str) -> (Provider, Gateway) {
    let vendor = Provider::start().await;
    let profile = |name: &str, more: &str| {
        let base = vendor.base_of(name);
        format!(
            "  - {{ model_name: {name}, provider: local, model_params: {{ model: m, api_base: \"{base}\"{more} }} }}\n"
        )
    };
    let yaml = format!(
        "model_list:\n{}{}{}router_settings:\n  model_group_alias:\n    x: {alias}\n",
        profile("dear", ", price: { input: 10, output: 30 }"),
        profile("cheap", ", price: { input: 1, output: 3 }"),
        profile("blind", ", price: { input: 0.1, output: 0.1 }, capabilities: { vision: false }"),
    );
    vendor.always(answer(false, "hi"));
    let gateway = Gateway::start(Folder::new(&yaml)).await;
    (vendor, gateway)
}

fn picture() -> Value {
    let image = json!({ "type": "image_url", "image_url": { "url": "https://example.org/cat.png" } });
    json!({ "model": "x", "max_tokens": 10, "messages": [{ "role": "user", "content": [image] }] })
}

async fn route(gateway: &Gateway, request: &Value) -> String {
    let reply = gateway.chat(request).await;
    let route = reply.header("x-magic-route").unwrap_or("no header").to_owned();
    reply.whole().await;
    route
}

#[tokio::test]
async fn the_cheapest_that_can_serve_is_asked_and_a_failure_goes_to_the_next() {
    let (vendor, gateway) = stage("{ chain: [dear, cheap, blind], strategy: lowest_cost }").await;
    let told = route(&gateway, &ask("x", false)).await;
    assert!(told.starts_with("strategy=lowest_cost(") && told.ends_with(" micros), blind=served"), "{told}");

    let told = route(&gateway, &picture()).await;
    assert!(told.ends_with("cheap=served, blind=unfit(no vision)"), "{told}");

    vendor.clear().on(When::under("cheap"), Script::error(500, "oops"));
    vendor.on(When::under("dear"), answer(false, "hi"));
    let told = route(&gateway, &picture()).await;
    assert!(told.ends_with("cheap=upstream_error, dear=served, blind=unfit(no vision)"), "{told}");
    gateway.finish(&[&vendor]).await;
}

#[tokio::test]
async fn a_request_that_no_leg_can_serve_is_the_clients_to_change() {
    let (vendor, gateway) = stage("{ chain: [blind], strategy: capability }").await;
    let reply = gateway.chat(&picture()).await;
    assert_eq!(reply.header("x-magic-route"), Some("blind=unfit(no vision)"));
    let error = reply.error(400).await;
    assert!(error.to_string().contains("no model of `x` can serve this request: no vision"), "{error:?}");
    assert!(vendor.calls().is_empty());
    gateway.finish(&[&vendor]).await;
}

#[tokio::test]
async fn a_busy_profile_is_left_to_its_stream() {
    let (vendor, gateway) = stage("{ chain: [dear, cheap], fallbacks: [blind], strategy: least_busy }").await;
    let gate = Gate::default();
    let stream = Script::stream().piece(chunk("one")).gate(&gate).piece("data: [DONE]\n\n").end();
    vendor.clear().on(When::under("dear"), stream);
    vendor.on(When::under("cheap"), answer(false, "hi"));
    let mut busy = gateway.chat(&ask("x", true)).await;
    assert_eq!(busy.header("x-magic-route"), Some("strategy=least_busy(0 in flight), dear=served"));
    assert_eq!(busy.frame().await, Some(chunk("one")));

    for _ in 0..2 {
        let told = route(&gateway, &ask("x", false)).await;
        assert_eq!(told, "strategy=least_busy(0 in flight), cheap=served");
    }
    let told = gateway.post("/admin/explain", &json!({ "model": "x" })).await.json().await;
    let in_flight = |leg: usize| (told["legs"][leg]["profile"].clone(), told["legs"][leg]["in_flight"].clone());
    assert_eq!([in_flight(0), in_flight(1)], [(json!("cheap"), json!(0)), (json!("dear"), json!(1))]);
    assert_eq!(told["legs"][2]["in_flight"], Value::Null, "a fallback is nobody's choice");

    gate.open();
    busy.whole().await;
    gateway.finish(&[&vendor]).await;
}

#[tokio::test]
async fn explain_looks_at_a_request_of_ones_own() {
    let tiers = "tiers: [{ up_to: 0.1, profiles: [blind] }, { profiles: [cheap, dear] }]";
    let (vendor, gateway) = stage(&format!("{{ chain: [dear, cheap, blind], strategy: complexity, {tiers} }}")).await;
    let explain = async |text: &str| {
        let request = json!({ "messages": [{ "role": "user", "content": text }] });
        gateway.post("/admin/explain", &json!({ "model": "x", "request": request })).await.json().await
    };
    let first = |told: &Value| (told["chosen_by"].clone(), told["legs"][0]["profile"].clone());
    let (easy, hard) = (explain("Good morning").await, explain("Prove the theorem step by step").await);
    assert_eq!(first(&easy), (json!("complexity(0 tier 1)"), json!("blind")), "{easy:#}");
    assert_eq!(first(&hard), (json!("complexity(0.25 tier 2)"), json!("cheap")), "{hard:#}");
    assert_eq!((&hard["strategy"], &hard["legs"][0]["tried_first"]), (&json!("complexity"), &json!(true)));
    assert!(vendor.calls().is_empty());
    gateway.finish(&[&vendor]).await;
}

#[tokio::test]
async fn what_is_known_of_a_profiles_speed_outlives_a_reload() {
    let (vendor, gateway) = stage("{ chain: [dear, cheap], strategy: lowest_latency }").await;
    for expected in ["dear", "cheap"] {
        let told = route(&gateway, &ask("x", false)).await;
        assert_eq!(told, format!("strategy=lowest_latency(explored), {expected}=served"));
    }
    let explained = async || gateway.post("/admin/explain", &json!({ "model": "x" })).await.json().await;
    let is_known = |leg: &Value| leg["whole_reply_ms"].is_u64() && leg["first_event_ms"].is_null();
    let before = explained().await;
    assert!(before["legs"].as_array().unwrap().iter().all(is_known), "{before:#}");

    let yaml = std::fs::read_to_string(gateway.folder().path("proxy_config.yaml")).unwrap();
    gateway.folder().write("proxy_config.yaml", yaml.replace("lowest_latency", "least_busy"));
    magic_tests::wait_until_async("the reload", || async { explained().await["strategy"] == "least_busy" }).await;
    let after = explained().await;
    assert!(after["legs"].as_array().unwrap().iter().all(is_known), "{after:#}");
    gateway.finish(&[&vendor]).await;
}
