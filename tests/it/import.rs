//! LiteLLM's configs as ours: that a gateway which runs with the result routes as LiteLLM would. LiteLLM's own examples and the
//! verb itself have files of their own.
mod examples;
mod verb;

use crate::stage::{answer, ask};
use magic_tests::{Folder, Gateway, Provider, Script, When};
use serde_json::json;

/// A vendor, and a gateway with what came out of LiteLLM's config. In `yaml`, `{name}` is an address of the vendor's own.
struct Stage {
    vendor: Provider,
    gateway: Gateway,
}

// === impl Stage ===
impl Stage {
    async fn begin(yaml: &str, names: &[&str]) -> Self {
        let vendor = Provider::start().await;
        let mut yaml = yaml.to_owned();
        for name in names {
            yaml = yaml.replace(&format!("{{{name}}}"), &vendor.base_of(name));
        }
        let import = magic_litellm::import(&yaml).unwrap();
        let config = import.config.unwrap_or_else(|why| panic!("{why}\n{}", import.report.table()));
        let folder = Folder::new(&config).keys("openai", &["sk-imported"]);
        Self { vendor, gateway: Gateway::start(folder).await }
    }

    fn all_answer(&self, names: &[&str]) {
        for name in names {
            self.vendor.on(When::under(name), answer(false, name));
        }
    }

    /// What the alias answers: which of the vendor's addresses it came from.
    async fn served_by(&self, alias: &str) -> String {
        let reply = self.gateway.chat(&ask(alias, false)).await;
        assert_eq!(reply.status, 200, "{:?}", reply.header("x-magic-route"));
        reply.json().await["choices"][0]["message"]["content"].as_str().unwrap().to_owned()
    }

    async fn finish(self) {
        self.gateway.finish(&[&self.vendor]).await;
    }
}

#[tokio::test]
async fn orders_are_tried_from_the_lowest_and_whoever_has_none_is_last() {
    let yaml = "
model_list:
  - { model_name: gpt, litellm_params: { model: hosted_vllm/m, api_base: '{none}' } }
  - { model_name: gpt, litellm_params: { model: hosted_vllm/m, api_base: '{two}', order: 2 } }
  - { model_name: gpt, litellm_params: { model: hosted_vllm/m, api_base: '{one}', order: 1 } }
";
    let stage = Stage::begin(yaml, &["none", "one", "two"]).await;
    for dead in [&[][..], &["one"], &["one", "two"]] {
        stage.vendor.clear();
        for name in dead {
            stage.vendor.on(When::under(name), Script::error(500, "oops"));
        }
        stage.all_answer(&["none", "one", "two"]);
        let expected = ["one", "two", "none"][dead.len()];
        assert_eq!(stage.served_by("gpt").await, expected);
    }
    stage.finish().await;
}

/// How often each was asked in 400 requests.
async fn shares(yaml: &str, names: &[&str]) -> Vec<usize> {
    let stage = Stage::begin(yaml, names).await;
    stage.all_answer(names);
    for _ in 0..400 {
        stage.served_by("gpt").await;
    }
    let shares = names.iter().map(|name| stage.vendor.calls_of(name)).collect();
    stage.finish().await;
    shares
}

/// Seven standard deviations: by chance it fails once in 10^11 runs.
fn is_about(found: usize, expected: usize) -> bool {
    found.abs_diff(expected) <= 70
}

#[tokio::test]
async fn weights_share_the_requests_and_whoever_has_none_gets_nothing() {
    let yaml = "
model_list:
  - { model_name: gpt, litellm_params: { model: hosted_vllm/m, api_base: '{a}', weight: 3, rpm: 1 } }
  - { model_name: gpt, litellm_params: { model: hosted_vllm/m, api_base: '{b}', weight: 1, rpm: 1000 } }
  - { model_name: gpt, litellm_params: { model: hosted_vllm/m, api_base: '{c}', rpm: 1000 } }
router_settings: { routing_strategy: simple-shuffle }
";
    let [a, b, c] = shares(yaml, &["a", "b", "c"]).await.try_into().unwrap();
    assert!(is_about(a, 300) && is_about(b, 100) && c == 0, "{a} {b} {c}");
}

#[tokio::test]
async fn requests_per_minute_are_weights_where_nothing_has_a_weight() {
    let yaml = "
model_list:
  - { model_name: gpt, litellm_params: { model: hosted_vllm/m, api_base: '{a}', rpm: 900, tpm: 1 } }
  - { model_name: gpt, litellm_params: { model: hosted_vllm/m, api_base: '{b}', rpm: 300, tpm: 1000000 } }
";
    let [a, b] = shares(yaml, &["a", "b"]).await.try_into().unwrap();
    assert!(is_about(a, 300) && is_about(b, 100), "{a} {b}");
}

#[tokio::test]
async fn without_weights_the_shares_are_even() {
    let yaml = "
model_list:
  - { model_name: gpt, litellm_params: { model: hosted_vllm/m, api_base: '{a}' } }
  - { model_name: gpt, litellm_params: { model: hosted_vllm/m, api_base: '{b}' } }
";
    let [a, b] = shares(yaml, &["a", "b"]).await.try_into().unwrap();
    assert!(is_about(a, 200) && is_about(b, 200), "{a} {b}");
}

const FALLBACKS: &str = "
model_list:
  - { model_name: first, litellm_params: { model: hosted_vllm/m, api_base: '{a}' } }
  - { model_name: second, litellm_params: { model: hosted_vllm/m, api_base: '{b}' } }
  - { model_name: long, litellm_params: { model: hosted_vllm/m, api_base: '{c}' } }
  - { model_name: lax, litellm_params: { model: hosted_vllm/m, api_base: '{d}' } }
router_settings:
  fallbacks: [{ first: [second] }]
  model_group_alias: { also-first: first }
litellm_settings:
  context_window_fallbacks: [{ first: [long] }]
  content_policy_fallbacks: [{ first: [lax] }]
  default_fallbacks: [lax]
";

#[tokio::test]
async fn each_failure_goes_to_the_fallbacks_that_are_for_it() {
    let error = |code: &str| json!({ "error": { "message": "no", "type": "invalid_request_error", "code": code } });
    let cases = [
        (Script::error(500, "oops"), "b"),
        (Script::json(400, &error("context_length_exceeded")), "c"),
        (Script::json(400, &error("content_policy_violation")), "d"),
    ];
    let names = ["a", "b", "c", "d"];
    for alias in ["first", "also-first"] {
        for (fault, expected) in &cases {
            let stage = Stage::begin(FALLBACKS, &names).await;
            stage.vendor.on(When::under("a"), fault.clone());
            stage.all_answer(&names);
            assert_eq!(stage.served_by(alias).await, *expected, "{alias}");
            stage.finish().await;
        }
    }
}

#[tokio::test]
async fn default_fallbacks_are_of_whoever_has_none_of_its_own() {
    let names = ["a", "b", "c", "d"];
    let stage = Stage::begin(FALLBACKS, &names).await;
    for dead in ["a", "b", "c"] {
        stage.vendor.on(When::under(dead), Script::error(500, "oops"));
    }
    stage.all_answer(&["d"]);
    assert_eq!(stage.served_by("second").await, "d");
    assert_eq!(stage.served_by("long").await, "d");
    let reply = stage.gateway.chat(&ask("first", false)).await;
    assert_eq!(
        reply.header("x-magic-route").map(str::to_owned),
        Some("first=upstream_error, second=upstream_error".into())
    );
    reply.whole().await;
    stage.finish().await;
}

#[tokio::test]
async fn who_fails_more_often_than_is_allowed_cools_down() {
    let yaml = "
model_list:
  - { model_name: gpt, litellm_params: { model: hosted_vllm/m, api_base: '{a}', order: 1 } }
  - { model_name: gpt, litellm_params: { model: hosted_vllm/m, api_base: '{b}', order: 2 } }
router_settings: { allowed_fails: 2, cooldown_time: 90 }
";
    let stage = Stage::begin(yaml, &["a", "b"]).await;
    stage.vendor.on(When::under("a"), Script::error(500, "oops"));
    stage.all_answer(&["b"]);
    for _ in 0..8 {
        assert_eq!(stage.served_by("gpt").await, "b");
    }
    assert_eq!(stage.vendor.calls_of("a"), 3, "two failures are allowed, the third is one too many");
    let all = stage.gateway.get("/admin/breakers").await.json().await;
    let left = all["breakers"][0]["seconds_left"].as_u64().unwrap();
    assert!((80..=90).contains(&left), "{all}");
    stage.finish().await;
}

#[tokio::test]
async fn a_429_cools_down_for_the_time_that_the_file_says() {
    let yaml = "
model_list:
  - { model_name: gpt, litellm_params: { model: openai/m, api_base: '{a}', order: 1 } }
  - { model_name: gpt, litellm_params: { model: hosted_vllm/m, api_base: '{b}', order: 2 } }
router_settings: { cooldown_time: 77 }
";
    let stage = Stage::begin(yaml, &["a", "b"]).await;
    stage.vendor.on(When::under("a"), Script::error(429, "slow down"));
    stage.all_answer(&["b"]);
    for _ in 0..3 {
        assert_eq!(stage.served_by("gpt").await, "b");
    }
    assert_eq!(stage.vendor.calls_of("a"), 1);
    let key = stage.gateway.key("openai", "sk-imported").await;
    assert_eq!(key["state"], "quarantined");
    assert!((67..=77).contains(&key["seconds_left"].as_u64().unwrap()), "{key}");
    stage.finish().await;
}
