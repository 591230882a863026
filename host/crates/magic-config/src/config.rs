//! The checked config: what the rest of the program may rely on. Immutable; nothing here is checked a second time.
use crate::agent::AgentSettings;
use crate::listener::ListenerSettings;
use crate::profile::Profile;
use crate::provider::Provider;
use crate::strategy::Strategy;
use crate::telemetry::TelemetrySettings;
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
    pub breaker_settings: BreakerSettings,
    /// The global ones; each alias holds its own `hedge_after`, already merged with these.
    pub hedging_settings: HedgingSettings,
    pub streaming_settings: StreamingSettings,
    pub cache_settings: CacheSettings,
    pub telemetry_settings: TelemetrySettings,
    /// Choices offered in the UI only.
    pub provider_model_lists: Vec<(Provider, Vec<String>)>,
}

/// What a client may ask for.
#[derive(Clone, Debug)]
pub struct Alias {
    pub name: AliasName,
    /// At least one; none twice. Its `fallbacks` are the end of it.
    pub chain: Vec<Arc<Profile>>,
    /// How many of the chain the strategy puts in order, from the first on, at least one. The others are its fallbacks.
    pub spread: usize,
    pub strategy: Strategy,
    /// Where a conversation that is too long for a leg may go. None twice; may hold profiles of the chain.
    pub context_window_fallbacks: Vec<Arc<Profile>>,
    /// Where a conversation that a vendor's filter turned away may go. None twice; may hold profiles of the chain.
    pub content_policy_fallbacks: Vec<Arc<Profile>>,
    /// How long a leg may be silent before a second one starts beside it; the global one where the alias says nothing.
    /// `None`: never.
    pub hedge_after: Option<Duration>,
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
    /// Replies of `/v1/responses` that `previous_response_id` can still name.
    pub responses_kept_max: usize,
    pub responses_retention: Duration,
    pub listener: ListenerSettings,
    /// Vendors' addresses may be link-local or those of a cloud's metadata service.
    pub allow_link_local_vendors: bool,
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
    /// How often a key that is not available is tried at a vendor's free endpoint. `None`: never.
    pub recheck: Option<Duration>,
}

/// Of every profile: when it is left alone, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerSettings {
    pub enabled: bool,
    /// Failures of the provider in a row that open the breaker, at least one.
    pub failures: u32,
    /// How long it stays open at first, before it lets a probe through.
    pub open: Duration,
    /// The longest that failed probes can make it; at least `open`.
    pub open_max: Duration,
}

/// A second leg beside a slow first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HedgingSettings {
    /// Silence of the first leg after which the second starts. `None`: never.
    pub after: Option<Duration>,
    /// How many of a hundred requests may be hedged, 0..=100.
    pub budget_percent: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamingSettings {
    pub typewriter_mode: TypewriterMode,
    /// The pace of `TypewriterMode::Proxy`, at least one.
    pub characters_per_second: u32,
    /// Silence after which a comment goes out, so that nobody between us and the client hangs up. Not zero.
    pub keep_alive: Duration,
}

/// How text is paced on its way to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypewriterMode {
    /// As it comes.
    Client,
    /// At `StreamingSettings::characters_per_second`.
    Proxy,
}

/// The cache of replies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheSettings {
    /// There is at least one rule if so.
    pub enabled: bool,
    pub store: CacheStore,
    /// Of all that is kept.
    pub bytes_max: usize,
    /// Of one reply; a larger one is not kept. At most `bytes_max`.
    pub entry_bytes_max: usize,
    /// In the file's order: the first that names a profile holds.
    pub rules: Vec<CacheRule>,
}

/// Where replies are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheStore {
    /// Gone with the process.
    Memory,
    /// In the SQLite file: still there after a restart.
    Disk,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheRule {
    /// Names of profiles, at least one.
    pub model_names: Vec<String>,
    /// Fields of the request, at least one.
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
