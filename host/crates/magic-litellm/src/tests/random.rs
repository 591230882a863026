//! Files put together by chance from LiteLLM's words and values of any kind: none may panic, hide a field, or become a config
//! that our own check refuses.
use super::{import, ours};
use serde_json::{Map, Value, json};

/// A generator of its own, so that a failure is repeated by its seed.
struct Dice(u64);

// === impl Dice ===
impl Dice {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % count
    }

    fn one_of<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())].clone()
    }
}

const MODELS: [&str; 22] = [
    "openai/gpt-4.1",
    "gpt-4.1",
    "azure/d",
    "azure/a b",
    "anthropic/claude-x",
    "gemini/g",
    "gemini/g?",
    "ollama/q",
    "xai/grok",
    "hosted_vllm/a/b",
    "bedrock/x",
    "openai/*",
    "*",
    "openai/",
    "/",
    "",
    "os.environ/M",
    "lm_studio/q",
    "azure_ai/claude-x",
    "who/knows",
    "mistral/$m",
    "openai/\u{1f980}\n",
];
const NAMES: [&str; 9] = ["a", "A", "b", "openai/*", "*", "a b", "", "\u{1f980}", "c:d"];
const BASES: [&str; 11] = [
    "http://h:1/v1",
    "https://h/",
    "h",
    "https://",
    "https://u:p@h/v1",
    "https://h/v1?x=1",
    "os.environ/BASE",
    "os.environ/9 odd",
    "https://x.openai.azure.com/openai/v1",
    "https://h/openai/deployments/d",
    "https://api.anthropic.com",
];
const KEYS: [&str; 52] = [
    "api_key",
    "api_version",
    "custom_llm_provider",
    "litellm_credential_name",
    "order",
    "weight",
    "rpm",
    "tpm",
    "timeout",
    "stream_timeout",
    "temperature",
    "max_tokens",
    "stop",
    "seed",
    "n",
    "extra_body",
    "input_cost_per_token",
    "output_cost_per_token",
    "cache_read_input_token_cost",
    "max_retries",
    "tags",
    "max_input_tokens",
    "supports_vision",
    "supports_function_calling",
    "mode",
    "id",
    "routing_strategy",
    "fallbacks",
    "context_window_fallbacks",
    "content_policy_fallbacks",
    "default_fallbacks",
    "model_group_alias",
    "num_retries",
    "allowed_fails",
    "cooldown_time",
    "disable_cooldowns",
    "request_timeout",
    "cache",
    "cache_params",
    "max_budget",
    "budget_duration",
    "callbacks",
    "default_team_settings",
    "default_internal_user_params",
    "master_key",
    "max_request_size_mb",
    "global_max_parallel_requests",
    "type",
    "ttl",
    "team_id",
    "logit_bias",
    "unheard_of",
];

fn value(dice: &mut Dice, depth: usize) -> Value {
    match dice.below(if depth == 0 { 12 } else { 15 }) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(false),
        3 => json!(0),
        4 => json!(-1),
        5 => dice.one_of(&[json!(1), json!(2), json!(30), json!(600), json!(0.000_002_5), json!(1e-9), json!(1e18)]),
        6 => dice.one_of(&["simple-shuffle", "least-busy", "local", "redis", "azure", "2024-10-21", "30d", "5"]).into(),
        7 => dice.one_of(&NAMES).into(),
        8 => dice.one_of(&BASES).into(),
        9 => "os.environ/SOME_KEY".into(),
        10 => "${NOT_OURS} $$ $".into(),
        11 => "- \"'#: {}[]\t".into(),
        12 => (0..dice.below(3)).map(|_| value(dice, depth - 1)).collect(),
        13 => json!([{ dice.one_of(&NAMES): [dice.one_of(&NAMES), dice.one_of(&NAMES)] }]),
        _ => mapping(dice, depth - 1, 3),
    }
}

fn mapping(dice: &mut Dice, depth: usize, most: usize) -> Value {
    let entries = (0..dice.below(most + 1)).map(|_| (dice.one_of(&KEYS).to_owned(), value(dice, depth)));
    Value::Object(entries.collect::<Vec<_>>().into_iter().collect::<Map<_, _>>())
}

fn entry(dice: &mut Dice) -> Value {
    let mut params = mapping(dice, 2, 5);
    params["model"] = dice.one_of(&MODELS).into();
    if dice.below(2) == 0 {
        params["api_base"] = dice.one_of(&BASES).into();
    }
    json!({ "model_name": dice.one_of(&NAMES), "litellm_params": params, "model_info": mapping(dice, 1, 3) })
}

#[test]
fn whatever_the_file_says_no_field_is_lost_and_what_comes_out_passes_our_check() {
    let mut runnable = 0;
    for seed in 0..1500 {
        let mut dice = Dice(seed);
        let models: Vec<Value> = (0..dice.below(6)).map(|_| entry(&mut dice)).collect();
        let file = json!({
            "model_list": models,
            "router_settings": mapping(&mut dice, 2, 6),
            "litellm_settings": mapping(&mut dice, 2, 6),
            "general_settings": mapping(&mut dice, 2, 4),
            "credential_list": [{ "credential_name": "a", "credential_values": mapping(&mut dice, 1, 3) }],
        });
        let import = import(&file.to_string()).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{file:#}"));
        runnable += usize::from(import.config.is_ok());
        ours(&format!("seed {seed}: {file:#}"), &import);
        assert_eq!(import.report.lines.len(), leaves(&file), "seed {seed}");
    }
    assert!(runnable > 500, "{runnable} of 1500 files had something to serve");
}

fn leaves(value: &Value) -> usize {
    match value {
        Value::Object(map) if !map.is_empty() => map.values().map(leaves).sum(),
        Value::Array(list) if !list.is_empty() => list.iter().map(leaves).sum(),
        _ => 1,
    }
}
