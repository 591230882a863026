//! Whole files in, a config or the text of its problems out.
use crate::walk::Book;
use crate::{CacheSettings, Config, DialectName, Env, Problem, Provider, ToolProtocol, parse, yaml};
use std::time::Duration;

mod strategies;
mod telemetry;
mod vendors;
mod wire;

const SAMPLE: &str = include_str!("../../../../proxy_config.yaml");
const DOCUMENT: &str = include_str!("../../../../docs/CONFIG.md");

fn nothing_set(_: &str) -> Option<String> {
    None
}

fn some_set(name: &str) -> Option<String> {
    let value = match name {
        "SECRET" => "sk-from-the-environment",
        "SPACED" => "sk with space",
        "EMPTY" => "",
        "MODEL" => "some-model",
        "NUMBER" => "7",
        _ => return None,
    };
    Some(value.to_owned())
}

fn listed(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

fn accepted(text: &str, env: &dyn Env) -> Config {
    parse(text, env).unwrap_or_else(|problems| panic!("{}", listed(&problems)))
}

/// Two lines of an otherwise sound config under test: parameters of its one profile, and whole sections.
fn minimal(params: &str, sections: &str) -> String {
    format!(
        "model_list: [{{model_name: a, provider: openai, model_params: {{model: m, {params}}}}}]\n\
         router_settings: {{model_group_alias: {{x: [a]}}}}\n{sections}"
    )
}

/// `tests-data/NAME.yaml` against `tests-data/NAME.problems`. Compile with MAGIC_UPDATE_GOLDENS=1 to write the latter, then
/// read the difference.
macro_rules! rejected {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            let text = include_str!(concat!("../tests-data/", stringify!($name), ".yaml"));
            let expected = include_str!(concat!("../tests-data/", stringify!($name), ".problems"));
            let problems = parse(text, &some_set).expect_err("the file is full of problems");
            let found = listed(&problems);
            if option_env!("MAGIC_UPDATE_GOLDENS").is_some() {
                let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests-data/", stringify!($name), ".problems");
                std::fs::write(path, &found).expect("goldens are writable");
            } else {
                assert_eq!(found, expected);
            }
        }
    )*};
}

mod every_problem_of_a_file_is_reported_at_once {
    use super::{listed, parse, some_set};

    rejected! {
        several telemetry wrong_types words vendors bounds cache_rules unknown_keys names variables addresses empty not_a_mapping duplicate_key syntax
        unknown_anchor two_documents nothing_in_it delegation circle strategies
    }
}

#[test]
fn the_sample_is_sound_without_any_variable() {
    let config = accepted(SAMPLE, &nothing_set);
    let names: Vec<&str> = config.aliases.iter().map(|alias| alias.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "local",
            "local-react",
            "local-program",
            "gpt",
            "gemini",
            "claude",
            "mistral",
            "deepseek",
            "deep-research",
            "gemini-react",
            "deepseek-research",
            "analyst"
        ]
    );
    let local = &config.alias("local-react").expect("it is there").chain[0];
    assert_eq!(local.provider, Provider::Local);
    assert_eq!(local.api_base, "http://127.0.0.1:8080/v1");
    assert_eq!(local.agent.tool_protocol, ToolProtocol::Grammar);
    assert_eq!(local.agent.tools.as_deref(), Some(["calculator".to_owned()].as_slice()));
    assert_eq!((local.agent.system_instruction.as_deref(), local.agent.manifests.len()), (None, 0));
    assert_eq!(local.timeouts.first_event, Duration::from_secs(300));
    assert_eq!(config.alias("local").expect("it is there").reasoning_mode, None);
    let research = config.alias("deep-research").expect("it is there");
    assert_eq!(research.reasoning_mode.as_deref(), Some("deep_research_react"));
    let chain: Vec<&str> = research.chain.iter().map(|profile| profile.provider.as_str()).collect();
    assert_eq!(chain, ["openai", "mistral", "deepseek"]);
    assert_eq!(config.referenced_files(), ["manifests/safety.md", "system_prompts/default.md"]);
    let dialect = |name: &str| config.profile(name).expect("it is there").dialect;
    assert_eq!(
        ["openai_main", "google_main", "anthropic_main"].map(dialect),
        [DialectName::OpenAi, DialectName::Google, DialectName::Anthropic]
    );
}

#[test]
fn the_sample_writes_out_the_real_defaults() {
    let sample = accepted(SAMPLE, &nothing_set);
    let bare = accepted(&minimal("", ""), &nothing_set);
    assert_eq!(sample.server_settings, bare.server_settings);
    assert_eq!(sample.timeout_settings, bare.timeout_settings);
    assert_eq!(sample.key_management_settings, bare.key_management_settings);
    assert_eq!(sample.breaker_settings, bare.breaker_settings);
    assert_eq!(sample.hedging_settings, bare.hedging_settings);
    assert_eq!(sample.streaming_settings, bare.streaming_settings);
    let without_rules = CacheSettings { rules: Vec::new(), ..sample.cache_settings };
    assert_eq!(without_rules, bare.cache_settings);
    assert_eq!(sample.agent_settings.max_steps, bare.agent_settings.max_steps);
    assert_eq!(sample.agent_settings.tool_calls_max, bare.agent_settings.tool_calls_max);
    assert_eq!(sample.agent_settings.session_max, bare.agent_settings.session_max);
    assert_eq!(sample.agent_settings.tool_protocol, bare.agent_settings.tool_protocol);
}

#[test]
fn every_key_that_is_read_is_documented() {
    let root = yaml::read(SAMPLE).expect("the sample is YAML");
    let book = Book::new(&nothing_set);
    let _config = crate::check::config(&book, &root);
    let known = book.known_keys();
    assert!(known.len() > 70, "{known:?}");
    let undocumented: Vec<&str> = known.into_iter().filter(|key| !DOCUMENT.contains(&format!("`{key}`"))).collect();
    assert_eq!(undocumented, [""; 0]);
}

#[test]
fn every_example_in_the_document_is_sound() {
    let examples: Vec<&str> = DOCUMENT.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(examples.len() > 3);
    for example in examples {
        let set = |name: &str| name.ends_with("_API_KEY").then(|| "sk-set".to_owned());
        let text = if example.contains("model_list:") { example.to_owned() } else { minimal("", example) };
        accepted(&text, &set);
    }
}

#[test]
fn a_profiles_settings_win_over_the_global_ones_key_by_key() {
    let text = minimal(
        "agent_settings: {max_steps: 3, tools: null, system_instruction: null}",
        "agent_settings: {max_steps: 9, tools: [calculator], reasoning_mode: basic_react, system_instruction: a.md, \
         manifests: [b.md], tool_calls_max: 5}\n\
         timeout_settings: {connect_seconds: 1, idle_seconds: 500ms}",
    );
    let config = accepted(&text, &nothing_set);
    let agent = &config.profiles[0].agent;
    assert_eq!((agent.max_steps, agent.tool_calls_max), (3, 5));
    assert_eq!((agent.tools.clone(), agent.system_instruction.clone()), (None, None));
    assert_eq!(agent.reasoning_mode.as_deref(), Some("basic_react"));
    assert_eq!(agent.manifests, ["b.md"]);
    assert_eq!(config.aliases[0].reasoning_mode.as_deref(), Some("basic_react"));
    assert_eq!(config.profiles[0].timeouts.idle, Duration::from_millis(500));
    assert_eq!(config.referenced_files(), ["a.md", "b.md"]);
}

#[test]
fn no_prompt_is_read_from_a_file_with_secrets() {
    for (file, is_text) in [
        ("system_prompts/default.md", true),
        ("./rules/house.txt", true),
        ("keys_pool/keys_pool_openai.env", false),
        ("keys_pool/notes.md", false),
        ("./Keys_Pool/notes.md", false),
        ("env/mail.txt", false),
        ("data/accounts.db", false),
        (".env", false),
        (".git/notes.md", false),
        ("proxy_config.yaml", false),
    ] {
        for key in [format!("system_instruction: {file}"), format!("manifests: [{file}]")] {
            let read = parse(&minimal(&format!("agent_settings: {{{key}}}"), ""), &nothing_set);
            assert_eq!(read.is_ok(), is_text, "{key}");
            let told = read.err().map(|problems| listed(&problems)).unwrap_or_default();
            assert!(is_text || told.contains("system_prompts/default.md"), "{key}: {told}");
        }
    }
}

#[test]
fn a_null_reasoning_mode_means_plain_proxying_even_where_there_is_a_global_one() {
    let text = minimal("agent_settings: {reasoning_mode: null}", "agent_settings: {reasoning_mode: basic_react}");
    assert_eq!(accepted(&text, &nothing_set).aliases[0].reasoning_mode, None);
}

#[test]
fn variables_are_put_in_and_become_numbers_where_numbers_are_meant() {
    let text = minimal(
        r#"temperature: "${NUMBER}", stop: ["$${NUMBER}", "${NUMBER} ${MODEL}"], user: null, api_key: "${SECRET}", context_window: "${NUMBER}""#,
        r#"agent_settings: {max_steps: "${STEPS:-4}"}"#,
    );
    let config = accepted(&text.replace("model: m", r#"model: "x/${MODEL}""#), &some_set);
    let profile = &config.profiles[0];
    assert_eq!(profile.model, "x/some-model");
    assert_eq!(profile.api_key.as_ref().map(magic_types::Secret::expose), Some("sk-from-the-environment"));
    assert_eq!(
        serde_json::to_string(&profile.params).expect("JSON"),
        r#"{"stop":["${NUMBER}","7 some-model"],"temperature":7}"#
    );
    assert_eq!((profile.context_window, config.agent_settings.max_steps), (Some(7), 4));
}

#[test]
fn a_blank_key_is_no_key() {
    let config = accepted(&minimal(r#"api_key: "${UNSET:-}""#, ""), &nothing_set);
    assert!(config.profiles[0].api_key.is_none());
}

#[test]
fn no_problem_and_no_debug_text_repeats_what_a_variable_holds() {
    let text = include_str!("../tests-data/variables.yaml");
    let problems = listed(&parse(text, &some_set).expect_err("full of problems"));
    for secret in ["sk-from-the-environment", "sk with space", "sk-this-must-never-be-printed"] {
        assert!(!problems.contains(secret), "{problems}");
    }
    let config = accepted(&minimal(r#"api_key: "${SECRET}", user: "${SECRET}""#, ""), &some_set);
    assert!(!format!("{config:?}").contains("sk-from"));
}

#[test]
fn anchors_and_merges_are_resolved_and_the_nearer_key_wins() {
    let text = "definitions: {base: &base {model: m, temperature: 0.1, top_p: 0.5}}\n\
        model_list: [{model_name: a, provider: openai, model_params: {<<: *base, temperature: 0.9}}]\n\
        router_settings: {model_group_alias: {x: [a]}}";
    let params = accepted(text, &nothing_set).profiles[0].params.clone();
    assert_eq!(serde_json::to_string(&params).expect("JSON"), r#"{"temperature":0.9,"top_p":0.5}"#);
}

#[test]
fn an_anchor_may_be_merged_into_hundreds_of_profiles() {
    let profiles: String = (0..500)
        .map(|index| format!("  - {{model_name: p{index}, provider: openai, model_params: {{<<: *base}}}}\n"))
        .collect();
    let text = format!(
        "definitions: {{base: &base {{model: m, temperature: 0.1}}}}\nmodel_list:\n{profiles}\
         router_settings: {{model_group_alias: {{x: [p499]}}}}"
    );
    assert_eq!(accepted(&text, &nothing_set).profiles.len(), 500);
}

#[test]
fn addresses_lose_their_trailing_slash_and_vendors_have_their_own() {
    let base = |params: &str| accepted(&minimal(params, ""), &nothing_set).profiles[0].api_base.clone();
    assert_eq!(base("api_base: 'http://[::1]:8080/v1//'"), "http://[::1]:8080/v1");
    assert_eq!(base(""), "https://api.openai.com/v1");
}

#[test]
fn components_that_are_not_loaded_are_problems_with_a_hint() {
    let text = minimal(
        "agent_settings: {reasoning_mode: basic_raect}",
        "agent_settings: {reasoning_mode: deep_react, tools: [calculator, web_serch]}",
    );
    let config = accepted(&text, &nothing_set);
    let problems = config.check_components(&["basic_react", "sonata"], &["calculator", "web_search"]);
    assert_eq!(
        listed(&problems),
        "agent_settings.reasoning_mode: no pattern `deep_react` (known: basic_react, sonata; its file is patterns/deep_react.wasm)\n\
         agent_settings.tools[1]: no tool `web_serch` (did you mean `web_search`? known: calculator, web_search; its file is tools/web_serch.wasm)\n\
         model_list[0].model_params.agent_settings.reasoning_mode: no pattern `basic_raect` (did you mean `basic_react`? known: basic_react, sonata; its file is patterns/basic_raect.wasm)\n"
    );
    assert_eq!(config.check_components(&["basic_raect", "deep_react"], &["calculator", "web_serch"]), []);
}

#[test]
fn what_profiles_inherit_is_reported_once() {
    let text = minimal("", "agent_settings: {reasoning_mode: deep_react, tools: [web_serch]}");
    let problems = accepted(&text, &nothing_set).check_components(&[], &[]);
    let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["agent_settings.reasoning_mode", "agent_settings.tools[0]"]);
}

#[test]
fn a_file_with_thousands_of_problems_names_a_hundred_and_counts_the_rest() {
    let keys: String = (0..3000).map(|index| format!("key{index}: 1\n")).collect();
    let problems = parse(&minimal("", &keys), &nothing_set).expect_err("unknown keys");
    assert_eq!(problems.len(), 101);
    assert_eq!(problems[100].to_string(), "and 2900 more problems");
}

#[test]
fn alias_bombs_and_deep_nests_are_refused_quickly() {
    let laughs: String = (1..30)
        .map(|level| {
            let below = format!("*l{}, ", level - 1).repeat(10);
            format!("l{level}: &l{level} [{below}]\n")
        })
        .collect();
    let long = format!("t: &t {}\nlist: [{}]\n", "x".repeat(1 << 20), "*t, ".repeat(5000));
    let bombs = [
        format!("l0: &l0 [x, x]\n{laughs}"),
        long,
        "[".repeat(100_000),
        format!("{}1", "a: {".repeat(5000)),
        format!("{}- 1", "- ".repeat(50_000)),
        "x".repeat(5 << 20),
    ];
    for bomb in bombs {
        let problems = parse(&bomb, &nothing_set).expect_err("a bomb");
        assert!(listed(&problems).len() < 2000);
    }
}

/// Mutates the sample at random: bytes changed, cut, doubled, lines moved. Whatever comes of it, it is an answer. The seed
/// is in the message.
#[test]
fn no_text_makes_it_panic() {
    let seeds = [
        SAMPLE,
        include_str!("../tests-data/wrong_types.yaml"),
        include_str!("../tests-data/vendors.yaml"),
        include_str!("../tests-data/bounds.yaml"),
        include_str!("../tests-data/cache_rules.yaml"),
    ];
    let spice = [
        ":", "- ", "*plain", "&a ", "<<: ", "${", "}", "[", "{", "\n", "\t", "'", "\"", "|", "!!int ", "~", "é",
        "\u{0}", "# ", "? ",
    ];
    for seed in 0..600_u64 {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut next = |bound: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % (bound.max(1) as u64)).expect("below a usize")
        };
        let mut chars: Vec<char> = seeds[next(seeds.len())].chars().collect();
        for _ in 0..=next(6) {
            let at = next(chars.len());
            match next(4) {
                0 => drop(chars.drain(at..(at + next(40)).min(chars.len()))),
                1 => chars.truncate(at),
                2 => drop(chars.splice(at..at, spice[next(spice.len())].chars())),
                _ => {
                    let piece: Vec<char> = chars[at..(at + next(200)).min(chars.len())].to_vec();
                    let to = next(chars.len());
                    drop(chars.splice(to..to, piece));
                }
            }
        }
        let text: String = chars.into_iter().collect();
        let outcome = std::panic::catch_unwind(|| parse(&text, &some_set).err().unwrap_or_default());
        let problems = outcome.unwrap_or_else(|_| panic!("seed {seed} panics"));
        assert!(problems.iter().all(|problem| !problem.message.is_empty()), "seed {seed}");
        assert!(!listed(&problems).contains("sk-from-the-environment"), "seed {seed}");
    }
}

#[test]
fn what_a_call_costs_is_rounded_up_and_cached_input_has_its_own_price() {
    let price = crate::Price { input_micros: 2_500_000, output_micros: 10_000_000, cached_input_micros: 1_250_000 };
    let usage = |input_tokens, cached_input_tokens, output_tokens| magic_types::Usage {
        input_tokens,
        cached_input_tokens,
        output_tokens,
        ..magic_types::Usage::default()
    };
    assert_eq!(price.cost_micros(&usage(0, 0, 0)), 0);
    assert_eq!(price.cost_micros(&usage(1, 0, 0)), 3, "2.5 millionths");
    assert_eq!(price.cost_micros(&usage(1000, 400, 100)), 1500 + 500 + 1000);
}
