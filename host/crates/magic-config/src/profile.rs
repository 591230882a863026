//! One configured model and the vendor it belongs to. Holds no key but its own.
use crate::agent::AgentSettings;
use crate::config::TimeoutSettings;
use magic_types::{ProfileName, Secret};
use std::fmt;

/// An entry of `model_list`, complete: defaults and global settings are merged in.
#[derive(Clone)]
pub struct Profile {
    pub name: ProfileName,
    pub provider: Provider,
    /// The vendor's name for the model.
    pub model: String,
    /// `http(s)://…` without a trailing slash; `/chat/completions` is appended to it.
    pub api_base: String,
    /// The profile's own key, instead of its provider's pool.
    pub api_key: Option<Secret>,
    /// Generation parameters that were given and are not null, e.g. `temperature`. A request's own win over them.
    pub params: serde_json::Map<String, serde_json::Value>,
    /// In tokens.
    pub context_window: Option<u32>,
    pub agent: AgentSettings,
    pub timeouts: TimeoutSettings,
}

/// The vendor named in YAML: an address, a dialect and a pool of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Provider {
    OpenAi,
    Azure,
    Google,
    Anthropic,
    Mistral,
    DeepSeek,
    Local,
}

// === impl Profile ===

// By hand, because generation parameters may hold what `${NAME}` put in.
impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile")
            .field("name", &self.name)
            .field("provider", &self.provider)
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

impl Profile {
    /// Whether a request cannot be sent without a key: the provider asks for one, or the profile names its own.
    pub fn uses_key(&self) -> bool {
        self.provider.needs_key() || self.api_key.is_some()
    }
}

// === impl Provider ===
impl Provider {
    pub const ALL: [Self; 7] =
        [Self::OpenAi, Self::Azure, Self::Google, Self::Anthropic, Self::Mistral, Self::DeepSeek, Self::Local];

    /// The word in YAML, logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Azure => "azure",
            Self::Google => "google",
            Self::Anthropic => "anthropic",
            Self::Mistral => "mistral",
            Self::DeepSeek => "deepseek",
            Self::Local => "local",
        }
    }

    /// The name of its pool of keys, which is its own.
    pub fn pool_name(self) -> &'static str {
        self.as_str()
    }

    /// The file of its keys in `keys_pool/`, e.g. `keys_pool_openai.env`.
    pub fn keys_file(self) -> String {
        format!("keys_pool_{}.env", self.as_str())
    }

    pub fn needs_key(self) -> bool {
        self != Self::Local
    }

    /// The environment variable that holds a key where there is no file; none for `local`.
    pub fn key_variable(self) -> Option<&'static str> {
        match self {
            Self::OpenAi => Some("OPENAI_API_KEY"),
            Self::Azure => Some("AZURE_OPENAI_API_KEY"),
            Self::Google => Some("GEMINI_API_KEY"),
            Self::Anthropic => Some("ANTHROPIC_API_KEY"),
            Self::Mistral => Some("MISTRAL_API_KEY"),
            Self::DeepSeek => Some("DEEPSEEK_API_KEY"),
            Self::Local => None,
        }
    }

    /// Where it is served, if there is one place; OpenAI's dialect is spoken there.
    pub fn default_api_base(self) -> Option<&'static str> {
        match self {
            Self::OpenAi => Some("https://api.openai.com/v1"),
            Self::Google => Some("https://generativelanguage.googleapis.com/v1beta/openai"),
            Self::Anthropic => Some("https://api.anthropic.com/v1"),
            Self::Mistral => Some("https://api.mistral.ai/v1"),
            Self::DeepSeek => Some("https://api.deepseek.com/v1"),
            Self::Azure | Self::Local => None,
        }
    }
}
