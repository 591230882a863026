//! The checked config: what the rest of the program may rely on. Immutable; nothing here is checked a second time.
use crate::agent::AgentSettings;
use crate::profile::{Profile, Provider};
use magic_types::AliasName;
use std::sync::Arc;
use std::time::Duration;

/// Everything `proxy_config.yaml` says, resolved. Fields bear the names of the file's sections.
#[derive(Clone, Debug)]
pub struct Config {
    /// `model_list`, in its order.
    pub profiles: Vec<Arc<Profile>>,
    /// `router_settings.model_group_alias`, in its order.
    pub aliases: Vec<Alias>,
    /// The global settings; each profile holds its own, already merged with these.
    pub agent_settings: AgentSettings,
    pub server_settings: ServerSettings,
    /// The global timeouts; each profile holds its own, already merged with these.
    pub timeout_settings: TimeoutSettings,
    pub key_management_settings: KeyManagementSettings,
    pub streaming_settings: StreamingSettings,
    pub cache_settings: CacheSettings,
    /// Choices offered in the UI only.
    pub provider_model_lists: Vec<(Provider, Vec<String>)>,
}

/// What a client may ask for.
#[derive(Clone, Debug)]
pub struct Alias {
    pub name: AliasName,
    /// At least one; none twice.
    pub chain: Vec<Arc<Profile>>,
    /// That of the chain's first profile, which has the global one where it says nothing. `None`: plain proxying.
    pub reasoning_mode: Option<String>,
    pub description: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    pub body_bytes_max: usize,
    pub connections_max: usize,
    pub requests_in_flight_max: usize,
    /// How long a stopping gateway waits for requests in flight.
    pub drain: Duration,
    pub sessions_parallel_max: usize,
    pub sessions_queued_max: usize,
    /// How long a finished session's log can still be read.
    pub session_retention: Duration,
    pub sessions_kept_max: usize,
}

/// Of one call to a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeoutSettings {
    pub connect: Duration,
    /// Until a stream's first event. A reply that does not stream has none: `total` bounds it.
    pub first_event: Duration,
    /// Between two events of a stream.
    pub idle: Duration,
    pub total: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyManagementSettings {
    pub enable_quarantine: bool,
    /// After 429, where the vendor did not say how long.
    pub quarantine_duration: Duration,
    /// After 402 and kin.
    pub quota_quarantine: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamingSettings {
    pub typewriter_mode: TypewriterMode,
}

/// How text is paced on its way to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypewriterMode {
    /// As it comes.
    Client,
}

/// Checked, but not yet served: `enabled: true` is a problem until the cache exists, so this is never switched on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheSettings {
    pub rules: Vec<CacheRule>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheRule {
    pub model_names: Vec<String>,
    pub include_in_key: Vec<String>,
    pub ttl: Duration,
}

// === impl Config ===
impl Config {
    pub fn alias(&self, name: &str) -> Option<&Alias> {
        self.aliases.iter().find(|alias| alias.name.as_str() == name)
    }

    pub fn profile(&self, name: &str) -> Option<&Arc<Profile>> {
        self.profiles.iter().find(|profile| profile.name.as_str() == name)
    }

    /// The files (system instructions and manifests) that the config names, relative to its own folder, sorted, each
    /// once. The host reads and watches them; a missing one is the host's problem to report.
    pub fn referenced_files(&self) -> Vec<String> {
        let profiles = self.profiles.iter().map(|profile| &profile.agent);
        let settings = std::iter::once(&self.agent_settings).chain(profiles);
        let mut files: Vec<String> =
            settings.flat_map(|agent| agent.system_instruction.iter().chain(&agent.manifests)).cloned().collect();
        files.sort();
        files.dedup();
        files
    }
}
