//! One configured model and the vendor it belongs to. Holds no key but its own.
use crate::agent::AgentSettings;
use crate::config::TimeoutSettings;
use crate::provider::Provider;
use magic_types::{ProfileName, Secret};
use std::fmt;

/// An entry of `model_list`, complete: defaults and global settings are merged in.
#[derive(Clone)]
pub struct Profile {
    pub name: ProfileName,
    pub provider: Provider,
    /// What its backend speaks: that of the provider, unless the address or the file says otherwise.
    pub dialect: DialectName,
    /// The vendor's name for the model; at Azure the deployment. Fit to stand in a path where it has to (Azure, Google).
    pub model: String,
    /// `http(s)://…` without a trailing slash; the dialect's path is appended to it.
    pub api_base: String,
    /// Azure's `api-version`, e.g. `2024-10-21`. There for Azure, and for nobody else.
    pub api_version: Option<String>,
    /// The profile's own key, instead of its provider's pool.
    pub api_key: Option<Secret>,
    /// Generation parameters that were given and are not null, e.g. `temperature`. A request's own win over them.
    pub params: serde_json::Map<String, serde_json::Value>,
    /// In tokens.
    pub context_window: Option<u32>,
    pub agent: AgentSettings,
    pub timeouts: TimeoutSettings,
}

/// The wire form that a profile's backend speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DialectName {
    /// `POST {api_base}/chat/completions`, and Azure's deployments of it.
    OpenAi,
    /// `POST {api_base}/messages`.
    Anthropic,
    /// `POST {api_base}/models/{model}:generateContent`.
    Google,
}

// === impl Profile ===

// By hand, because generation parameters may hold what `${NAME}` put in.
impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile")
            .field("name", &self.name)
            .field("provider", &self.provider)
            .field("dialect", &self.dialect)
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

// === impl DialectName ===
impl DialectName {
    pub const ALL: [Self; 3] = [Self::OpenAi, Self::Anthropic, Self::Google];

    /// The word in YAML and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Google => "google",
        }
    }
}
