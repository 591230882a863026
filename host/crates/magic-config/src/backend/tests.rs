//! Chains of profiles, and what `auto` makes of them.
use crate::{Config, ToolProtocol, parse};

/// One profile from what stands behind its name, and further keys of `model_params`.
fn yaml(profiles: &[&str]) -> Config {
    let list: String =
        profiles.iter().enumerate().map(|(at, rest)| format!("  - {{ model_name: p{at}, {rest} }}\n")).collect();
    let chain: Vec<String> = (0..profiles.len()).map(|at| format!("p{at}")).collect();
    let text =
        format!("model_list:\n{list}router_settings: {{ model_group_alias: {{ a: [{}] }} }}\n", chain.join(", "));
    parse(&text, &|_: &str| None).unwrap_or_else(|problems| panic!("{problems:?} in {text}"))
}

#[track_caller]
fn check(profiles: &[&str], expected: ToolProtocol) {
    let config = yaml(profiles);
    assert_eq!(config.alias("a").expect("it is there").tool_protocol(), expected, "{profiles:?}");
}

#[test]
fn auto_is_native_where_the_vendor_is_known_to_take_calls_and_tags_elsewhere() {
    use ToolProtocol::{Native, Tags};
    for (profile, expected) in [
        ("provider: openai, model_params: { model: gpt-5 }", Native),
        ("provider: openai, model_params: { model: o3 }", Native),
        ("provider: openai, model_params: { model: o1-mini }", Tags),
        ("provider: openai, model_params: { model: chatgpt-4o-latest }", Tags),
        ("provider: openai, model_params: { model: gpt-5, api_base: \"http://127.0.0.1:8080/v1\" }", Tags),
        ("provider: azure, model_params: { model: mine, api_base: \"https://x.openai.azure.com\" }", Native),
        ("provider: google, model_params: { model: gemini-2.5-flash }", Native),
        ("provider: google, model_params: { model: gemma-3-27b-it }", Tags),
        ("provider: anthropic, model_params: { model: claude-sonnet-4-5 }", Native),
        ("provider: anthropic, model_params: { model: claude-sonnet-4-5, thinking: { type: disabled } }", Native),
        ("provider: anthropic, model_params: { model: claude-sonnet-4-5, thinking: { type: enabled } }", Tags),
        ("provider: anthropic, model_params: { model: claude-2.1 }", Tags),
        ("provider: mistral, model_params: { model: mistral-small-latest }", Native),
        ("provider: mistral, model_params: { model: open-mistral-7b }", Tags),
        ("provider: deepseek, model_params: { model: deepseek-chat }", Native),
        ("provider: groq, model_params: { model: llama-3.3-70b-versatile }", Native),
        ("provider: groq, model_params: { model: compound-beta }", Tags),
        ("provider: openrouter, model_params: { model: x/y }", Tags),
        ("provider: together, model_params: { model: x/y }", Tags),
        ("provider: ollama, model_params: { model: qwen3 }", Tags),
        ("provider: llama.cpp, model_params: { model: m }", Tags),
        ("provider: vllm, model_params: { model: m }", Tags),
        ("provider: local, model_params: { model: m, api_base: \"http://127.0.0.1:1/v1\" }", Tags),
    ] {
        check(&[profile], expected);
    }
}

#[test]
fn a_chain_is_native_only_where_each_of_its_profiles_is() {
    let openai = "provider: openai, model_params: { model: gpt-5 }";
    let google = "provider: google, model_params: { model: gemini-2.5-flash }";
    let local = "provider: llama.cpp, model_params: { model: m }";
    check(&[openai, google], ToolProtocol::Native);
    check(&[openai, local], ToolProtocol::Tags);
    check(&[local, openai], ToolProtocol::Tags);
}

#[test]
fn what_the_first_profile_says_holds_for_the_whole_chain() {
    let local = "provider: llama.cpp, model_params: { model: m }";
    for (word, protocol) in [
        ("tags", ToolProtocol::Tags),
        ("native", ToolProtocol::Native),
        ("json_schema", ToolProtocol::JsonSchema),
        ("grammar", ToolProtocol::Grammar),
    ] {
        let said =
            format!("provider: llama.cpp, model_params: {{ model: m, agent_settings: {{ tool_protocol: {word} }} }}");
        check(&[&said, local], protocol);
    }
}
