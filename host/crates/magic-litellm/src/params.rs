//! What an entry of `model_list` says beside where it goes: parameters, prices, times, what the model can do.
use crate::Work;
use crate::emit::{self, Profile};
use crate::report::Grade;
use crate::secrets;
use crate::yaml::{Kind, Node};
use serde_json::Value;

/// Generation parameters that are numbers in every dialect.
const NUMBERS: [&str; 12] = [
    "temperature",
    "top_p",
    "top_k",
    "top_a",
    "min_p",
    "max_tokens",
    "max_completion_tokens",
    "frequency_penalty",
    "presence_penalty",
    "repeat_penalty",
    "repetition_penalty",
    "seed",
];
/// Generation parameters of other forms.
const OTHERS: [&str; 13] = [
    "stop",
    "n",
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "response_format",
    "reasoning_effort",
    "service_tier",
    "safety_settings",
    "thinking",
    "verbosity",
    "parallel_tool_calls",
    "tool_choice",
];
/// Keys of ours in `model_params`, which no parameter may be called, and what belongs to a request.
const TAKEN: [&str; 15] = [
    "model",
    "api_base",
    "api_version",
    "api_key",
    "dialect",
    "context_window",
    "price",
    "capabilities",
    "agent_settings",
    "messages",
    "prompt",
    "input",
    "stream",
    "stream_options",
    "tools",
];
/// Read with the entry's group or place.
const ELSEWHERE: [&str; 14] = [
    "model",
    "api_base",
    "base_url",
    "api_key",
    "custom_llm_provider",
    "litellm_credential_name",
    "order",
    "weight",
    "rpm",
    "tpm",
    "input_cost_per_token",
    "output_cost_per_token",
    "cache_read_input_token_cost",
    "api_version",
];

const TOTAL: &str =
    "timeouts.total_seconds: of the whole call; LiteLLM bounds the silence only, so a longer stream ends here";

pub(crate) fn read(entry: &Node, profile: &mut Profile, work: &mut Work) {
    let own = entry.get("litellm_params");
    for (key, node) in own.map(Node::entries).unwrap_or_default() {
        if !ELSEWHERE.contains(&key.as_str()) {
            param(key, node, profile, work);
        }
    }
    if let Some(node) = own.and_then(|own| own.get("api_version")) {
        work.book.unsupported(node, format!("provider {} has no versions in its address", profile.provider));
    }
    let info = entry.get("model_info");
    prices([own, info], profile, work);
    let has_order = own.is_some_and(|own| own.get("order").is_some());
    for (key, node) in info.map(Node::entries).unwrap_or_default() {
        if key == "order" && !has_order {
            // Read with the entry's group.
            continue;
        }
        model_info(key, node, profile, work);
    }
    for (key, node) in entry.entries() {
        match key.as_str() {
            "model_name" | "litellm_params" | "model_info" => {}
            "rpm" | "tpm" => work.book.unsupported(
                node,
                "LiteLLM's shuffle reads it in litellm_params only; here the limits are those of virtual keys (`--requests-per-minute`, `--tokens-per-minute`)",
            ),
            _ => work.book.unsupported(node, "nothing like it for one profile"),
        }
    }
}

fn param(key: &str, node: &Node, profile: &mut Profile, work: &mut Work) {
    match key {
        _ if node.is_null() => work.book.exact(node, "none, as there"),
        "timeout" | "request_timeout" => match seconds(node) {
            Some(seconds) => {
                timeout(profile, "total_seconds", seconds);
                work.book.approximate(node, TOTAL);
            }
            None => work.book.manual(node, "expected a number of seconds: set timeouts.total_seconds of the profile"),
        },
        "stream_timeout" => match seconds(node) {
            Some(seconds) => {
                timeout(profile, "first_event_seconds", seconds);
                timeout(profile, "idle_seconds", seconds);
                work.book.exact(node, "timeouts.first_event_seconds and idle_seconds");
            }
            None => {
                work.book.manual(node, "expected a number of seconds: set timeouts.first_event_seconds of the profile")
            }
        },
        "extra_body" => extra_body(node, profile, work),
        _ if NUMBERS.contains(&key) && !matches!(node.kind, Kind::Number(_)) => {
            work.book.manual(node, "expected a number: write it into model_params of the profile");
        }
        _ if NUMBERS.contains(&key) || OTHERS.contains(&key) => {
            profile.params.push((key.to_owned(), work.variables.value(node)));
            work.book.exact(node, "a generation parameter in model_params; a request's own wins, as there");
        }
        _ => {
            let (grade, text) = told(key);
            work.book.grade(node, grade, text);
        }
    }
}

/// What has no place in a profile.
fn told(key: &str) -> (Grade, &'static str) {
    use Grade::{Approximate, Unsupported};
    match key {
        "max_retries" | "num_retries" => (
            Approximate,
            "a request tries each profile of its chain once, and each of its keys that the vendor turns away",
        ),
        "drop_params" => (
            Approximate,
            "what a vendor's dialect has no word for is dropped and named in `x-magic-dropped`; the rest is the vendor's to refuse",
        ),
        "additional_drop_params" => (Unsupported, "no parameter of a request is taken out by name"),
        "tags" | "tag_regex" => (
            Unsupported,
            "no routing by tags: give each group of clients an alias of its own, and grant it by `--alias`",
        ),
        "max_budget" | "budget_duration" => {
            (Unsupported, "budgets are of virtual keys and teams (`--budget`), not of profiles")
        }
        "max_parallel_requests" => (
            Unsupported,
            "what is parallel is bounded for virtual keys (`--parallel`) and for the gateway, not for profiles",
        ),
        "cooldown_time" | "allowed_fails" | "allowed_fails_policy" => {
            (Unsupported, "breaker_settings hold for all profiles alike")
        }
        "extra_headers" | "headers" | "default_headers" => (Unsupported, "a profile sends no headers of its own"),
        "organization" | "project" => {
            (Unsupported, "no header of the vendor's organization is sent: use a key that belongs to it")
        }
        "region_name" => (Unsupported, "no routing by region: keep one alias for each region"),
        "mock_response" => (Unsupported, "no answers without a model"),
        "configurable_clientside_auth_params" => (Unsupported, "clients cannot bring an address or a key of their own"),
        _ => (
            Unsupported,
            "not known here: if the vendor knows it as a parameter, write it into model_params of the profile",
        ),
    }
}

/// Sent with the request, as a parameter of the vendor's.
fn extra_body(node: &Node, profile: &mut Profile, work: &mut Work) {
    for (key, value) in node.entries() {
        let taken = TAKEN.contains(&key.as_str()) || profile.params.iter().any(|(name, _)| name == key);
        if taken || (NUMBERS.contains(&key.as_str()) && !matches!(value.kind, Kind::Number(_))) {
            work.book.unsupported(value, "the word is taken in model_params");
        } else {
            let ours = body_value(key, value, work);
            profile.params.push((key.clone(), ours));
            work.book.exact(value, "a parameter in model_params, sent as it is");
        }
    }
    work.book.unsupported(node, "expected a mapping with something in it");
}

/// As our file has it: a text that looks like a key becomes a variable.
fn body_value(key: &str, node: &Node, work: &mut Work) -> Value {
    match &node.kind {
        Kind::Text(text) if secrets::reference(text).is_none() && looks_like_a_key(key, text) => {
            let name = work.variables.literal(text, key);
            work.book.manual(node, format!("a key must not stand in our file: set the variable {name} to it"));
            Value::String(format!("${{{name}}}"))
        }
        Kind::List(items) => items.iter().map(|item| body_value(key, item, work)).collect(),
        Kind::Map(entries) => entries
            .iter()
            .map(|(key, node)| {
                let ours = body_value(key, node, work);
                (key.replace('$', "$$"), ours)
            })
            .collect(),
        Kind::Text(_) | Kind::Null | Kind::Bool(_) | Kind::Number(_) => work.variables.value(node),
    }
}

fn looks_like_a_key(key: &str, text: &str) -> bool {
    const WORDS: [&str; 5] = ["key", "token", "secret", "password", "authorization"];
    let key = key.to_ascii_lowercase();
    let text = text.trim();
    !text.is_empty() && (WORDS.iter().any(|word| key.contains(word)) || text.starts_with("sk-"))
}

/// Per token there, per million here, both or none.
fn prices(places: [Option<&Node>; 2], profile: &mut Profile, work: &mut Work) {
    let all = |key: &str| places.into_iter().flatten().filter_map(|place| place.get(key)).collect::<Vec<_>>();
    let words = [
        ("input", "input_cost_per_token"),
        ("output", "output_cost_per_token"),
        ("cached_input", "cache_read_input_token_cost"),
    ];
    let prices = words.map(|(ours, theirs)| {
        let nodes = all(theirs);
        let price = nodes.first().and_then(|node| node.number()).filter(|price| *price >= 0.0).map(|price| price * 1e6);
        (ours, nodes, price)
    });
    let whole = prices.iter().take(2).all(|(_, _, price)| price.is_some());
    for (ours, nodes, price) in prices {
        let Some(price) = price.filter(|_| whole) else {
            for node in nodes {
                work.book.manual(
                    node,
                    "a price is given whole: set price.input and price.output of the profile, per million tokens",
                );
            }
            continue;
        };
        let shown = emit::number(price);
        // What a float of a price per token loses is no difference.
        let is_same = shown.parse::<f64>().is_ok_and(|shown| (shown - price).abs() <= 1e-9 * price.max(1.0));
        let mut nodes = nodes.into_iter();
        if let Some(first) = nodes.next() {
            let grade = if is_same { Grade::Exact } else { Grade::Approximate };
            work.book.grade(first, grade, format!("price.{ours}: {shown} per million tokens"));
        }
        for other in nodes {
            work.book.exact(other, "litellm_params has it too, and wins there as well");
        }
        profile.price.push((ours, shown));
    }
}

fn model_info(key: &str, node: &Node, profile: &mut Profile, work: &mut Work) {
    match key {
        "max_input_tokens" => {
            match node.number().filter(|tokens| (1.0..=1e8).contains(tokens) && tokens.fract() == 0.0) {
                Some(tokens) => {
                    // Bounded just above.
                    profile.context_window = Some(tokens as u64);
                    let text = "context_window, of prompt and answer together; LiteLLM's is of the prompt alone";
                    work.book.approximate(node, text);
                }
                None => work.book.manual(node, "expected a number of tokens: set context_window of the profile"),
            }
        }
        "supports_function_calling" | "supports_vision" | "supports_response_schema" => match node.truth() {
            Some(truth) => {
                let ours = match key {
                    "supports_function_calling" => "tools",
                    "supports_vision" => "vision",
                    _ => "json_schema",
                };
                profile.capabilities.push((ours, truth));
                let text = format!("capabilities.{ours}: what needs it passes over a profile that lacks it");
                work.book.approximate(node, text);
            }
            None => work.book.exact(node, "unknown, as there"),
        },
        "id" => work.book.approximate(node, "the profile is called by its model_name"),
        "order" => work.book.exact(node, "litellm_params has it too, and wins there as well"),
        "mode" => work.book.exact(node, "nothing to say: an alias answers at every endpoint that its vendor has"),
        "base_model" => work.book.approximate(
            node,
            "not needed to serve; a price or a context_window that LiteLLM looks up by it must be set in the profile",
        ),
        "max_tokens" | "max_output_tokens" => {
            work.book.unsupported(node, "what the model can write at most is the vendor's to know; as a default of requests it is model_params.max_tokens");
        }
        "access_groups" => work
            .book
            .manual(node, "grant the alias instead: `magic-proxy virtual-keys create --name NAME --alias ALIAS`"),
        _ if key.starts_with("supports_") => {
            work.book.unsupported(node, "no strategy asks for it: capabilities are tools, vision and json_schema")
        }
        _ => work.book.unsupported(node, "nothing here reads it of a model"),
    }
}

/// Who comes first has said it.
fn timeout(profile: &mut Profile, key: &'static str, seconds: f64) {
    if !profile.timeouts.iter().any(|(known, _)| *known == key) {
        profile.timeouts.push((key, seconds));
    }
}

/// What a timeout may be here: 1 ms to 24 h.
pub(crate) fn seconds(node: &Node) -> Option<f64> {
    node.number().filter(|seconds| (0.001..=86_400.0).contains(seconds))
}
