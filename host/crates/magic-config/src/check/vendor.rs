//! A profile's vendor: the provider's word, the address, the dialect spoken there, Azure's version, the key.
use crate::backend::Backend;
use crate::defaults;
use crate::problem::{did_you_mean, quoted};
use crate::profile::DialectName;
use crate::provider::{Provider, host_of};
use crate::walk::{Fields, Value};
use magic_types::Secret;

/// Words of other gateways for our providers, and vendors that are none of ours.
const SYNONYMS: [(&str, &str); 22] = [
    ("gemini", "google"),
    ("google_ai_studio", "google"),
    ("vertex_ai", "google"),
    ("claude", "anthropic"),
    ("azure_openai", "azure"),
    ("mistralai", "mistral"),
    ("open_router", "openrouter"),
    ("together_ai", "together"),
    ("togetherai", "together"),
    ("ollama_chat", "ollama"),
    ("hosted_vllm", "vllm"),
    ("llamacpp", "llama.cpp"),
    ("llama_cpp", "llama.cpp"),
    ("llama-cpp", "llama.cpp"),
    ("llama-server", "llama.cpp"),
    ("llama", "llama.cpp"),
    ("lm_studio", "local with api_base: http://127.0.0.1:1234/v1"),
    ("lmstudio", "local with api_base: http://127.0.0.1:1234/v1"),
    ("openai_compatible", "openai with api_base and api_key, or local with api_base"),
    ("custom_openai", "openai with api_base and api_key, or local with api_base"),
    ("xai", "openai with api_base: https://api.x.ai/v1"),
    ("fireworks_ai", "openai with api_base: https://api.fireworks.ai/inference/v1"),
];

/// What the gateway appends to an address by itself.
const APPENDED: [&str; 6] =
    ["/chat/completions", "/responses", "/embeddings", "/messages", ":generateContent", ":streamGenerateContent"];

/// Where a profile's requests go, and in which form.
pub(super) struct Place {
    pub(super) provider: Provider,
    pub(super) dialect: DialectName,
    pub(super) model: String,
    pub(super) api_base: String,
    pub(super) api_version: Option<String>,
}

/// How a name must look to stand in a path.
#[derive(Clone, Copy)]
enum Path {
    /// One segment.
    Segment,
    /// Segments, as in `tunedModels/mine`.
    Segments,
}

// === impl Place ===
impl Place {
    /// Whether a grammar is obeyed there, as far as is known: only OpenAI's dialect has a field for it.
    pub(super) fn takes_gbnf(&self) -> bool {
        self.dialect == DialectName::OpenAi && self.provider.takes_gbnf_at(&self.api_base)
    }

    pub(super) fn takes_json_schema(&self) -> bool {
        Backend::of(self.provider, &self.api_base, &self.model).json_schema
    }
}

/// Reads `model`, `api_base`, `dialect` and `api_version`. `provider` is absent where it was faulty; the rest is checked all
/// the same.
pub(super) fn place(fields: &mut Fields<'_>, provider: Option<Provider>) -> Option<Place> {
    let model_given = fields.need("model", "the vendor's name for it");
    let model = model_given.as_ref().and_then(Value::text);
    let base_given = fields.take("api_base");
    let api_base = match (&base_given, provider) {
        (Some(given), _) => api_base(given, provider),
        (None, None) => None,
        (None, Some(provider)) => default_api_base(provider, fields),
    };
    let dialect_given = fields.take("dialect");
    let dialect = dialect_given.as_ref().and_then(|value| {
        let words = DialectName::ALL.map(|dialect| (dialect.as_str(), dialect));
        value.word("dialect", &words)
    });
    let version_given = fields.take("api_version");
    let provider = provider?;
    let api_version = api_version(version_given.as_ref(), provider);
    if let (Some(value), Some(asked)) = (&dialect_given, dialect)
        && provider == Provider::Azure
        && asked != DialectName::OpenAi
    {
        let hint = format!("use provider: {} with this api_base", asked.as_str());
        value.problem_hint("provider azure speaks openai only", hint);
    }
    let (model, api_base) = (model?, api_base?);
    let dialect = dialect.unwrap_or_else(|| provider.dialect_at(&api_base));
    if let Some(value) = &base_given {
        check_version(&api_base, dialect, provider, value);
    }
    if let Some(value) = &model_given {
        match (provider, dialect) {
            (Provider::Azure, _) => check_path(&model, value, Path::Segment),
            (_, DialectName::Google) => check_path(&model, value, Path::Segments),
            (_, DialectName::OpenAi | DialectName::Anthropic) => {}
        }
    }
    Some(Place { provider, dialect, model, api_base, api_version })
}

fn default_api_base(provider: Provider, fields: &mut Fields<'_>) -> Option<String> {
    if let Some(known) = provider.default_api_base() {
        return Some(known.to_owned());
    }
    let hint = if provider == Provider::Azure {
        "e.g. https://my-resource.openai.azure.com"
    } else {
        "e.g. http://127.0.0.1:8080/v1, wherever an OpenAI-compatible server listens"
    };
    fields.need("api_base", hint);
    None
}

/// Anthropic's and Google's own libraries take the bare host and add the version to it; here it is part of the address.
fn check_version(base: &str, dialect: DialectName, provider: Provider, value: &Value<'_>) {
    let native = matches!(dialect, DialectName::Anthropic | DialectName::Google);
    let own = provider.default_api_base().filter(|own| native && base == host_of(own));
    if let Some(own) = own {
        value.problem_hint("lacks the version of the vendor's interface", format!("did you mean {own}?"));
    }
}

/// Azure's `api-version` is a date, for some with a word behind it. Nobody else has one.
fn api_version(given: Option<&Value<'_>>, provider: Provider) -> Option<String> {
    let azure = provider == Provider::Azure;
    let Some(value) = given else { return azure.then(|| defaults::AZURE_API_VERSION.to_owned()) };
    if !azure {
        value.problem(format!("api_version is for provider azure; provider {} has none", provider.as_str()));
        return None;
    }
    let text = value.text()?;
    let text = text.trim();
    let date = text.strip_suffix("-preview").unwrap_or(text);
    let fits = |(index, byte): (usize, u8)| if matches!(index, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    if date.len() != 10 || !date.bytes().enumerate().all(fits) {
        let hint = format!("e.g. {} or 2025-04-01-preview", defaults::AZURE_API_VERSION);
        value.problem_hint("expected one of Azure's API versions, which are dates", hint);
    }
    Some(text.to_owned())
}

/// The model's name stands in the path of the address: it must not lead anywhere else.
fn check_path(model: &str, value: &Value<'_>, path: Path) {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte);
    let segment = |part: &str| !part.is_empty() && part != "." && part != ".." && part.bytes().all(fits);
    let (sound, fault) = match path {
        Path::Segment => (segment(model), "a deployment's name is letters, digits and - _ . @"),
        Path::Segments => (model.split('/').all(segment), "a model's name is letters, digits and - _ . @ /"),
    };
    if !sound {
        value.problem_hint(fault, "it stands in the path of the address");
    }
}

/// The provider of that name; a problem at `value` otherwise. `text` has its variables put in and is not repeated.
pub(super) fn provider(text: &str, value: &Value<'_>) -> Option<Provider> {
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

/// An address to which the dialect's path can be appended. What is wrong is said without repeating the address: people put
/// passwords into them.
fn api_base(value: &Value<'_>, provider: Option<Provider>) -> Option<String> {
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
    } else {
        return unfinished(value, text, provider);
    };
    value.problem(fault);
    None
}

/// Refuses an address that already holds what the gateway appends.
fn unfinished(value: &Value<'_>, base: &str, provider: Option<Provider>) -> Option<String> {
    if let Some(appended) = APPENDED.into_iter().find(|end| base.ends_with(end)) {
        value.problem(format!("must end before {appended}, which the gateway appends"));
    } else if provider != Some(Provider::Azure) {
        return Some(base.to_owned());
    } else if base.ends_with("/openai/v1") {
        value.problem_hint(
            "Azure speaks plain OpenAI at an address that ends in /openai/v1",
            "use provider: openai with it",
        );
    } else if base.ends_with("/openai") || base.contains("/openai/deployments") {
        value.problem_hint(
            "must end before /openai, which the gateway appends with the deployment",
            "e.g. https://my-resource.openai.azure.com, the deployment being `model`",
        );
    } else {
        return Some(base.to_owned());
    }
    None
}

/// Blank is none: `${OPENAI_API_KEY:-}` says "if there is one".
pub(super) fn api_key(value: &Value<'_>) -> Option<Secret> {
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
