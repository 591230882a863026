//! One configured model and the vendor it belongs to. Holds no key but its own.
use crate::agent::AgentSettings;
use crate::config::TimeoutSettings;
use crate::provider::Provider;
use crate::strategy::Capabilities;
use magic_types::{ProfileName, Secret, Usage};
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
    pub capabilities: Capabilities,
    /// What it costs: what the file says, else what the shipped table knows of the model. `None`: nobody counts.
    pub price: Option<Price>,
    pub agent: AgentSettings,
    pub timeouts: TimeoutSettings,
}

/// Of a million tokens, in millionths of a currency that is the same for the whole file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    pub input_micros: u64,
    pub output_micros: u64,
    /// Of input that the vendor had in its cache.
    pub cached_input_micros: u64,
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

    /// Whether a request to either goes to the same model at the same address.
    pub fn is_same_place(&self, other: &Self) -> bool {
        (&self.api_base, &self.model, self.dialect, &self.api_version)
            == (&other.api_base, &other.model, other.dialect, &other.api_version)
    }

    /// What a call costs, in millionths; `None`: unknown. Where no key is asked for, nobody sends a bill.
    pub fn cost_micros(&self, usage: &Usage) -> Option<u64> {
        match self.price {
            Some(price) => Some(price.cost_micros(usage)),
            None => (!self.uses_key()).then_some(0),
        }
    }
}

// === impl Price ===
impl Price {
    /// In millionths, rounded up: a call is never free that was not.
    pub fn cost_micros(&self, usage: &Usage) -> u64 {
        const TOKENS: u128 = 1_000_000;
        let fresh = usage.input_tokens.saturating_sub(usage.cached_input_tokens);
        let parts = [
            (fresh, self.input_micros),
            (usage.cached_input_tokens, self.cached_input_micros),
            (usage.output_tokens, self.output_micros),
        ];
        let sum: u128 = parts.iter().map(|(tokens, price)| u128::from(*tokens) * u128::from(*price)).sum();
        u64::try_from(sum.div_ceil(TOKENS)).unwrap_or(u64::MAX)
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
