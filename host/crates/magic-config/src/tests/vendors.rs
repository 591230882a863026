//! Who serves a profile, where, and in which dialect.
use super::{accepted, minimal, nothing_set};
use crate::{DialectName, Profile, Provider};

fn profile(provider: &str, params: &str) -> Profile {
    let text = minimal(params, "").replace("provider: openai", &format!("provider: {provider}"));
    Profile::clone(&accepted(&text, &nothing_set).profiles[0])
}

/// `provider | address | dialect`, or what `api_version` adds to it.
fn place(provider: &str, params: &str) -> String {
    let profile = profile(provider, params);
    let version = profile.api_version.map(|version| format!(" | {version}")).unwrap_or_default();
    format!("{} | {} | {}{version}", profile.provider.as_str(), profile.api_base, profile.dialect.as_str())
}

#[test]
fn every_provider_has_its_own_address_and_dialect() {
    let places: Vec<String> = Provider::ALL
        .into_iter()
        .filter(|provider| provider.default_api_base().is_some())
        .map(|provider| place(provider.as_str(), ""))
        .collect();
    assert_eq!(
        places,
        [
            "openai | https://api.openai.com/v1 | openai",
            "google | https://generativelanguage.googleapis.com/v1beta | google",
            "anthropic | https://api.anthropic.com/v1 | anthropic",
            "mistral | https://api.mistral.ai/v1 | openai",
            "deepseek | https://api.deepseek.com/v1 | openai",
            "groq | https://api.groq.com/openai/v1 | openai",
            "openrouter | https://openrouter.ai/api/v1 | openai",
            "together | https://api.together.xyz/v1 | openai",
            "ollama | http://127.0.0.1:11434/v1 | openai",
            "llama.cpp | http://127.0.0.1:8080/v1 | openai",
            "vllm | http://127.0.0.1:8000/v1 | openai",
        ]
    );
    assert_eq!(place("local", "api_base: http://127.0.0.1:9/v1"), "local | http://127.0.0.1:9/v1 | openai");
}

#[test]
fn the_file_or_the_address_decides_what_is_spoken() {
    let google = "https://generativelanguage.googleapis.com/v1beta/openai/";
    let places = [
        place("google", &format!("api_base: '{google}'")),
        place("google", &format!("api_base: '{google}', dialect: google")),
        place("google", "api_base: 'http://127.0.0.1:9/v1'"),
        place("anthropic", "api_base: 'http://127.0.0.1:9/v1', dialect: openai"),
        place("local", "api_base: 'http://127.0.0.1:9/v1', dialect: anthropic"),
        place("groq", "api_base: 'http://127.0.0.1:9/openai'"),
    ];
    assert_eq!(
        places,
        [
            "google | https://generativelanguage.googleapis.com/v1beta/openai | openai",
            "google | https://generativelanguage.googleapis.com/v1beta/openai | google",
            "google | http://127.0.0.1:9/v1 | google",
            "anthropic | http://127.0.0.1:9/v1 | openai",
            "local | http://127.0.0.1:9/v1 | anthropic",
            "groq | http://127.0.0.1:9/openai | openai",
        ]
    );
}

#[test]
fn azure_has_a_version_whether_or_not_the_file_names_one() {
    let base = "api_base: 'https://x.openai.azure.com/'";
    assert_eq!(place("azure", base), "azure | https://x.openai.azure.com | openai | 2024-10-21");
    let given = format!("{base}, api_version: 2025-04-01-preview, dialect: openai");
    assert_eq!(place("azure", &given), "azure | https://x.openai.azure.com | openai | 2025-04-01-preview");
    // A gateway of the customer's own in front of it.
    assert_eq!(place("azure", "api_base: 'http://gate/x/v1'"), "azure | http://gate/x/v1 | openai | 2024-10-21");
}

#[test]
fn names_of_googles_models_may_have_segments() {
    let model = |name: &str| {
        let text = minimal("", "").replace("model: m", &format!("model: '{name}'"));
        accepted(&text.replace("provider: openai", "provider: google"), &nothing_set).profiles[0].model.clone()
    };
    for name in ["gemini-2.5-flash", "models/gemini-2.5-flash", "publishers/google/models/gemini-2.5-pro@001"] {
        assert_eq!(model(name), name);
    }
}

#[test]
fn a_dialect_is_not_a_generation_parameter() {
    let profile = profile("openai", "dialect: openai, temperature: 1");
    assert_eq!(profile.dialect, DialectName::OpenAi);
    assert_eq!(serde_json::to_string(&profile.params).expect("JSON"), r#"{"temperature":1}"#);
}

#[test]
fn only_servers_of_ones_own_need_no_key_and_each_has_a_file_of_its_own() {
    let keyless: Vec<&str> =
        Provider::ALL.into_iter().filter(|provider| !provider.needs_key()).map(Provider::as_str).collect();
    assert_eq!(keyless, ["ollama", "llama.cpp", "vllm", "local"]);
    for provider in Provider::ALL {
        assert_eq!(provider.key_variable().is_some(), provider.needs_key(), "{provider:?}");
        assert_eq!(provider.keys_file(), format!("keys_pool_{}.env", provider.pool_name()));
    }
    assert_eq!(Provider::LlamaCpp.keys_file(), "keys_pool_llama.cpp.env");
    let mut files: Vec<String> = Provider::ALL.into_iter().map(Provider::keys_file).collect();
    files.sort();
    files.dedup();
    assert_eq!(files.len(), Provider::ALL.len());
}

#[test]
fn every_provider_and_its_facts_are_in_the_document() {
    let rows = super::DOCUMENT;
    for provider in Provider::ALL {
        let base = provider.default_api_base().map(|base| format!("`{base}`"));
        let row = rows.lines().find(|line| line.starts_with(&format!("| `{}` |", provider.as_str())));
        let row = row.unwrap_or_else(|| panic!("{provider:?} has no row"));
        assert!(base.is_none_or(|base| row.contains(&base)), "{row}");
        let dialect = profile(provider.as_str(), "api_base: 'http://127.0.0.1:9/v1'").dialect.as_str();
        assert!(row.contains(&format!("| {dialect} |")), "{row}");
        assert!(row.contains(&format!("`{}`", provider.keys_file())), "{row}");
        assert!(provider.key_variable().is_none_or(|name| row.contains(&format!("`{name}`"))), "{row}");
    }
}
