//! `model_list`: each entry to a [`Profile`], its name, provider, address and generation parameters.
use super::{agents, settings};
use crate::agent::{AgentSettings, ToolChoice, ToolProtocol};
use crate::config::TimeoutSettings;
use crate::problem::{did_you_mean, nearest, quoted};
use crate::profile::{Profile, Provider};
use crate::walk::{Fields, Value};
use magic_types::{ProfileName, Secret};
use std::sync::Arc;

const NAME_BYTES_MAX: usize = 128;
const CONTEXT_WINDOW_MAX: u32 = 100_000_000;

/// Generation parameters that the vendors document. Others pass through as well; these are what a slip of the pen is
/// measured against.
const PARAMS: [&str; 28] = [
    "temperature",
    "top_p",
    "top_k",
    "top_a",
    "min_p",
    "typical_p",
    "max_tokens",
    "max_completion_tokens",
    "frequency_penalty",
    "presence_penalty",
    "repeat_penalty",
    "repetition_penalty",
    "seed",
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
    "user",
    "cache_prompt",
];

/// Those of the above that are numbers wherever they exist.
const NUMBERS: [&str; 13] = [
    "temperature",
    "top_p",
    "top_k",
    "top_a",
    "min_p",
    "typical_p",
    "max_tokens",
    "max_completion_tokens",
    "frequency_penalty",
    "presence_penalty",
    "repeat_penalty",
    "repetition_penalty",
    "seed",
];

/// Parts of a request that are the client's or the gateway's to say.
const OF_THE_REQUEST: [&str; 6] = ["messages", "prompt", "input", "stream", "stream_options", "tools"];

/// What people from other gateways write for our providers.
const SYNONYMS: [(&str, &str); 12] = [
    ("gemini", "google"),
    ("vertex_ai", "google"),
    ("claude", "anthropic"),
    ("azure_openai", "azure"),
    ("groq", "openai with api_base: https://api.groq.com/openai/v1"),
    ("together", "openai with api_base: https://api.together.xyz/v1"),
    ("together_ai", "openai with api_base: https://api.together.xyz/v1"),
    ("openrouter", "openai with api_base: https://openrouter.ai/api/v1"),
    ("ollama", "local with api_base: http://127.0.0.1:11434/v1"),
    ("vllm", "local with api_base: http://127.0.0.1:8000/v1"),
    ("llama.cpp", "local with api_base: http://127.0.0.1:8080/v1"),
    ("llamacpp", "local with api_base: http://127.0.0.1:8080/v1"),
];

/// The profiles, and the names of those too faulty to become one, so that an alias of such is not blamed as well.
pub(crate) struct Catalogue {
    profiles: Vec<Arc<Profile>>,
    names: Vec<String>,
}

// === impl Catalogue ===
impl Catalogue {
    pub(crate) fn find(&self, name: &str) -> Option<Arc<Profile>> {
        self.profiles.iter().find(|profile| profile.name.as_str() == name).cloned()
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.names.iter().map(String::as_str).collect()
    }

    pub(crate) fn into_profiles(self) -> Vec<Arc<Profile>> {
        self.profiles
    }
}

pub(crate) fn read(list: &Value<'_>, agent: &AgentSettings, timeouts: TimeoutSettings) -> Catalogue {
    let mut catalogue = Catalogue { profiles: Vec::new(), names: Vec::new() };
    let entries = list.list();
    if entries.as_ref().is_some_and(Vec::is_empty) {
        list.problem("no profile");
    }
    for entry in entries.unwrap_or_default() {
        let profile = profile(&entry, agent, timeouts, &mut catalogue.names);
        catalogue.profiles.extend(profile.map(Arc::new));
    }
    catalogue
}

fn profile(
    entry: &Value<'_>,
    global: &AgentSettings,
    timeouts: TimeoutSettings,
    names: &mut Vec<String>,
) -> Option<Profile> {
    let mut fields = entry.fields()?;
    let name = fields.need("model_name", "a unique name for this profile").and_then(|value| {
        let name = value.text()?;
        check_name(&name, &value);
        if names.contains(&name) {
            value.problem(format!("profile {} is defined twice", quoted(value.raw())));
        } else {
            names.push(name.clone());
        }
        Some(name)
    });
    let hint = format!("one of {}", Provider::ALL.map(Provider::as_str).join(", "));
    let provider_given = fields.need("provider", &hint);
    let provider = provider_given.as_ref().and_then(|value| provider(&value.text()?, value));
    if let (Some(Provider::Azure), Some(value)) = (provider, &provider_given) {
        value.problem_hint("the azure provider arrives with the dialects of a later version", AZURE_HINT);
    }
    let timeouts = settings::timeouts(fields.section("timeouts"), Some(timeouts));
    let params =
        fields.need("model_params", "at least `model`, the vendor's name for it").and_then(|value| value.fields());
    fields.finish();
    model_params(params?, name?, provider, global, timeouts)
}

const AZURE_HINT: &str = "use provider: openai with api_base of an OpenAI-compatible endpoint meanwhile";

/// The model's own part. `provider` is absent where it was faulty; the rest is checked all the same.
fn model_params(
    mut fields: Fields<'_>,
    name: String,
    provider: Option<Provider>,
    global: &AgentSettings,
    timeouts: TimeoutSettings,
) -> Option<Profile> {
    let model = fields.need("model", "the vendor's name for it").and_then(|value| value.text());
    let api_base_given = fields.take("api_base");
    let api_base = api_base_given.as_ref().map(api_base);
    let api_base = match (api_base, provider) {
        (Some(given), _) => given,
        (None, None) => None,
        (None, Some(provider)) => default_api_base(provider, &mut fields),
    };
    if let (Some(value), Some(provider)) = (fields.take("api_version"), provider)
        && provider != Provider::Azure
    {
        value.problem(format!("api_version is for provider azure; provider {} has none", provider.as_str()));
    }
    let api_key = fields.take("api_key").and_then(|value| api_key(&value));
    let context_window = fields.take("context_window").and_then(|value| value.integer_u32(1..=CONTEXT_WINDOW_MAX));
    let agent_given = fields.take("agent_settings");
    let agent_fields = agent_given.as_ref().and_then(Value::fields);
    let agent = agent_fields.map_or_else(|| global.clone(), |fields| agents::read(fields, Some(global)));
    let vendors_own = api_base.as_deref() == provider.and_then(Provider::default_api_base);
    if agent.tool_protocol == ToolProtocol::Grammar && provider.is_some() && vendors_own {
        fields.problem_hint(
            "tool_protocol `grammar` needs a backend that takes GBNF, and this vendor's refuses it",
            "set agent_settings.tool_protocol: tags here",
        );
    }
    if agent.tool_choice == ToolChoice::Required && agent.tool_protocol != ToolProtocol::Grammar {
        fields.problem_hint(
            "tool_choice `required` needs tool_protocol `grammar`: nothing else can hold a model to it",
            "set agent_settings.tool_protocol: grammar, or leave tool_choice out",
        );
    }
    let params = generation_params(fields);
    let (model, provider, api_base) = (model?, provider?, api_base?);
    let name = ProfileName::new(name);
    Some(Profile { name, provider, model, api_base, api_key, params, context_window, agent, timeouts })
}

fn default_api_base(provider: Provider, fields: &mut Fields<'_>) -> Option<String> {
    if let Some(known) = provider.default_api_base() {
        return Some(known.to_owned());
    }
    let hint = match provider {
        Provider::Azure => "e.g. https://my-resource.openai.azure.com",
        Provider::Local
        | Provider::OpenAi
        | Provider::Google
        | Provider::Anthropic
        | Provider::Mistral
        | Provider::DeepSeek => "e.g. http://127.0.0.1:8080/v1, wherever an OpenAI-compatible server listens",
    };
    fields.need("api_base", hint);
    None
}

/// The provider of that name; a problem at `value` otherwise. `text` has its variables put in and is not repeated.
pub(crate) fn provider(text: &str, value: &Value<'_>) -> Option<Provider> {
    if let Some(provider) = Provider::ALL.into_iter().find(|provider| provider.as_str() == text) {
        return Some(provider);
    }
    let known = Provider::ALL.map(Provider::as_str);
    // A key of `provider_model_lists` has no text of its own: there the name is what the file says.
    let shown = if value.is_text() { value.raw() } else { text };
    let synonym = SYNONYMS.iter().find(|(word, _)| *word == text.to_ascii_lowercase());
    let hint = match synonym {
        Some((_, ours)) => format!("here it is called {ours}"),
        None => did_you_mean(shown, &known),
    };
    value.problem_hint(format!("unknown provider {}", quoted(shown)), hint);
    None
}

/// Names go into URLs, log lines and headers.
pub(crate) fn check_name(name: &str, value: &Value<'_>) {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:/@+".contains(&byte);
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(fits) {
        let message = format!("a name is 1 to {NAME_BYTES_MAX} letters, digits and _ - . : / @ +");
        value.problem(message);
    }
}

/// An address to which `/chat/completions` can be appended. What is wrong is said without repeating the address: people
/// put passwords into them.
fn api_base(value: &Value<'_>) -> Option<String> {
    let text = value.text()?;
    let text = text.trim().trim_end_matches('/');
    let Some(rest) = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")) else {
        value.problem_hint("must begin with http:// or https://", "e.g. https://api.openai.com/v1");
        return None;
    };
    let host = rest.split('/').next().unwrap_or_default();
    let fault = if host.is_empty() || host.starts_with(':') {
        "has no host"
    } else if host.contains('@') {
        "must not hold a user or a password; keys go into api_key or keys_pool/"
    } else if rest.contains(['?', '#']) {
        "must not hold `?` or `#`"
    } else if rest.contains(|char: char| !char.is_ascii_graphic()) {
        "holds a character that no address has"
    } else if rest.ends_with("/chat/completions") {
        "must end before /chat/completions, which the gateway appends"
    } else {
        return Some(text.to_owned());
    };
    value.problem(fault);
    None
}

/// Blank is none: `${OPENAI_API_KEY:-}` says "if there is one".
fn api_key(value: &Value<'_>) -> Option<Secret> {
    if value.is_text() && !crate::env::has_variable(value.raw()) {
        value.problem_hint("a secret must not stand in the file", "write api_key: ${OPENAI_API_KEY} or use keys_pool/");
        return None;
    }
    let text = value.text_or_blank()?;
    let text = text.trim();
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        value.problem("holds a character that no key has");
        return None;
    }
    (!text.is_empty()).then(|| Secret::new(text.to_owned()))
}

/// Everything else in `model_params`. Vendors add parameters faster than we could list them, so an unknown one passes,
/// unless it looks like a known one misspelt.
fn generation_params(fields: Fields<'_>) -> serde_json::Map<String, serde_json::Value> {
    let mut known: Vec<&str> = fields.asked().to_vec();
    known.extend(PARAMS);
    let mut params = serde_json::Map::new();
    for (key, value) in fields.rest() {
        if OF_THE_REQUEST.contains(&key) {
            value.problem("belongs to a request, not to a profile");
        } else if let Some(meant) = nearest(key, &known)
            && meant != key
            // Short names are near each other without being slips.
            && key.len() > 5
        {
            value.problem_hint("unknown key", format!("did you mean `{meant}`?"));
        }
        let Some(json) = value.json() else { continue };
        if json.is_null() {
            continue;
        }
        if NUMBERS.contains(&key) && !json.is_number() {
            value.problem("expected a number");
        }
        params.insert(key.to_owned(), json);
    }
    params
}
