//! `router_settings`, `litellm_settings` and `general_settings`: what has a setting here becomes one, the rest is spoken of.
//! Strategies, other names and fallbacks are read in modules of their own.
use crate::emit::{self, Draft};
use crate::params::seconds;
use crate::report::Grade::{self, Approximate, Exact, Manual, Unsupported};
use crate::yaml::Node;
use crate::{Work, clients};

const TIMEOUTS: &str = "timeout_settings";
const BREAKERS: &str = "breaker_settings";
const KEYS: &str = "key_management_settings";
const SERVER: &str = "server_settings";
/// Of what the router has said already.
const TWICE: &str = "router_settings has it too, and wins there as well";
const CACHE: &str = "cache_settings";

/// Before the models are read; the cache comes after them.
pub(crate) fn read(root: &Node, work: &mut Work, draft: &mut Draft) {
    // The router's own settings win over the library's, so they come first: who sets a key first has set it.
    for (section, told) in [("router_settings", router_told as fn(&str) -> Told), ("litellm_settings", library_told)] {
        for (key, node) in root.get(section).map(Node::entries).unwrap_or_default() {
            if shared(key, node, work, draft) || ELSEWHERE.contains(&key.as_str()) {
                continue;
            }
            bounds(key, node, root.get(section), work);
            callbacks(key, node, work);
            let (grade, text) = told(key);
            work.book.grade(node, grade, text);
        }
    }
    for (key, node) in root.get("general_settings").map(Node::entries).unwrap_or_default() {
        if general(key, node, work, draft) {
            continue;
        }
        bounds(key, node, root.get("general_settings"), work);
        let (grade, text) = general_told(key);
        work.book.grade(node, grade, text);
    }
}

/// Read with the aliases, or with the cache.
const ELSEWHERE: [&str; 8] = [
    "routing_strategy",
    "model_group_alias",
    "fallbacks",
    "context_window_fallbacks",
    "content_policy_fallbacks",
    "default_fallbacks",
    "cache",
    "cache_params",
];

/// What router and library both have. False: it is none of these.
fn shared(key: &str, node: &Node, work: &mut Work, draft: &mut Draft) -> bool {
    let (grade, text) = match key {
        "timeout" | "request_timeout" => match seconds(node) {
            Some(seconds) if !draft.set(TIMEOUTS, "total_seconds", emit::number(seconds)) => (Exact, TWICE),
            Some(_) => (
                Approximate,
                "timeout_settings.total_seconds: of the whole call; LiteLLM bounds the silence only, so a longer stream ends here",
            ),
            None => (Manual, "expected a number of seconds up to a day: set timeout_settings.total_seconds"),
        },
        "stream_timeout" => match seconds(node) {
            Some(seconds) => {
                draft.set(TIMEOUTS, "first_event_seconds", emit::number(seconds));
                draft.set(TIMEOUTS, "idle_seconds", emit::number(seconds));
                (Exact, "timeout_settings.first_event_seconds and idle_seconds")
            }
            None => (Manual, "expected a number of seconds up to a day: set timeout_settings.first_event_seconds"),
        },
        "num_retries" | "max_retries" => (
            Approximate,
            "a request tries each profile of its chain once, and each of its keys that the vendor turns away; there is no number to set",
        ),
        "allowed_fails" => match node.number().filter(|fails| (0.0..1000.0).contains(fails)) {
            Some(fails) if !draft.set(BREAKERS, "failures", format!("{}", fails.floor() + 1.0)) => (Exact, TWICE),
            Some(_) => (
                Approximate,
                "breaker_settings.failures, one more than what is allowed: failures in a row, not within a minute",
            ),
            None => (Manual, "expected a number: set breaker_settings.failures"),
        },
        "cooldown_time" => cooldown(node, draft),
        "disable_cooldowns" if node.truth() == Some(true) => {
            rests_nothing(draft);
            (
                Approximate,
                "breaker_settings.enabled and key_management_settings.enable_quarantine are false; a key that the vendor rejects is retired all the same, until a recheck finds it good",
            )
        }
        "disable_cooldowns" => (Exact, "profiles and keys rest when they fail, as there"),
        _ => return false,
    };
    work.book.grade(node, grade, text);
    true
}

fn cooldown(node: &Node, draft: &mut Draft) -> (Grade, &'static str) {
    match node.number().filter(|seconds| (0.0..=86_400.0).contains(seconds)) {
        Some(0.0) => {
            rests_nothing(draft);
            (Approximate, "breaker_settings.enabled and key_management_settings.enable_quarantine are false")
        }
        Some(seconds) => {
            let open = emit::number(seconds.max(0.001));
            draft.set(BREAKERS, "open_seconds", open.clone());
            draft.set(BREAKERS, "open_seconds_max", open);
            draft.set(KEYS, "quarantine_duration_seconds", emit::number(seconds.max(1.0)));
            (
                Approximate,
                "breaker_settings.open_seconds for a profile that fails, key_management_settings.quarantine_duration_seconds for a key after 429; afterwards one request tries first",
            )
        }
        None => (Manual, "expected a number of seconds up to a day: set breaker_settings.open_seconds"),
    }
}

fn rests_nothing(draft: &mut Draft) {
    draft.set(BREAKERS, "enabled", "false");
    draft.set(KEYS, "enable_quarantine", "false");
}

/// Budgets and limits of clients: commands.
fn bounds(key: &str, node: &Node, section: Option<&Node>, work: &mut Work) {
    let Some(section) = section else { return };
    match key {
        // Of each key, says LiteLLM.
        "max_parallel_requests" => {
            let command = clients::command("virtual-keys", "NAME", section);
            work.book.manual(node, format!("say it with each virtual key: `{command}`"));
        }
        "max_budget" | "budget_duration" => {
            let command = clients::command("teams", "everyone", section);
            work.book.manual(
                node,
                format!("bounds are of virtual keys and teams: `{command}`, and `--team everyone` for each key"),
            );
        }
        "default_internal_user_params"
        | "upperbound_key_generate_params"
        | "default_key_generate_params"
        | "default_team_params" => {
            let verb = if key == "default_team_params" { "teams" } else { "virtual-keys" };
            let command = clients::command(verb, "NAME", node);
            for (inner, value) in node.entries() {
                if clients::BOUNDS.contains(&inner.as_str()) {
                    work.book
                        .manual(value, format!("there are no defaults for new keys: say it with each, `{command}`"));
                }
            }
            work.book.unsupported(node, "nothing like it for virtual keys or teams");
        }
        "default_team_settings" => {
            for team in node.items() {
                if let Some(id) = team.get("team_id") {
                    let command = clients::command("teams", id.text().unwrap_or("NAME"), team);
                    work.book.manual(id, format!("`{command}`"));
                }
            }
            work.book.unsupported(node, "a team has no callbacks of its own");
        }
        "max_internal_user_budget" | "internal_user_budget_duration" => {
            work.book.manual(node, "there are no internal users: give each person a virtual key with `--budget`");
        }
        _ => {}
    }
}

fn callbacks(key: &str, node: &Node, work: &mut Work) {
    if !matches!(
        key,
        "callbacks" | "success_callback" | "failure_callback" | "service_callback" | "audit_log_callbacks"
    ) {
        return;
    }
    for callback in node.items() {
        match callback.text() {
            Some("prometheus" | "prometheus_system") => {
                work.book.approximate(callback, "GET /metrics, under names of its own: see docs/HTTP.md");
            }
            Some("otel" | "opentelemetry") => {
                work.book.manual(
                    callback,
                    "traces are switched on by OpenTelemetry's own variables, e.g. OTEL_EXPORTER_OTLP_ENDPOINT",
                );
            }
            _ => work.book.unsupported(callback, "no callbacks: log lines, /metrics and traces are what there is"),
        }
    }
}

/// What has a setting. False: it has none.
fn general(key: &str, node: &Node, work: &mut Work, draft: &mut Draft) -> bool {
    let (grade, text) = match (key, node.number()) {
        ("max_request_size_mb", Some(megabytes)) if (0.001..=1024.0).contains(&megabytes) => {
            draft.set(SERVER, "body_bytes_max", format!("{:.0}", (megabytes * f64::from(1 << 20)).max(1024.0)));
            (Exact, "server_settings.body_bytes_max")
        }
        ("global_max_parallel_requests", Some(count)) if (1.0..=1e6).contains(&count) => {
            draft.set(SERVER, "requests_in_flight_max", format!("{count:.0}"));
            (Approximate, "server_settings.requests_in_flight_max; beyond it 503, where LiteLLM says 429")
        }
        _ => return false,
    };
    work.book.grade(node, grade, text);
    true
}

/// Replies of all profiles, since LiteLLM's cache knows no other rule.
pub(crate) fn cache(root: &Node, work: &mut Work, draft: &mut Draft) {
    let of = |key: &str| root.get("litellm_settings").and_then(|library| library.get(key));
    let (Some(node), params) = (of("cache"), of("cache_params")) else {
        if let Some(params) = of("cache_params") {
            work.book.exact(params, "of no effect without `cache: true`, as there");
        }
        return;
    };
    if node.truth() != Some(true) {
        work.book.exact(node, "no cache, as there");
        if let Some(params) = params {
            work.book.exact(params, "of no effect without `cache: true`, as there");
        }
        return;
    }
    let kind = params.and_then(|params| params.get("type"));
    let word = kind.and_then(Node::text).unwrap_or("redis");
    if word.ends_with("semantic") {
        let text = "there is no cache that takes like for same";
        work.book.unsupported(node, text);
        if let Some(params) = params {
            work.book.unsupported(params, text);
        }
        return;
    }
    let store = if word == "local" { "memory" } else { "disk" };
    if draft.profiles.is_empty() {
        work.book.unsupported(node, "no profile whose replies could be kept");
        return;
    }
    let ttl = params.and_then(|params| params.get("ttl")).and_then(|ttl| {
        let seconds = ttl.number().filter(|seconds| (1.0..=30.0 * 86_400.0).contains(seconds));
        match seconds {
            Some(_) => work.book.exact(ttl, "ttl_seconds of the rule"),
            None => work.book.manual(ttl, "expected seconds, 1 to 30 days: set ttl_seconds of the rule"),
        }
        seconds
    });
    write_cache(store, ttl, draft);
    work.book.approximate(node, "cache_settings, with one rule for all profiles; a reply is kept by the fields of the request that the rule lists");
    if let Some(kind) = kind {
        let grade = if matches!(word, "local" | "disk") { Exact } else { Approximate };
        work.book.grade(kind, grade, format!("store: {store}; a cache is of one gateway"));
    }
    for (_, node) in params.map(Node::entries).unwrap_or_default() {
        work.book.unsupported(node, "the cache lies in this gateway's memory or data folder, and has no such setting");
    }
}

fn write_cache(store: &str, ttl: Option<f64>, draft: &mut Draft) {
    const FIELDS: &str = "messages, prompt, input, temperature, top_p, top_k, min_p, n, stop, seed, max_tokens, \
                          max_completion_tokens, presence_penalty, frequency_penalty, repetition_penalty, logit_bias, logprobs, \
                          top_logprobs, response_format, reasoning_effort, thinking, verbosity, tools, tool_choice, \
                          parallel_tool_calls, functions, function_call, modalities, audio, web_search_options, service_tier, \
                          safety_settings, user";
    let names: Vec<String> = draft.profiles.iter().map(|profile| emit::scalar(&profile.name)).collect();
    let ttl = ttl.map_or_else(String::new, |ttl| format!("\n      ttl_seconds: {}", emit::number(ttl)));
    let rule = format!("\n    - model_names: [{}]\n      include_in_key: [{FIELDS}]{ttl}", names.join(", "));
    draft.set(CACHE, "enabled", "true");
    draft.set(CACHE, "store", store);
    draft.set(CACHE, "rules", rule);
}

type Told = (Grade, &'static str);

fn router_told(key: &str) -> Told {
    match key {
        "retry_policy" | "model_group_retry_policy" => {
            (Unsupported, "which failures are tried elsewhere is fixed: docs/ARCHITECTURE.md has the table")
        }
        "allowed_fails_policy" => (
            Unsupported,
            "which failures count against a profile is fixed: the provider's do, a key's and a client's do not",
        ),
        "retry_after" => (Unsupported, "nothing waits between two tries: the next profile is asked at once"),
        "max_fallbacks" => (Approximate, "a chain with its fallbacks has at most 16 profiles, and each is asked once"),
        "routing_strategy_args" => (Unsupported, "strategies have no settings but weights and tiers"),
        "enable_pre_call_checks" => {
            (Approximate, "always so, by context_window and capabilities of a profile, where it has them")
        }
        "optional_pre_call_checks" => (Unsupported, "no checks to choose: see docs/ROUTING.md for what is looked at"),
        "enable_tag_filtering" | "tag_filtering_match_any" => (
            Unsupported,
            "no routing by tags: give each group of clients an alias of its own, and grant it by `--alias`",
        ),
        "redis_host" | "redis_port" | "redis_password" | "redis_url" | "redis_db" | "cache_kwargs"
        | "cache_responses" | "caching_groups" => {
            (Unsupported, "nothing is shared between gateways: breakers, keys and limits are of one")
        }
        "provider_budget_config" => (Unsupported, "budgets are of virtual keys and teams, not of providers"),
        _ => (Unsupported, "the router here has no such setting"),
    }
}

fn library_told(key: &str) -> Told {
    match key {
        "drop_params" => (
            Approximate,
            "what a vendor's dialect has no word for is dropped and named in `x-magic-dropped`; the rest is the vendor's to refuse",
        ),
        "modify_params" => (Approximate, "requests are put into each vendor's dialect, always"),
        "set_verbose" => (Manual, "set RUST_LOG=debug in the environment"),
        "json_logs" => (Manual, "start with `--log-format json`"),
        "turn_off_message_logging" | "redact_user_api_key_info" => (Exact, "neither prompts nor keys are ever logged"),
        "enable_json_schema_validation" => (Unsupported, "replies of plain requests are not checked against a schema"),
        "guardrails" => (Unsupported, "no guardrails are built in: put one before the gateway, or the vendor's own"),
        "telemetry" => (Exact, "nothing is sent home"),
        "include_cost_in_streaming_usage" => {
            (Unsupported, "costs are in `magic-proxy usage` and in the usage of sessions")
        }
        "require_auth_for_metrics_endpoint" => (Manual, "who may read /metrics is said by the scopes of virtual keys"),
        _ => (Unsupported, "nothing here reads it"),
    }
}

fn general_told(key: &str) -> Told {
    match key {
        "master_key" => (
            Manual,
            "`magic-proxy virtual-keys create --name admin --scope admin` makes its like; give clients keys of their own",
        ),
        "database_url" | "database_type" | "database_args" => (
            Manual,
            "no database is needed: virtual keys and what they spent lie in data/accounts.db; keys of LiteLLM's must be made anew",
        ),
        _ if key.starts_with("database_") => (Unsupported, "no database is needed"),
        "store_model_in_db"
        | "disable_prisma_schema_update"
        | "allow_requests_on_db_unavailable"
        | "disable_spend_logs" => {
            (Unsupported, "no database is needed: models stand in the file, and a changed file is taken up at once")
        }
        "background_health_checks" | "health_check_interval" | "health_check_details" => (
            Approximate,
            "retired keys are asked of their vendors every key_management_settings.recheck_seconds, profiles are tried by their breaker's probe; no model is asked in between",
        ),
        "otel" => (Manual, "traces are switched on by OpenTelemetry's own variables, e.g. OTEL_EXPORTER_OTLP_ENDPOINT"),
        "alerting" | "alerting_threshold" | "alert_types" | "alert_to_webhook_url" | "alerting_args" => {
            (Unsupported, "no alerts are sent: let your monitoring watch /metrics and /readyz")
        }
        "custom_auth" | "enable_jwt_auth" | "litellm_jwtauth" | "enable_oauth2_auth" => {
            (Unsupported, "clients authenticate with virtual keys: put another way of it before the gateway")
        }
        "pass_through_endpoints" => (Unsupported, "nothing is passed to addresses that are no model's"),
        "coordination_redis" | "use_redis_transaction_buffer" => {
            (Unsupported, "nothing is shared between gateways: limits and budgets are of one")
        }
        "key_management_system" | "key_management_settings" | "use_google_kms" | "use_azure_key_vault" => {
            (Unsupported, "keys come from variables and keys_pool/: let your secret store write these")
        }
        "completion_model" => (Unsupported, "clients name the alias that they ask"),
        _ => (Unsupported, "nothing here reads it"),
    }
}
