//! `GET /metrics`, and the same numbers at a collector.
use crate::stage::{ANSWERS, CALLS_CALCULATOR, answer, ask, plain, plain_with, react_folder};
use magic_tests::{Collector, Folder, Gateway, Provider, Script, When, repository, said, wait_until};
use serde_json::json;
use std::collections::HashMap;

/// One sample of the exposition: name with labels, and value.
fn samples(text: &str) -> HashMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
        (name.to_owned(), value.parse().unwrap_or_else(|_| panic!("{line}")))
    };
    lines.map(sample).collect()
}

async fn scraped(gateway: &Gateway) -> HashMap<String, f64> {
    let reply = gateway.get("/metrics").await;
    assert_eq!(reply.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    samples(&reply.text().await)
}

#[tokio::test]
async fn metrics_count_requests_tokens_tries_and_failures() {
    let (provider, gateway) = plain().await;
    provider.once(answer(false, "hello")).once(answer(true, "hello")).always(Script::error(400, "no"));

    gateway.chat(&ask("plain", false)).await.json().await;
    gateway.chat(&ask("plain", true)).await.text().await;
    let refused = gateway.chat(&ask("plain", false)).await;
    assert_eq!(refused.status, 400);
    refused.text().await;

    let found = scraped(&gateway).await;
    let requests = |profile: &str, outcome: &str| {
        let labels =
            format!("alias=\"plain\",profile=\"{profile}\",operation=\"chat_completions\",outcome=\"{outcome}\"");
        found.get(&format!("magic_requests_total{{{labels}}}")).copied()
    };
    assert_eq!((requests("main", "served"), requests("-", "refused")), (Some(2.0), Some(1.0)), "{found:#?}");
    assert_eq!(
        found["magic_failures_total{alias=\"plain\",operation=\"chat_completions\",kind=\"invalid_request\"}"],
        1.0
    );
    let tries = |kind: &str| found[&format!("magic_tries_total{{profile=\"main\",kind=\"{kind}\"}}")];
    assert_eq!((tries("served"), tries("invalid_request")), (2.0, 1.0));
    let call = "alias=\"plain\",profile=\"main\",gen_ai_provider_name=\"local\",gen_ai_operation_name=\"chat\",gen_ai_request_model=\"vendor-model\"";
    assert_eq!(found[&format!("gen_ai_client_operation_duration_seconds_count{{{call}}}")], 2.0);
    assert_eq!(found[&format!("gen_ai_client_operation_time_to_first_chunk_seconds_count{{{call}}}")], 1.0);
    let tokens = |word: &str| found[&format!("magic_tokens_total{{alias=\"plain\",profile=\"main\",type=\"{word}\"}}")];
    assert!(tokens("input") > 0.0 && tokens("output") > 0.0);
    assert_eq!(found["magic_requests_in_flight"], 0.0);
    assert_eq!(found["magic_config_generation"], 1.0);
    assert!(found["process_start_time_seconds"] > 1e9);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn sessions_tools_and_components_are_counted() {
    let provider = Provider::start().await;
    let gateway = Gateway::start(react_folder(&provider, "", "")).await;
    let invents = "<THOUGHT>Hm.</THOUGHT><ACTION>{\"tool_name\": \"no_such_tool\", \"arguments\": {}}";
    provider.once(said(CALLS_CALCULATOR)).once(said(invents)).once(said(ANSWERS));

    gateway.chat(&ask("thinker", false)).await.json().await;

    let found = scraped(&gateway).await;
    assert_eq!(found["magic_tool_calls_total{tool=\"calculator\",outcome=\"ok\"}"], 1.0);
    assert_eq!(found["magic_component_calls_total{component=\"calculator\",kind=\"tool\",outcome=\"ok\"}"], 1.0);
    assert_eq!(found["magic_sessions_ended_total{outcome=\"answered\"}"], 1.0);
    let session = "alias=\"thinker\",pattern=\"standard_gemini_react\",outcome=\"answered\"";
    assert_eq!(found[&format!("magic_session_duration_seconds_count{{{session}}}")], 1.0);
    assert!(!found.keys().any(|name| name.contains("no_such_tool")), "{found:#?}");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn names_that_clients_make_up_make_no_series() {
    let (provider, gateway) = plain().await;
    provider.always(answer(false, "hello"));
    gateway.chat(&ask("plain", false)).await.json().await;
    gateway.chat(&ask("made-up", false)).await.error(404).await;
    gateway.post_bytes("/v1/chat/completions", b"no JSON").await.error(400).await;
    let before = scraped(&gateway).await.len();

    for number in 0..50 {
        gateway.chat(&ask(&format!("evil-{number}\"}}\n# HELP"), false)).await.error(404).await;
    }

    let found = scraped(&gateway).await;
    assert_eq!(found.len(), before);
    let refused = "magic_requests_total{alias=\"-\",profile=\"-\",operation=\"chat_completions\",outcome=\"refused\"}";
    assert_eq!(found[refused], 52.0);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn what_an_operator_asks_for_is_no_refused_request() {
    let (provider, gateway) = plain().await;

    assert_eq!(gateway.post("/admin/explain", &json!({ "model": "plain" })).await.status, 200);
    assert_eq!(gateway.post("/admin/teams", &json!({ "name": "research" })).await.status, 200);
    let made = gateway.post("/admin/virtual-keys", &json!({ "name": "ci", "scope": "admin" })).await.json().await;

    let secret = format!("Bearer {}", made["secret"].as_str().unwrap());
    let connection = gateway.connect().await;
    let reply = connection.request("GET", "/metrics", &[("authorization", &secret)], b"").await;
    let found = reply.text().await;
    assert!(found.contains("magic_build_info"), "{found}");
    assert!(!found.contains("outcome=\"refused\""), "{found}");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn metrics_that_are_switched_off_are_not_there() {
    let (provider, gateway) = plain_with("telemetry_settings: { prometheus: false }\n").await;

    let error = gateway.get("/metrics").await.error(404).await;

    assert!(error["message"].as_str().unwrap().contains("telemetry_settings.prometheus"), "{error}");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn the_collector_and_prometheus_are_told_the_same() {
    let (provider, collector) = (Provider::start().await, Collector::start().await);
    let gateway = Gateway::start(react_folder(&provider, "", &collector.section(""))).await;
    provider.once(said(CALLS_CALCULATOR)).once(said(ANSWERS)).once(answer(false, "hello"));
    gateway.chat(&ask("thinker", false)).await.json().await;
    gateway.chat(&ask("plain", false)).await.json().await;

    let is_there = || collector.metrics().iter().any(|found| found.name == "magic.requests" && found.count == 1);
    wait_until("the request at the collector", is_there).await;

    let (told, found) = (collector.metrics(), scraped(&gateway).await);
    let count = |name: &str| told.iter().filter(|series| series.name == name).map(|series| series.count).sum::<u64>();
    for (name, prometheus) in [
        ("magic.requests", "magic_requests_total"),
        ("magic.tokens", "magic_tokens_total"),
        ("magic.tries", "magic_tries_total"),
        ("gen_ai.client.operation.duration", "gen_ai_client_operation_duration_seconds_count"),
        ("gen_ai.client.token.usage", "gen_ai_client_token_usage_count"),
        ("gen_ai.execute_tool.duration", "gen_ai_execute_tool_duration_seconds_count"),
        ("magic.component.calls", "magic_component_calls_total"),
    ] {
        let all = found.iter().filter(|(sample, _)| sample.split('{').next() == Some(prometheus));
        let sum: f64 = all.map(|(_, value)| value).sum();
        assert!(sum > 0.0 && (count(name) as f64 - sum).abs() < 0.5, "{name}: {} and {sum}", count(name));
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn the_cache_keys_and_breakers_are_told() {
    let provider = Provider::start().await;
    let yaml = format!(
        "model_list:\n  - {{ model_name: kept, provider: mistral, model_params: {{ model: m, api_base: \"{}\" }} }}\n  \
         - {{ model_name: down, provider: local, model_params: {{ model: m, api_base: \"{}\" }} }}\n\
         router_settings: {{ model_group_alias: {{ kept: [kept], down: [down] }} }}\n\
         breaker_settings: {{ failures: 1 }}\n\
         cache_settings: {{ enabled: true, rules: [{{ model_names: [kept], include_in_key: [messages] }}] }}\n",
        provider.base_of("kept"),
        provider.base_of("down")
    );
    let folder = Folder::new(&yaml);
    folder.write("keys_pool/keys_pool_mistral.env", "sk-limited\nsk-good\n");
    let gateway = Gateway::start(folder).await;
    provider.on(When::key("sk-limited"), Script::error(429, "slow down"));
    provider.on(When::under("down"), Script::error(500, "down")).always(answer(false, "hello"));

    for _ in 0..3 {
        gateway.chat(&ask("kept", false)).await.json().await;
    }
    let failed = gateway.chat(&ask("down", false)).await;
    assert_eq!(failed.status, 503);
    failed.text().await;

    let found = scraped(&gateway).await;
    let keys = |state: &str| found[&format!("magic_keys{{pool=\"mistral\",state=\"{state}\"}}")];
    assert_eq!((keys("available"), keys("quarantined"), keys("retired")), (1.0, 1.0, 0.0));
    assert_eq!(found["magic_breaker_state{profile=\"down\"}"], 2.0);
    let lookups = |outcome: &str| found[&format!("magic_cache_lookups_total{{outcome=\"{outcome}\"}}")];
    assert_eq!((lookups("miss"), lookups("hit")), (1.0, 2.0));
    let labels = "alias=\"kept\",profile=\"kept\",operation=\"chat_completions\",outcome=\"cached\"";
    assert_eq!(found[&format!("magic_requests_total{{{labels}}}")], 2.0);
    assert_eq!(found["magic_cache_replies"], 1.0);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn every_name_that_is_told_is_documented() {
    let (provider, collector) = (Provider::start().await, Collector::start().await);
    let section = collector.section(", capture_content: true");
    let gateway = Gateway::start(react_folder(&provider, "", &section)).await;
    provider
        .once(said(CALLS_CALCULATOR))
        .once(said(ANSWERS))
        .once(answer(false, "hello"))
        .always(Script::error(500, "no"));
    gateway.chat(&ask("thinker", false)).await.json().await;
    gateway.chat(&ask("plain", false)).await.json().await;
    gateway.chat(&ask("plain", false)).await.text().await;
    gateway.chat(&ask("nobody", false)).await.error(404).await;

    wait_until("all four traces", || {
        collector.spans().iter().filter(|span| span.name == "POST /v1/chat/completions").count() == 4
    })
    .await;
    let is_there =
        || collector.metrics().iter().any(|found| found.labels.get("outcome").is_some_and(|word| word == "failed"));
    wait_until("the failure at the collector", is_there).await;

    let document = std::fs::read_to_string(repository().join("docs/OBSERVABILITY.md")).unwrap();
    let spans = collector.spans().into_iter().flat_map(|span| span.attributes.into_keys());
    let metrics = collector.metrics().into_iter().flat_map(|found| found.labels.into_keys().chain([found.name]));
    for name in spans.chain(metrics) {
        assert!(document.contains(&format!("`{name}`")), "`{name}` is not in docs/OBSERVABILITY.md");
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn whoever_is_not_let_in_is_counted_and_sees_no_metrics() {
    let (provider, gateway) = plain().await;
    let wrong = [("authorization", "Bearer sk-magic-nobody")];
    let body = ask("plain", false).to_string();

    gateway.connect().await.request("POST", "/v1/chat/completions", &wrong, body.as_bytes()).await.error(401).await;
    gateway.connect().await.request("GET", "/metrics", &wrong, b"").await.error(401).await;

    let found = scraped(&gateway).await;
    assert_eq!(found["magic_failures_total{alias=\"-\",operation=\"-\",kind=\"invalid_api_key\"}"], 2.0, "{found:#?}");
    gateway.finish(&[&provider]).await;
}
